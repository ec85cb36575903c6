// The most memory that this process has had.
#pragma once

#include <sys/resource.h>

namespace kvs_frames::testing {

inline long PeakKib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace kvs_frames::testing
