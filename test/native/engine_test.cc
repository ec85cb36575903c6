#include "engine.h"

#include <algorithm>
#include <random>
#include <string>
#include <thread>

#include "check.h"
#include "engine_harness.h"
#include "media.h"

namespace kvs_frames {
namespace {

using testing::Bytes;
using testing::Clip;
using testing::Container;
using testing::Frame;
using testing::Harness;
using testing::LoadClip;

// What the frames look like when the whole clip is there from the start.
std::vector<uint64_t> ReferenceHashes(const Clip& clip) {
  Harness harness({}, 64);
  for (size_t i = 0; i < clip.fragments.size(); ++i) {
    harness.Push(static_cast<int64_t>(i), clip.init, clip.fragments[i]);
  }
  harness.engine().Finish();
  harness.PumpUntilEnded();
  std::vector<uint64_t> hashes;
  for (const Frame& frame : harness.frames) hashes.push_back(frame.hash);
  return hashes;
}

std::vector<uint64_t> Hashes(const Harness& harness) {
  std::vector<uint64_t> hashes;
  for (const Frame& frame : harness.frames) hashes.push_back(frame.hash);
  return hashes;
}

TEST(FramesOfAStreamComeWholeAndInOrderWithTheirFragments) {
  for (const char* name : {"h264-b", "h264-open", "h265-closed", "h265-open", "h264-10bit"}) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      const Clip clip = LoadClip(name, container);
      Harness harness;
      for (size_t i = 0; i < clip.fragments.size(); ++i) {
        CHECK(harness.Push(static_cast<int64_t>(i), clip.init, clip.fragments[i]));
      }
      harness.engine().Finish();
      CHECK(harness.PumpUntilEnded());
      CHECK_EQ(harness.frames.size(), clip.md5s.size());
      CHECK_EQ(harness.fragments.size(), clip.fragments.size());
      CHECK(harness.faults.empty());
      CHECK(harness.order.back() == RecordKind::kEnded);
      CHECK(harness.order.front() == RecordKind::kLayout);
      double pts = -1e18;
      for (const Frame& frame : harness.frames) {
        CHECK(frame.pts_ms > pts);
        pts = frame.pts_ms;
        CHECK_EQ(frame.fragment_id, static_cast<int64_t>(&frame - harness.frames.data()) / 25);
      }
      const int codec = std::string(name).rfind("h265", 0) == 0 ? kHevc : 0;
      CHECK_EQ(harness.frames[0].flags, kKeyFrame | kFirstAfterOpen | codec);
      CHECK_EQ(harness.frames[1].flags, codec);
      CHECK(harness.rings.at(100)->GuardsHold());
      const EngineStats stats = harness.engine().stats();
      CHECK_EQ(stats.decoder_opens, 1);
      CHECK_EQ(stats.frames, static_cast<int64_t>(clip.md5s.size()));
      CHECK_EQ(stats.pictures, stats.frames);
      CHECK(stats.decode_cpu_seconds > 0);
    }
  }
}

TEST(FragmentsFedOneByOneAreDrainedAndGiveTheSameFrames) {
  for (const char* name : {"h264-b", "h265-closed"}) {
    const Clip clip = LoadClip(name, Container::kMp4);
    Harness harness;
    for (size_t i = 0; i < clip.fragments.size(); ++i) {
      CHECK(harness.Push(static_cast<int64_t>(i), clip.init, clip.fragments[i]));
      CHECK(harness.PumpUntilIdle());
      // From the second on, no frame waits for the next fragment.
      if (i > 0) CHECK_EQ(harness.frames.size(), (i + 1) * 25);
      if (i == 0) CHECK(harness.frames.size() < 25);
    }
    CHECK_EQ(harness.engine().stats().idle_drains, 5);
    CHECK(Hashes(harness) == ReferenceHashes(clip));
  }
}

TEST(AnOpenGopStreamIsNeverDrainedInBetween) {
  for (const char* name : {"h264-open", "h265-open"}) {
    const Clip clip = LoadClip(name, Container::kMp4);
    Harness harness;
    for (size_t i = 0; i < clip.fragments.size(); ++i) {
      CHECK(harness.Push(static_cast<int64_t>(i), clip.init, clip.fragments[i]));
      CHECK(harness.PumpUntilIdle());
    }
    CHECK_EQ(harness.engine().stats().idle_drains, 0);
    harness.engine().Finish();
    CHECK(harness.PumpUntilEnded());
    CHECK(Hashes(harness) == ReferenceHashes(clip));
    CHECK_EQ(harness.frames.size(), size_t{150});
  }
}

