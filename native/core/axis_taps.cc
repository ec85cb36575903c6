#include "axis_taps.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace kvs_frames {
namespace {

// The samples within reach of one output sample.
struct Reach {
  int low;
  int high;
};

Reach ReachOf(double center, double radius, const Axis& axis) {
  // Of samples whose centre lies just at the radius, and weighs nothing, none is counted.
  const int low = static_cast<int>(std::floor(center - radius - 0.5)) + 1;
  const int high = static_cast<int>(std::ceil(center + radius - 0.5));
  Reach reach = {std::clamp(low, axis.low, axis.high - 1),
                 std::clamp(high, axis.low + 1, axis.high)};
  reach.high = std::max(reach.high, reach.low + 1);
  return reach;
}

}  // namespace

AxisTaps MakeTaps(const Axis& axis, int bits) {
  const double radius = std::max(1.0, axis.step);
  AxisTaps made;
  made.low = axis.high;
  made.high = axis.low;
  for (int k = 0; k < axis.count; ++k) {
    const Reach reach = ReachOf(axis.first + k * axis.step, radius, axis);
    made.taps = std::max(made.taps, reach.high - reach.low);
    made.low = std::min(made.low, reach.low);
    made.high = std::max(made.high, reach.high);
  }
  made.starts.resize(axis.count);
  made.weights.assign(static_cast<size_t>(axis.count) * made.taps, 0);
  std::vector<double> exact(made.taps);
  for (int k = 0; k < axis.count; ++k) {
    const double center = axis.first + k * axis.step;
    const Reach reach = ReachOf(center, radius, axis);
    const int start = std::min(reach.low, made.high - made.taps);
    made.starts[k] = start - made.low;
    double sum = 0;
    for (int tap = 0; tap < made.taps; ++tap) {
      exact[tap] = std::max(0.0, 1 - std::abs(start + tap + 0.5 - center) / radius);
      sum += exact[tap];
    }
    // Running sums are rounded, not weights: so the errors of neighbours cancel, and the last is 1.
    uint16_t* const weights = made.weights.data() + static_cast<size_t>(k) * made.taps;
    double running = 0;
    long before = 0;
    for (int tap = 0; tap < made.taps; ++tap) {
      running += exact[tap];
      const long now = std::lround(running / sum * (1 << bits));
      weights[tap] = static_cast<uint16_t>(std::min(now - before, 65535L));
      before = now;
    }
  }
  return made;
}

AxisTaps PadTaps(const AxisTaps& taps) {
  AxisTaps made = taps;
  made.taps = taps.taps <= 4 ? 4 : RoundUpTo8(taps.taps);
  const size_t count = taps.starts.size();
  const size_t padded = RoundUpTo8(static_cast<int>(count));
  made.starts.resize(padded, 0);
  made.weights.assign(padded * made.taps, 0);
  for (size_t k = 0; k < count; ++k) {
    std::copy_n(taps.weights.begin() + static_cast<ptrdiff_t>(k * taps.taps), taps.taps,
                made.weights.begin() + static_cast<ptrdiff_t>(k * made.taps));
  }
  return made;
}

}  // namespace kvs_frames
