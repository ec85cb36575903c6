#include "picture_buffers.h"

#include <algorithm>

namespace kvs_frames {

void PictureBuffers::Note(const AVFrame& picture) {
  int64_t bytes = 0;
  for (const AVBufferRef* const plane : picture.buf) {
    if (plane != nullptr) bytes += static_cast<int64_t>(plane->size);
  }
  if (bytes != picture_bytes_ || picture.linesize[0] != stride_) {
    Forget();
    picture_bytes_ = bytes;
    stride_ = picture.linesize[0];
  }
  const uint8_t* const first = picture.buf[0]->data;
  if (std::find(seen_.begin(), seen_.end(), first) == seen_.end()) seen_.push_back(first);
}

void PictureBuffers::Forget() {
  seen_.clear();
  picture_bytes_ = 0;
  stride_ = 0;
}

}  // namespace kvs_frames
