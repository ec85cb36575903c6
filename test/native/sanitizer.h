// Whether a sanitizer runs that makes all slow and keeps memory of its own.
#pragma once

namespace kvs_frames::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

// How much longer all may take than without one.
constexpr int kSlowness = kIsSanitized ? 10 : 1;

}  // namespace kvs_frames::testing
