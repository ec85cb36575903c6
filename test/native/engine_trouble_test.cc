// A fragment in trouble and its second copy: what comes out is what would have come out of a good
// first copy, no picture twice and none lost.
#include <algorithm>
#include <string>
#include <thread>

#include "check.h"
#include "engine.h"
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

constexpr size_t kDamaged = 2;  // the fragment that is damaged, of four
constexpr size_t kFragments = 4;

EngineOptions Options(bool hold, int threads = 1) {
  EngineOptions options;
  options.hold_on_trouble = hold;
  options.decoder_threads = threads;
  return options;
}

Bytes Cut(const Bytes& media) { return {media.begin(), media.begin() + media.size() / 2}; }

Bytes Flipped(const Bytes& media, size_t from, size_t count) {
  Bytes flipped = media;
  for (size_t i = from; i < from + count && i < flipped.size(); ++i) flipped[i] ^= 0x5a;
  return flipped;
}

// Runs the clip's first fragments with `first` in place of the damaged one, to the end.
void Run(Harness* harness, const Clip& clip, const Bytes& first, bool one_by_one = false) {
  for (size_t i = 0; i < kFragments; ++i) {
    CHECK(harness->Push(static_cast<int64_t>(i), clip.init,
                        i == kDamaged ? first : clip.fragments[i]));
    if (one_by_one) CHECK(harness->PumpUntilIdle());
  }
  harness->engine().Finish();
  CHECK(harness->PumpUntilEnded());
}

bool SameFrames(const Harness& a, const Harness& b) {
  return std::equal(a.frames.begin(), a.frames.end(), b.frames.begin(), b.frames.end(),
                    [](const Frame& x, const Frame& y) {
                      return x.fragment_id == y.fragment_id && x.hash == y.hash &&
                             x.flags == y.flags && x.offset_ms == y.offset_ms &&
                             x.duration_ms == y.duration_ms;
                    });
}

TEST(ASecondCopyTakesThePlaceOfAFirstThatCannotBeRead) {
  for (const char* name : {"h264-plain", "h264-b", "h264-open", "h265-closed", "h265-open"}) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      const Clip clip = LoadClip(name, container);
      Harness whole;
      Run(&whole, clip, clip.fragments[kDamaged]);
      const Bytes garbage(5000, 0x37);
      for (const Bytes& first : {Cut(clip.fragments[kDamaged]), garbage, Bytes()}) {
        // Cut between two packets, MPEG-TS is whole as far as anyone can tell.
        if (container == Container::kTs && first.size() > garbage.size()) continue;
        Harness harness(Options(true));
        harness.on_trouble = [&](int64_t) { harness.Retry(clip.init, clip.fragments[kDamaged]); };
        Run(&harness, clip, first);
        CHECK(harness.troubles == std::vector<int64_t>{kDamaged});
        CHECK(harness.troubled.empty());
        CHECK(harness.faults.empty());
        CHECK(SameFrames(harness, whole));
        CHECK_EQ(harness.engine().stats().decoder_opens, 1);
      }
    }
  }
}

TEST(ASecondCopyMendsDamageThatShowsInDecodingWithNoFrameTwiceAndNoneLost) {
  int asked = 0;
  for (const char* name : {"h264-plain", "h264-b", "h265-closed"}) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      for (const int threads : {1, 3}) {
        for (const bool one_by_one : {false, true}) {
          const Clip clip = LoadClip(name, container);
          const Bytes& good = clip.fragments[kDamaged];
          Harness whole(Options(false, threads));
          Run(&whole, clip, good);
          for (size_t at = good.size() / 4; at + 1000 < good.size(); at += good.size() / 4) {
            // Wide enough to meet a NAL unit's or a transport packet's header: H.265 decodes any
            // payload to something.
            const Bytes first = Flipped(good, at, 2000);
            Harness harness(Options(true, threads));
            size_t before = 0;  // frames until the question
            harness.on_trouble = [&](int64_t id) {
              before = harness.frames.size();
              harness.Retry(clip.init, clip.fragments[static_cast<size_t>(id)]);
            };
            Run(&harness, clip, first, one_by_one);
            CHECK(harness.troubles.size() <= 1);
            // libav's threads may find it when the next fragment's packets go in.
            if (harness.troubles.empty() || harness.troubles[0] != kDamaged) continue;
            ++asked;
            CHECK(harness.faults.empty());
            CHECK(harness.troubled.empty());
            CHECK_EQ(harness.engine().stats().decoder_opens, 1);
            REQUIRE(harness.frames.size() == whole.frames.size());
            for (size_t i = 0; i < whole.frames.size(); ++i) {
              CHECK_EQ(harness.frames[i].fragment_id, whole.frames[i].fragment_id);
              CHECK_EQ(harness.frames[i].offset_ms, whole.frames[i].offset_ms);
              // Before, libav may have taken wrong bits for right ones.
              if (i < before) continue;
              CHECK_EQ(harness.frames[i].hash, whole.frames[i].hash);
              CHECK_EQ(harness.frames[i].flags, whole.frames[i].flags);
            }
          }
        }
      }
    }
  }
  // Of 72. What is left shows nowhere, or only in pictures that come when it is too late.
  CHECK(asked > 50);
}