TEST(NothingHeldBackMeansNoDrain) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Harness harness;
  for (size_t i = 0; i < clip.fragments.size(); ++i) {
    CHECK(harness.Push(static_cast<int64_t>(i), clip.init, clip.fragments[i]));
    CHECK(harness.PumpUntilIdle());
    CHECK_EQ(harness.frames.size(), (i + 1) * 25);
  }
  CHECK_EQ(harness.engine().stats().idle_drains, 0);
}

TEST(ADamagedFragmentIsAFaultAndTheNextOneDecodes) {
  for (const Container container : {Container::kMp4, Container::kTs}) {
    const Clip clip = LoadClip("h264-b", container);
    const Clip other = LoadClip("h265-closed", Container::kMp4);
    Bytes cut(clip.fragments[0].begin(), clip.fragments[0].begin() + clip.fragments[0].size() / 3);
    Bytes flipped = clip.fragments[0];
    for (size_t i = 1500; i < flipped.size(); i += 97) flipped[i] ^= 0x55;
    const Bytes garbage(4000, 0x37);
    const Bytes nothing;
    const Bytes* const damaged[] = {&cut, &flipped, &garbage, &nothing};
    Harness harness;
    int64_t id = 0;
    for (const Bytes* media : damaged) {
      const size_t faults = harness.faults.size();
      CHECK(harness.Push(id++, clip.init, *media));
      CHECK(harness.Push(id++, clip.init, clip.fragments[1]));
      CHECK(harness.Push(id++, clip.init, clip.fragments[2]));
      CHECK(harness.PumpUntilFragments(static_cast<size_t>(id)));
      CHECK(harness.PumpUntilIdle());
      // MPEG-TS cut between two packets is whole as far as anyone can tell.
      if (container == Container::kTs && media == &cut) continue;
      REQUIRE(harness.faults.size() == faults + 1);
      CHECK_EQ(harness.faults.back().fragment_id, id - 3);
    }
    // The init section of another codec.
    CHECK(
        harness.Push(id++, container == Container::kMp4 ? other.init : garbage, clip.fragments[3]));
    CHECK(harness.Push(id++, clip.init, clip.fragments[4]));
    harness.engine().Finish();
    CHECK(harness.PumpUntilEnded());
    size_t whole = 0;
    for (int64_t fragment = 0; fragment < id; ++fragment) {
      whole += std::count_if(harness.frames.begin(), harness.frames.end(),
                             [&](const Frame& f) { return f.fragment_id == fragment; }) == 25;
    }
    CHECK(whole >= 9);  // the two good ones after each of four damaged, and the last
  }
}

TEST(ManyRandomlyDamagedFragmentsNeverStopTheEngine) {
  std::mt19937 random(7);
  for (const char* name : {"h264-b", "h265-closed", "h264-10bit"}) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      const Clip clip = LoadClip(name, container);
      Harness harness;
      int64_t id = 0;
      for (int round = 0; round < 64; ++round) {
        Bytes media = clip.fragments[random() % clip.fragments.size()];
        Bytes init = clip.init;
        const unsigned kind = random() % 4;
        if (kind == 1) media.resize(random() % media.size());
        for (unsigned i = 0; kind >= 2 && i < 1 + random() % 40; ++i) {
          Bytes& target = kind == 3 && !init.empty() ? init : media;
          target[random() % target.size()] = static_cast<uint8_t>(random());
        }
        CHECK(harness.Push(id++, init, media));
        CHECK(harness.PumpUntilIdle());
      }
      CHECK_EQ(harness.fragments.size(), size_t{64});
      const size_t before = harness.frames.size();
      CHECK(harness.Push(id++, clip.init, clip.fragments[0]));
      harness.engine().Finish();
      CHECK(harness.PumpUntilEnded());
      CHECK(harness.frames.size() >= before + 25);
      for (const auto& ring : harness.rings) CHECK(ring.second->GuardsHold());
    }
  }
}

