// Media of some megabytes whose NAL units would take gigabytes to tell apart.
#include "claimed_units.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "boxes.h"
#include "check.h"
#include "engine_harness.h"
#include "media.h"
#include "peak_memory.h"

namespace kvs_frames {
namespace {

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

constexpr size_t kBytes = 2'000'000;
constexpr size_t kTransportPacket = 188;
constexpr long kMemoryKib = 100 * 1000;

Bytes Repeated(const Bytes& part, size_t count) {
  Bytes bytes;
  bytes.reserve(part.size() * count);
  for (size_t i = 0; i < count; ++i) std::copy(part.begin(), part.end(), std::back_inserter(bytes));
  return bytes;
}

// A fragment of one sample, for the clip's init section.
Bytes Mp4Fragment(const Bytes& sample) {
  const auto moof = [&](uint32_t offset) {
    const Bytes run = Numbers({0x201, 1, offset, static_cast<uint32_t>(sample.size())});
    const Bytes header = Box("tfhd", Numbers({0x020000 | 0x8, 1, 512}));
    return Box(
        "moof",
        Joined({Box("mfhd", Numbers({0, 1})),
                Box("traf", Joined({header, Box("tfdt", Numbers({0, 0})), Box("trun", run)}))}));
  };
  return Joined({moof(static_cast<uint32_t>(moof(0).size()) + 8), Box("mdat", sample)});
}

// The clip's tables, then one PES packet without end.
Bytes TransportFragment(const Clip& clip, const Bytes& data) {
  const auto pid_of = [](const uint8_t* packet) { return (packet[1] & 0x1f) << 8 | packet[2]; };
  constexpr int kVideoPid = 0x100;  // ffmpeg's
  const Bytes& whole = clip.fragments[0];
  size_t tables = 0;
  while (pid_of(&whole[tables]) != kVideoPid) tables += kTransportPacket;
  Bytes media(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(tables));
  Bytes left = Joined({{0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1}, data});
  left.resize((left.size() + 183) / 184 * 184);
  for (size_t at = 0; at < left.size(); at += 184) {
    const auto counter = static_cast<uint8_t>(at / 184 % 16);
    const Bytes header = {0x47, static_cast<uint8_t>(at == 0 ? 0x41 : 0x01), 0,
                          static_cast<uint8_t>(0x10 | counter)};
    std::copy(header.begin(), header.end(), std::back_inserter(media));
    std::copy_n(left.begin() + static_cast<ptrdiff_t>(at), 184, std::back_inserter(media));
  }
  return media;
}

// The fault of a fragment behind which a good one is decoded, for little memory.
void CheckRefused(const Clip& clip, const Bytes& bomb, const std::string& message) {
  const long before = PeakKib();
  Harness harness;
  CHECK(harness.Push(0, clip.init, bomb));
  CHECK(harness.PumpUntilIdle());
  const long taken = PeakKib() - before;
  if (taken > kMemoryKib) testing::Fail(__FILE__, __LINE__) << "it took " << taken << " KiB\n";
  CHECK(harness.Push(1, clip.init, clip.fragments[0]));
  harness.engine().Finish();
  CHECK(harness.PumpUntilEnded());
  CHECK_EQ(harness.frames.size(), size_t{25});
  REQUIRE(harness.faults.size() == 1);
  CHECK_EQ(harness.faults[0].message, message);
}

constexpr const char* kTooManyCodes =
    "the MPEG-TS fragment has more than 100000 NAL unit start codes";
constexpr const char* kTooManyUnits =
    "1 of 1 packets are cut off or damaged and were left out (one has more than 4096 NAL units)";
constexpr const char* kTooMuchSei =
    "1 of 1 packets are cut off or damaged and were left out (one has more than 1048576 bytes of "
    "SEI)";

TEST(TinyUnitsInMp4TakeNoMemory) {
  const Bytes h264 = Repeated({0, 0, 0, 2, 9, 0xf0}, kBytes / 6);
  CheckRefused(LoadClip("h264-plain", Container::kMp4), Mp4Fragment(h264), kTooManyUnits);
  const Bytes h265 = Repeated({0, 0, 0, 2, 0x46, 1}, kBytes / 6);
  CheckRefused(LoadClip("h265-closed", Container::kMp4), Mp4Fragment(h265), kTooManyUnits);
}

TEST(TinyUnitsInTransportStreamsTakeNoMemory) {
  const Clip h264 = LoadClip("h264-plain", Container::kTs);
  const Bytes delimiter = {0, 0, 1, 9, 0xf0};
  CheckRefused(h264, TransportFragment(h264, Repeated(delimiter, kBytes / 5)), kTooManyCodes);
  CheckRefused(h264, TransportFragment(h264, Repeated(delimiter, 90'000)), kTooManyUnits);
  const Clip h265 = LoadClip("h265-closed", Container::kTs);
  CheckRefused(h265, TransportFragment(h265, Repeated({0, 0, 1, 0x46, 1}, kBytes / 5)),
               kTooManyCodes);
}

TEST(SeiOfTinyMessagesTakesNoMemory) {
  const Bytes messages = Repeated(Joined({{5, 16}, Bytes(16, 0x11)}), kBytes / 18);
  const auto sample = [&](const Bytes& header) {
    const Bytes unit = Joined({header, messages, {0x80}});
    return Joined({Numbers({static_cast<uint32_t>(unit.size())}), unit});
  };
  const Clip h264 = LoadClip("h264-plain", Container::kMp4);
  CheckRefused(h264, Mp4Fragment(sample({6})), kTooMuchSei);
  const Clip h265 = LoadClip("h265-closed", Container::kMp4);
  CheckRefused(h265, Mp4Fragment(sample({39 << 1, 1})), kTooMuchSei);
  CheckRefused(h265, Mp4Fragment(sample({40 << 1, 1})), kTooMuchSei);
}

// A slice of 100 bytes, of such as are not to be taken for start codes.
Bytes Slice(const Bytes& header) {
  return Joined({header, Repeated({0, 0, 3, 1, 0, 0, 2, 0, 1, 1}, 10)});
}

TEST(PicturesOfAsManySlicesAsThereMayBePass) {
  const UniqueCodecParameters parameters = NewCodecParameters();
  for (const AVCodecID codec : {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC}) {
    parameters->codec_id = codec;
    Bytes picture = Repeated(Slice({0, 0, 1, 0x02, 0x01}), 600);
    UniquePacket packet = NewPacket();
    packet->data = picture.data();
    packet->size = static_cast<int>(picture.size());
    CHECK(!WhyUndecodable(*parameters, *packet));
    const Bytes fragment = Repeated(picture, 150);
    CHECK(!CheckClaimedUnits(Span(fragment), 25));
    CHECK(!CheckClaimedUnits(Span(Repeated({0, 0, 3, 1, 0, 0, 2, 0, 1, 1}, kBytes)), 25));
  }
}

TEST(EachPictureThatMayBeInAFragmentMayHaveTenUnits) {
  const Bytes fragment = Repeated({0, 0, 1, 9, 0xf0}, 190'000);
  CHECK(CheckClaimedUnits(Span(fragment), 10'000).has_value());
  CHECK(CheckClaimedUnits(Span(fragment), 18'999).has_value());
  CHECK(!CheckClaimedUnits(Span(fragment), 19'000));
}

}  // namespace
}  // namespace kvs_frames
