// How the samples of a decoded picture lie in memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "av.h"

namespace kvs_frames {

// YUV or gray, planar, of at least 8 bits. Above 8 bits samples are little-endian 16-bit words.
struct SampleForm {
  int bytes = 1;
  int depth = 8;        // bits that count, 8–14
  int right_shift = 0;  // bits below them (P010 has 6)
  bool has_chroma = true;
  bool paired = false;     // U and V take turns in plane 1 (NV12, P010)
  int chroma_shift_x = 0;  // 1: two pixels of a row share a chroma sample
  int chroma_shift_y = 0;  // 1: two rows do
};

// The form's planes: Y, U, V; or Y and pairs.
struct PicturePlanes {
  std::array<const uint8_t*, 3> data{};
  std::array<ptrdiff_t, 3> stride{};  // bytes; may be negative
};

// A format without the range some names carry: YUVJ420P is YUV420P in full range.
struct PlainFormat {
  AVPixelFormat format;
  bool full_range;
};

PlainFormat WithoutRange(AVPixelFormat format);

// Nothing if the format is none of those above.
std::optional<SampleForm> DescribeSamples(AVPixelFormat format);

PicturePlanes PlanesOf(const AVFrame& picture);

}  // namespace kvs_frames
