#include "frame_ring.h"

namespace kvs_frames {

FrameRing::FrameRing(const RingMemory& memory)
    : id_(memory.id),
      pixels_(memory.pixels),
      slot_bytes_(memory.slot_bytes),
      states_(memory.states),
      slot_count_(memory.slot_count) {}

int FrameRing::TryAcquire() {
  for (int slot = 0; slot < slot_count_; ++slot) {
    // The states are JavaScript's plain int32s, so std::atomic cannot hold them. Acquire pairs with
    // the reader's store of 0: its last read of the pixels comes before our first write.
    int32_t expected = static_cast<int32_t>(SlotState::kFree);
    if (__atomic_compare_exchange_n(&states_[slot], &expected,
                                    static_cast<int32_t>(SlotState::kWriting), /*weak=*/false,
                                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
      return slot;
    }
  }
  return -1;
}

int FrameRing::CountFree() const {
  int free = 0;
  for (int slot = 0; slot < slot_count_; ++slot) {
    const int32_t state = __atomic_load_n(&states_[slot], __ATOMIC_RELAXED);
    if (state == static_cast<int32_t>(SlotState::kFree)) ++free;
  }
  return free;
}

void FrameRing::Publish(int slot) { Store(slot, SlotState::kFrame); }

void FrameRing::Abandon(int slot) { Store(slot, SlotState::kFree); }

void FrameRing::Store(int slot, SlotState state) {
  __atomic_store_n(&states_[slot], static_cast<int32_t>(state), __ATOMIC_RELEASE);
}

}  // namespace kvs_frames
