// What is not wanted is not delivered, saves work where it can, and changes no other picture.
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "check.h"
#include "engine.h"
#include "engine_harness.h"
#include "media.h"

namespace kvs_frames {
namespace {

using testing::Bytes;
using testing::Clip;
using testing::Container;
using testing::Dropped;
using testing::Frame;
using testing::Harness;
using testing::LoadClip;

constexpr double kStartMs = 1.7e12;
constexpr double kFragmentMs = 1000;  // of each clip
constexpr int kUnselected = static_cast<int>(Fate::kUnselected);
constexpr int kLate = static_cast<int>(Fate::kLate);

const char* const kClips[] = {"h264-plain",  "h264-b",    "h264-open",  "h264-vfr",
                              "h265-closed", "h265-open", "h265-layers"};

EngineOptions Selecting(const Selection& selection, int threads = 1) {
  EngineOptions options;
  options.selection = selection;
  options.decoder_threads = threads;
  return options;
}

void PushDated(Harness* harness, const Clip& clip, size_t fragment) {
  FragmentInput input{static_cast<int64_t>(fragment), testing::Span(clip.init),
                      testing::Span(clip.fragments[fragment]), std::make_shared<int>(0)};
  input.start_ms = kStartMs + kFragmentMs * static_cast<double>(fragment);
  input.is_dated = true;
  CHECK(harness->engine().Push(std::move(input)) == Engine::PushResult::kQueued);
}

// Feeds the whole clip, dated, all at once or one fragment after the other.
void Run(Harness* harness, const Clip& clip, bool one_by_one = false) {
  for (size_t i = 0; i < clip.fragments.size(); ++i) {
    PushDated(harness, clip, i);
    if (one_by_one) CHECK(harness->PumpUntilIdle());
  }
  harness->engine().Finish();
  CHECK(harness->PumpUntilEnded());
}

bool IsSame(const Frame& a, const Frame& b) {
  return a.fragment_id == b.fragment_id && a.offset_ms == b.offset_ms &&
         a.duration_ms == b.duration_ms && a.hash == b.hash &&
         (a.flags | kFirstAfterOpen) == (b.flags | kFirstAfterOpen);
}

void CheckFrames(const Harness& harness, const std::vector<Frame>& expected) {
  REQUIRE(harness.frames.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) CHECK(IsSame(harness.frames[i], expected[i]));
}

// Delivered and dropped pictures, one behind the other, are the time line of the full decode.
void CheckTimeLine(const Harness& harness, const std::vector<Frame>& all) {
  size_t told = 0;
  size_t run = 0;
  const auto next = [&](int64_t fragment_id, double offset_ms, double duration_ms, int pictures) {
    REQUIRE(told + static_cast<size_t>(pictures) <= all.size());
    CHECK_EQ(fragment_id, all[told].fragment_id);
    CHECK(std::abs(offset_ms - all[told].offset_ms) < 0.01);
    double span_ms = 0;
    for (int i = 0; i < pictures; ++i) span_ms += all[told++].duration_ms;
    CHECK(std::abs(duration_ms - span_ms) < 0.01);
  };
  for (size_t i = 0; i <= harness.frames.size(); ++i) {
    for (; run < harness.dropped.size() && harness.dropped[run].before_frame == i; ++run) {
      const Dropped& dropped = harness.dropped[run];
      next(dropped.fragment_id, dropped.offset_ms, dropped.duration_ms, dropped.pictures);
    }
    if (i == harness.frames.size()) break;
    const Frame& frame = harness.frames[i];
    next(frame.fragment_id, frame.offset_ms, frame.duration_ms, 1);
  }
  CHECK_EQ(told, all.size());
}

std::vector<Frame> Where(const std::vector<Frame>& frames,
                         const std::function<bool(size_t, const Frame&)>& is_wanted) {
  std::vector<Frame> wanted;
  for (size_t i = 0; i < frames.size(); ++i) {
    if (is_wanted(i, frames[i])) wanted.push_back(frames[i]);
  }
  return wanted;
}

TEST(TheSelectedFramesAreThoseOfAFullDecodeAndTheRestIsAccountedFor) {
  for (const char* name : kClips) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      const Clip clip = LoadClip(name, container);
      Harness full;
      Run(&full, clip);
      const std::vector<Frame> keys = Where(
          full.frames, [](size_t, const Frame& frame) { return (frame.flags & kKeyFrame) != 0; });
      const struct {
        Selection selection;
        std::vector<Frame> expected;
      } rows[] = {
          {{6, 0, false}, Where(full.frames, [](size_t i, const Frame&) { return i % 6 == 0; })},
          {{40, 0, false}, Where(full.frames, [](size_t i, const Frame&) { return i % 40 == 0; })},
          {{1, 0, true}, keys},
          {{2, 0, true}, Where(keys, [](size_t i, const Frame&) { return i % 2 == 0; })},
      };
      for (const auto& row : rows) {
        for (const bool one_by_one : {false, true}) {
          for (const int threads : {1, 3}) {
            Harness harness(Selecting(row.selection, threads));
            Run(&harness, clip, one_by_one);
            CheckFrames(harness, row.expected);
            CheckTimeLine(harness, full.frames);
            CHECK(harness.faults.empty());
            CHECK(harness.troubled.empty());
            for (const Dropped& run : harness.dropped) CHECK_EQ(run.cause, kUnselected);
            const EngineStats stats = harness.engine().stats();
            CHECK_EQ(stats.unselected + stats.frames, static_cast<int64_t>(full.frames.size()));
            CHECK_EQ(stats.pictures + stats.skipped_packets, stats.packets);
            CHECK_EQ(stats.decoder_opens, 1);
          }
        }
      }
    }
  }
}

