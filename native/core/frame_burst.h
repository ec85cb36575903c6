// Frames that come quickly are told of together.
//
// A wake costs the caller's thread tens of microseconds, more than all else it does for a frame.
#pragma once

#include <chrono>

#include "outbox.h"

namespace kvs_frames {

// One thread: the engine's. Both methods answer whether the caller must be notified now.
class FrameBurst {
 public:
  explicit FrameBurst(Outbox& outbox) : outbox_(outbox) {}

  // Posts a `frame` record. The caller is told of it together with later ones while they come
  // quickly and `free_slots` of the ring are left for them.
  bool Post(const Record& frame, int free_slots);

  // No frame comes for a while: what was posted is told of.
  bool Flush();

 private:
  Outbox& outbox_;
  bool holding_ = false;  // frames were posted and not told of
  std::chrono::steady_clock::time_point held_since_;
  std::chrono::steady_clock::time_point last_frame_;
};

}  // namespace kvs_frames