TEST(ASecondCopyMendsAFragmentOfWhichOnlyTheBoxesAreLeft) {
  for (const char* name : {"h264-plain", "h264-b", "h265-closed"}) {
    const Clip clip = LoadClip(name, Container::kMp4);
    Harness whole;
    Run(&whole, clip, clip.fragments[kDamaged]);
    Bytes bare = clip.fragments[kDamaged];
    const std::string type = "mdat";
    const auto mdat = std::search(bare.begin(), bare.end(), type.begin(), type.end());
    REQUIRE(mdat != bare.end());
    std::fill(mdat + 4, bare.end(), 0xff);
    Harness harness(Options(true));
    harness.on_trouble = [&](int64_t) { harness.Retry(clip.init, clip.fragments[kDamaged]); };
    Run(&harness, clip, bare);
    CHECK(harness.troubles == std::vector<int64_t>{kDamaged});
    CHECK(harness.troubled.empty());
    CHECK(harness.faults.empty());
    CHECK(SameFrames(harness, whole));
  }
}

TEST(GivenUpTheEngineDoesWhatItDoesWithoutAsking) {
  for (const char* name : {"h264-plain", "h264-b", "h265-closed"}) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      const Clip clip = LoadClip(name, container);
      const Bytes& good = clip.fragments[kDamaged];
      for (const Bytes& first : {Cut(good), Bytes(), Flipped(good, good.size() / 2, 40)}) {
        Harness without;
        Run(&without, clip, first);
        Harness harness(Options(true));
        harness.on_trouble = [&](int64_t) { harness.GiveUp(); };
        Run(&harness, clip, first);
        CHECK(SameFrames(harness, without));
        CHECK_EQ(harness.faults.size(), without.faults.size());
        CHECK(harness.troubles == without.troubled);
        CHECK(harness.troubled == without.troubled);
        CHECK(without.troubles.empty());
      }
    }
  }
}

TEST(ASecondCopyThatIsDamagedTooIsDecodedAsFarAsItGoesAndAskedAboutNoMore) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  const Bytes& good = clip.fragments[kDamaged];
  const Bytes longer(good.begin(), good.end() - 100);
  const struct {
    Bytes first, second;
    Bytes decoded;  // which of the two
  } cases[] = {
      {Cut(good), longer, longer},
      {longer, Cut(good), longer},
      {Cut(good), Bytes(), Cut(good)},
      {Bytes(), Cut(good), Cut(good)},
      {Flipped(good, good.size() / 2, 40), Cut(good), Flipped(good, good.size() / 2, 40)},
      {Cut(good), Flipped(good, good.size() / 2, 40), Flipped(good, good.size() / 2, 40)},
  };
  for (const auto& row : cases) {
    Harness expected;
    Run(&expected, clip, row.decoded);
    Harness harness(Options(true));
    harness.on_trouble = [&](int64_t) { harness.Retry(clip.init, row.second); };
    Run(&harness, clip, row.first);
    CHECK_EQ(harness.troubles.size(), size_t{1});
    CHECK(harness.troubled == std::vector<int64_t>{kDamaged});
    CHECK(SameFrames(harness, expected));
    CHECK_EQ(harness.faults.size(), expected.faults.size());
  }
}

TEST(AFragmentWithoutIdrIsDecodedOnBecauseAResetWouldLoseItsLeadingPictures) {
  for (const char* name : {"h264-open", "h265-open"}) {
    const Clip clip = LoadClip(name, Container::kMp4);
    const Bytes first =
        Flipped(clip.fragments[kDamaged], clip.fragments[kDamaged].size() / 2, 2000);
    Harness without;
    Run(&without, clip, first);
    CHECK(without.troubled == std::vector<int64_t>{kDamaged});
    Harness harness(Options(true));
    Run(&harness, clip, first);
    CHECK(harness.troubles.empty());
    CHECK(SameFrames(harness, without));
  }
}