TEST(AFifthOfThePicturesIsTakenAtEvenTimes) {
  for (const char* name : {"h264-b", "h265-open"}) {
    const Clip clip = LoadClip(name, Container::kMp4);
    Harness full;
    Run(&full, clip);
    Harness harness(Selecting({1, 200, false}));
    Run(&harness, clip);
    CheckFrames(harness, Where(full.frames, [](size_t i, const Frame&) { return i % 5 == 0; }));
    CheckTimeLine(harness, full.frames);
  }
}

TEST(WorkThatReachesNoWantedFrameIsNotDone) {
  const auto decoded = [](const char* name, const Selection& selection) {
    const Clip clip = LoadClip(name, Container::kMp4);
    Harness harness(Selecting(selection));
    Run(&harness, clip);
    return harness.engine().stats().pictures;
  };
  // Six fragments of 25 pictures. The first is decoded whole: only the second shows that fragments
  // start with an IDR. Of the others only what the last wanted picture needs is decoded.
  CHECK_EQ(decoded("h264-plain", {25, 0, false}), 25 + 5);
  CHECK_EQ(decoded("h264-plain", {50, 0, false}), 25 + 2);
  CHECK_EQ(decoded("h264-plain", {100, 0, false}), 25 + 1);
  CHECK_EQ(decoded("h264-plain", {1, 0, true}), 6);
  CHECK_EQ(decoded("h265-open", {1, 0, true}), 6);
  CHECK_EQ(decoded("h265-open", {2, 0, true}), 3);
  // Pictures that no other refers to: one of two B pictures at least.
  for (const char* name : {"h264-b", "h264-open", "h265-closed", "h265-open", "h265-layers"}) {
    CHECK(decoded(name, {150, 0, false}) < 100);
  }
}

