// Access units and what libav makes of them.
#include "access_unit.h"

#include <atomic>
#include <cstring>
#include <string>

#include "check.h"
#include "decoder.h"
#include "media.h"

namespace kvs_frames {
namespace {

using testing::Bytes;
using testing::Clip;
using testing::Container;
using testing::LoadClip;
using testing::PictureMd5;

const char* const kClips[] = {"h264-plain", "h264-b", "h264-open", "h265-closed", "h265-open"};

// A clip's access units with what is known of them.
struct Units {
  std::vector<Bytes> units;
  std::vector<bool> keys;
  Bytes codec_data;
  int changes = 0;
  int width = 0;
  int height = 0;
};

Units Rewrite(const Clip& clip, Framing framing) {
  const std::atomic<bool> cancelled{false};
  AccessUnits access_units(framing);
  Units result;
  for (size_t i = 0; i < clip.fragments.size(); ++i) {
    DemuxedFragment fragment;
    CHECK(!DemuxFragment(testing::Span(clip.init), testing::Span(clip.fragments[i]),
                         static_cast<int64_t>(i), cancelled, &fragment));
    for (const DemuxedPacket& packet : fragment.packets) {
      access_units.Read(fragment, *packet.packet);
      Bytes unit(access_units.bytes() + 1, 0x5a);
      access_units.Write(unit.data());
      CHECK_EQ(unit.back(), 0x5a);
      unit.pop_back();
      result.units.push_back(std::move(unit));
      result.keys.push_back(access_units.is_key());
      if (access_units.is_new()) {
        ++result.changes;
        result.codec_data = access_units.CodecData();
        result.width = access_units.width();
        result.height = access_units.height();
      }
    }
  }
  return result;
}

// Decodes units as a host would: one packet each, the codec data as extradata.
std::vector<std::string> Decode(const Units& units, AVCodecID codec_id, bool with_extradata) {
  const AVCodec* const codec = avcodec_find_decoder(codec_id);
  const UniqueCodecContext context(avcodec_alloc_context3(codec));
  if (with_extradata) {
    const size_t size = units.codec_data.size();
    context->extradata = static_cast<uint8_t*>(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE));
    std::memcpy(context->extradata, units.codec_data.data(), size);
    context->extradata_size = static_cast<int>(size);
  }
  context->flags |= AV_CODEC_FLAG_UNALIGNED;
  // The depth of B pyramids is not in these streams' parameter sets.
  context->has_b_frames = 3;
  std::vector<std::string> md5s;
  if (avcodec_open2(context.get(), codec, nullptr) < 0) return md5s;
  const UniqueFrame picture = NewFrame();
  const auto receive = [&] {
    while (avcodec_receive_frame(context.get(), picture.get()) == 0) {
      md5s.push_back(PictureMd5(*picture));
    }
  };
  for (const Bytes& unit : units.units) {
    const UniquePacket packet = NewPacket();
    CHECK(av_new_packet(packet.get(), static_cast<int>(unit.size())) == 0);
    std::memcpy(packet->data, unit.data(), unit.size());
    CHECK_EQ(avcodec_send_packet(context.get(), packet.get()), 0);
    receive();
  }
  avcodec_send_packet(context.get(), nullptr);
  receive();
  return md5s;
}

AVCodecID CodecOf(const std::string& name) {
  return name.rfind("h265", 0) == 0 ? AV_CODEC_ID_HEVC : AV_CODEC_ID_H264;
}

int CountOf(AVCodecID codec, const Bytes& unit, int type) {
  int count = 0;
  for (const NalUnit& nal : SplitNalUnits(0, testing::Span(unit))) {
    count += NalType(codec, nal) == type ? 1 : 0;
  }
  return count;
}

TEST(AnnexBUnitsDecodeToTheSamePicturesWithNothingElseKnown) {
  for (const char* name : kClips) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      const Clip clip = LoadClip(name, container);
      const Units units = Rewrite(clip, Framing::kAnnexB);
      CHECK(Decode(units, CodecOf(name), false) == clip.md5s);
      CHECK_EQ(units.changes, 1);
      CHECK_EQ(units.width, 176);
      CHECK_EQ(units.height, 144);
    }
  }
}

