#include "fragment_demuxer.h"

#include <algorithm>
#include <cmath>

#include "check.h"
#include "media.h"

namespace kvs_frames {
namespace {

using testing::Bytes;
using testing::Clip;
using testing::Container;
using testing::LoadClip;
using testing::ReadFile;
using testing::Span;

const std::atomic<bool> kNotCancelled{false};

std::optional<Fault> Demux(const Bytes& init, const Bytes& media, DemuxedFragment* fragment) {
  return DemuxFragment(Span(init), Span(media), 5, kNotCancelled, fragment);
}

bool Near(double a, double b) { return std::abs(a - b) < 0.02; }

TEST(EveryFragmentGivesItsPacketsWithTimesFromItsOwnStart) {
  for (const Container container : {Container::kMp4, Container::kTs}) {
    const Clip clip = LoadClip("h264-b", container);
    CHECK_EQ(clip.fragments.size(), size_t{6});
    double previous_end = -1;
    for (const Bytes& media : clip.fragments) {
      DemuxedFragment fragment;
      const auto fault = Demux(clip.init, media, &fragment);
      REQUIRE(!fault);
      CHECK(!fragment.fault);
      CHECK_EQ(fragment.packets.size(), size_t{25});
      CHECK(Near(fragment.duration_ms, 1000));
      double first = 1e18;
      double least_offset = 1e18;
      for (const DemuxedPacket& packet : fragment.packets) {
        CHECK(packet.info.has_pts);
        CHECK_EQ(packet.info.fragment_id, 5);
        CHECK(Near(packet.info.duration_ms, 40));
        first = std::min(first, packet.info.pts_ms);
        least_offset = std::min(least_offset, packet.info.offset_ms);
      }
      CHECK_EQ(least_offset, 0.0);
      if (previous_end >= 0) CHECK(Near(first, previous_end));
      previous_end = first + fragment.duration_ms;
    }
  }
}

TEST(AnEndIsTheNextPictureInPresentationOrderAlsoWhereTheyAreUneven) {
  for (const Container container : {Container::kMp4, Container::kTs}) {
    const Clip clip = LoadClip("h264-vfr", container);  // of five pictures the third is left out
    for (const Bytes& media : clip.fragments) {
      DemuxedFragment fragment;
      REQUIRE(!Demux(clip.init, media, &fragment));
      REQUIRE(fragment.packets.size() == 20);
      CHECK(fragment.parameters->video_delay > 0);
      std::vector<PacketInfo> shown;
      for (const DemuxedPacket& packet : fragment.packets) shown.push_back(packet.info);
      std::sort(shown.begin(), shown.end(),
                [](const PacketInfo& a, const PacketInfo& b) { return a.pts_ms < b.pts_ms; });
      double end = 0;
      for (const PacketInfo& info : shown) {
        CHECK(Near(info.offset_ms, end));
        end = info.offset_ms + info.duration_ms;
        if (&info != &shown.back()) CHECK(Near(info.duration_ms, info.duration_ms > 60 ? 80 : 40));
      }
      CHECK_EQ(std::count_if(shown.begin(), shown.end() - 1,
                             [](const PacketInfo& info) { return info.duration_ms > 60; }),
               5);
      // 20 pictures in 25 steps of 40 ms; MPEG-TS does not say how long the last one lasts.
      const double last = container == Container::kMp4 ? 40 : 960.0 / 19;
      CHECK(Near(shown.back().duration_ms, last));
      CHECK(Near(fragment.duration_ms, end));
    }
  }
}

TEST(ASinglePictureOfATransportStreamHasNoLength) {
  // A transport stream whose video ends within its second picture.
  const Clip clip = LoadClip("h264-small", Container::kTs);
  for (size_t size = 188 * 4; size < clip.fragments[0].size(); size += 188) {
    DemuxedFragment fragment;
    const Bytes start(clip.fragments[0].begin(), clip.fragments[0].begin() + size);
    if (Demux({}, start, &fragment) || fragment.packets.size() != 1) continue;
    CHECK_EQ(fragment.packets[0].info.duration_ms, 0.0);
    CHECK_EQ(fragment.duration_ms, 0.0);
    return;
  }
  CHECK(false);
}

TEST(TheReorderDepthIsSeenInThePackets) {
  for (const Container container : {Container::kMp4, Container::kTs}) {
    DemuxedFragment fragment;
    const Clip plain = LoadClip("h264-plain", container);
    REQUIRE(!Demux(plain.init, plain.fragments[0], &fragment));
    CHECK_EQ(fragment.parameters->video_delay, 0);
    const Clip reordered = LoadClip("h264-b", container);
    REQUIRE(!Demux(reordered.init, reordered.fragments[0], &fragment));
    CHECK_EQ(fragment.parameters->video_delay, 2);
  }
}

TEST(OnlyATrueIdrCountsAsAnIdrStart) {
  for (const Container container : {Container::kMp4, Container::kTs}) {
    const auto starts = [&](const char* name) {
      const Clip clip = LoadClip(name, container);
      std::string text;
      for (const Bytes& media : clip.fragments) {
        DemuxedFragment fragment;
        text += Demux(clip.init, media, &fragment) ? '?' : fragment.starts_with_idr ? 'I' : '-';
      }
      return text;
    };
    CHECK_EQ(starts("h264-plain"), "IIIIII");
    CHECK_EQ(starts("h264-b"), "IIIIII");
    CHECK_EQ(starts("h264-open"), "I-----");
    CHECK_EQ(starts("h265-closed"), "IIIIII");
    CHECK_EQ(starts("h265-open").substr(1), "-----");
  }
}

TEST(WhatIsNotTheContainerIsAnOpenFault) {
  DemuxedFragment fragment;
  const Clip mp4 = LoadClip("h264-plain", Container::kMp4);
  Bytes garbage(5000);
  for (size_t i = 0; i < garbage.size(); ++i) garbage[i] = static_cast<uint8_t>(i * 97 + i / 7);

  auto fault = Demux({}, garbage, &fragment);
  REQUIRE(fault);
  CHECK_EQ(StageName(fault->stage), std::string("open"));
  fault = Demux(garbage, mp4.fragments[0], &fragment);
  REQUIRE(fault);
  CHECK_EQ(StageName(fault->stage), std::string("open"));
  fault = Demux({}, {}, &fragment);
  REQUIRE(fault);
  CHECK(!fault->message.empty());
  // The containers swapped.
  fault = Demux({}, mp4.fragments[0], &fragment);
  CHECK(fault.has_value());
  fault = Demux(mp4.init, LoadClip("h264-plain", Container::kTs).fragments[0], &fragment);
  CHECK(fault.has_value());
}

TEST(AFragmentWithoutMediaOrWithoutVideoIsAFaultThatSaysSo) {
  DemuxedFragment fragment;
  const Clip mp4 = LoadClip("h264-plain", Container::kMp4);
  auto fault = Demux(mp4.init, {}, &fragment);
  REQUIRE(fault);
  CHECK_EQ(StageName(fault->stage), std::string("demux"));
  CHECK(fault->message.find("no packet") != std::string::npos);

  const Clip audio = testing::SplitMp4(ReadFile(std::string(KVS_FRAMES_TEST_MEDIA) + "/audio.mp4"));
  fault = Demux(audio.init, audio.fragments[0], &fragment);
  REQUIRE(fault);
  CHECK_EQ(StageName(fault->stage), std::string("open"));
  CHECK(fault->message.find("aac") != std::string::npos);
}

TEST(TimesBeyondAllBoundsCountAsMissing) {
  const Clip clip = LoadClip("h264-b", Container::kMp4);
  const std::string name = "tfdt";
  for (const uint8_t first : {0x3f, 0xc0}) {
    Bytes media = clip.fragments[1];
    const auto tfdt = std::search(media.begin(), media.end(), name.begin(), name.end());
    REQUIRE(tfdt + 16 < media.end());
    REQUIRE(tfdt[4] == 1);  // 64 bits
    tfdt[8] = first;
    DemuxedFragment fragment;
    REQUIRE(!Demux(clip.init, media, &fragment));
    CHECK_EQ(fragment.packets.size(), size_t{25});
    CHECK(Near(fragment.duration_ms, 1000));
    for (const DemuxedPacket& packet : fragment.packets) {
      CHECK(!packet.info.has_pts);
      CHECK_EQ(packet.info.pts_ms, 0.0);
    }
  }
}

TEST(ACutFragmentGivesItsWholePacketsAndAFault) {
  const Clip clip = LoadClip("h264-plain", Container::kMp4);
  Bytes media = clip.fragments[1];
  media.resize(media.size() / 2);
  DemuxedFragment fragment;
  REQUIRE(!Demux(clip.init, media, &fragment));
  CHECK(!fragment.packets.empty());
  CHECK(fragment.packets.size() < 25);
  REQUIRE(fragment.fault);
  CHECK_EQ(StageName(fragment.fault->stage), std::string("demux"));
}

TEST(EveryCutAndEveryFlippedByteEndsInPacketsOrAFault) {
  for (const Container container : {Container::kMp4, Container::kTs}) {
    const Clip clip = LoadClip("h264-small", container);
    const Bytes& whole = clip.fragments[0];
    for (size_t size = 0; size < whole.size(); size += whole.size() / 97 + 1) {
      DemuxedFragment fragment;
      const auto fault = Demux(clip.init, Bytes(whole.begin(), whole.begin() + size), &fragment);
      CHECK(fault.has_value() || !fragment.packets.empty());
    }
    for (size_t at = 0; at < std::min<size_t>(whole.size(), 700); ++at) {
      Bytes flipped = whole;
      flipped[at] ^= static_cast<uint8_t>(1 << at % 8);
      DemuxedFragment fragment;
      const auto fault = Demux(clip.init, flipped, &fragment);
      CHECK(fault.has_value() || !fragment.packets.empty());
    }
  }
}

TEST(ACancelledDemuxEndsAtOnceWithAFault) {
  const std::atomic<bool> cancelled{true};
  for (const Container container : {Container::kMp4, Container::kTs}) {
    const Clip clip = LoadClip("h264-plain", container);
    DemuxedFragment fragment;
    CHECK(DemuxFragment(Span(clip.init), Span(clip.fragments[0]), 0, cancelled, &fragment)
              .has_value());
  }
}

TEST(SharedMediaWithTracksMissingEncryptedOrWrappedIsUnderstood) {
  const std::string shared = testing::SharedMedia();
  if (shared.empty()) {
    std::cout << "skipped: no shared media beside this checkout" << std::endl;
    return;
  }
  DemuxedFragment fragment;
  const auto ts = [&](const char* name) {
    return Demux({}, ReadFile(shared + "/ts/" + name), &fragment);
  };
  auto fault = ts("audio.ts");
  REQUIRE(fault);
  CHECK(fault->message.find("no H.264 or H.265 video track") != std::string::npos);
  fault = ts("zeroLength.ts");
  REQUIRE(fault);
  CHECK_EQ(StageName(fault->stage), std::string("demux"));

  // The PTS counter of these two is at its start and at its end.
  CHECK(!ts("videoMinOffset.ts"));
  CHECK_EQ(fragment.packets.size(), size_t{2});
  CHECK(!ts("videoMaxOffset.ts"));
  CHECK_EQ(fragment.packets.size(), size_t{2});
  CHECK(fragment.duration_ms > 0);
  CHECK(fragment.duration_ms < 1000);
  CHECK(fragment.packets[0].info.pts_ms > 95'000'000);

  for (const char* name : {"sample_fragmented_clearkey.mp4", "prog_8s_enc_dashinit.mp4"}) {
    const Clip clip = testing::SplitMp4(ReadFile(shared + "/encrypted/" + name));
    REQUIRE(!clip.fragments.empty());
    fault = Demux(clip.init, clip.fragments[0], &fragment);
    REQUIRE(fault);
    CHECK(fault->message.find("encrypted") != std::string::npos);
  }
  CHECK(Demux({}, ReadFile(shared + "/encrypted/encrypted.ts"), &fragment).has_value());

  // Two video tracks: the larger one is read.
  fault = Demux(ReadFile(shared + "/mp4/nasa_13013.mp4"), {}, &fragment);
  REQUIRE(!fault);
  CHECK_EQ(fragment.parameters->width, 480);
  CHECK_EQ(fragment.packets.size(), size_t{390});
}

}  // namespace
}  // namespace kvs_frames
