#include "frame_ring.h"

#include <array>
#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "check.h"

namespace kvs_frames {
namespace {

struct Block {
  explicit Block(int slots, size_t slot_bytes = 16) : states(slots, 0), pixels(slots * slot_bytes) {
    memory.id = 7;
    memory.pixels = pixels.data();
    memory.slot_bytes = slot_bytes;
    memory.states = states.data();
    memory.slot_count = slots;
  }
  std::vector<int32_t> states;
  std::vector<uint8_t> pixels;
  RingMemory memory;
};

// A ring of blocks, which several writers may share.
struct Blocks : Block {
  Blocks(int slots, int block_slots) : Block(slots), cursor(2 + slots / block_slots, -1) {
    cursor[0] = cursor[1] = 0;
    memory.block_slots = block_slots;
    memory.cursor = cursor.data();
  }
  RingMemory ForWriter(int writer) const {
    RingMemory its = memory;
    its.writer = writer;
    return its;
  }
  int32_t State(int slot) { return __atomic_load_n(&states[slot], __ATOMIC_ACQUIRE); }
  void Free(int slot) { __atomic_store_n(&states[slot], 0, __ATOMIC_RELEASE); }
  std::vector<int32_t> cursor;
};

std::chrono::steady_clock::time_point test_now;
std::chrono::steady_clock::time_point TestNow() { return test_now; }

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

TEST(BlocksAreFilledInOrderAndBegunOnlyWhenAllTheirSlotsAreFree) {
  Blocks blocks(6, 3);
  FrameRing ring(blocks.memory);
  CHECK_EQ(ring.CountFree(), 6);
  for (int slot = 0; slot < 6; ++slot) {
    CHECK_EQ(ring.TryAcquire(), slot);
    ring.Publish(slot);
    CHECK_EQ(ring.CountFree(), 5 - slot);
  }
  CHECK_EQ(ring.TryAcquire(), -1);
  blocks.Free(0);
  blocks.Free(2);
  CHECK_EQ(ring.TryAcquire(), -1);
  CHECK_EQ(ring.CountFree(), 0);
  // Looking for room leaves no trace.
  CHECK_EQ(blocks.State(0), 0);
  blocks.Free(1);
  CHECK_EQ(ring.CountFree(), 3);
  CHECK_EQ(ring.TryAcquire(), 0);
  CHECK_EQ(blocks.State(0), 1);
  CHECK_EQ(blocks.State(1), 4);
}

TEST(ABlockThatIsInUseIsLeftOut) {
  Blocks blocks(8, 2);
  FrameRing ring(blocks.memory);
  for (int slot = 0; slot < 8; ++slot) {
    CHECK_EQ(ring.TryAcquire(), slot);
    ring.Publish(slot);
    blocks.Free(slot);
  }
  blocks.states[1] = 2;
  CHECK_EQ(ring.CountFree(), 6);
  for (const int slot : {2, 3}) {
    CHECK_EQ(ring.TryAcquire(), slot);
    ring.Publish(slot);
  }
  blocks.states[6] = 1 << 30;  // a share of a frame that was given back
  CHECK_EQ(ring.TryAcquire(), 4);
  CHECK_EQ(ring.CountFree(), 1);
  CHECK_EQ(ring.TryAcquire(), 5);
  for (const int slot : {4, 5}) ring.Publish(slot);
  CHECK_EQ(ring.TryAcquire(), -1);
  CHECK_EQ(ring.CountFree(), 0);
  // What was begun says when; what was left out keeps what it had.
  CHECK_EQ(blocks.cursor[2], 0);
  CHECK_EQ(blocks.cursor[3], 10);
  CHECK_EQ(blocks.cursor[4], 12);
  CHECK_EQ(blocks.cursor[5], 6);
  for (const int slot : {2, 3}) blocks.Free(slot);
  for (const int slot : {2, 3}) CHECK_EQ(ring.TryAcquire(), slot);
  CHECK_EQ(blocks.cursor[3], 18);
  blocks.Free(1);
  CHECK_EQ(ring.TryAcquire(), 0);
}

TEST(BlocksAreLeftOutWhereTheCursorBeginsAgain) {
  Blocks blocks(6, 3);
  const int32_t span = (1 << 30) - (1 << 30) % 6;
  blocks.cursor[0] = span - 3;
  blocks.states[4] = 2;
  FrameRing ring(blocks.memory);
  for (const int slot : {0, 1, 2}) CHECK_EQ(ring.TryAcquire(), slot);
  CHECK_EQ(blocks.cursor[0], 3);
  CHECK_EQ(blocks.cursor[2], 0);
}

TEST(AnAbandonedSlotOfABlockKeepsItsPlaceAndIsFreeWithItsBlock) {
  Blocks blocks(4, 2);
  FrameRing ring(blocks.memory);
  CHECK_EQ(ring.TryAcquire(), 0);
  ring.Abandon(0);
  CHECK_EQ(blocks.State(0), 3);
  for (int slot = 1; slot < 4; ++slot) {
    CHECK_EQ(ring.TryAcquire(), slot);
    ring.Publish(slot);
  }
  CHECK_EQ(ring.TryAcquire(), -1);
  blocks.Free(1);
  CHECK_EQ(ring.TryAcquire(), 0);
}

TEST(ASlotThatIsSharedStillKeepsItsBlock) {
  Blocks blocks(2, 2);
  FrameRing ring(blocks.memory);
  for (const int slot : {0, 1}) {
    CHECK_EQ(ring.TryAcquire(), slot);
    ring.Publish(slot);
  }
  blocks.Free(0);
  blocks.states[1] = 1 << 19;  // another thread has it, JavaScript gave it back
  CHECK_EQ(ring.TryAcquire(), -1);
  blocks.Free(1);
  CHECK_EQ(ring.TryAcquire(), 0);
}

TEST(ABlockThatIsClosedEarlyIsBegunAgainInItsTurn) {
  Blocks blocks(4, 2);
  FrameRing ring(blocks.memory);
  CHECK_EQ(ring.TryAcquire(), 0);
  ring.Publish(0);
  blocks.cursor[0] = 2;  // as JavaScript closes a block
  blocks.Free(1);
  CHECK_EQ(ring.TryAcquire(), 2);
  ring.Publish(2);
  CHECK_EQ(ring.TryAcquire(), 3);
  ring.Publish(3);
  CHECK_EQ(ring.TryAcquire(), -1);
  blocks.Free(0);
  CHECK_EQ(ring.TryAcquire(), 0);
}

TEST(TheCursorBeginsAgainAtItsSpan) {
  Blocks blocks(6, 3);
  const int32_t span = (1 << 30) - (1 << 30) % 6;
  blocks.cursor[0] = span - 3;
  FrameRing ring(blocks.memory);
  for (const int slot : {3, 4, 5, 0, 1, 2}) CHECK_EQ(ring.TryAcquire(), slot);
  CHECK_EQ(blocks.cursor[0], 3);
}

TEST(AStateTellsWhoTookTheSlot) {
  Blocks blocks(2, 2);
  FrameRing first(blocks.ForWriter(1));
  FrameRing other(blocks.ForWriter(65535));
  CHECK_EQ(first.TryAcquire(), 0);
  CHECK_EQ(blocks.State(0), 1 * 8 + 1);
  CHECK_EQ(other.TryAcquire(), 1);
  first.Publish(0);
  other.Abandon(1);
  CHECK_EQ(blocks.State(0), 1 * 8 + 2);
  CHECK_EQ(blocks.State(1), 65535 * 8 + 3);
}

TEST(AWriterLeavesOthersTheirShareOfABlock) {
  Blocks blocks(16, 8);
  FrameRing greedy(blocks.ForWriter(1), &TestNow);
  FrameRing modest(blocks.ForWriter(2), &TestNow);
  CHECK_EQ(modest.TryAcquire(), 0);
  for (int slot = 1; slot <= 4; ++slot) CHECK_EQ(greedy.TryAcquire(), slot);
  CHECK_EQ(greedy.TryAcquire(), -1);
  test_now += std::chrono::milliseconds(19);
  CHECK_EQ(greedy.TryAcquire(), -1);
  // Somebody took one: its patience starts afresh.
  CHECK_EQ(modest.TryAcquire(), 5);
  test_now += std::chrono::milliseconds(19);
  CHECK_EQ(greedy.TryAcquire(), -1);
  CHECK_EQ(modest.TryAcquire(), 6);
  CHECK_EQ(modest.TryAcquire(), 7);
  // A new block, new shares.
  for (int slot = 8; slot < 12; ++slot) CHECK_EQ(greedy.TryAcquire(), slot);
  CHECK_EQ(greedy.TryAcquire(), -1);
}

TEST(AShareThatNobodyTakesIsForAll) {
  Blocks blocks(8, 8);
  FrameRing greedy(blocks.ForWriter(1), &TestNow);
  FrameRing slow(blocks.ForWriter(2), &TestNow);
  CHECK_EQ(slow.TryAcquire(), 0);
  for (int slot = 1; slot <= 4; ++slot) CHECK_EQ(greedy.TryAcquire(), slot);
  CHECK_EQ(greedy.TryAcquire(), -1);
  test_now += std::chrono::milliseconds(20);
  for (int slot = 5; slot < 8; ++slot) CHECK_EQ(greedy.TryAcquire(), slot);
  CHECK_EQ(greedy.TryAcquire(), -1);
}

TEST(OnlyThoseWhoWriteHaveAShare) {
  Blocks blocks(4, 4);
  FrameRing first(blocks.ForWriter(1), &TestNow);
  FrameRing other(blocks.ForWriter(2), &TestNow);
  CHECK_EQ(other.TryAcquire(), 0);
  CHECK_EQ(first.TryAcquire(), 1);
  CHECK_EQ(first.TryAcquire(), 2);
  CHECK_EQ(first.TryAcquire(), -1);
  other.Rest();
  other.Rest();
  CHECK_EQ(blocks.cursor[1], 1);
  CHECK_EQ(first.TryAcquire(), 3);
}

// Writers race for slots; each frame says its number on all its bytes, its state whose it is. The
// reader does as JavaScript: a block with a frame in it is closed early if that is possible, its
// slots are waited for, and given back: one slot of many a block only after some rounds.
TEST(WritersOnSeveralThreadsLoseNoFrameAndShareNoSlot) {
  constexpr int kWriters = 3;
  constexpr int kFrames = 3000;  // of each writer
  constexpr int kBlocks = 4;
  constexpr int kRounds = 40;  // that a slot is kept at most
  const auto is_abandoned = [](int frame) { return frame % 3 == 0; };
  for (const int block_slots : {1, 3}) {
    Blocks blocks(kBlocks * block_slots, block_slots);
    std::atomic<int> done{0};
    std::vector<std::thread> writers;
    for (int writer = 1; writer <= kWriters; ++writer) {
      writers.emplace_back([&, writer] {
        FrameRing ring(blocks.ForWriter(writer));
        for (int frame = 0; frame < kFrames; ++frame) {
          int slot = -1;
          while ((slot = ring.TryAcquire()) < 0) std::this_thread::yield();
          std::array<uint16_t, 8> pixels{};
          pixels.fill(static_cast<uint16_t>(frame));
          std::memcpy(ring.Pixels(slot), pixels.data(), 16);
          if (is_abandoned(frame)) {
            ring.Abandon(slot);
          } else {
            ring.Publish(slot);
          }
        }
        ring.Rest();
        ++done;
      });
    }
    std::vector<std::vector<int>> seen(kWriters + 1, std::vector<int>(kFrames, 0));
    int torn = 0;
    struct Kept {
      int slot = -1;
      int rounds = 0;
      uint16_t frame = 0;
    };
    std::vector<Kept> kept(kBlocks);
    std::minstd_rand random(7);
    const auto frame_in = [&](int slot) -> uint16_t {
      return blocks.pixels[slot * 16] + blocks.pixels[slot * 16 + 1] * 256;
    };
    const auto has_frame = [&](int block) {
      for (int slot = block * block_slots; slot < (block + 1) * block_slots; ++slot) {
        if ((blocks.State(slot) & 7) == 2) return true;
      }
      return false;
    };
    for (int block = 0, idle = 0; idle < kBlocks; block = (block + 1) % kBlocks) {
      const bool was_done = done == kWriters;
      Kept& keeps = kept[block];
      if (keeps.slot >= 0) {
        idle = 0;
        if (--keeps.rounds > 0) continue;
        torn += frame_in(keeps.slot) != keeps.frame || (blocks.State(keeps.slot) & 7) != 2;
        blocks.Free(keeps.slot);
        keeps.slot = -1;
        continue;
      }
      if (!has_frame(block)) {
        idle = was_done ? idle + 1 : 0;
        std::this_thread::yield();
        continue;
      }
      idle = 0;
      const int first = block * block_slots;
      int taken = block_slots;
      std::vector<bool> is_frame(block_slots);
      int32_t ticket = __atomic_load_n(&blocks.cursor[0], __ATOMIC_ACQUIRE);
      const auto count_open = [&] {
        return ticket % (kBlocks * block_slots) / block_slots == block ? ticket % block_slots : 0;
      };
      for (int open = 0; taken == block_slots && (open = count_open()) > 0;) {
        const int32_t after = ticket - open + block_slots;
        if (__atomic_compare_exchange_n(&blocks.cursor[0], &ticket, after, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE)) {
          taken = open;
        }
      }
      for (int rest = taken; rest < block_slots; ++rest) blocks.Free(first + rest);
      for (int slot = first; slot < first + taken; ++slot) {
        int32_t state = blocks.State(slot);
        while ((state & 7) != 2 && (state & 7) != 3) {
          std::this_thread::yield();
          state = blocks.State(slot);
        }
        is_frame[slot - first] = (state & 7) == 2;
        if (!is_frame[slot - first]) continue;
        std::array<uint16_t, 8> pixels{};
        std::memcpy(pixels.data(), &blocks.pixels[slot * 16], 16);
        for (const uint16_t pixel : pixels) torn += pixel != pixels[0];
        REQUIRE(pixels[0] < kFrames);
        ++seen[state >> 3][pixels[0]];
      }
      for (int slot = first; slot < first + taken; ++slot) {
        // The block may have been begun again if those before were the last.
        if (!is_frame[slot - first]) continue;
        if (keeps.slot < 0 && random() % 4 == 0) {
          keeps = {slot, static_cast<int>(random() % kRounds) + 1, frame_in(slot)};
        } else {
          blocks.Free(slot);
        }
      }
    }
    for (std::thread& writer : writers) writer.join();
    CHECK_EQ(torn, 0);
    int wrong = 0;
    for (int writer = 1; writer <= kWriters; ++writer) {
      for (int frame = 0; frame < kFrames; ++frame) {
        wrong += seen[writer][frame] != (is_abandoned(frame) ? 0 : 1);
      }
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(blocks.cursor[1], 0);
  }
}

}  // namespace
}  // namespace kvs_frames
