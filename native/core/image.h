// A frame's pixels, for those who make a file of them.
#pragma once

#include <array>
#include <cstdint>

#include "output.h"

namespace kvs_frames {

// A frame in memory, as OutputFormat describes it, without gaps between rows or planes.
struct Image {
  const uint8_t* pixels = nullptr;
  int width = 0;  // 1–8192, likewise the height
  int height = 0;
  OutputFormat format = OutputFormat::kBgr24;
  FloatType float_type = FloatType::kFloat32;
  // Of the planes of floats, as in OutputOptions; no factor is 0.
  std::array<float, 3> factor{1.0f / 255, 1.0f / 255, 1.0f / 255};
  std::array<float, 3> offset{0, 0, 0};
  // Of kNv12 and kI420: the weights of red and blue in luma (ITU-T H.273, table 4), and the range.
  double kr = 0.299;
  double kb = 0.114;
  bool full_range = false;
};

}  // namespace kvs_frames
