// Closing an engine in each of its states. The bound is what the addon promises (250 ms), far above
// what it takes (under 1 ms unless a packet is being decoded; these are small).
#include <chrono>
#include <thread>

#include "check.h"
#include "engine_harness.h"
#include "media.h"

namespace kvs_frames {
namespace {

using testing::Clip;
using testing::Container;
using testing::Harness;
using testing::LoadClip;

void CheckCloses(Harness* harness) {
  const auto start = std::chrono::steady_clock::now();
  harness->engine().RequestStop();
  harness->engine().Join();
  const auto spent = std::chrono::steady_clock::now() - start;
  CHECK(harness->engine().HasStopped());
  CHECK(spent < std::chrono::milliseconds(250));
}

TEST(ClosesWhenItNeverHadWork) {
  Harness harness;
  CheckCloses(&harness);
}

TEST(ClosesWhenIdleAfterWork) {
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  Harness harness;
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  CHECK(harness.PumpUntilIdle());
  CheckCloses(&harness);
}

TEST(ClosesWhileItWaitsForARing) {
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  Harness harness;
  harness.answer_rings = false;
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  CHECK(harness.PumpUntil([&] { return harness.asked_bytes > 0; }));
  CheckCloses(&harness);
}

TEST(ClosesWhileItWaitsForASlot) {
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  Harness harness({}, 2);
  harness.hold_frames = true;
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  CHECK(harness.PumpUntil([&] { return harness.frames.size() == 2; }));
  CheckCloses(&harness);
}

TEST(ClosesWhileItWaitsForTheAnswerToATroubleAndAfterOneThatNobodyTook) {
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  const testing::Bytes cut(clip.fragments[0].begin(), clip.fragments[0].end() - 2000);
  EngineOptions options;
  options.hold_on_trouble = true;
  for (const bool answer : {false, true}) {
    Harness harness(options);
    CHECK(harness.Push(0, clip.init, cut));
    CHECK(harness.PumpUntil([&] { return !harness.troubles.empty(); }));
    if (answer) harness.Retry(clip.init, clip.fragments[0]);
    CheckCloses(&harness);
  }
}

TEST(ClosesInTheMiddleOfDecodingWithFragmentsWaiting) {
  const Clip clip = LoadClip("h265-closed", Container::kMp4);
  for (int delay_us = 0; delay_us < 20000; delay_us += 997) {
    Harness harness({}, 64);
    for (int i = 0; i < 6; ++i) CHECK(harness.Push(i, clip.init, clip.fragments[i]));
    CHECK(harness.PumpUntil([&] { return harness.asked_bytes > 0; }));
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us));  // any point will do
    CheckCloses(&harness);
  }
}

TEST(ClosesWithFrameThreads) {
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  EngineOptions options;
  options.decoder_threads = 4;
  Harness harness(options);
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  CHECK(harness.PumpUntil([&] { return harness.frames.size() >= 3; }));
  CheckCloses(&harness);
}

TEST(ClosesAfterTheEnd) {
  const Clip clip = LoadClip("h264-b", Container::kTs);
  Harness harness;
  CHECK(harness.Push(0, {}, clip.fragments[0]));
  harness.engine().Finish();
  CHECK(harness.PumpUntilEnded());
  CheckCloses(&harness);
}

TEST(ManyEnginesOpenAndCloseAtOnce) {
  const Clip clip = LoadClip("h264-small", Container::kMp4);
  for (int round = 0; round < 8; ++round) {
    std::vector<std::unique_ptr<Harness>> harnesses;
    for (int i = 0; i < 8; ++i) {
      harnesses.push_back(std::make_unique<Harness>());
      CHECK(harnesses.back()->Push(0, clip.init, clip.fragments[0]));
    }
    CHECK(harnesses[round]->PumpUntilFragments(1));
  }
}

}  // namespace
}  // namespace kvs_frames
