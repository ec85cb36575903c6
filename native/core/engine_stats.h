// An engine's counters, written by its thread and read by its caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace kvs_frames {

// Upper bounds of what TimeCounts tells apart, in seconds: from a small picture to the largest.
constexpr std::array<double, 13> kTimeBounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                0.025,  0.05,    0.1,    0.25,  0.5,    1.0};

// How often something took how long.
struct TimeCounts {
  // By kTimeBounds: of times up to each bound and above the one before; the last is of those above
  // all.
  std::array<int64_t, kTimeBounds.size() + 1> counts{};
  double sum = 0;  // seconds

  void Add(double seconds);
};

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
  TimeCounts decode_times;
  TimeCounts convert_times;
  int64_t picture_bytes = 0;
  int64_t libav_calls = 0;
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