TEST(AvccUnitsDecodeToTheSamePicturesWithTheirRecord) {
  for (const char* name : kClips) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      const Clip clip = LoadClip(name, container);
      const Units units = Rewrite(clip, Framing::kAvcc);
      REQUIRE(!units.codec_data.empty());
      CHECK_EQ(units.codec_data[0], 1);
      CHECK(Decode(units, CodecOf(name), true) == clip.md5s);
      CHECK_EQ(units.changes, 1);
    }
  }
}

TEST(KeyFramesHaveTheParameterSetsOnceAndOthersNot) {
  for (const char* name : kClips) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      const AVCodecID codec = CodecOf(name);
      const Units units = Rewrite(LoadClip(name, container), Framing::kAnnexB);
      const int sps = codec == AV_CODEC_ID_H264 ? 7 : 33;
      const int pps = codec == AV_CODEC_ID_H264 ? 8 : 34;
      for (size_t i = 0; i < units.units.size(); ++i) {
        CHECK_EQ(CountOf(codec, units.units[i], sps), units.keys[i] ? 1 : 0);
        if (units.keys[i]) CHECK_EQ(CountOf(codec, units.units[i], pps), 1);
        if (i > 0 && units.keys[i] && codec == AV_CODEC_ID_HEVC) {
          CHECK_EQ(CountOf(codec, units.units[i], 32), 1);
        }
      }
    }
  }
}

TEST(TheRecordsMadeOfParameterSetsAreThoseOfTheContainer) {
  for (const char* name : {"h264-plain", "h264-b", "h264-10bit", "h264-422", "h265-closed",
                           "h265-layers", "h265-10bit"}) {
    const Clip clip = LoadClip(name, Container::kMp4);
    const std::atomic<bool> cancelled{false};
    DemuxedFragment fragment;
    CHECK(!DemuxFragment(testing::Span(clip.init), testing::Span(clip.fragments[0]), 0, cancelled,
                         &fragment));
    const AVCodecParameters& parameters = *fragment.parameters;
    const Bytes record = CodecRecord(parameters.codec_id, ParameterSetsOf(parameters));
    Bytes expected(parameters.extradata, parameters.extradata + parameters.extradata_size);
    if (parameters.codec_id == AV_CODEC_ID_HEVC) {
      // What ffmpeg knows of parallelism is not repeated, nor that its encoder's SEI unit was
      // there.
      REQUIRE(expected.size() > 22 && record.size() > 22);
      expected[15] = record[15];
      for (size_t i = 0; i < 22; ++i) CHECK_EQ(int{record[i]}, int{expected[i]});
      continue;
    }
    CHECK(record == expected);
  }
}

