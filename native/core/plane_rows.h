// The rows of one plane of a picture, or of the pairs of two, as the output wants them: as row
// samples (sample_kernels.h), as many rows and columns as the output has.
#pragma once

#include <cstdint>
#include <vector>

#include "axis_taps.h"
#include "kernels.h"
#include "picture_planes.h"

namespace kvs_frames {

// Along one axis, output sample k is sample (start + k) >> shift.
struct NearestAxis {
  int start = 0;
  int shift = 0;  // 1: pairs share a sample
  int count = 0;
};

class PlaneRows {
 public:
  explicit PlaneRows(const Kernels& kernels) : kernels_(kernels) {}

  // Samples are taken as they are, or filtered. `paired`: the plane has pairs, and each row becomes
  // two. These allocate.
  void SetNearest(const SampleForm& form, bool paired, const NearestAxis& columns,
                  const NearestAxis& rows);
  void SetFiltered(const SampleForm& form, bool paired, const Axis& columns, const Axis& rows);

  // Whether the output row is the same as the one before it.
  bool Repeats(int row) const;

  // Makes an output row, the one of the pairs' second samples in `second`. Both have room for
  // RoundUpTo8 of the columns.
  void Read(int row, const uint8_t* plane, ptrdiff_t stride, int16_t* first, int16_t* second);

 private:
  void ReadNearest(int row, const uint8_t* plane, ptrdiff_t stride, int16_t* first,
                   int16_t* second);
  void Allocate(int samples);

  const Kernels& kernels_;
  SampleForm form_;
  bool paired_ = false;
  bool filtered_ = false;
  // Not filtered
  NearestAxis columns_;
  NearestAxis rows_;
  // Filtered
  AxisTaps column_taps_;
  AxisTaps row_taps_;  // padded
  // Rows between two steps.
  std::vector<int16_t> whole_;
  std::vector<int16_t> first_;
  std::vector<int16_t> second_;
};

}  // namespace kvs_frames