TEST(ASizeChangeAsksForAnotherRingAfterTheLastFrameOfTheOldSize) {
  const Clip big = LoadClip("h264-b", Container::kMp4);
  const Clip small = LoadClip("h264-small", Container::kMp4);
  Harness harness;
  CHECK(harness.Push(0, big.init, big.fragments[0]));
  CHECK(harness.Push(1, small.init, small.fragments[0]));
  CHECK(harness.Push(2, big.init, big.fragments[1]));
  harness.engine().Finish();
  CHECK(harness.PumpUntilEnded());
  REQUIRE(harness.frames.size() == 75);
  CHECK_EQ(harness.rings.size(), size_t{3});
  for (size_t i = 0; i < 75; ++i) {
    const Frame& frame = harness.frames[i];
    CHECK_EQ(frame.fragment_id, static_cast<int64_t>(i / 25));
    CHECK_EQ(frame.ring_id, static_cast<int64_t>(100 + i / 25));
    CHECK_EQ(frame.width, i / 25 == 1 ? 96 : 176);
    CHECK_EQ((frame.flags & kFirstAfterOpen) != 0, i % 25 == 0);
  }
  CHECK_EQ(harness.engine().stats().decoder_opens, 3);
}

TEST(ASizeChangeInsideATransportStreamIsFollowedToo) {
  const Clip big = LoadClip("h264-plain", Container::kTs);
  const Clip small = LoadClip("h264-small", Container::kTs);
  Harness harness;
  CHECK(harness.Push(0, {}, big.fragments[0]));
  CHECK(harness.Push(1, {}, small.fragments[0]));
  harness.engine().Finish();
  CHECK(harness.PumpUntilEnded());
  CHECK_EQ(harness.frames.size(), size_t{50});
  CHECK_EQ(harness.rings.size(), size_t{2});
  CHECK_EQ(harness.engine().stats().decoder_opens, 1);
}

TEST(AFullRingMakesTheEngineWaitAndDropsNothing) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Harness harness({}, 3);
  harness.hold_frames = true;
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  for (size_t count = 3; count <= 25; ++count) {
    CHECK(harness.PumpUntil([&] { return harness.frames.size() == count; }));
    const Frame& oldest = harness.frames[count - 3];
    if (count < 25) CHECK(!harness.engine().IsIdle());
    harness.Release(oldest.ring_id, oldest.slot);
    harness.engine().Wake();
  }
  CHECK(harness.PumpUntilIdle());
  std::vector<uint64_t> expected = ReferenceHashes(clip);
  expected.resize(25);
  CHECK(Hashes(harness) == expected);
}

TEST(ASlotFreedByABareStoreOnAnotherThreadIsFound) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Harness harness({}, 2);
  harness.hold_frames = true;
  harness.read_pixels = false;
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  std::atomic<bool> stop{false};
  std::thread releaser;
  CHECK(harness.PumpUntil([&] { return harness.frames.size() == 2; }));
  auto& states = harness.rings.at(100)->states;
  releaser = std::thread([&] {
    while (!stop) {
      for (int32_t& state : states) {
        if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == 2) {
          __atomic_store_n(&state, 0, __ATOMIC_RELEASE);
        }
      }
      std::this_thread::yield();
    }
  });
  CHECK(harness.PumpUntil([&] { return harness.frames.size() == 25; }));
  stop = true;
  releaser.join();
}

TEST(TheQueueIsBoundedByCountAndByBytes) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  EngineOptions options;
  options.max_queued_fragments = 2;
  Harness harness(options);
  harness.answer_rings = false;  // the first fragment waits for its ring
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  CHECK(harness.PumpUntil([&] { return harness.asked_bytes > 0; }));
  CHECK(harness.Push(1, clip.init, clip.fragments[1]));
  CHECK(harness.Push(2, clip.init, clip.fragments[2]));
  CHECK(!harness.Push(3, clip.init, clip.fragments[3]));
  CHECK_EQ(harness.engine().stats().queued_fragments, size_t{2});
  harness.answer_rings = true;
  harness.AnswerRing();
  CHECK(harness.PumpUntilFragments(1));
  CHECK(harness.PumpUntilIdle());
  CHECK(harness.Push(3, clip.init, clip.fragments[3]));
  CHECK(harness.PumpUntilFragments(4));

  options.max_queued_fragments = 8;
  options.max_queued_bytes = 100;  // less than one: still one is accepted by an empty queue
  Harness tight(options);
  tight.answer_rings = false;
  CHECK(tight.Push(0, clip.init, clip.fragments[0]));
  CHECK(tight.PumpUntil([&] { return tight.asked_bytes > 0; }));
  CHECK(tight.Push(1, clip.init, clip.fragments[1]));
  CHECK(!tight.Push(2, clip.init, clip.fragments[2]));
}