TEST(AStreamThatBeginsToReferBackBehindACutLosesNothing) {
  for (const Container container : {Container::kMp4, Container::kTs}) {
    const Clip clip = LoadClip("h264-opens", container);
    Harness full;
    Run(&full, clip);
    CHECK_EQ(full.frames.size(), size_t{150});
    for (const int64_t n : {6, 50, 38}) {
      Harness harness(Selecting({n, 0, false}));
      Run(&harness, clip);
      CheckFrames(harness, Where(full.frames, [n](size_t i, const Frame&) {
                    return static_cast<int64_t>(i) % n == 0;
                  }));
      CheckTimeLine(harness, full.frames);
      CHECK(harness.faults.empty());
      CHECK(harness.troubled.empty());
      // Two fragments were cut short.
      CHECK(harness.engine().stats().skipped_packets > 0);
    }
  }
}

TEST(NothingIsHeldBackBehindAFragmentThatWasCutShort) {
  for (const char* name : {"h264-b", "h265-closed"}) {
    const Clip clip = LoadClip(name, Container::kMp4);
    Harness harness(Selecting({25, 0, false}));
    for (size_t i = 0; i < clip.fragments.size(); ++i) {
      PushDated(&harness, clip, i);
      CHECK(harness.PumpUntilIdle());
      if (i > 1) CHECK_EQ(harness.frames.size(), i + 1);
    }
    // The decoder was empty when the queue ran dry.
    CHECK(harness.engine().stats().idle_drains <= 1);
  }
}

TEST(FramesAndTheRestComeOnceAlsoThroughASecondCopy) {
  for (const char* name : {"h264-plain", "h264-b", "h265-closed"}) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      const Clip clip = LoadClip(name, container);
      Harness full;
      Run(&full, clip);
      for (const Selection& selection : {Selection{3, 0, false}, Selection{1, 120, false}}) {
        Harness whole(Selecting(selection));
        Run(&whole, clip);
        const Bytes& good = clip.fragments[2];
        for (size_t at = good.size() / 4; at + 1000 < good.size(); at += good.size() / 4) {
          Bytes first = good;
          for (size_t i = at; i < at + 2000 && i < first.size(); ++i) first[i] ^= 0x5a;
          EngineOptions options = Selecting(selection);
          options.hold_on_trouble = true;
          Harness harness(options);
          harness.on_trouble = [&](int64_t id) {
            harness.Retry(clip.init, clip.fragments[static_cast<size_t>(id)]);
          };
          Clip damaged = clip;
          damaged.fragments[2] = first;
          Run(&harness, damaged);
          if (harness.troubles.empty()) continue;
          CHECK(harness.faults.empty());
          CHECK_EQ(harness.frames.size(), whole.frames.size());
          CheckTimeLine(harness, full.frames);
        }
      }
    }
  }
}

TEST(WhatADamagedFragmentLacksIsNotToldAsDropped) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Clip cut = clip;
  cut.fragments[3].resize(cut.fragments[3].size() / 2);
  Harness harness(Selecting({5, 0, false}));
  Run(&harness, cut);
  int pictures = 0;
  for (const Dropped& run : harness.dropped) {
    if (run.fragment_id == 3) pictures += run.pictures;
  }
  for (const Frame& frame : harness.frames) pictures += frame.fragment_id == 3 ? 1 : 0;
  CHECK(pictures > 5);
  CHECK(pictures < 20);
}

TEST(PicturesBelowTheFloorAreDroppedAndWholeFragmentsNotDecoded) {
  for (const char* name : kClips) {
    const Clip clip = LoadClip(name, Container::kMp4);
    Harness full;
    Run(&full, clip);
    Harness harness;
    const double floor_ms = kStartMs + 2.5 * kFragmentMs;
    harness.engine().SetFloor(floor_ms);
    Run(&harness, clip);
    CheckFrames(harness, Where(full.frames, [&](size_t, const Frame& frame) {
                  return kStartMs + static_cast<double>(frame.fragment_id) * kFragmentMs +
                             frame.offset_ms >=
                         floor_ms;
                }));
    CheckTimeLine(harness, full.frames);
    for (const Dropped& run : harness.dropped) CHECK_EQ(run.cause, kLate);
    const EngineStats stats = harness.engine().stats();
    CHECK_EQ(stats.late + stats.frames, static_cast<int64_t>(full.frames.size()));
    CHECK_EQ(stats.unselected, 0);
  }
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Harness harness;
  harness.engine().SetFloor(kStartMs + 5 * kFragmentMs);
  Run(&harness, clip);
  // The first, since only the second shows that fragments start with an IDR, and the last.
  CHECK_EQ(harness.engine().stats().pictures, 50);
}

