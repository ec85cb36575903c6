#include "hw_decoding.h"

#include <algorithm>

#include "check.h"
#include "fake_hw.h"
#include "media.h"

namespace kvs_frames {
namespace {

using testing::Bytes;
using testing::Clip;
using testing::Container;
using testing::DecodeAll;
using testing::Decoded;
using testing::FakeHw;
using testing::LoadClip;
using testing::Md5s;

constexpr const char* kClips[] = {"h264-plain",  "h264-b",    "h264-open",  "h264-10bit",
                                  "h265-closed", "h265-open", "h265-10bit", "h264-crop"};

Decoder::Options On(HwDevices& devices, HwAccel hwaccel, LogSink* log = nullptr) {
  Decoder::Options options;
  options.hwaccel = hwaccel;
  options.devices = &devices;
  options.log_sink = log;
  return options;
}

void CheckPictures(const Decoded& decoded, const Clip& clip, const std::string& what) {
  if (Md5s(decoded.pictures) == clip.md5s && decoded.faults.empty()) return;
  testing::Fail(__FILE__, __LINE__)
      << what << ": " << decoded.pictures.size() << " pictures of " << clip.md5s.size() << ", "
      << decoded.faults.size() << " faults, " << decoded.fallback_reason << "\n";
}

// Where there is a device, this compares its pictures with those of software.
TEST(PicturesAreThoseOfSoftwareWithWhateverDevicesThisMachineHas) {
  for (const HwAccel hwaccel : {HwAccel::kCuda, HwAccel::kVaapi, HwAccel::kAuto}) {
    for (const char* name : kClips) {
      const std::string what = std::string(HwAccelName(hwaccel)) + " " + name;
      const Clip clip = LoadClip(name, Container::kMp4);
      const Decoded decoded = DecodeAll(clip, On(HwDevices::OfProcess(), hwaccel));
      CheckPictures(decoded, clip, what);
      std::cout << what << ": " << HwAccelName(decoded.hwaccel) << " " << decoded.fallback_reason
                << std::endl;
      if (decoded.hwaccel != HwAccel::kNone) {
        CHECK_EQ(decoded.fallback_reason, "");
        continue;
      }
      for (const HwAccel type : {HwAccel::kCuda, HwAccel::kVaapi}) {
        const bool asked = hwaccel == type || hwaccel == HwAccel::kAuto;
        const std::string start = std::string(HwAccelName(type)) + ": ";
        CHECK_EQ(decoded.fallback_reason.find(start) != std::string::npos, asked);
      }
    }
  }
}

TEST(WithoutHwaccelNoDeviceIsAskedFor) {
  FakeHw hw;
  HwDevices devices(hw);
  const Decoded decoded =
      DecodeAll(LoadClip("h264-small", Container::kMp4), On(devices, HwAccel::kNone));
  CHECK_EQ(decoded.fallback_reason, "");
  CHECK(hw.created.empty());
}

TEST(PicturesOfADeviceAreThoseOfSoftwareBitForBit) {
  for (const char* name : kClips) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      FakeHw hw;
      HwDevices devices(hw);
      const Clip clip = LoadClip(name, container);
      const Decoded decoded = DecodeAll(clip, On(devices, HwAccel::kCuda));
      CheckPictures(decoded, clip, name);
      CHECK(decoded.hwaccel == HwAccel::kCuda);
      CHECK_EQ(decoded.fallback_reason, "");
      CHECK_EQ(hw.copies.size(), clip.md5s.size());
      // The memory is used again.
      CHECK(std::all_of(hw.copies.begin(), hw.copies.end(),
                        [&](const uint8_t* copy) { return copy == hw.copies[0]; }));
    }
  }
}

TEST(PicturesOfADeviceKnowWhatThoseOfSoftwareKnow) {
  for (const char* name : {"h264-b", "h265-open"}) {
    FakeHw hw;
    HwDevices devices(hw);
    const Clip clip = LoadClip(name, Container::kMp4);
    const Decoded software = DecodeAll(clip);
    const Decoded hardware = DecodeAll(clip, On(devices, HwAccel::kCuda));
    REQUIRE(software.pictures.size() == hardware.pictures.size());
    for (size_t i = 0; i < software.pictures.size(); ++i) {
      const testing::Picture& expected = software.pictures[i];
      const testing::Picture& actual = hardware.pictures[i];
      CHECK_EQ(actual.key, expected.key);
      CHECK_EQ(actual.width, expected.width);
      CHECK_EQ(actual.info.fragment_id, expected.info.fragment_id);
      CHECK_EQ(actual.info.pts_ms, expected.info.pts_ms);
      CHECK_EQ(actual.first_after_open, expected.first_after_open);
    }
  }
}

