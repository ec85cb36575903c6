#include "frame_ring.h"

#include <cstring>
#include <thread>
#include <vector>

#include "check.h"

namespace kvs_frames {
namespace {

struct Block {
  explicit Block(int slots, size_t slot_bytes = 16)
      : states(slots, 0), pixels(slots * slot_bytes), memory{7,          pixels.data(),
                                                             slot_bytes, states.data(),
                                                             slots,      nullptr} {}
  std::vector<int32_t> states;
  std::vector<uint8_t> pixels;
  RingMemory memory;
};

TEST(TheFirstFreeSlotIsHandedOutAndNoneWhenAllAreTaken) {
  Block block(3);
  FrameRing ring(block.memory);
  CHECK_EQ(ring.TryAcquire(), 0);
  CHECK_EQ(block.states[0], 1);
  ring.Publish(0);
  CHECK_EQ(block.states[0], 2);
  CHECK_EQ(ring.TryAcquire(), 1);
  CHECK_EQ(ring.TryAcquire(), 2);
  CHECK_EQ(ring.TryAcquire(), -1);
  __atomic_store_n(&block.states[1], 0, __ATOMIC_RELEASE);
  CHECK_EQ(ring.TryAcquire(), 1);
  CHECK_EQ(ring.TryAcquire(), -1);
}

TEST(AnAbandonedSlotIsFreeAgain) {
  Block block(1);
  FrameRing ring(block.memory);
  CHECK_EQ(ring.TryAcquire(), 0);
  ring.Abandon(0);
  CHECK_EQ(block.states[0], 0);
  CHECK_EQ(ring.TryAcquire(), 0);
}

TEST(SlotsLieSlotBytesApart) {
  Block block(4, 100);
  const FrameRing ring(block.memory);
  CHECK_EQ(ring.Pixels(3) - ring.Pixels(0), 300);
  CHECK_EQ(ring.id(), 7);
}

TEST(WhatAReaderOnAnotherThreadSeesIsWhole) {
  constexpr int kFrames = 20000;
  Block block(1);
  FrameRing ring(block.memory);
  int torn = 0;
  std::thread reader([&] {
    for (int frame = 0; frame < kFrames; ++frame) {
      while (__atomic_load_n(&block.states[0], __ATOMIC_ACQUIRE) != 2) std::this_thread::yield();
      for (int i = 0; i < 16; ++i) torn += ring.Pixels(0)[i] != static_cast<uint8_t>(frame);
      __atomic_store_n(&block.states[0], 0, __ATOMIC_RELEASE);
    }
  });
  for (int frame = 0; frame < kFrames; ++frame) {
    while (ring.TryAcquire() < 0) std::this_thread::yield();
    std::memset(ring.Pixels(0), frame, 16);
    ring.Publish(0);
  }
  reader.join();
  CHECK_EQ(torn, 0);
}

}  // namespace
}  // namespace kvs_frames
