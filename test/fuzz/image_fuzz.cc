// Frames as files and in fewer pixels. Options of 16 bytes, then samples.
#include <cstring>
#include <limits>
#include <string>

#include "fuzz_input.h"
#include "image_encoder.h"
#include "image_shrinker.h"

namespace kvs_frames::fuzz {
namespace {

size_t BytesOf(const Image& image) {
  const auto width = static_cast<size_t>(image.width);
  const auto height = static_cast<size_t>(image.height);
  const size_t pixels = width * height;
  const size_t chroma = 2 * ((width + 1) / 2) * ((height + 1) / 2);
  switch (image.format) {
    case OutputFormat::kBgr24:
    case OutputFormat::kRgb24:
      return 3 * pixels;
    case OutputFormat::kGray8:
      return pixels;
    case OutputFormat::kNv12:
    case OutputFormat::kI420:
      return pixels + chroma;
    case OutputFormat::kRgbChw:
    case OutputFormat::kBgrChw:
      break;
  }
  return 3 * pixels * (image.float_type == FloatType::kFloat32 ? 4 : 2);
}

float Factor(int byte) {
  constexpr float kOdd[] = {3.4e38f, -3.4e38f, std::numeric_limits<float>::denorm_min(), 1e-30f};
  if (byte < 4) return kOdd[byte];
  return static_cast<float>(byte) / 64;
}

struct LumaPair {
  double kr;
  double kb;
};
constexpr LumaPair kWeights[] = {
    {0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}, {0.212, 0.087}};

void Run(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Image image;
  image.format = static_cast<OutputFormat>(input.Byte() % 7);
  const int kind = input.Byte();
  image.float_type = (kind & 1) != 0 ? FloatType::kFloat16 : FloatType::kFloat32;
  image.full_range = (kind & 2) != 0;
  image.kr = kWeights[(kind >> 2) & 3].kr;
  image.kb = kWeights[(kind >> 2) & 3].kb;
  const ImageType type = (kind & 0x10) != 0 ? ImageType::kPng : ImageType::kJpeg;
  const int quality = 1 + input.Byte() % 100;
  const int width = input.Word();
  image.width = 1 + (width < 0xf000 ? width % 130 : width % 8192);
  image.height = 1 + input.Byte() % (image.width > 130 ? 8 : 130);
  const int smaller_width = 1 + input.Word() % image.width;
  const int smaller_height = 1 + input.Byte() % image.height;
  for (size_t i = 0; i < 3; ++i) {
    image.factor[i] = Factor(input.Byte());
    image.offset[i] = static_cast<float>(input.Byte() - 128);
  }
  std::vector<uint8_t> pixels(BytesOf(image));
  const ByteSpan given = input.Take(pixels.size());
  for (size_t i = 0; i < pixels.size(); ++i) {
    // The bytes given, again and again, each time others.
    const size_t turn = given.size == 0 ? i : i / given.size;
    const uint8_t byte = given.size == 0 ? 0 : given.data[i % given.size];
    pixels[i] = static_cast<uint8_t>(byte + turn * 37);
  }
  image.pixels = pixels.data();

  std::vector<uint8_t> smaller;
  const Image shrunk = ShrinkImage(image, smaller_width, smaller_height, &smaller);
  FUZZ_CHECK(shrunk.width == smaller_width && shrunk.height == smaller_height);
  std::string error;
  for (const Image& one : {image, shrunk}) {
    const UniquePacket file = EncodeImage(one, type, quality, &error);
    FUZZ_CHECK(file != nullptr && file->size > 20);
    const bool is_jpeg = file->data[0] == 0xff && file->data[1] == 0xd8;
    FUZZ_CHECK(is_jpeg == (type == ImageType::kJpeg));
  }
}

}  // namespace
}  // namespace kvs_frames::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kvs_frames::fuzz::Run(data, size);
  return 0;
}