TEST(AutoTakesCudaBeforeVaapiAndWhatIsThere) {
  struct Case {
    std::set<AVHWDeviceType> present;
    HwAccel wanted;
    HwAccel used;
    const char* reason;
  };
  const Case kCases[] = {
      {{AV_HWDEVICE_TYPE_CUDA, AV_HWDEVICE_TYPE_VAAPI}, HwAccel::kAuto, HwAccel::kCuda, ""},
      {{AV_HWDEVICE_TYPE_VAAPI}, HwAccel::kAuto, HwAccel::kVaapi, ""},
      {{AV_HWDEVICE_TYPE_CUDA, AV_HWDEVICE_TYPE_VAAPI}, HwAccel::kVaapi, HwAccel::kVaapi, ""},
      {{AV_HWDEVICE_TYPE_VAAPI},
       HwAccel::kCuda,
       HwAccel::kNone,
       "cuda: no device: No such device (no such chip)"},
      {{},
       HwAccel::kAuto,
       HwAccel::kNone,
       "cuda: no device: No such device (no such chip); "
       "vaapi: no device: No such device (no such chip)"},
  };
  const Clip clip = LoadClip("h264-small", Container::kMp4);
  for (const Case& test : kCases) {
    FakeHw hw;
    hw.present = test.present;
    HwDevices devices(hw);
    const Decoded decoded = DecodeAll(clip, On(devices, test.wanted));
    CheckPictures(decoded, clip, HwAccelName(test.wanted));
    CHECK_EQ(HwAccelName(decoded.hwaccel), std::string(HwAccelName(test.used)));
    CHECK_EQ(decoded.fallback_reason, test.reason);
  }
}

TEST(ACodecThatTheDeviceLacksIsDecodedInSoftware) {
  FakeHw hw;
  hw.codecs = {AV_CODEC_ID_H264};
  HwDevices devices(hw);
  const Clip clip = LoadClip("h265-10bit", Container::kMp4);
  const Decoded decoded = DecodeAll(clip, On(devices, HwAccel::kCuda));
  CheckPictures(decoded, clip, "h265-10bit");
  CHECK_EQ(decoded.fallback_reason, "cuda: this libavcodec was built without it for hevc");
  CHECK(hw.created.empty());
}

TEST(AProfileThatTheDeviceLacksIsDecodedInSoftwareAndLosesNothing) {
  for (const char* name : {"h264-422", "h264-444"}) {
    FakeHw hw;
    HwDevices devices(hw);
    LogSink log;
    const LogSink::Scope scope(log);
    const Clip clip = LoadClip(name, Container::kMp4);
    const Decoded decoded = DecodeAll(clip, On(devices, HwAccel::kCuda, &log));
    CheckPictures(decoded, clip, name);
    CHECK(decoded.hwaccel == HwAccel::kNone);
    CHECK_EQ(decoded.fallback_reason.find("cuda: no decoder for this stream, or none left"),
             size_t{0});
    CHECK_EQ(log.decoder_errors(), 0);
  }
}

// One picture's way through a decoder that stays open.
struct Camera {
  explicit Camera(HwDevices& devices) : decoder(On(devices, HwAccel::kAuto)) {}

  void Decode() {
    const Clip clip = LoadClip("h264-plain", Container::kMp4);
    const std::atomic<bool> cancelled{false};
    DemuxedFragment fragment;
    if (DemuxFragment(testing::Span(clip.init), testing::Span(clip.fragments[0]), 0, cancelled,
                      &fragment) ||
        decoder.Open(fragment)) {
      throw std::runtime_error("the clip can't be opened");
    }
    decoder.BeginFragment(fragment);
    CHECK_EQ(decoder.Send(&fragment.packets[0]), 0);
    const UniqueFrame picture = NewFrame();
    PacketInfo info;
    bool first = false;
    CHECK_EQ(decoder.Receive(picture.get(), &info, &first), 0);
    CHECK_EQ(testing::PictureMd5(*picture), clip.md5s[0]);
  }

  Decoder decoder;
};

