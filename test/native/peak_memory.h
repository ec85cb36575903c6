// The most memory that this process has had; 0 under sanitizers, which have notes on every piece
// and hold back what was freed.
#pragma once

#include <sys/resource.h>

#include "sanitizer.h"

namespace kvs_frames::testing {

inline long PeakKib() {
  if (kIsSanitized) return 0;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace kvs_frames::testing
