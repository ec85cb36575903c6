#include "hw_device.h"

#include <thread>
#include <vector>

#include "check.h"
#include "fake_hw.h"

namespace kvs_frames {
namespace {

using testing::FakeHw;

TEST(ADeviceIsOpenedOnceForAllWhoWantIt) {
  FakeHw hw;
  HwDevices devices(hw);
  std::vector<const uint8_t*> seen(8);
  std::vector<std::thread> threads;
  threads.reserve(seen.size());
  for (const uint8_t*& data : seen) {
    threads.emplace_back([&devices, &data] {
      std::string reason;
      const UniqueBuffer device = devices.Get(HwAccel::kCuda, &reason);
      if (device != nullptr) data = device->data;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(hw.created[AV_HWDEVICE_TYPE_CUDA], 1);
  CHECK(seen[0] != nullptr);
  for (const uint8_t* data : seen) CHECK_EQ(data, seen[0]);
}

TEST(ADeviceOutlivesThoseWhoUsedIt) {
  FakeHw hw;
  HwDevices devices(hw);
  std::string reason;
  devices.Get(HwAccel::kCuda, &reason);
  CHECK(devices.Get(HwAccel::kCuda, &reason) != nullptr);
  CHECK_EQ(hw.created[AV_HWDEVICE_TYPE_CUDA], 1);
}

TEST(TypesHaveDevicesOfTheirOwn) {
  FakeHw hw;
  hw.present = {AV_HWDEVICE_TYPE_VAAPI};
  HwDevices devices(hw);
  std::string reason;
  CHECK(devices.Get(HwAccel::kCuda, &reason) == nullptr);
  CHECK(devices.Get(HwAccel::kVaapi, &reason) != nullptr);
}

TEST(AFailureIsToldInLibavsWordsAndTriedAgainAfterAMinute) {
  FakeHw hw;
  hw.present = {};
  HwDevices::Clock::time_point now{};
  HwDevices devices(hw, [&now] { return now; });
  const auto get = [&devices] {
    std::string reason;
    return devices.Get(HwAccel::kCuda, &reason) == nullptr ? reason : "found";
  };
  const std::string why = "cuda: no device: No such device (no such chip)";
  CHECK_EQ(get(), why);
  now += std::chrono::seconds(59);
  CHECK_EQ(get(), why);
  CHECK_EQ(hw.created[AV_HWDEVICE_TYPE_CUDA], 1);
  now += std::chrono::seconds(1);
  CHECK_EQ(get(), why);
  CHECK_EQ(hw.created[AV_HWDEVICE_TYPE_CUDA], 2);
  hw.present = {AV_HWDEVICE_TYPE_CUDA};
  CHECK_EQ(get(), why);
  now += HwDevices::kRetryAfter;
  CHECK_EQ(get(), "found");
}

TEST(TheProcessHasOneSetOfDevices) { CHECK_EQ(&HwDevices::OfProcess(), &HwDevices::OfProcess()); }

TEST(LibavKnowsWhichFormatACodecHasOnADevice) {
  HwPlatform libav;
  const AVCodec* const png = avcodec_find_decoder(AV_CODEC_ID_PNG);
  CHECK_EQ(libav.FormatOn(AV_HWDEVICE_TYPE_CUDA, *png), AV_PIX_FMT_NONE);
  const AVCodec* const h264 = avcodec_find_decoder(AV_CODEC_ID_H264);
  const AVPixelFormat format = libav.FormatOn(AV_HWDEVICE_TYPE_VAAPI, *h264);
  CHECK(format == AV_PIX_FMT_VAAPI || format == AV_PIX_FMT_NONE);  // as libavcodec was built
}

TEST(TheDevicesFormatIsChosenOnlyWhereItIsOffered) {
  HwPlatform libav;
  const UniqueCodecContext context(avcodec_alloc_context3(nullptr));
  const AVPixelFormat both[] = {AV_PIX_FMT_VAAPI, AV_PIX_FMT_CUDA, AV_PIX_FMT_YUV420P,
                                AV_PIX_FMT_NONE};
  CHECK_EQ(libav.Choose(*context, both, AV_PIX_FMT_CUDA), AV_PIX_FMT_CUDA);
  CHECK_EQ(libav.Choose(*context, both + 2, AV_PIX_FMT_CUDA), AV_PIX_FMT_NONE);
}

}  // namespace
}  // namespace kvs_frames
