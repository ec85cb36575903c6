// What the converter is to give, in double precision and by definition: slow, and nothing of its
// code is used.
#pragma once

#include <cstdint>
#include <vector>

#include "output.h"
#include "test_picture.h"

namespace kvs_frames::testing {

struct Colors {
  double kr;
  double kb;
  bool full_range;
};

// The numbers of a frame in the order in which they lie in its slot, before rounding.
std::vector<double> ExpectedNumbers(const TestPicture& picture, const OutputOptions& options,
                                    const OutputLayout& layout, const Colors& colors);

// The numbers that lie in a slot.
std::vector<double> NumbersIn(const uint8_t* slot, const OutputOptions& options,
                              const OutputLayout& layout);

}  // namespace kvs_frames::testing
