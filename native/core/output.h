// What a frame is to look like in its slot, and how a camera's picture comes to lie in it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace kvs_frames {

enum class OutputFormat {
  kBgr24 = 0,  // height × width × 3 bytes
  kRgb24 = 1,  // likewise
  kGray8 = 2,  // height × width bytes; black is 0, white 255, whatever the stream's range
  kNv12 =
      3,  // height × width luma, then ⌈height/2⌉ × ⌈width/2⌉ pairs of U and V; the stream's range
  kI420 = 4,  // height × width luma, then U, then V, each ⌈height/2⌉ × ⌈width/2⌉; likewise
  kRgbChw = 5,  // three planes of height × width floats: red, green, blue
  kBgrChw = 6,  // likewise: blue, green, red
};

enum class FloatType { kFloat32 = 0, kFloat16 = 1 };

enum class Fit {
  kStretch = 0,  // both sides as asked for
  kContain = 1,  // all of the picture, centred, the rest padded
  kCover = 2,    // all of the output, what sticks out is cut off on both sides alike
};

// A part of a camera's picture, in pixels.
struct CropRect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

struct OutputOptions {
  OutputFormat format = OutputFormat::kBgr24;
  FloatType float_type = FloatType::kFloat32;
  // 0: that of the (cropped) picture; with one of them given, the other follows its aspect ratio.
  int width = 0;
  int height = 0;
  Fit fit = Fit::kStretch;
  std::optional<CropRect> crop;               // before the fit
  std::array<uint8_t, 3> pad{114, 114, 114};  // red, green, blue
  // Floats are level × factor + offset, level being 0–255, per channel red, green, blue.
  std::array<float, 3> factor{1.0f / 255, 1.0f / 255, 1.0f / 255};
  std::array<float, 3> offset{0, 0, 0};
};

// How pictures of one form lie in a slot. Source coordinates are continuous: the picture reaches
// from (0, 0) to (source_width, source_height), a pixel's centre lies at + 0.5.
struct OutputLayout {
  int width = 0;
  int height = 0;
  size_t stride = 0;  // bytes from row to row of the first plane
  size_t bytes = 0;   // of a whole frame
  int source_width = 0;
  int source_height = 0;
  // The part of the source that is shown …
  double source_x = 0;
  double source_y = 0;
  double source_w = 0;
  double source_h = 0;
  // … and where: whole pixels (even ones for the 4:2:0 formats), the rest is padding.
  int x = 0;
  int y = 0;
  int w = 0;
  int h = 0;
  // What the samples of kNv12 and kI420 mean, for other formats 0: a number of ITU-T H.273, table 4
  // (MatrixCoefficients), and the range.
  int matrix = 0;
  bool full_range = false;
};

}  // namespace kvs_frames
