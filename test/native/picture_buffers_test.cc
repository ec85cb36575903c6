#include "picture_buffers.h"

#include "check.h"

namespace kvs_frames {
namespace {

// A picture of two planes in memory of ours.
struct Buffers {
  UniqueFrame Picture(int number, int stride, size_t bytes) {
    UniqueFrame picture = NewFrame();
    picture->linesize[0] = stride;
    for (int plane = 0; plane < 2; ++plane) {
      const auto keep = [](void* /*opaque*/, uint8_t* /*data*/) {};
      picture->buf[plane] = av_buffer_create(memory + number * 2 + plane, bytes, keep, nullptr, 0);
    }
    return picture;
  }
  uint8_t memory[64] = {};
};

TEST(BuffersAreCountedOnceHoweverOftenTheyAreUsed) {
  Buffers buffers;
  PictureBuffers counted;
  CHECK_EQ(counted.bytes(), int64_t{0});
  for (const int number : {0, 1, 0, 2, 1, 2, 0}) counted.Note(*buffers.Picture(number, 8, 100));
  CHECK_EQ(counted.bytes(), int64_t{600});
}

TEST(PicturesOfAnotherFormHaveBuffersOfTheirOwn) {
  Buffers buffers;
  PictureBuffers counted;
  counted.Note(*buffers.Picture(0, 8, 100));
  counted.Note(*buffers.Picture(1, 8, 100));
  counted.Note(*buffers.Picture(1, 8, 120));
  CHECK_EQ(counted.bytes(), int64_t{240});
  counted.Note(*buffers.Picture(2, 16, 120));
  CHECK_EQ(counted.bytes(), int64_t{240});
  counted.Forget();
  CHECK_EQ(counted.bytes(), int64_t{0});
}

}  // namespace
}  // namespace kvs_frames
