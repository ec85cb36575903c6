// Along one axis of a plane: which samples make an output sample, and how much each weighs.
#pragma once

#include <cstdint>
#include <vector>

namespace kvs_frames {

// Sample s of the plane reaches from s to s + 1; output sample k is centred at first + k × step.
struct Axis {
  double first = 0;
  double step = 1;
  int count = 0;
  // Only samples from `low` up to and without `high` exist.
  int low = 0;
  int high = 0;

  // Whether output sample k is just sample low + k.
  bool IsPlain() const { return step == 1 && first == low + 0.5 && count <= high - low; }
};

// The filter is a triangle, 1 at its centre and 0 at a distance of `radius`, which is 1, or `step`
// where there are fewer output samples than samples: bilinear interpolation, and without aliasing
// when reducing (what Pillow and torchvision call antialiased bilinear). Samples that do not exist
// weigh nothing, and the others sum up to 1.
struct AxisTaps {
  int taps = 0;                   // weights per output sample
  int low = 0;                    // the first sample that any output sample needs
  int high = 0;                   // behind the last
  std::vector<int32_t> starts;    // of each output sample: its first sample, counted from `low`
  std::vector<uint16_t> weights;  // `taps` of each output sample
};

// Weights are fractions of 1 << bits, and sum up to just that, but that one which would need 17
// bits is one less. All samples that have a weight in `taps` exist, also where it is 0.
AxisTaps MakeTaps(const Axis& axis, int bits);

// The same taps as ResampleKernels::row wants them: 4 or a multiple of 8, and as many output
// samples as make a multiple of 8. Some of those with weight 0 lie behind `high`, by less than
// `taps`.
AxisTaps PadTaps(const AxisTaps& taps);

// The next multiple of 8.
constexpr int RoundUpTo8(int count) { return (count + 7) / 8 * 8; }

}  // namespace kvs_frames