TEST(AFloorEndsTheWaitForASlotAndLeavesUndecodedWhatIsTooOldBehind) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Harness full;
  Run(&full, clip);
  Harness harness({}, 4);
  harness.hold_frames = true;
  for (size_t i = 0; i < clip.fragments.size(); ++i) PushDated(&harness, clip, i);
  harness.engine().Finish();
  CHECK(harness.PumpUntil([&] { return harness.frames.size() == 4; }));
  harness.engine().SetFloor(kStartMs + 6 * kFragmentMs - 120);
  CHECK(harness.PumpUntil([&] { return harness.engine().stats().late > 0; }));
  for (const Frame& frame : std::vector<Frame>(harness.frames)) {
    harness.Release(frame.ring_id, frame.slot);
  }
  harness.hold_frames = false;
  CHECK(harness.PumpUntilEnded());
  CHECK_EQ(harness.frames.size(), size_t{7});
  CheckTimeLine(harness, full.frames);
  CHECK_EQ(harness.dropped.size(), size_t{6});
  CHECK(harness.engine().stats().pictures < 80);
}

TEST(UnselectedAndLatePicturesAreToldApart) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Harness full;
  Run(&full, clip);
  Harness harness(Selecting({5, 0, false}));
  harness.engine().SetFloor(kStartMs + kFragmentMs);
  Run(&harness, clip);
  CheckTimeLine(harness, full.frames);
  const EngineStats stats = harness.engine().stats();
  CHECK_EQ(stats.late, 5);
  CHECK_EQ(stats.unselected, 120);
  CHECK_EQ(stats.frames, 25);
  CHECK_EQ(harness.dropped[0].cause, kLate);
  CHECK_EQ(harness.dropped[1].cause, kUnselected);
  CHECK_EQ(harness.dropped[1].pictures, 4);
}

TEST(APeriodOfTheCallersThinsOutFromTheNextFragmentOn) {
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  Harness full;
  Run(&full, clip);
  Harness harness;
  for (size_t i = 0; i < clip.fragments.size(); ++i) {
    if (i == 2) harness.engine().SetPeriod(200);
    if (i == 4) harness.engine().SetPeriod(0);
    PushDated(&harness, clip, i);
    CHECK(harness.PumpUntilIdle());
  }
  harness.engine().Finish();
  CHECK(harness.PumpUntilEnded());
  CHECK_EQ(harness.frames.size(), size_t{110});
  CheckTimeLine(harness, full.frames);
  CHECK_EQ(harness.engine().stats().late, 40);
}

TEST(AKeyFrameOnlyStreamAsksForASecondCopyOfADamagedKeyFrame) {
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  Harness full;
  Run(&full, clip);
  Clip damaged = clip;
  Bytes& bytes = damaged.fragments[2];
  for (size_t i = 1500; i < 3500; ++i) bytes[i] ^= 0x5a;
  EngineOptions options = Selecting({1, 0, true});
  options.hold_on_trouble = true;
  Harness harness(options);
  harness.on_trouble = [&](int64_t id) {
    harness.Retry(clip.init, clip.fragments[static_cast<size_t>(id)]);
  };
  Run(&harness, damaged);
  CHECK(harness.troubles == std::vector<int64_t>{2});
  CHECK_EQ(harness.frames.size(), size_t{6});
  CheckTimeLine(harness, full.frames);
}

}  // namespace
}  // namespace kvs_frames
