// Rows of row samples (sample_kernels.h) → rows of floats, a plane per channel.
//
// The colour arithmetic is done in floats and not rounded to whole levels; a level is kept between
// 0 and 255. Every kernel gives the same bits; half floats are rounded to nearest, ties to even.
// No function here allocates, blocks or keeps state.
#pragma once

#include <cstdint>

#include "simd.h"
#include "yuv_to_bgr.h"

namespace kvs_frames {

// level = luma × y + … of u, … of v + black, per channel; number = level × factor + offset.
struct FloatForm {
  float luma;
  float red_v;
  float green_u;
  float green_v;
  float blue_u;
  float black[3];  // red, green, blue; as the two below
  float factor[3];
  float offset[3];
};

FloatForm MakeFloatForm(const YuvForm& form, const float (&factor)[3], const float (&offset)[3]);

// The number as a half float.
uint16_t ToHalf(float number);

// Writes `count` numbers each to `red`, `green` and `blue`, which need no alignment.
using FloatRowKernel = void (*)(const int16_t* y, const int16_t* u, const int16_t* v, int count,
                                const FloatForm& form, uint8_t* red, uint8_t* green, uint8_t* blue);

struct FloatKernels {
  FloatRowKernel rows[2];  // by [half floats]
};

const FloatKernels& FloatKernelsFor(Simd simd);

}  // namespace kvs_frames
