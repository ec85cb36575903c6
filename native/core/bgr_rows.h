// The rows of an image, whatever its format, as BGR24.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image.h"

namespace kvs_frames {

class BgrRows {
 public:
  // The image must outlive it.
  explicit BgrRows(const Image& image);

  // Valid until the next call.
  const uint8_t* Row(int row);

 private:
  void ReadYuv(int row);
  void ReadPlane(int row, int channel);  // `channel`: 0 red, 1 green, 2 blue
  float ReadFloat(size_t index) const;

  const Image& image_;
  std::vector<uint8_t> bgr_;
  const float luma_scale_;
  const float chroma_scale_;  // to twice the colour difference
  const float kr_;
  const float kb_;
};

}  // namespace kvs_frames
