// An engine driven as the addon drives it, by one thread that waits for its notifications.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "engine.h"
#include "media.h"
#include "sanitizer.h"

namespace kvs_frames::testing {

// A ring's memory, with guard bytes behind every slot.
struct TestRing {
  static constexpr size_t kGuardBytes = 64;
  static constexpr uint8_t kGuard = 0x5a;

  TestRing(int64_t id, int slots, size_t frame_bytes)
      : states(slots, 0),
        slot_bytes(frame_bytes + kGuardBytes),
        pixels(slots * slot_bytes, kGuard),
        memory{id, pixels.data(), slot_bytes, states.data(), slots, nullptr} {}

  bool GuardsHold() const {
    for (size_t slot = 1; slot <= states.size(); ++slot) {
      for (size_t i = 1; i <= kGuardBytes; ++i) {
        if (pixels[slot * slot_bytes - i] != kGuard) return false;
      }
    }
    return true;
  }

  std::vector<int32_t> states;
  size_t slot_bytes;
  std::vector<uint8_t> pixels;
  RingMemory memory;
};

struct Frame {
  int64_t fragment_id;
  int64_t ring_id;
  int slot;
  int width;
  int height;
  size_t bytes;
  double pts_ms;
  double dts_ms;
  double offset_ms;
  double duration_ms;
  int flags;
  double place_ms;
  double place_duration_ms;
  uint64_t hash;  // of the bytes
};

// A `dropped` record.
struct Dropped {
  int64_t fragment_id;
  double offset_ms;
  double duration_ms;
  int pictures;
  int cause;
  size_t before_frame;  // how many frames had come
};

class Harness {
 public:
  explicit Harness(EngineOptions options = {}, int slots = 4)
      : slots_(slots), engine_(std::make_unique<Engine>(options, [this] {
          const std::lock_guard<std::mutex> lock(mutex_);
          ++notifications_;
          changed_.notify_all();
        })) {}

  Engine& engine() { return *engine_; }

  bool Push(int64_t id, const Bytes& init, const Bytes& media) {
    return engine_->Push({id, Span(init), Span(media), std::make_shared<int>(0)}) ==
           Engine::PushResult::kQueued;
  }

  // Answers a `trouble` record with a copy, or gives up.
  void Retry(const Bytes& init, const Bytes& media) {
    engine_->AnswerTrouble(FragmentInput{0, Span(init), Span(media), std::make_shared<int>(0)});
  }
  void GiveUp() { engine_->AnswerTrouble(std::nullopt); }

  // Takes records, answers `layout` records, copies faults and frames and frees slots (unless
  // `hold_frames`), until `done` is true. False after 20 s, with a
  // sanitizer later.
  template <typename Done>
  bool PumpUntil(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20 * kSlowness);
    while (true) {
      std::unique_lock<std::mutex> lock(mutex_);
      const int seen = notifications_;
      lock.unlock();
      TakeAll();
      idle_ = engine_->IsIdle();
      if (done()) return true;
      lock.lock();
      if (!changed_.wait_until(lock, deadline, [&] { return notifications_ != seen; }))
        return false;
    }
  }

  bool PumpUntilIdle() {
    return PumpUntil([this] { return idle_; });
  }
  bool PumpUntilFragments(size_t count) {
    return PumpUntil([=] { return fragments.size() >= count; });
  }
  bool PumpUntilEnded() {
    return PumpUntil([this] { return ended; });
  }

  void Release(int64_t ring_id, int slot) {
    __atomic_store_n(&rings.at(ring_id)->states[slot], 0, __ATOMIC_RELEASE);
  }

  bool hold_frames = false;
  bool answer_rings = true;
  bool read_pixels = true;  // false where another thread frees slots
  std::vector<Frame> frames;
  std::vector<int64_t> fragments;  // ids, in order of their records
  std::vector<int64_t> troubled;   // ids whose `fragment` record says so
  std::vector<int64_t> troubles;   // ids of `trouble` records
  std::function<void(int64_t)> on_trouble;
  std::vector<Fault> faults;
  std::vector<RecordKind> order;
  std::vector<Record> layouts;
  std::vector<Dropped> dropped;
  std::vector<DecoderOpening> openings;
  std::vector<std::vector<LogLine>> logs;
  std::map<int64_t, std::unique_ptr<TestRing>> rings;
  size_t asked_bytes = 0;
  int bursts = 0;  // wakes seen
  bool ended = false;

 private:
  void TakeAll() {
    if (engine_->TakeWake()) ++bursts;
    Record records[3];
    while (const size_t count = engine_->Take(records, 3)) {
      for (size_t i = 0; i < count; ++i) OnRecord(records[i]);
    }
  }

  void OnRecord(const Record& record) {
    const auto kind = static_cast<RecordKind>(record[0]);
    order.push_back(kind);
    switch (kind) {
      case RecordKind::kFrame:
        OnFrame(record);
        break;
      case RecordKind::kLayout:
        layouts.push_back(record);
        if ((static_cast<int>(record[15]) & 1) == 0) break;
        asked_bytes = static_cast<size_t>(record[4]);
        if (answer_rings) AnswerRing();
        break;
      case RecordKind::kFragment:
        fragments.push_back(static_cast<int64_t>(record[1]));
        if (record[4] != 0) troubled.push_back(fragments.back());
        break;
      case RecordKind::kFault:
        faults.push_back(*engine_->TakeFault());
        break;
      case RecordKind::kEnded:
        ended = true;
        break;
      case RecordKind::kTrouble:
        troubles.push_back(static_cast<int64_t>(record[1]));
        if (on_trouble) on_trouble(troubles.back());
        break;
      case RecordKind::kDropped:
        dropped.push_back({static_cast<int64_t>(record[1]), record[2], record[3],
                           static_cast<int>(record[4]), static_cast<int>(record[5]),
                           frames.size()});
        break;
      case RecordKind::kDecoder:
        openings.push_back(*engine_->TakeDecoder());
        break;
      case RecordKind::kLog:
        logs.push_back(*engine_->TakeLog());
        break;
    }
  }

  void OnFrame(const Record& r) {
    const Record& layout = layouts.back();
    Frame frame = {static_cast<int64_t>(r[1]),
                   static_cast<int64_t>(r[2]),
                   static_cast<int>(r[3]),
                   static_cast<int>(layout[1]),
                   static_cast<int>(layout[2]),
                   static_cast<size_t>(r[4]),
                   r[5],
                   r[6],
                   r[7],
                   r[8],
                   static_cast<int>(r[9]),
                   r[10],
                   r[11],
                   1469598103934665603ULL};
    TestRing& ring = *rings.at(frame.ring_id);
    const uint8_t* const bytes = ring.pixels.data() + frame.slot * ring.slot_bytes;
    for (size_t i = 0; read_pixels && i < frame.bytes; ++i) {
      frame.hash = (frame.hash ^ bytes[i]) * 1099511628211ULL;  // FNV-1a
    }
    frames.push_back(frame);
    if (!hold_frames) Release(frame.ring_id, frame.slot);
  }

 public:
  void AnswerRing() {
    const auto id = static_cast<int64_t>(rings.size() + 100);
    rings[id] = std::make_unique<TestRing>(id, slots_, asked_bytes);
    engine_->SetRing(rings[id]->memory);
  }

 private:
  const int slots_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int notifications_ = 0;  // guarded by mutex_
  bool idle_ = false;      // after all was taken
  std::unique_ptr<Engine> engine_;
};

}  // namespace kvs_frames::testing
