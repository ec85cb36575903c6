// Rows of planar YUV → rows of BGR24, in fixed point.
//
// Chroma is nearest (replicated). Every kernel gives the same bytes; each channel differs by at
// most 1 from exact arithmetic rounded to nearest, on 8 to 14 bits. No function here allocates,
// blocks or keeps state.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd.h"

namespace kvs_frames {

// What the numbers in the planes mean.
struct YuvForm {
  double kr = 0.299;  // weight of red in luma (ITU-T H.273, table 4)
  double kb = 0.114;  // weight of blue in luma
  bool full_range = false;
  int depth = 8;  // bits per sample, 8–14; above 8 samples are little-endian 16-bit words
};

// The form as the kernels use it. All products are Q6: 64 is one level of output.
struct YuvCoefficients {
  int16_t luma_shift;    // left shift that makes a sample 15 bits wide
  int16_t chroma_shift;  // left shift that makes a sample 16 bits wide
  int16_t luma_offset;   // black, after the shift
  int16_t luma;
  int16_t red_v;
  int16_t green_u;
  int16_t green_v;
  int16_t blue_u;
};

YuvCoefficients MakeCoefficients(const YuvForm& form);

// The same for samples that were shifted up to 15 bits already, as `PlaneRows` gives them.
YuvCoefficients MakeRowCoefficients(const YuvForm& form);

// With these and with U and V exchanged, the kernels write red first.
YuvCoefficients RedFirst(const YuvCoefficients& coefficients);

// Converts one row. `y` has `width` samples; `u` and `v` have as many, or (width + 1) / 2 where a
// pair of pixels shares them. Exactly width × 3 bytes of `bgr` are written, and no sample beyond
// the row is read. Pointers need no alignment.
using YuvRowKernel = void (*)(const uint8_t* y, const uint8_t* u, const uint8_t* v, uint8_t* bgr,
                              int width, const YuvCoefficients& coefficients);

struct BgrKernels {
  // By [samples are 16-bit words][each pixel has chroma of its own].
  YuvRowKernel rows[2][2];
};

const BgrKernels& BgrKernelsFor(Simd simd);

}  // namespace kvs_frames
