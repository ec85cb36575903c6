// Devices that decode video, shared by all decoders of the process.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "av.h"

extern "C" {
#include <libavutil/hwcontext.h>
}

namespace kvs_frames {

// Where pictures are decoded: kAuto is a wish only, the first of the others that works.
enum class HwAccel { kNone, kAuto, kCuda, kVaapi };

// `none`, `auto`, `cuda`, `vaapi`.
const char* HwAccelName(HwAccel hwaccel);

// libav's part in hardware decoding, which tests replace: it needs a device for every step.
class HwPlatform {
 public:
  virtual ~HwPlatform() = default;

  // Opens the default device of the type. Answers 0 or libav's error code. Any thread.
  virtual int CreateDevice(AVHWDeviceType type, AVBufferRef** device);

  // The form of pictures that the codec leaves on such a device, or AV_PIX_FMT_NONE if it can't be
  // decoded there. Any thread.
  virtual AVPixelFormat FormatOn(AVHWDeviceType type, const AVCodec& codec);

  // What get_format answers: `wanted` where it is among those offered (they end with
  // AV_PIX_FMT_NONE), or AV_PIX_FMT_NONE. libavcodec takes it off the list, and asks again, where
  // it has no hardware decoder for the profile, or could not get one: they are limited in number.
  virtual AVPixelFormat Choose(const AVCodecContext& context, const AVPixelFormat* offered,
                               AVPixelFormat wanted);

  // As avcodec_send_packet and avcodec_receive_frame.
  virtual int Send(AVCodecContext* context, const AVPacket* packet);
  virtual int Receive(AVCodecContext* context, AVFrame* surface);

  // Copies the pixels, of all that is coded but what is cropped on the right and below, into `to`,
  // whose form is set. Where it has no memory, it gets some.
  virtual int Download(AVFrame* to, const AVFrame& surface);
};

struct BufferDeleter {
  void operator()(AVBufferRef* buffer) const { av_buffer_unref(&buffer); }
};
using UniqueBuffer = std::unique_ptr<AVBufferRef, BufferDeleter>;

// One device of each type, opened when it is first asked for and kept; a failure is kept too, for a
// minute: drivers take up to seconds to fail, and cameras reconnect often. Any thread.
class HwDevices {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::seconds kRetryAfter{60};

  // The platform must outlive this.
  explicit HwDevices(HwPlatform& platform, std::function<Clock::time_point()> now = Clock::now);

  // Those of the process; never destroyed, as drivers may be gone before static objects are.
  static HwDevices& OfProcess();

  // A reference to the device, or null and why there is none in `*reason`, with libav's words.
  // Blocks while a device is opened. REQUIRES: kCuda or kVaapi.
  UniqueBuffer Get(HwAccel type, std::string* reason);

  HwPlatform& platform() const { return platform_; }

 private:
  struct Device {
    std::mutex mutex;
    UniqueBuffer context;         // guarded by mutex
    std::string reason;           // guarded by mutex; empty before the first try
    Clock::time_point failed_at;  // guarded by mutex
  };

  HwPlatform& platform_;
  const std::function<Clock::time_point()> now_;
  std::array<Device, 2> devices_;
};

// libav's type of a device. REQUIRES: kCuda or kVaapi.
AVHWDeviceType DeviceTypeOf(HwAccel hwaccel);

// What libav said of a failure: the error's text, and its log's lines in brackets.
std::string WordsOf(int code, const std::vector<std::string>& log);

}  // namespace kvs_frames
