// Pixels of a slot → a JPEG or PNG file in memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "av.h"
#include "output.h"

namespace kvs_frames {

enum class ImageType { kJpeg, kPng };

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

// PNG: RGB of 8 bits, or gray for kGray8, without loss. JPEG: JFIF, 4:2:0, full-range BT.601, with
// chroma averaged over its four pixels; `quality`, 1–100, scales the quantisation tables of ITU-T
// T.81 annex K as libjpeg does, but for their first number, which is 8 at any quality. Floats are
// rounded back to levels. Planes that are full-range BT.601 already go into a JPEG as they are.
//
// Answers null, and why in `*error`, if libavcodec can't do it. Any thread; takes some 10 ms for a
// JPEG of 1080p, several times as long for a PNG.
UniquePacket EncodeImage(const Image& image, ImageType type, int quality, std::string* error);

}  // namespace kvs_frames
