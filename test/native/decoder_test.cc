#include "decoder.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <set>

#include "check.h"
#include "media.h"

namespace kvs_frames {
namespace {

using testing::Bytes;
using testing::Clip;
using testing::Container;
using testing::DecodeAll;
using testing::Decoded;
using testing::LoadClip;
using testing::Md5s;

constexpr const char* kAllClips[] = {"h264-plain", "h264-b",      "h264-open", "h264-10bit",
                                     "h264-422",   "h265-closed", "h265-open", "h265-10bit",
                                     "h264-444",   "h264-odd",    "h264-small"};

void CheckAgainstFfmpeg(const std::string& name, Container container, int threads) {
  const Clip clip = LoadClip(name, container);
  const Decoded decoded = DecodeAll(clip, threads);
  const std::string what = name + (container == Container::kMp4 ? " mp4" : " ts") + ", threads " +
                           std::to_string(threads);
  if (Md5s(decoded.pictures) != clip.md5s || !decoded.faults.empty() || decoded.opens != 1) {
    testing::Fail(__FILE__, __LINE__)
        << what << ": " << decoded.pictures.size() << " pictures of " << clip.md5s.size() << ", "
        << decoded.faults.size() << " faults, " << decoded.opens << " opens\n";
  }
}

TEST(PicturesEqualFfmpegsBitForBitAndInOrder) {
  for (const char* name : kAllClips) {
    CheckAgainstFfmpeg(name, Container::kMp4, 1);
    CheckAgainstFfmpeg(name, Container::kTs, 1);
  }
}

TEST(FrameThreadsChangeNothing) {
  for (const char* name : {"h264-b", "h265-open"}) {
    CheckAgainstFfmpeg(name, Container::kMp4, 4);
    CheckAgainstFfmpeg(name, Container::kTs, 4);
  }
}

TEST(EveryPictureKnowsItsFragmentAndComesInPresentationOrder) {
  for (const char* name : {"h264-plain", "h264-b", "h264-open", "h265-open"}) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      const Decoded decoded = DecodeAll(LoadClip(name, container));
      double pts = -1e18;
      std::set<int64_t> fragments;
      for (const auto& picture : decoded.pictures) {
        CHECK(picture.info.pts_ms > pts);
        pts = picture.info.pts_ms;
        fragments.insert(picture.info.fragment_id);
        CHECK(!picture.damaged);
      }
      CHECK_EQ(fragments.size(), size_t{6});
      CHECK(decoded.pictures.front().first_after_open);
      CHECK(decoded.pictures.front().key);
    }
  }
}

TEST(TimesThatRepeatAfterARestartDoNotConfuseTheMatch) {
  Clip clip = LoadClip("h264-b", Container::kMp4);
  clip.fragments = {clip.fragments[0], clip.fragments[0], clip.fragments[0]};
  const Decoded decoded = DecodeAll(clip);
  CHECK_EQ(decoded.opens, 1);
  CHECK_EQ(decoded.pictures.size(), size_t{75});
  for (size_t i = 0; i < decoded.pictures.size(); ++i) {
    CHECK_EQ(decoded.pictures[i].info.fragment_id, static_cast<int64_t>(i / 25));
    CHECK_EQ(decoded.pictures[i].md5, clip.md5s[i % 25]);
  }
}

TEST(AnotherInitSectionReopensAndLosesNothing) {
  const Clip big = LoadClip("h264-b", Container::kMp4);
  const Clip small = LoadClip("h264-small", Container::kMp4);
  const std::atomic<bool> cancelled{false};
  Decoder decoder({});
  DemuxedFragment fragment;
  REQUIRE(!DemuxFragment(testing::Span(big.init), testing::Span(big.fragments[0]), 0, cancelled,
                         &fragment));
  CHECK(!decoder.Accepts(fragment));
  REQUIRE(!decoder.Open(fragment));
  CHECK(decoder.Accepts(fragment));
  REQUIRE(!DemuxFragment(testing::Span(small.init), testing::Span(small.fragments[0]), 1, cancelled,
                         &fragment));
  CHECK(!decoder.Accepts(fragment));
}

