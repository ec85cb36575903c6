// Rows of samples → rows of other samples, one by one. A row sample is a 15-bit number: a sample of
// any depth shifted up, so that 128 is one step of 8 bits.
//
// No function here allocates, blocks or keeps state; none reads or writes beyond `count`. Pointers
// to bytes need no alignment.
#pragma once

#include <cstdint>

#include "simd.h"

namespace kvs_frames {

// Row sample → byte: (sample − offset) × factor + bias, rounded, between 0 and 255.
struct LevelMap {
  int16_t offset;
  int16_t factor;  // Q14; 1 << 14 makes 128 one level
  int16_t bias;    // Q6: 64 is one level
};

struct SampleKernels {
  // Bytes to row samples.
  void (*widen_bytes)(const uint8_t* in, int count, int16_t* out);
  // 16-bit words, shifted right, then left, likewise.
  void (*widen_words)(const uint8_t* in, int right, int left, int count, int16_t* out);
  // out[i] = in[(i + phase) / 2]; phase is 0 or 1.
  void (*repeat)(const int16_t* in, int phase, int count, int16_t* out);
  // Pairs to two rows of `count` each.
  void (*split)(const int16_t* pairs, int count, int16_t* first, int16_t* second);
  void (*split_bytes)(const uint8_t* pairs, int count, uint8_t* first, uint8_t* second);
  // Two rows of `count` each to pairs.
  void (*merge_bytes)(const uint8_t* first, const uint8_t* second, int count, uint8_t* pairs);
  void (*to_levels)(const int16_t* in, int count, const LevelMap& map, uint8_t* out);
};

const SampleKernels& SampleKernelsFor(Simd simd);

}  // namespace kvs_frames
