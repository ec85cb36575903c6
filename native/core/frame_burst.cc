#include "frame_burst.h"

#include <utility>

namespace kvs_frames {
namespace {

// Frames that come no further apart than this are held together.
constexpr std::chrono::milliseconds kQuick{20};

// Frames are held until the last free slot is the next picture's, so that decoding goes on while
// the caller wakes, and no longer than this, which is little beside the seconds that a fragment
// takes to arrive.
constexpr std::chrono::milliseconds kMaxHold{40};

}  // namespace

bool FrameBurst::Post(const Record& frame, int free_slots) {
  const auto now = std::chrono::steady_clock::now();
  const bool quick = now - std::exchange(last_frame_, now) < kQuick;
  if (!std::exchange(holding_, true)) held_since_ = now;
  const bool held_long = now - held_since_ >= kMaxHold;
  if (quick && !held_long && free_slots > 1) {
    outbox_.PostQuietly(frame);
    return false;
  }
  holding_ = false;
  return outbox_.Post(frame);
}

bool FrameBurst::Flush() {
  holding_ = false;
  return outbox_.Flush();
}

}  // namespace kvs_frames