TEST(UnitsWithShortLengthsAreReadToo) {
  // An avcC record that says two bytes, and a packet so.
  const Bytes sps = {0x67, 0x42, 0xc0, 0x0a, 0x8c, 0x8d, 0x41, 0x61, 0x90, 0x1e, 0x11, 0x08, 0xd4};
  const Bytes pps = {0x68, 0xce, 0x3c, 0x80};
  Bytes record = {1, 0x42, 0xc0, 0x0a, 0xfd, 0xe1, 0, static_cast<uint8_t>(sps.size())};
  record.insert(record.end(), sps.begin(), sps.end());
  record.insert(record.end(), {1, 0, 4});
  record.insert(record.end(), pps.begin(), pps.end());
  DemuxedFragment fragment;
  fragment.parameters = NewCodecParameters();
  AVCodecParameters& parameters = *fragment.parameters;
  parameters.codec_id = AV_CODEC_ID_H264;
  parameters.extradata =
      static_cast<uint8_t*>(av_mallocz(record.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  std::memcpy(parameters.extradata, record.data(), record.size());
  parameters.extradata_size = static_cast<int>(record.size());
  const UniquePacket packet = NewPacket();
  Bytes data = {0, 2, 0x09, 0xf0, 0, 3, 0x65, 0x11, 0x22};
  packet->data = data.data();
  packet->size = static_cast<int>(data.size());
  packet->flags = AV_PKT_FLAG_KEY;
  AccessUnits annex_b(Framing::kAnnexB);
  annex_b.Read(fragment, *packet);
  Bytes unit(annex_b.bytes());
  annex_b.Write(unit.data());
  Bytes expected = {0, 0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1};  // the delimiter stays first
  expected.insert(expected.end(), sps.begin(), sps.end());
  expected.insert(expected.end(), {0, 0, 0, 1});
  expected.insert(expected.end(), pps.begin(), pps.end());
  expected.insert(expected.end(), {0, 0, 0, 1, 0x65, 0x11, 0x22});
  CHECK(unit == expected);
  AccessUnits avcc(Framing::kAvcc);
  avcc.Read(fragment, *packet);
  unit.resize(avcc.bytes());
  avcc.Write(unit.data());
  CHECK(unit == (Bytes{0, 0, 0, 2, 0x09, 0xf0, 0, 0, 0, 3, 0x65, 0x11, 0x22}));
  Bytes four = record;
  four[4] = 0xff;
  four[0] = 1;
  CHECK(avcc.CodecData() == four);
}

TEST(ParameterSetsThatChangeInsideAreNoticedAndTheirKeyFramesLeftAsTheyAre) {
  const Clip big = LoadClip("h264-plain", Container::kTs);
  Clip both = LoadClip("h264-small", Container::kTs);
  both.fragments.insert(both.fragments.begin(), big.fragments[0]);
  const Units units = Rewrite(both, Framing::kAnnexB);
  CHECK_EQ(units.changes, 2);
  CHECK_EQ(units.width, 96);
  CHECK_EQ(units.height, 64);
}

TEST(ARecordHoldsAsManySetsAsItCanCount) {
  // ISO/IEC 14496-15, 5.3.3.1.2: 31 SPS, 255 PPS, of at most 65535 bytes.
  std::vector<NalBytes> sets(40, NalBytes{0x67, 66, 0, 30});
  sets.emplace_back(70'000, 0x68);
  sets.resize(400, NalBytes{0x68, 1});
  const Bytes record = CodecRecord(AV_CODEC_ID_H264, sets);
  CHECK_EQ(record.size(), size_t{6 + 31 * 6 + 1 + 255 * 4});
  const UniqueCodecParameters made = NewCodecParameters();
  made->codec_id = AV_CODEC_ID_H264;
  made->extradata = static_cast<uint8_t*>(av_memdup(record.data(), record.size()));
  made->extradata_size = static_cast<int>(record.size());
  CHECK_EQ(ParameterSetsOf(*made).size(), size_t{31 + 255});
}

TEST(BrokenCodecDataIsReadAsFarAsItGoes) {
  const Clip clip = LoadClip("h265-closed", Container::kMp4);
  const std::atomic<bool> cancelled{false};
  DemuxedFragment fragment;
  CHECK(!DemuxFragment(testing::Span(clip.init), testing::Span(clip.fragments[0]), 0, cancelled,
                       &fragment));
  AVCodecParameters& parameters = *fragment.parameters;
  const int whole = parameters.extradata_size;
  for (int size = 0; size <= whole; ++size) {
    parameters.extradata_size = size;
    const auto sets = ParameterSetsOf(parameters);
    CHECK(sets.size() <= 4);
    CodecRecord(AV_CODEC_ID_HEVC, sets);
    CodecRecord(AV_CODEC_ID_H264, sets);
  }
}

}  // namespace
}  // namespace kvs_frames