// With the type of the H.265 IDR made that of a picture which refers back.
Bytes WithHiddenIdr(Bytes media) {
  const std::string mdat = "mdat";
  const auto name = std::search(media.begin(), media.end(), mdat.begin(), mdat.end());
  for (size_t at = static_cast<size_t>(name - media.begin()) + 4; at + 5 < media.size();) {
    const int type = media[at + 4] >> 1 & 0x3f;
    if (type == 19 || type == 20) {
      media[at + 4] = 1 << 1;
      break;
    }
    at += 4 + (media[at] << 24 | media[at + 1] << 16 | media[at + 2] << 8 | media[at + 3]);
  }
  return media;
}

TEST(AnIdrThatDamageHidKeepsNoLaterFragmentBack) {
  const Clip clip = LoadClip("h265-closed", Container::kMp4);
  const Bytes hidden = WithHiddenIdr(clip.fragments[kDamaged]);
  REQUIRE(hidden != clip.fragments[kDamaged]);
  for (const bool has_second_copy : {false, true}) {
    Harness harness(Options(has_second_copy));
    harness.on_trouble = [&](int64_t id) { harness.Retry(clip.init, clip.fragments[id]); };
    for (size_t i = 0; i < clip.fragments.size(); ++i) {
      CHECK(harness.Push(static_cast<int64_t>(i), clip.init,
                         i == kDamaged ? hidden : clip.fragments[i]));
      CHECK(harness.PumpUntilIdle());
      if (i == 0 || (i == kDamaged && !has_second_copy)) continue;
      const auto frames = std::count_if(
          harness.frames.begin(), harness.frames.end(),
          [=](const Frame& frame) { return frame.fragment_id == static_cast<int64_t>(i); });
      CHECK_EQ(frames, 25);
    }
  }
}

TEST(AStreamThatIsJoinedAtAnOpenGroupOfPicturesIsNoTrouble) {
  for (const char* name : {"h264-open", "h265-open"}) {
    const Clip clip = LoadClip(name, Container::kMp4);
    Harness harness(Options(true));
    for (size_t i = 1; i < 4; ++i) {
      CHECK(harness.Push(static_cast<int64_t>(i), clip.init, clip.fragments[i]));
    }
    harness.engine().Finish();
    CHECK(harness.PumpUntilEnded());
    CHECK(harness.troubles.empty());
    CHECK(harness.troubled.empty());
    CHECK(harness.faults.empty());
    CHECK(harness.frames.size() >= 70);
  }
}

TEST(ASecondCopyMayNeedAnotherDecoder) {
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  const Clip other = LoadClip("h265-closed", Container::kMp4);
  Harness harness(Options(true));
  harness.on_trouble = [&](int64_t) { harness.Retry(clip.init, clip.fragments[0]); };
  // The first copy came with the init section of another codec, and opened a decoder for it.
  CHECK(harness.Push(0, other.init, clip.fragments[0]));
  CHECK(harness.Push(1, clip.init, clip.fragments[1]));
  harness.engine().Finish();
  CHECK(harness.PumpUntilEnded());
  CHECK(harness.faults.empty());
  REQUIRE(harness.frames.size() == 50);
  CHECK_EQ(harness.frames[0].flags, kKeyFrame | kFirstAfterOpen);
}

TEST(AFragmentOfWhichTheDecoderMakesNothingAndSaysNothingIsInTrouble) {
  const Clip clip = LoadClip("h265-closed", Container::kMp4);
  Bytes unspecified = clip.fragments[kDamaged];
  const std::string type = "mdat";
  const auto mdat = std::search(unspecified.begin(), unspecified.end(), type.begin(), type.end());
  REQUIRE(mdat != unspecified.end());
  // Each NAL unit gets a type that H.265 leaves to applications, and that decoders pass over.
  for (auto at = static_cast<size_t>(mdat - unspecified.begin()) + 4;
       at + 5 < unspecified.size();) {
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i) length = length << 8 | unspecified[at + i];
    unspecified[at + 4] = 48 << 1;
    at += 4 + length;
  }
  Harness whole;
  Run(&whole, clip, clip.fragments[kDamaged]);
  Harness mended(Options(true));
  mended.on_trouble = [&](int64_t) { mended.Retry(clip.init, clip.fragments[kDamaged]); };
  Run(&mended, clip, unspecified);
  CHECK(mended.troubles == std::vector<int64_t>{kDamaged});
  CHECK(mended.faults.empty());
  CHECK(SameFrames(mended, whole));
  Harness told;
  Run(&told, clip, unspecified);
  CHECK(told.troubled == std::vector<int64_t>{kDamaged});
  REQUIRE(told.faults.size() == 1);
  CHECK_EQ(told.faults[0].message, "no picture came of 25 packets in a row");
  CHECK_EQ(told.frames.size(), whole.frames.size() - 25);
}