// Takes the times out of every other video PES packet's header.
Bytes WithoutEverySecondPts(Bytes media) {
  int count = 0;
  for (size_t at = 0; at + 188 <= media.size(); at += 188) {
    uint8_t* const packet = &media[at];
    if ((packet[1] & 0x40) == 0) continue;  // no PES packet starts here
    const size_t payload = (packet[3] & 0x20) != 0 ? size_t{5} + packet[4] : 4;
    if (payload + 19 > 188) continue;
    uint8_t* const pes = packet + payload;
    const bool is_video = pes[0] == 0 && pes[1] == 0 && pes[2] == 1 && (pes[3] & 0xf0) == 0xe0;
    if (!is_video || count++ % 2 == 0) continue;
    pes[7] &= 0x3f;
    std::fill(pes + 9, pes + 9 + pes[8], 0xff);  // stuffing
  }
  return media;
}

TEST(PicturesWithoutPtsContinueTheOnesBeforeThem) {
  Clip clip = LoadClip("h264-plain", Container::kTs);
  for (Bytes& media : clip.fragments) media = WithoutEverySecondPts(media);
  const Decoded decoded = DecodeAll(clip);
  REQUIRE(decoded.pictures.size() == 150);
  for (size_t i = 0; i < 150; ++i) {
    const PacketInfo& info = decoded.pictures[i].info;
    CHECK_EQ(info.fragment_id, static_cast<int64_t>(i / 25));
    CHECK(std::abs(info.offset_ms - static_cast<double>(i % 25) * 40) < 0.02);
    CHECK(std::abs(info.duration_ms - 40) < 0.02);
  }
}

TEST(DrainingIsAllowedOnlyAfterTwoIdrStartsAndNoOther) {
  const std::atomic<bool> cancelled{false};
  const auto rule = [&](const char* name) {
    const Clip clip = LoadClip(name, Container::kMp4);
    Decoder decoder({});
    std::string text;
    for (size_t i = 0; i < clip.fragments.size(); ++i) {
      DemuxedFragment fragment;
      if (DemuxFragment(testing::Span(clip.init), testing::Span(clip.fragments[i]),
                        static_cast<int64_t>(i), cancelled, &fragment)) {
        return std::string("fault");
      }
      if (!decoder.Accepts(fragment) && decoder.Open(fragment)) return std::string("fault");
      decoder.BeginFragment(fragment);
      decoder.BeginFragment(fragment);  // again, as with a second copy: it counts once
      const bool can_drain = decoder.CanDrainBetweenFragments();
      decoder.EndFragment(true);
      decoder.EndFragment(true);  // as of one that could not be read
      CHECK_EQ(decoder.CanDrainBetweenFragments(), can_drain);
      text += can_drain ? 'y' : 'n';
    }
    return text;
  };
  CHECK_EQ(rule("h264-b"), "nyyyyy");
  CHECK_EQ(rule("h265-closed"), "nyyyyy");
  CHECK_EQ(rule("h264-open"), "nnnnnn");
  CHECK_EQ(rule("h265-open"), "nnnnnn");
}

TEST(AWholeFragmentWithoutIdrKeepsEightOthersFromDrainingADamagedOneNone) {
  const std::atomic<bool> cancelled{false};
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  for (const bool whole : {false, true}) {
    Decoder decoder({});
    std::string text;
    for (int i = 0; i < 12; ++i) {
      DemuxedFragment fragment;
      REQUIRE(!DemuxFragment(testing::Span(clip.init), testing::Span(clip.fragments[0]), i,
                             cancelled, &fragment));
      if (!decoder.Accepts(fragment)) REQUIRE(!decoder.Open(fragment));
      fragment.starts_with_idr = i != 2;
      decoder.BeginFragment(fragment);
      decoder.EndFragment(whole || i != 2);
      text += decoder.CanDrainBetweenFragments() ? 'y' : 'n';
    }
    CHECK_EQ(text, whole ? "nynnnnnnnnyy" : "nynyyyyyyyyy");
  }
}

