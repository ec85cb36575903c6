// The memory frames are written to: equal slots in one block that JavaScript allocated, each with
// an atomic state beside it.
//
// A slot goes 0 free → 1 being written (TryAcquire) → 2 holds a frame (Publish) → 0 (whoever is
// done with the frame stores 0, on any thread, with an atomic store and no other signal).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace kvs_frames {

enum class SlotState : int32_t { kFree = 0, kWriting = 1, kFrame = 2 };

// Where a ring lies. Plain values; `owner` keeps the memory alive and must be destroyed on the
// thread that made it.
struct RingMemory {
  int64_t id = 0;
  uint8_t* pixels = nullptr;  // slot_count × slot_bytes
  size_t slot_bytes = 0;
  int32_t* states = nullptr;  // slot_count
  int slot_count = 0;
  std::shared_ptr<void> owner;
};

// Hands out slots. Not thread-safe itself (one writer); the states are shared.
class FrameRing {
 public:
  FrameRing() = default;
  explicit FrameRing(const RingMemory& memory);

  // The first free slot, now marked as being written, or -1 if there is none. Never blocks. A fast
  // reader thus gets few slots again and again: they stay in the processor's cache, and slots that
  // are never needed cost no memory.
  int TryAcquire();

  // REQUIRES: TryAcquire gave `slot` and it was neither published nor abandoned since.
  void Publish(int slot);
  void Abandon(int slot);

  // Slots that TryAcquire could give now; more may become free at any moment.
  int CountFree() const;

  uint8_t* Pixels(int slot) const { return pixels_ + static_cast<size_t>(slot) * slot_bytes_; }
  int64_t id() const { return id_; }

 private:
  void Store(int slot, SlotState state);

  int64_t id_ = 0;
  uint8_t* pixels_ = nullptr;
  size_t slot_bytes_ = 0;
  int32_t* states_ = nullptr;
  int slot_count_ = 0;
};

}  // namespace kvs_frames