TEST(TheFirstFrameAfterAnOpeningIsMarkedAlsoIfItComesFromASecondCopy) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  // Damage in the first picture of all.
  const Bytes first = Flipped(clip.fragments[0], clip.fragments[0].size() / 8, 200);
  Harness harness(Options(true));
  harness.on_trouble = [&](int64_t) { harness.Retry(clip.init, clip.fragments[0]); };
  CHECK(harness.Push(0, clip.init, first));
  harness.engine().Finish();
  CHECK(harness.PumpUntilEnded());
  CHECK_EQ(harness.troubles.size(), size_t{1});
  REQUIRE(harness.frames.size() == 25);
  CHECK_EQ(harness.frames[0].flags, kKeyFrame | kFirstAfterOpen);
  CHECK_EQ(harness.frames[1].flags, 0);
}

TEST(ATroubleIsToldBeforeTheFramesBehindItAndHoldsThemBack) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  const Bytes& good = clip.fragments[0];
  const Bytes first = Flipped(good, good.size() - 3000, 200);
  Harness harness(Options(true), 64);
  CHECK(harness.Push(0, clip.init, first));
  CHECK(harness.Push(1, clip.init, clip.fragments[1]));
  CHECK(harness.PumpUntil([&] { return !harness.troubles.empty(); }));
  const size_t before = harness.frames.size();
  CHECK(before > 0);
  CHECK(before < 25);
  CHECK(!harness.engine().IsIdle());
  CHECK_EQ(harness.engine().stats().frames, static_cast<int64_t>(before));
  harness.Retry(clip.init, good);
  CHECK(harness.PumpUntilFragments(2));
  CHECK(harness.PumpUntilIdle());
  REQUIRE(harness.frames.size() == 50);
  for (size_t i = 0; i < 50; ++i) {
    CHECK_EQ(harness.frames[i].fragment_id, static_cast<int64_t>(i / 25));
    CHECK(harness.frames[i].offset_ms == harness.frames[i % 25].offset_ms);
  }
}

TEST(AnAnswerIsOnlyTakenToAQuestion) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  const Bytes cut = Cut(clip.fragments[0]);
  Harness harness(Options(true));
  CHECK(harness.engine().AnswerTrouble(std::nullopt) == Engine::AnswerResult::kNotAsked);
  CHECK(harness.Push(0, clip.init, cut));
  CHECK(harness.PumpUntil([&] { return !harness.troubles.empty(); }));
  CHECK(harness.engine().AnswerTrouble(std::nullopt) == Engine::AnswerResult::kAccepted);
  CHECK(harness.engine().AnswerTrouble(std::nullopt) == Engine::AnswerResult::kNotAsked);
  CHECK(harness.PumpUntilFragments(1));
}

TEST(TheBytesOfASecondCopyAreLetGoOnTheCallersThread) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  const Bytes cut = Cut(clip.fragments[1]);
  const auto caller = std::this_thread::get_id();
  std::atomic<int> released{0};
  std::atomic<int> elsewhere{0};
  const auto token = [&] {
    return std::shared_ptr<void>(static_cast<void*>(&released), [&, caller](void*) {
      ++released;
      if (std::this_thread::get_id() != caller) ++elsewhere;
    });
  };
  {
    Harness harness(Options(true));
    int asked = 0;
    harness.on_trouble = [&](int64_t) {
      const Bytes& copy = clip.fragments[1];
      harness.engine().AnswerTrouble(
          FragmentInput{0, testing::Span(clip.init), testing::Span(copy), token()});
      ++asked;
    };
    for (int64_t id = 0; id < 3; ++id) CHECK(harness.Push(id, clip.init, cut));
    CHECK(harness.PumpUntilFragments(3));
    CHECK_EQ(asked, 3);
    CHECK_EQ(released.load(), 3);
    // And where the engine is closed over the answer.
    CHECK(harness.Push(3, clip.init, cut));
    CHECK(harness.PumpUntil([&] { return asked == 4; }));
  }
  CHECK_EQ(released.load(), 4);
  CHECK_EQ(elsewhere.load(), 0);
}

}  // namespace
}  // namespace kvs_frames
