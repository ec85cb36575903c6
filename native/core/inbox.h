// What the caller gives the engine's thread, and where that thread waits for it: fragments, rings,
// answers, the end.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>

#include "frame_ring.h"
#include "memory_io.h"

namespace kvs_frames {

// A fragment to decode. `owner` keeps the bytes alive; it is destroyed only in calls of the caller.
struct FragmentInput {
  int64_t id = 0;
  ByteSpan init;  // empty: MPEG-TS
  ByteSpan media;
  std::shared_ptr<void> owner;
  double start_ms = 0;    // when its first picture was taken, Unix ms
  bool is_dated = false;  // start_ms is the stream's own word, not a guess
};

class Inbox {
 public:
  struct Limits {
    size_t fragments;
    size_t bytes;
  };
  enum class RingResult { kAccepted, kNotAsked, kTooSmall };
  enum class AnswerResult { kAccepted, kNotAsked };
  enum class Next { kFragment, kDrain, kFinish, kIdle, kStop };

  explicit Inbox(const Limits& limits) : limits_(limits) {}

  // --- Caller's thread; nothing blocks.

  // False if there is no room. `unfinished`: fragments that left the queue and count as waiting.
  bool Push(FragmentInput fragment, size_t unfinished);
  void Finish();  // idempotent
  RingResult SetRing(RingMemory ring);
  AnswerResult AnswerTrouble(std::optional<FragmentInput> copy);
  void Wake();  // ends a WaitForWake
  // See floor_ms and period_ms; the first ends a WaitForWake.
  void SetFloor(double capture_ms);
  void SetPeriod(double period_ms) { period_ms_.store(period_ms, std::memory_order_relaxed); }
  void Cancel();

  // From Push or Finish on, until Next answers kIdle.
  bool IsBusy() const;
  size_t queued_fragments() const;
  size_t queued_bytes() const;

  // --- Engine's thread. All waits end once cancelled.

  bool IsCancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  const std::atomic<bool>& cancelled() const { return cancelled_; }

  // Pictures taken before that, Unix ms, are too old.
  double floor_ms() const { return floor_ms_.load(std::memory_order_relaxed); }

  // Pictures shall be no less apart than that; 0: as the selection says.
  double period_ms() const { return period_ms_.load(std::memory_order_relaxed); }

  // Waits for work. With `may_drain`, answers kDrain rather than wait. Before it waits it answers
  // kIdle, once.
  Next WaitForWork(bool may_drain, FragmentInput* fragment);

  // The caller is about to be asked for a ring of at least so many bytes a slot; then waits for it.
  // Nothing once cancelled. The memory stays the inbox's.
  void ExpectRing(size_t slot_bytes);
  std::optional<FrameRing> WaitForRing();

  // The same with the answer to a `trouble` record: a fragment, whose owner the engine hands back
  // to the caller, or nothing.
  void ExpectAnswer();
  std::optional<FragmentInput> WaitForAnswer();

  // Until Wake, or any other call of the caller, or that time is over.
  void WaitForWake(std::chrono::milliseconds at_most);

 private:
  const Limits limits_;
  std::atomic<bool> cancelled_{false};
  std::atomic<double> floor_ms_{-std::numeric_limits<double>::infinity()};
  std::atomic<double> period_ms_{0};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::deque<FragmentInput> queue_;
  size_t queued_bytes_ = 0;
  bool finishing_ = false;
  bool finished_ = false;          // kFinish was answered
  bool busy_ = false;              // there is work, or the thread is at it
  size_t needed_slot_bytes_ = 0;   // of the ring that is waited for; else 0
  bool answer_is_needed_ = false;  // to a `trouble` record
  std::optional<FragmentInput> answer_;
  RingMemory ring_;
};

}  // namespace kvs_frames
