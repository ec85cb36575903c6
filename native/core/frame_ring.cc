#include "frame_ring.h"

namespace kvs_frames {
namespace {

constexpr int kStateBits = 3;
constexpr int32_t kStateMask = (1 << kStateBits) - 1;

// The cursor's values.
constexpr int kNext = 0;
constexpr int kWriters = 1;
constexpr int kBegun = 2;  // of the first block; the others' follow
// The cursor counts on through so many slots before it begins again: one that was read long ago is
// not taken for the one of today.
constexpr int32_t kCursorSpan = 1 << 30;
constexpr int32_t kNoTicket = -1;

// Longer than the decoding of most pictures, and little beside the age of a live picture.
constexpr std::chrono::milliseconds kPatience{20};

// The states are JavaScript's plain int32s, so std::atomic cannot hold them.
bool CompareExchange(int32_t* value, int32_t expected, int32_t desired) {
  return __atomic_compare_exchange_n(value, &expected, desired, /*weak=*/false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

bool IsAvailable(int32_t state) {
  return state == static_cast<int32_t>(SlotState::kFree) ||
         (state & kStateMask) == static_cast<int32_t>(SlotState::kAbandoned);
}

}  // namespace

FrameRing::FrameRing(const RingMemory& memory, Clock::time_point (*now)())
    : id_(memory.id),
      pixels_(memory.pixels),
      slot_bytes_(memory.slot_bytes),
      states_(memory.states),
      slot_count_(memory.slot_count),
      block_slots_(memory.block_slots),
      cursor_(memory.cursor),
      mark_(memory.block_slots == 0 ? 0 : static_cast<int32_t>(memory.writer) << kStateBits),
      now_(now) {}

int FrameRing::TryAcquire() { return block_slots_ == 0 ? TryAcquireAny() : TryAcquireNext(); }

int FrameRing::TryAcquireAny() {
  for (int slot = 0; slot < slot_count_; ++slot) {
    // Acquire pairs with the reader's store of 0: its last read of the pixels comes before our
    // first write.
    if (CompareExchange(&states_[slot], static_cast<int32_t>(SlotState::kFree),
                        static_cast<int32_t>(SlotState::kWriting))) {
      return slot;
    }
  }
  return -1;
}

int FrameRing::TryAcquireNext() {
  if (!is_writing_) {
    is_writing_ = true;
    __atomic_fetch_add(&cursor_[kWriters], 1, __ATOMIC_RELAXED);
  }
  for (;;) {
    const int32_t ticket = NextTicket();
    if (ticket % block_slots_ == 0) {
      const int32_t block_ticket = FindFreeBlock(ticket);
      if (block_ticket != kNoTicket && TryBeginBlock(ticket, block_ticket)) {
        return Take(block_ticket);
      }
      // Another ring may be at it, or have done it.
      if (NextTicket() == ticket) return -1;
      continue;
    }
    if (MustLeaveToOthers(ticket)) return -1;
    if (CompareExchange(&cursor_[kNext], ticket, After(ticket, 1))) return Take(ticket);
  }
}

int FrameRing::Take(int32_t ticket) {
  Count(ticket);
  const int slot = SlotOf(ticket);
  Store(slot, SlotState::kWriting);
  return slot;
}

// The ticket of the first slot of the first block that is free, from the one at the cursor on.
int32_t FrameRing::FindFreeBlock(int32_t ticket) const {
  for (int skipped = 0; skipped < slot_count_; skipped += block_slots_) {
    const int32_t block_ticket = After(ticket, skipped);
    const int first = SlotOf(block_ticket);
    if (IsBlockFree(first)) return block_ticket;
    // Another ring is beginning it. Passed over it would lie idle for a round.
    const int32_t state = __atomic_load_n(&states_[first], __ATOMIC_RELAXED);
    if (state == static_cast<int32_t>(SlotState::kReserved)) break;
  }
  return kNoTicket;
}

// The state of its first slot is the block's lock: only who moved it from free to reserved may go
// on. All are reserved before the cursor moves, so that a slot that is taken and not yet marked as
// written never looks free, however long its writer sleeps.
bool FrameRing::TryBeginBlock(int32_t ticket, int32_t block_ticket) {
  const int first = SlotOf(block_ticket);
  const int last = first + block_slots_ - 1;
  const int32_t before = __atomic_load_n(&states_[first], __ATOMIC_RELAXED);
  const auto reserved = static_cast<int32_t>(SlotState::kReserved);
  if (!IsAvailable(before) || !CompareExchange(&states_[first], before, reserved)) return false;
  // Looked at again under the lock: `ticket` may be from long ago.
  bool is_free = NextTicket() == ticket;
  for (int slot = first + 1; is_free && slot <= last; ++slot) {
    is_free = IsAvailable(__atomic_load_n(&states_[slot], __ATOMIC_ACQUIRE));
  }
  if (!is_free) {
    __atomic_store_n(&states_[first], before, __ATOMIC_RELEASE);
    return false;
  }
  for (int slot = first + 1; slot <= last; ++slot) {
    __atomic_store_n(&states_[slot], reserved, __ATOMIC_RELAXED);
  }
  // Before the cursor moves: who sees that it did finds the block's ticket.
  int32_t* const begun = &cursor_[kBegun + first / block_slots_];
  __atomic_store_n(begun, block_ticket, __ATOMIC_RELAXED);
  if (CompareExchange(&cursor_[kNext], ticket, After(block_ticket, 1))) return true;
  // A block before this one became free, and another ring began that; or this one did, and another
  // ring had passed over it already. The first slot comes last, as it is the lock.
  __atomic_store_n(begun, kNoTicket, __ATOMIC_RELAXED);
  const auto free = static_cast<int32_t>(SlotState::kFree);
  for (int slot = last; slot >= first; --slot) {
    __atomic_store_n(&states_[slot], free, __ATOMIC_RELEASE);
  }
  return false;
}

bool FrameRing::IsBlockFree(int first_slot) const {
  for (int slot = first_slot; slot < first_slot + block_slots_; ++slot) {
    if (!IsAvailable(__atomic_load_n(&states_[slot], __ATOMIC_ACQUIRE))) return false;
  }
  return true;
}

bool FrameRing::MustLeaveToOthers(int32_t ticket) {
  if (ticket / block_slots_ != block_ || share_is_lifted_) return false;
  const int writers = __atomic_load_n(&cursor_[kWriters], __ATOMIC_RELAXED);
  if (taken_ * writers < block_slots_) return false;
  const Clock::time_point now = now_();
  if (held_at_ != ticket) {
    held_at_ = ticket;
    held_since_ = now;
  }
  share_is_lifted_ = now - held_since_ >= kPatience;
  return !share_is_lifted_;
}

void FrameRing::Count(int32_t ticket) {
  const int32_t block = ticket / block_slots_;
  if (block != block_) {
    block_ = block;
    taken_ = 0;
    share_is_lifted_ = false;
  }
  ++taken_;
}

int32_t FrameRing::NextTicket() const { return __atomic_load_n(&cursor_[kNext], __ATOMIC_ACQUIRE); }

int32_t FrameRing::After(int32_t ticket, int slots) const {
  const int32_t span = kCursorSpan - kCursorSpan % slot_count_;
  return (ticket + slots) % span;
}

int FrameRing::CountFree() const {
  int free = 0;
  if (block_slots_ == 0) {
    for (int slot = 0; slot < slot_count_; ++slot) {
      const int32_t state = __atomic_load_n(&states_[slot], __ATOMIC_RELAXED);
      if (state == static_cast<int32_t>(SlotState::kFree)) ++free;
    }
    return free;
  }
  const int taken = NextTicket() % block_slots_;
  if (taken > 0) free = block_slots_ - taken;
  for (int first = 0; first < slot_count_; first += block_slots_) {
    if (IsBlockFree(first)) free += block_slots_;
  }
  return free;
}

void FrameRing::Publish(int slot) { Store(slot, SlotState::kFrame); }

void FrameRing::Abandon(int slot) {
  Store(slot, block_slots_ == 0 ? SlotState::kFree : SlotState::kAbandoned);
}

void FrameRing::Rest() {
  if (!is_writing_) return;
  is_writing_ = false;
  __atomic_fetch_sub(&cursor_[kWriters], 1, __ATOMIC_RELAXED);
}

void FrameRing::Store(int slot, SlotState state) {
  __atomic_store_n(&states_[slot], static_cast<int32_t>(state) | mark_, __ATOMIC_RELEASE);
}

}  // namespace kvs_frames
