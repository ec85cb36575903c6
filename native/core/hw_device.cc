#include "hw_device.h"

#include <new>
#include <utility>

#include "log_sink.h"

namespace kvs_frames {

const char* HwAccelName(HwAccel hwaccel) {
  switch (hwaccel) {
    case HwAccel::kNone:
      return "none";
    case HwAccel::kAuto:
      return "auto";
    case HwAccel::kCuda:
      return "cuda";
    case HwAccel::kVaapi:
      return "vaapi";
  }
  return "";
}

AVHWDeviceType DeviceTypeOf(HwAccel hwaccel) {
  return hwaccel == HwAccel::kCuda ? AV_HWDEVICE_TYPE_CUDA : AV_HWDEVICE_TYPE_VAAPI;
}

std::string WordsOf(int code, const std::vector<std::string>& log) {
  std::string words = ErrorText(code);
  const char* separator = " (";
  for (const std::string& line : log) {
    words += separator + line;
    separator = "; ";
  }
  return log.empty() ? words : words + ")";
}

int HwPlatform::CreateDevice(AVHWDeviceType type, AVBufferRef** device) {
  return av_hwdevice_ctx_create(device, type, nullptr, nullptr, 0);
}

AVPixelFormat HwPlatform::FormatOn(AVHWDeviceType type, const AVCodec& codec) {
  for (int i = 0;; ++i) {
    const AVCodecHWConfig* const config = avcodec_get_hw_config(&codec, i);
    if (config == nullptr) return AV_PIX_FMT_NONE;
    if (config->device_type == type &&
        (config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) != 0) {
      return config->pix_fmt;
    }
  }
}

AVPixelFormat HwPlatform::Choose(const AVCodecContext& /*context*/, const AVPixelFormat* offered,
                                 AVPixelFormat wanted) {
  for (; *offered != AV_PIX_FMT_NONE; ++offered) {
    if (*offered == wanted) return wanted;
  }
  return AV_PIX_FMT_NONE;
}

int HwPlatform::Send(AVCodecContext* context, const AVPacket* packet) {
  return avcodec_send_packet(context, packet);
}

int HwPlatform::Receive(AVCodecContext* context, AVFrame* surface) {
  return avcodec_receive_frame(context, surface);
}

int HwPlatform::Download(AVFrame* to, const AVFrame& surface) {
  return av_hwframe_transfer_data(to, &surface, 0);
}

HwDevices::HwDevices(HwPlatform& platform, std::function<Clock::time_point()> now)
    : platform_(platform), now_(std::move(now)) {}

HwDevices& HwDevices::OfProcess() {
  static auto* const platform = new HwPlatform;
  static auto* const devices = new HwDevices(*platform);
  return *devices;
}

UniqueBuffer HwDevices::Get(HwAccel type, std::string* reason) {
  Device& device = devices_[type == HwAccel::kCuda ? 0 : 1];
  const std::lock_guard<std::mutex> lock(device.mutex);
  const bool is_due = device.reason.empty() || now_() - device.failed_at >= kRetryAfter;
  if (device.context == nullptr && is_due) {
    LogSink log;
    AVBufferRef* created = nullptr;
    const LogSink::Scope scope(log);
    const int code = platform_.CreateDevice(DeviceTypeOf(type), &created);
    if (code >= 0) {
      device.context.reset(created);
    } else {
      device.failed_at = now_();
      device.reason =
          std::string(HwAccelName(type)) + ": no device: " + WordsOf(code, log.TakeTexts());
    }
  }
  if (device.context == nullptr) {
    *reason = device.reason;
    return nullptr;
  }
  UniqueBuffer reference(av_buffer_ref(device.context.get()));
  if (reference == nullptr) throw std::bad_alloc();
  return reference;
}

}  // namespace kvs_frames
