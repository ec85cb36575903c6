#include "engine_stats.h"

#include <time.h>

#include <algorithm>

namespace kvs_frames {

void TimeCounts::Add(double seconds) {
  const auto* const bound = std::lower_bound(kTimeBounds.begin(), kTimeBounds.end(), seconds);
  ++counts[static_cast<size_t>(bound - kTimeBounds.begin())];
  sum += seconds;
}

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace kvs_frames