TEST(APictureLargerThanTheLimitIsALimitFault) {
  const std::atomic<bool> cancelled{false};
  Decoder::Options options;
  options.max_pixels = 10000;
  {
    const Clip clip = LoadClip("h264-plain", Container::kMp4);
    DemuxedFragment fragment;
    REQUIRE(!DemuxFragment(testing::Span(clip.init), testing::Span(clip.fragments[0]), 0, cancelled,
                           &fragment));
    Decoder decoder(options);
    const auto fault = decoder.Open(fragment);
    REQUIRE(fault);
    CHECK_EQ(StageName(fault->stage), std::string("limit"));
    CHECK(fault->message.find("176x144") != std::string::npos);
    CHECK(!decoder.IsOpen());
  }
  for (const char* name : {"h264-plain", "h265-closed"}) {  // in MPEG-TS, only the packets tell
    const Clip clip = LoadClip(name, Container::kTs);
    DemuxedFragment fragment;
    REQUIRE(!DemuxFragment({}, testing::Span(clip.fragments[0]), 0, cancelled, &fragment));
    Decoder decoder(options);
    REQUIRE(!decoder.Open(fragment));
    decoder.BeginFragment(fragment);
    const UniqueFrame picture = NewFrame();
    PacketInfo info;
    bool first = false;
    int code = AVERROR(EAGAIN);
    for (size_t i = 0; i < fragment.packets.size() && code == AVERROR(EAGAIN); ++i) {
      code = decoder.Send(&fragment.packets[i]);
      if (code >= 0) code = decoder.Receive(picture.get(), &info, &first);
    }
    CHECK(code < 0 && code != AVERROR(EAGAIN));
    CHECK_EQ(picture->width, 0);
    const Fault fault = decoder.ExplainRefusal(*fragment.packets[0].packet, code);
    CHECK_EQ(StageName(fault.stage), std::string("limit"));
    CHECK(fault.message.find("176x144") != std::string::npos);
  }
}

TEST(SharedClipsDecode) {
  const std::string shared = testing::SharedMedia();
  if (shared.empty()) {
    std::cout << "skipped: no shared media beside this checkout" << std::endl;
    return;
  }
  struct Expected {
    const char* file;
    size_t pictures;
  };
  for (const Expected& expected :
       {Expected{"ts/sample_h264.ts", 30}, Expected{"ts/sample_h265.ts", 30},
        Expected{"ts/sample_h264_iframes_only.ts", 30},
        Expected{"ts/sample_h264_no_access_unit_delimiters.ts", 3},
        Expected{"ts/sample_h265_rps_pred.ts", 16}, Expected{"ts/videoDiffPtsDts.ts", 40},
        Expected{"ts/oneSecond.ts", 30}, Expected{"hls-ts/sd-hls0000000000.ts", 58}}) {
    Clip clip;
    clip.fragments = {testing::ReadFile(shared + "/" + expected.file)};
    const Decoded decoded = DecodeAll(clip);
    if (decoded.pictures.size() != expected.pictures) {
      testing::Fail(__FILE__, __LINE__) << expected.file << ": " << decoded.pictures.size()
                                        << " pictures, not " << expected.pictures << "\n";
    }
  }
  for (const Expected& expected :
       {Expected{"mp4/h264_10bits.mp4", 30}, Expected{"mp4/h265_10bits.mp4", 30},
        Expected{"mp4/bt709_full_range.mp4", 30}, Expected{"mp4/bt601.mp4", 30},
        Expected{"mp4/h265_bframes.mp4", 30}, Expected{"mp4/fragmented_captions_h265.mp4", 61},
        Expected{"mp4/sample_fragmented_seekable.mp4", 30}, Expected{"mp4/sample_portrait.mp4", 30},
        Expected{"mp4/nasa_13013.mp4", 390}}) {
    Clip clip;
    clip.init = testing::ReadFile(shared + "/" + expected.file);
    clip.fragments = {Bytes()};
    const Decoded decoded = DecodeAll(clip);
    if (decoded.pictures.size() != expected.pictures) {
      testing::Fail(__FILE__, __LINE__) << expected.file << ": " << decoded.pictures.size()
                                        << " pictures, not " << expected.pictures << "\n";
    }
  }
}

}  // namespace
}  // namespace kvs_frames