TEST(CamerasBeyondWhatTheDeviceCanTakeAreDecodedInSoftware) {
  FakeHw hw;
  hw.max_decoders = 2;
  HwDevices devices(hw);
  Camera cameras[] = {Camera(devices), Camera(devices), Camera(devices)};
  for (Camera& camera : cameras) camera.Decode();
  CHECK(cameras[0].decoder.hwaccel() == HwAccel::kCuda);
  CHECK(cameras[1].decoder.hwaccel() == HwAccel::kCuda);
  CHECK(cameras[2].decoder.hwaccel() == HwAccel::kNone);
  CHECK(cameras[2].decoder.fallback_reason().find("none left") != std::string::npos);
  cameras[0].decoder.Close();
  cameras[2].Decode();  // opened anew
  CHECK(cameras[2].decoder.hwaccel() == HwAccel::kCuda);
  CHECK_EQ(cameras[2].decoder.fallback_reason(), "");
  CHECK_EQ(hw.created[AV_HWDEVICE_TYPE_CUDA], 1);
}

// What the software decoder says of whole media: it takes offence at some streams of MPEG-TS.
int64_t DecoderErrors(const Clip& clip) {
  LogSink log;
  const LogSink::Scope scope(log);
  DecodeAll(clip);
  return log.decoder_errors();
}

TEST(ADeviceThatFailsAtAnyPacketOrPictureLosesNoPictureAndRepeatsNone) {
  for (const char* name : {"h264-plain", "h264-b", "h264-open", "h265-open", "h264-crop"}) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      Clip clip = LoadClip(name, container);
      clip.fragments.resize(2);
      clip.md5s.resize(50);
      const int64_t errors = DecoderErrors(clip);
      for (int at = 0; at < 50; at += 2) {
        for (const bool sending : {true, false}) {
          FakeHw hw;
          (sending ? hw.fail_send : hw.fail_download) = at;
          HwDevices devices(hw);
          LogSink log;
          const LogSink::Scope scope(log);
          const Decoded decoded = DecodeAll(clip, On(devices, HwAccel::kCuda, &log));
          CheckPictures(decoded, clip, name + std::string(" fails at ") + std::to_string(at));
          CHECK(decoded.hwaccel == HwAccel::kNone);
          const std::string codec = std::string(name).substr(0, 4) == "h264" ? "h264" : "hevc";
          CHECK_EQ(decoded.fallback_reason,
                   sending ? "cuda: decoding failed: Generic error in an external library (" +
                                 codec + ": the chip is hot)"
                           : "cuda: copying a picture to memory failed: Cannot allocate memory");
          // What the device says is no sign of damaged media.
          CHECK_EQ(log.decoder_errors(), errors);
          for (const std::string& line : log.TakeTexts()) {
            CHECK_EQ(line.find("chip"), std::string::npos);
          }
        }
      }
    }
  }
}

TEST(ADeviceThatFailsWhileTheDecoderIsDrainedLosesNoPicture) {
  for (const char* name : {"h264-b", "h265-closed"}) {
    Clip clip = LoadClip(name, Container::kMp4);
    clip.fragments.resize(1);
    clip.md5s.resize(25);
    FakeHw hw;
    hw.fail_download = 24;  // the last picture is one that only the drain brings
    HwDevices devices(hw);
    const Decoded decoded = DecodeAll(clip, On(devices, HwAccel::kCuda));
    CheckPictures(decoded, clip, name);
    CHECK(decoded.hwaccel == HwAccel::kNone);
  }
}

TEST(DamageIsToldAsInSoftware) {
  Clip clip = LoadClip("h264-b", Container::kMp4);
  Bytes& media = clip.fragments[2];
  std::fill(media.begin() + media.size() / 2, media.begin() + media.size() / 2 + 400, 0x55);
  const auto decode = [&](HwAccel hwaccel, int64_t* errors) {
    FakeHw hw;
    HwDevices devices(hw);
    LogSink log;
    const LogSink::Scope scope(log);
    Decoded decoded = DecodeAll(clip, On(devices, hwaccel, &log));
    *errors = log.decoder_errors();
    return decoded;
  };
  int64_t software_errors = 0;
  int64_t hardware_errors = 0;
  const Decoded software = decode(HwAccel::kNone, &software_errors);
  const Decoded hardware = decode(HwAccel::kCuda, &hardware_errors);
  CHECK(software_errors > 0);
  CHECK_EQ(hardware_errors, software_errors);
  CHECK(hardware.hwaccel == HwAccel::kCuda);
  CHECK_EQ(hardware.faults.size(), software.faults.size());
  const auto damaged = [](const testing::Picture& picture) { return picture.damaged; };
  CHECK_EQ(std::count_if(hardware.pictures.begin(), hardware.pictures.end(), damaged),
           std::count_if(software.pictures.begin(), software.pictures.end(), damaged));
  CHECK(Md5s(hardware.pictures) == Md5s(software.pictures));
}

}  // namespace
}  // namespace kvs_frames
