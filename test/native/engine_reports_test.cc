// What an engine tells beside frames and faults: what pictures took, memory, and libav's words.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "check.h"
#include "engine.h"
#include "engine_harness.h"
#include "media.h"

namespace kvs_frames {
namespace {

using testing::Bytes;
using testing::Clip;
using testing::Container;
using testing::Harness;
using testing::LoadClip;

int64_t CountOf(const TimeCounts& times) {
  return std::accumulate(times.counts.begin(), times.counts.end(), int64_t{0});
}

EngineOptions Threads(int threads) {
  EngineOptions options;
  options.decoder_threads = threads;
  return options;
}

void Play(Harness& harness, const Clip& clip, size_t first = 0) {
  const size_t before = harness.fragments.size();
  for (size_t i = first; i < clip.fragments.size(); ++i) {
    CHECK(harness.Push(static_cast<int64_t>(i), clip.init, clip.fragments[i]));
    CHECK(harness.PumpUntilFragments(before + i - first + 1));
  }
}

void PlayToEnd(Harness& harness, const Clip& clip, size_t first = 0) {
  Play(harness, clip, first);
  harness.engine().Finish();
  CHECK(harness.PumpUntilEnded());
}

// A fragment with slices that can't be decoded: what is around them conceals that.
Bytes Damaged(Bytes fragment, double where = 0.75) {
  const auto from = static_cast<size_t>(static_cast<double>(fragment.size()) * where);
  for (size_t i = from; i < from + 40; ++i) fragment[i] ^= 0x5a;
  return fragment;
}

size_t LinesIn(const Harness& harness) {
  size_t lines = 0;
  for (const auto& log : harness.logs) lines += log.size();
  return lines;
}

TEST(EveryPictureIsTimedAndEveryFrame) {
  for (const char* name : {"h264-b", "h265-open"}) {
    for (const int threads : {1, 3}) {
      for (const int every : {1, 5}) {
        EngineOptions options = Threads(threads);
        options.selection.every_nth = every;
        Harness harness(options);
        PlayToEnd(harness, LoadClip(name, Container::kMp4));
        const EngineStats stats = harness.engine().stats();
        CHECK(stats.frames > 0 && stats.pictures > 0);
        CHECK_EQ(CountOf(stats.decode_times), stats.pictures);
        CHECK_EQ(CountOf(stats.convert_times), stats.frames);
        CHECK(stats.decode_times.sum > 0 && stats.convert_times.sum > 0);
        // The sums lack what came after the last picture, and the last frame; and are rounded.
        CHECK(stats.decode_times.sum <= stats.decode_cpu_seconds * (1 + 1e-9));
        CHECK(stats.convert_times.sum <= stats.convert_cpu_seconds * (1 + 1e-9));
        CHECK(stats.decode_times.sum > stats.decode_cpu_seconds / 2);
        CHECK(stats.convert_times.sum > stats.convert_cpu_seconds / 2);
      }
    }
  }
}

TEST(AccessUnitsAreNotPictures) {
  EngineOptions options;
  options.framing = Framing::kAnnexB;
  Harness harness(options);
  PlayToEnd(harness, LoadClip("h264-b", Container::kMp4));
  const EngineStats stats = harness.engine().stats();
  CHECK_EQ(stats.frames, int64_t{150});
  CHECK_EQ(CountOf(stats.decode_times), int64_t{0});
  CHECK_EQ(CountOf(stats.convert_times), int64_t{0});
  CHECK_EQ(stats.picture_bytes, int64_t{0});
}

TEST(APacketWithoutNalUnitsIsNoAccessUnit) {
  Clip clip = LoadClip("h264-plain", Container::kMp4);
  const std::string media = "mdat";
  Bytes& first = clip.fragments[0];
  // Lengths of NAL units that are 0, to the end.
  std::fill(std::search(first.begin(), first.end(), media.begin(), media.end()) + 4, first.end(),
            0);
  for (const Framing framing : {Framing::kAnnexB, Framing::kAvcc}) {
    EngineOptions options;
    options.framing = framing;
    Harness harness(options);
    PlayToEnd(harness, clip);
    CHECK_EQ(harness.frames.size(), size_t{125});
    CHECK_EQ(harness.frames.front().fragment_id, 1);
    CHECK((harness.frames.front().flags & kFirstAfterOpen) != 0);
  }
}

TEST(PictureBuffersAreKnownUntilTheDecoderIsClosed) {
  constexpr int64_t kPixelBytes = 176 * 144 * 3 / 2;
  for (const char* name : {"h264-b", "h265-open", "h264-plain"}) {
    for (const int threads : {1, 4}) {
      const Clip clip = LoadClip(name, Container::kMp4);
      Harness harness(Threads(threads));
      CHECK_EQ(harness.engine().stats().picture_bytes, int64_t{0});
      Play(harness, clip);
      CHECK(harness.PumpUntilIdle());
      const int64_t bytes = harness.engine().stats().picture_bytes;
      // At least the picture and its reference, at most all that H.264 and the threads may hold,
      // with room for what libavcodec rounds up to at this size.
      CHECK(bytes >= 2 * kPixelBytes);
      CHECK(bytes <= (18 + threads) * 2 * kPixelBytes);
      for (int again = 0; again < 2; ++again) Play(harness, clip);
      CHECK(harness.PumpUntilIdle());
      CHECK(harness.engine().stats().picture_bytes <= bytes + threads * 2 * kPixelBytes);
      // One decoder has one form of pictures.
      Play(harness, LoadClip("h264-small", Container::kMp4));
      CHECK(harness.PumpUntilIdle());
      const int64_t small_bytes = harness.engine().stats().picture_bytes;
      CHECK(small_bytes > 0 && small_bytes < (18 + threads) * 2 * 96 * 64 * 3 / 2);
      harness.engine().RequestStop();
      harness.engine().Join();
      CHECK_EQ(harness.engine().stats().picture_bytes, int64_t{0});
    }
  }
}

TEST(WhatLibavLogsOfNoFaultIsToldWithItsFragment) {
  for (const int threads : {1, 3}) {
    Clip clip = LoadClip("h264-plain", Container::kTs);
    clip.fragments[2] = Damaged(clip.fragments[2]);
    Harness harness(Threads(threads));
    PlayToEnd(harness, clip);
    CHECK(harness.faults.empty());
    CHECK_EQ(harness.frames.size(), size_t{150});
    // libav's threads may be late for the fragment.
    REQUIRE(!harness.logs.empty() && harness.logs.size() <= 2);
    for (const LogLine& line : harness.logs[0]) {
      CHECK(line.is_error);
      CHECK_EQ(line.text.substr(0, 6), "h264: ");
    }
    CHECK(LinesIn(harness) >= 1 && LinesIn(harness) <= LogSink::kMaxLines);
    const auto log = std::find(harness.order.begin(), harness.order.end(), RecordKind::kLog);
    REQUIRE(log != harness.order.end());
    CHECK(log[1] == RecordKind::kFragment);
    if (threads > 1) continue;
    const auto end = std::find(harness.order.begin(), log, RecordKind::kFragment);
    CHECK(end != log);
    CHECK_EQ(std::count(harness.order.begin(), log, RecordKind::kFragment), 2);
    CHECK_EQ(harness.logs.size(), size_t{1});
  }
}

TEST(WhatLibavsThreadsLogLateIsToldBeforeTheEnd) {
  Clip clip = LoadClip("h264-plain", Container::kTs);
  clip.fragments.resize(1);
  clip.fragments[0] = Damaged(clip.fragments[0], 0.98);
  for (const int threads : {1, 4}) {
    Harness harness(Threads(threads));
    PlayToEnd(harness, clip);
    CHECK(harness.faults.empty());
    CHECK(LinesIn(harness) > 0);
    CHECK(harness.logs.size() <= 2);
    CHECK(harness.order.back() == RecordKind::kEnded);
  }
}

TEST(LinesThatAFaultTookAreNotToldAgain) {
  const Clip clip = LoadClip("h264-open", Container::kTs);
  Harness harness;
  // Only its first fragment has parameter sets.
  PlayToEnd(harness, clip, 1);
  CHECK_EQ(harness.faults.size(), clip.fragments.size() - 1);
  for (const Fault& fault : harness.faults) CHECK(!fault.log.empty());
  CHECK(harness.logs.empty());
}

TEST(OfAHealthyStreamNothingIsLogged) {
  for (const char* name : {"h264-plain", "h264-b", "h264-open", "h265-closed", "h265-open"}) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      Harness harness;
      PlayToEnd(harness, LoadClip(name, container));
      CHECK(harness.logs.empty());
      CHECK_EQ(std::count(harness.order.begin(), harness.order.end(), RecordKind::kLog), 0);
    }
  }
}

}  // namespace
}  // namespace kvs_frames
