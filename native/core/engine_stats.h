// An engine's counters, written by its thread and read by its caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace kvs_frames {

// Since construction; binding.d.ts says what each is.
struct EngineStats {
  int64_t fragments = 0;
  int64_t packets = 0;
  int64_t pictures = 0;
  int64_t frames = 0;
  int64_t unselected = 0;
  int64_t late = 0;
  int64_t skipped_packets = 0;
  int64_t faults = 0;
  int64_t decoder_opens = 0;
  int64_t idle_drains = 0;
  int64_t wakes = 0;
  size_t queued_fragments = 0;
  size_t queued_bytes = 0;
  double demux_cpu_seconds = 0;
  double decode_cpu_seconds = 0;
  double convert_cpu_seconds = 0;
};

// Any thread.
class SharedStats {
 public:
  template <typename Change>
  void Count(Change change) {
    const std::lock_guard<std::mutex> lock(mutex_);
    change(stats_);
  }

  EngineStats Get() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return stats_;
  }

 private:
  mutable std::mutex mutex_;
  EngineStats stats_;  // guarded by mutex_
};

// CPU time of the calling thread.
double CpuSeconds();

}  // namespace kvs_frames
