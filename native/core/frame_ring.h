// The memory frames are written to: equal slots in one piece that JavaScript allocated, each with
// an atomic state beside it.
//
// A slot goes 0 free → 1 being written (TryAcquire) → 2 holds a frame (Publish) → 0 (whoever is
// done with the frame says so, on any thread, in one atomic step and with no other signal). While
// other threads share the frame JavaScript keeps a high bit set for each, so the state is not 0.
//
// With blocks, the slots of a block are taken in order, by several rings (of one engine each) over
// the same memory. Who takes the first slot of a block reserves all of them; the next one to be
// taken is at the cursor, which is moved on atomically, past blocks that are in use. An abandoned
// slot keeps its place in the block, in a state of its own. JavaScript may move the cursor to the
// next block early.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace kvs_frames {

enum class SlotState : int32_t {
  kFree = 0,
  kWriting = 1,
  kFrame = 2,
  kAbandoned = 3,  // blocks only: taken and given up; free as soon as its block is
  kReserved = 4,   // blocks only: of a block that is being filled
};

// Where a ring lies. Plain values; `owner` keeps the memory alive and must be destroyed on the
// thread that made it.
struct RingMemory {
  int64_t id = 0;
  uint8_t* pixels = nullptr;  // slot_count × slot_bytes
  size_t slot_bytes = 0;
  int32_t* states = nullptr;  // slot_count
  int slot_count = 0;
  std::shared_ptr<void> owner;
  int block_slots = 0;        // divides slot_count; 0: no blocks
  int32_t* cursor = nullptr;  // with blocks: its values, as binding.d.ts has them
  int writer = 0;             // this ring's number among those over the same memory
};

// Hands out slots. Not thread-safe itself (one writer); the memory is shared.
class FrameRing {
 public:
  using Clock = std::chrono::steady_clock;

  FrameRing() = default;
  explicit FrameRing(const RingMemory& memory, Clock::time_point (*now)() = &Clock::now);

  // A slot, now marked as being written, or -1 if there is none. Never blocks.
  //
  // Without blocks it is the first free one: a fast reader thus gets few slots again and again,
  // which stay in the processor's cache, and slots that are never needed cost no memory. With
  // blocks it is the next one of the block that is being filled, or the first of the next block
  // that is free, in the ring's order. It is refused while every block is in use, and for a while
  // when this ring has had its share of the block: the block's slots divided by the number of rings
  // that write. Other rings then go first; if none does within 20 ms, the rest of the block is for
  // all.
  int TryAcquire();

  // REQUIRES: TryAcquire gave `slot` and it was neither published nor abandoned since.
  void Publish(int slot);
  void Abandon(int slot);

  // The owner has nothing to write for a while: others need not leave it a share. Until TryAcquire.
  void Rest();

  // Slots that TryAcquire could give now if no other ring took them; more may become free.
  int CountFree() const;

  uint8_t* Pixels(int slot) const { return pixels_ + static_cast<size_t>(slot) * slot_bytes_; }
  int64_t id() const { return id_; }

 private:
  int TryAcquireAny();
  int TryAcquireNext();
  int Take(int32_t ticket);
  int32_t FindFreeBlock(int32_t ticket) const;
  bool TryBeginBlock(int32_t ticket, int32_t block_ticket);
  bool IsBlockFree(int first_slot) const;
  bool MustLeaveToOthers(int32_t ticket);
  void Count(int32_t ticket);
  int32_t NextTicket() const;
  int32_t After(int32_t ticket, int slots) const;
  int SlotOf(int32_t ticket) const { return ticket % slot_count_; }
  void Store(int slot, SlotState state);

  int64_t id_ = 0;
  uint8_t* pixels_ = nullptr;
  size_t slot_bytes_ = 0;
  int32_t* states_ = nullptr;
  int slot_count_ = 0;
  int block_slots_ = 0;
  int32_t* cursor_ = nullptr;
  int32_t mark_ = 0;  // the writer's number, as it stands in the states
  Clock::time_point (*now_)() = &Clock::now;

  bool is_writing_ = false;  // counted in the cursor's second value
  int32_t block_ = -1;       // the block that this ring took from last, and how much
  int taken_ = 0;
  bool share_is_lifted_ = false;  // nobody wanted the rest of that block
  int32_t held_at_ = -1;  // the cursor when a slot was refused, and since when it stands there
  Clock::time_point held_since_;
};

}  // namespace kvs_frames