TEST(TheCallerIsWokenOncePerBurst) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Harness harness({}, 32);
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  CHECK(harness.PumpUntilIdle());
  const int64_t wakes = harness.engine().stats().wakes;
  CHECK(harness.Push(1, clip.init, clip.fragments[1]));
  // Nobody takes: however many records come, it is one wake.
  while (!harness.engine().TakeWake()) std::this_thread::yield();
  while (harness.engine().stats().fragments < 2) std::this_thread::yield();
  CHECK(!harness.engine().TakeWake());
  CHECK_EQ(harness.engine().stats().wakes, wakes + 1);
  CHECK(harness.PumpUntil([&] { return harness.frames.size() == 50; }));
}

TEST(AnEngineIsNotIdleBeforeTheLastRecordWasTaken) {
  std::atomic<int> notifications{0};
  Engine engine({}, [&] { ++notifications; });
  CHECK(engine.IsIdle());
  engine.Finish();
  CHECK(!engine.IsIdle());
  // One of the `ended` record, one of the thread that waits again.
  while (notifications < 2) std::this_thread::yield();
  CHECK(!engine.IsIdle());
  CHECK(engine.TakeWake());
  CHECK(!engine.IsIdle());
  Record record;
  CHECK_EQ(engine.Take(&record, 1), size_t{1});
  CHECK(record == MakeRecord(RecordKind::kEnded));
  CHECK(engine.IsIdle());
}

TEST(BytesAreLetGoOnTheCallersThreadOnceTheFragmentIsDone) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Harness harness;
  const auto caller = std::this_thread::get_id();
  std::atomic<int> released{0};
  std::atomic<int> elsewhere{0};
  const auto token = [&] {
    return std::shared_ptr<void>(static_cast<void*>(&released), [&, caller](void*) {
      ++released;
      if (std::this_thread::get_id() != caller) ++elsewhere;
    });
  };
  for (int i = 0; i < 3; ++i) {
    CHECK(harness.engine().Push({i, testing::Span(clip.init), testing::Span(clip.fragments[i]),
                                 token()}) == Engine::PushResult::kQueued);
  }
  CHECK(harness.PumpUntilFragments(3));
  CHECK_EQ(released.load(), 3);
  CHECK_EQ(elsewhere.load(), 0);
}

TEST(ARingIsOnlyTakenAsAnAnswerAndOnlyIfItFits) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Harness harness;
  harness.answer_rings = false;
  testing::TestRing ring(1, 2, size_t{176} * 144 * 3);
  CHECK(harness.engine().SetRing(ring.memory) == Engine::RingResult::kNotAsked);
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  CHECK(harness.PumpUntil([&] { return harness.asked_bytes > 0; }));
  CHECK_EQ(harness.asked_bytes, size_t{176} * 144 * 3);
  RingMemory small = ring.memory;
  small.slot_bytes = harness.asked_bytes - 1;
  CHECK(harness.engine().SetRing(small) == Engine::RingResult::kTooSmall);
  harness.AnswerRing();
  CHECK(harness.engine().SetRing(ring.memory) == Engine::RingResult::kNotAsked);
  CHECK(harness.PumpUntilFragments(1));
}

TEST(FaultsCarryWhatLibavLogged) {
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  Bytes cut(clip.fragments[0].begin(), clip.fragments[0].begin() + clip.fragments[0].size() / 2);
  Harness harness;
  CHECK(harness.Push(9, clip.init, cut));
  CHECK(harness.PumpUntilFragments(1));
  REQUIRE(!harness.faults.empty());
  CHECK_EQ(harness.faults[0].fragment_id, 9);
  CHECK(harness.faults[0].code < 0);
  CHECK(!harness.faults[0].message.empty());
  CHECK(!harness.faults[0].log.empty());
}

TEST(APictureOverTheLimitIsOneFaultAFragmentAndTheNextSmallerOneDecodes) {
  EngineOptions options;
  options.max_pixels = 10000;
  for (const Container container : {Container::kMp4, Container::kTs}) {
    Harness harness(options);
    const Clip big = LoadClip("h264-plain", container);
    const Clip small = LoadClip("h264-small", container);
    CHECK(harness.Push(0, big.init, big.fragments[0]));
    CHECK(harness.Push(1, small.init, small.fragments[0]));
    harness.engine().Finish();
    CHECK(harness.PumpUntilEnded());
    REQUIRE(harness.faults.size() == 1);
    CHECK_EQ(StageName(harness.faults[0].stage), std::string("limit"));
    CHECK_EQ(harness.frames.size(), size_t{25});
  }
}

}  // namespace
}  // namespace kvs_frames
