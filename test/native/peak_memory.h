// The most memory that this process has had; 0 under sanitizers, which have notes on every piece and
// hold back what was freed.
#pragma once

#include <sys/resource.h>

namespace kvs_frames::testing {

inline long PeakKib() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;
#else
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
#endif
}

}  // namespace kvs_frames::testing
