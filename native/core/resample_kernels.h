// The two passes of a separable filter, in fixed point; both give row samples (sample_kernels.h).
//
// No function here allocates, blocks or keeps state.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd.h"

namespace kvs_frames {

constexpr int kColumnWeightBits = 16;
constexpr int kRowWeightBits = 14;

// Rows of a plane, one below the other.
struct PlaneSlice {
  const uint8_t* first;
  ptrdiff_t stride;  // bytes
  int left_shift;    // words only: what makes a sample 16 bits wide
};

struct ResampleKernels {
  // By [samples are 16-bit words]: sums `taps` rows, weighted. Each product is cut to 16 bits, 256
  // of which are one step of 8 bits, and what that takes away on average is given back. Reads and
  // writes exactly `count` samples of each row.
  void (*columns[2])(const PlaneSlice& rows, const uint16_t* weights, int taps, int count,
                     int16_t* out);
  // out[i] is the sum of in[starts[i]] and the taps − 1 samples behind it, by weights[i × taps …],
  // rounded; no weight is above 1 << kRowWeightBits.
  // REQUIRES: taps is 4 or a multiple of 8, count one of 8.
  void (*row)(const int16_t* in, const int32_t* starts, const uint16_t* weights, int taps,
              int count, int16_t* out);
};

const ResampleKernels& ResampleKernelsFor(Simd simd);

}  // namespace kvs_frames
