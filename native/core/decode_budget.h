// How long one fragment keeps the decoder busy, and whether that is too long.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "fault.h"

namespace kvs_frames {

// Engine's thread, but for `calls`.
class DecodeBudget {
 public:
  // One call of libav's.
  class Call {
   public:
    explicit Call(DecodeBudget& budget) : budget_(budget) {
      budget_.calls_.fetch_add(1, std::memory_order_relaxed);
    }
    ~Call() {
      budget_.calls_.fetch_add(1, std::memory_order_relaxed);
      budget_.spent_ += std::chrono::steady_clock::now() - begun_;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    DecodeBudget& budget_;
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  };

  // `by_clock`: libav's own threads or a device do the work, so that only the clock tells.
  DecodeBudget(double seconds, bool by_clock) : seconds_(seconds), by_clock_(by_clock) {}

  // A fragment begins. `decode_cpu`: seconds of processor time that decoding has taken so far.
  void Begin(double decode_cpu) {
    spent_ = {};
    cpu_before_ = decode_cpu;
  }

  // Whether the clock says that it is spent. Else the processor time does not either.
  bool MayBeSpent() const { return Seconds() >= seconds_; }

  // A process that was suspended, or a host with too much to do, takes time but not the decoder's.
  bool IsSpent(double decode_cpu) const {
    return MayBeSpent() && (by_clock_ || decode_cpu - cpu_before_ >= seconds_);
  }

  // The fault of a fragment that was cut off after `done` of its packets.
  Fault Explain(size_t done, size_t packets) const;

  // Grows with each call's begin and end, so it is odd while one lasts. Any thread.
  int64_t calls() const { return calls_.load(std::memory_order_relaxed); }

 private:
  double Seconds() const { return std::chrono::duration<double>(spent_).count(); }

  const double seconds_;
  const bool by_clock_;
  std::chrono::steady_clock::duration spent_{};
  double cpu_before_ = 0;
  std::atomic<int64_t> calls_{0};
};

}  // namespace kvs_frames
