// What a fragment may claim, hold and take.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "boxes.h"
#include "check.h"
#include "engine_harness.h"
#include "media.h"
#include "peak_memory.h"

namespace kvs_frames {
namespace {

using testing::AddNumber;
using testing::Box;
using testing::Bytes;
using testing::Clip;
using testing::Container;
using testing::Harness;
using testing::Joined;
using testing::LoadClip;
using testing::Numbers;
using testing::PeakKib;
using testing::Span;

const std::atomic<bool> kNotCancelled{false};

// What libavformat may take for fragments of some kilobytes.
constexpr long kMemoryKib = 96 * 1024;

std::optional<Fault> Demux(const Bytes& init, const Bytes& media, size_t max_frames,
                           DemuxedFragment* fragment) {
  return DemuxFragment(Span(init), Span(media), 5, kNotCancelled, fragment, max_frames);
}

// Samples of a default size and duration, so that a run needs no bytes for them.
Bytes Moof(const Bytes& runs) {
  constexpr uint32_t kDefaults = 0x020000 | 0x8 | 0x10;  // base is moof, duration, size
  const Bytes header = Box("tfhd", Numbers({kDefaults, 1, 512, 1}));
  return Box("moof", Joined({Box("mfhd", Numbers({0, 1})),
                             Box("traf", Joined({header, Box("tfdt", Numbers({0, 0})), runs}))}));
}

// An init section with the sample tables of a video track.
Bytes InitWithTables(const Bytes& tables, const Bytes& edits) {
  const Bytes mdhd = Box("mdhd", Numbers({0, 0, 0, 12800, 0, 0}));
  const Bytes hdlr =
      Box("hdlr", Joined({Numbers({0, 0}), {'v', 'i', 'd', 'e'}, Numbers({0, 0, 0, 0})}));
  const Bytes minf = Box("minf", Box("stbl", tables));
  const Bytes tkhd = Box("tkhd", Joined({Numbers({0, 0, 0, 1}), Bytes(68, 0)}));
  const Bytes trak = Box("trak", Joined({tkhd, edits, Box("mdia", Joined({mdhd, hdlr, minf}))}));
  const Bytes mvhd = Box("mvhd", Joined({Numbers({0, 0, 0, 1000, 0}), Bytes(80, 0)}));
  return Joined({Box("ftyp", Bytes(8, 'i')), Box("moov", Joined({mvhd, trak}))});
}

// Two tables that claim as many samples as they like: all of one size, in one chunk.
Bytes Tables(uint32_t samples, uint32_t chunks, uint32_t per_chunk) {
  Bytes offsets = Numbers({0, chunks});
  for (uint32_t i = 0; i < std::min(chunks, 1000u); ++i) AddNumber(0, &offsets);
  return Joined({Box("stts", Numbers({0, 1, samples, 512})), Box("stsz", Numbers({0, 1, samples})),
                 Box("stsc", Numbers({0, 1, 1, per_chunk, 1})), Box("stco", offsets)});
}

TEST(PicturesBeyondTheLimitAreCutOffAndTheTimesAreThoseOfAll) {
  for (const Container container : {Container::kMp4, Container::kTs}) {
    const Clip clip = LoadClip("h264-b", container);
    DemuxedFragment fragment;
    REQUIRE(!Demux(clip.init, clip.fragments[0], 10, &fragment));
    CHECK_EQ(fragment.packets.size(), size_t{10});
    CHECK(fragment.duration_ms > 999 && fragment.duration_ms < 1001);
    REQUIRE(fragment.fault.has_value());
    CHECK(fragment.fault->stage == Stage::kLimit);
    CHECK_EQ(fragment.fault->message,
             std::string("the fragment has 25 pictures, more than the limit of 10: what is behind "
                         "them was cut off; raise limits.maxFramesPerFragment"));
    REQUIRE(!Demux(clip.init, clip.fragments[0], 25, &fragment));
    CHECK(!fragment.fault);
  }
}

TEST(AFragmentOfTooManyPicturesIsAFaultAndNoTroubleAndTheNextOneDecodes) {
  EngineOptions options;
  options.max_frames_per_fragment = 10;
  options.hold_on_trouble = true;
  Harness harness(options);
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  CHECK(harness.Push(1, clip.init, clip.fragments[1]));
  harness.engine().Finish();
  REQUIRE(harness.PumpUntilEnded());
  CHECK(harness.troubles.empty());
  REQUIRE(harness.faults.size() == 2);
  CHECK_EQ(StageName(harness.faults[1].stage), std::string("limit"));
  CHECK_EQ(harness.frames.size(), size_t{20});
  CHECK_EQ(harness.frames[10].fragment_id, 1);
}

TEST(AFragmentThatKeepsTheDecoderBusyForTooLongIsCutOffAndTheNextOneDecodes) {
  // By the processor time of the thread, and by the clock where libav's own threads decode.
  for (const int threads : {1, 2}) {
    EngineOptions options;
    options.max_decode_seconds = 1e-6;
    options.decoder_threads = threads;
    options.hold_on_trouble = true;
    Harness harness(options);
    const Clip clip = LoadClip("h264-b", Container::kMp4);
    for (int i = 0; i < 3; ++i) CHECK(harness.Push(i, clip.init, clip.fragments[i]));
    harness.engine().Finish();
    REQUIRE(harness.PumpUntilEnded());
    REQUIRE(harness.faults.size() == 3);
    for (int i = 0; i < 3; ++i) {
      const Fault& fault = harness.faults[i];
      CHECK_EQ(StageName(fault.stage), std::string("limit"));
      CHECK_EQ(fault.fragment_id, i);
      CHECK(fault.message.find("longer than the limit of 1e-06 s: its last 24 of 25 packets were "
                               "cut off; raise limits.maxDecodeSeconds") != std::string::npos);
    }
    // The picture that was decoded when the time was up is not lost.
    REQUIRE(harness.frames.size() == 3);
    for (int i = 0; i < 3; ++i) CHECK_EQ(harness.frames[i].fragment_id, i);
    CHECK(harness.troubles.empty());
  }
}

TEST(AFragmentThatTakesNoLongerThanItMayIsDecodedWhole) {
  EngineOptions options;
  options.max_decode_seconds = 30;
  Harness harness(options);
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  CHECK(harness.Push(0, clip.init, clip.fragments[0]));
  CHECK(harness.PumpUntilIdle());
  CHECK(harness.faults.empty());
  // It is back from libav: an even number.
  CHECK(harness.engine().stats().libav_calls > 50);
  CHECK_EQ(harness.engine().stats().libav_calls % 2, int64_t{0});
}

TEST(TablesThatClaimMoreSamplesThanThereCanBeTakeNoMemory) {
  const Clip clip = LoadClip("h264-small", Container::kMp4);
  const Bytes mdat = Box("mdat", Bytes(1000, 1));
  // 20 million first: should that not be refused, the host survives it.
  for (const uint32_t claimed : {20'000'000u, 0x80000000u, 0xffffffffu}) {
    const Bytes run = Box("trun", Numbers({0, claimed}));
    const Bytes fragment = Joined({Moof(run), mdat});
    const Bytes many_runs = Joined({Moof(Joined({Box("trun", Numbers({0, claimed / 32})),
                                                 Box("trun", Numbers({0, claimed / 32}))})),
                                    mdat});
    const Bytes hidden = Joined({Box("mdat", Bytes(4, 0)), Box("udta", Moof(run)), mdat});
    const Bytes good = clip.fragments[0];
    // The number lies behind the end of its box, of the fragment's, of the init section.
    const Bytes beyond = Joined({Moof(Box("trun", {})), Numbers({0, claimed}), mdat});
    const Bytes cut = Moof(run);
    const Bytes begun = Bytes(cut.begin(), cut.end() - 2);
    const Bytes rest = Joined({Bytes(cut.end() - 2, cut.end()), good});
    // What looks like an `mdat` to the end is in a box that the init section has begun.
    const Bytes free = Joined({Numbers({16}), {'f', 'r', 'e', 'e'}});
    const Bytes unreal = Joined({Numbers({0x7fffffff}), {'m', 'd', 'a', 't'}, fragment});
    const std::pair<Bytes, Bytes> cases[] = {
        {clip.init, beyond},
        {Joined({clip.init, begun}), rest},
        {Joined({clip.init, free}), unreal},
        {clip.init, fragment},
        {clip.init, hidden},
        {clip.init, many_runs},
        {Joined({clip.init, Moof(run)}), good},
        {InitWithTables(Tables(claimed, 1, claimed), {}), good},
        {InitWithTables(Tables(10, claimed, 1), {}), good},
        {InitWithTables(Tables(1000, 1000, claimed), {}), good},
        {InitWithTables(Tables(100'000, 1, 100'000),
                        Box("edts", Box("elst", Numbers({0, claimed})))),
         good},
    };
    for (const auto& [init, media] : cases) {
      const long before = PeakKib();
      DemuxedFragment demuxed;
      const auto fault = Demux(init, media, 10'000, &demuxed);
      REQUIRE(fault.has_value());
      CHECK_EQ(fault->message,
               std::string("the tables of the fragment claim more than 1000000 samples"));
      CHECK(PeakKib() - before < kMemoryKib);
    }
  }
}

TEST(ManyEditsOfManySamplesAreTooMuchTogether) {
  const Clip clip = LoadClip("h264-small", Container::kMp4);
  Bytes edits = Numbers({0, 2000});
  for (int i = 0; i < 2000; ++i) edits = Joined({edits, Numbers({1000, 0, 0x10000})});
  const Bytes init = InitWithTables(Tables(1000, 1, 1000), Box("edts", Box("elst", edits)));
  const long before = PeakKib();
  DemuxedFragment demuxed;
  const auto fault = Demux(init, clip.fragments[0], 10'000, &demuxed);
  REQUIRE(fault.has_value());
  CHECK(fault->message.find("claim more than") != std::string::npos);
  CHECK(PeakKib() - before < kMemoryKib);
}

TEST(ACompressedInitSectionIsRefused) {
  const Clip clip = LoadClip("h264-small", Container::kMp4);
  const Bytes cmov = Box(
      "cmov", Joined({Box("dcom", {'z', 'l', 'i', 'b'}), Box("cmvd", Numbers({0xffffffff, 0}))}));
  DemuxedFragment demuxed;
  const auto fault = Demux(Joined({Box("ftyp", Bytes(8, 'i')), Box("moov", cmov)}),
                           clip.fragments[0], 10, &demuxed);
  REQUIRE(fault.has_value());
  CHECK(fault->message.find("compressed") != std::string::npos);
}

TEST(SamplesThatLieOverOneAnotherTakeNoMoreMemoryThanTheFragment) {
  const Clip clip = LoadClip("h264-small", Container::kMp4);
  constexpr uint32_t kSampleBytes = 200'000;
  Bytes runs;
  for (int i = 0; i < 2000; ++i) {
    const Bytes run = Box("trun", Numbers({0x201, 1, 0, kSampleBytes}));
    runs.insert(runs.end(), run.begin(), run.end());
  }
  const Bytes fragment = Joined({Moof(runs), Box("mdat", Bytes(300'000, 1))});
  const long before = PeakKib();
  DemuxedFragment demuxed;
  const auto fault = Demux(clip.init, fragment, 10'000, &demuxed);
  CHECK(!fault);
  REQUIRE(demuxed.fault.has_value());
  CHECK(demuxed.fault->message.find("more bytes than it has itself") != std::string::npos);
  CHECK(demuxed.packets.size() < 5);
  CHECK(PeakKib() - before < kMemoryKib);
}

TEST(BoxesWithinBoxesEndInAFault) {
  const Clip clip = LoadClip("h264-small", Container::kMp4);
  Bytes nested = Box("udta", {});
  for (int i = 0; i < 2000; ++i) nested = Box("moov", nested);
  DemuxedFragment demuxed;
  CHECK(Demux(nested, clip.fragments[0], 10, &demuxed).has_value());
  const Bytes deep = Joined({clip.init, nested});
  const auto fault = Demux(deep, clip.fragments[0], 100, &demuxed);
  CHECK(fault.has_value() || demuxed.packets.size() == 25);
}

}  // namespace
}  // namespace kvs_frames
