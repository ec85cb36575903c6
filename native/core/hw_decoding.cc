#include "hw_decoding.h"

#include <array>
#include <cerrno>
#include <new>
#include <utility>

namespace kvs_frames {
namespace {

// In the order in which `auto` tries them.
constexpr std::array<HwAccel, 2> kTypes = {HwAccel::kCuda, HwAccel::kVaapi};

}  // namespace

std::unique_ptr<HwDecoding> HwDecoding::Find(HwAccel wanted, const AVCodec& codec,
                                             HwDevices& devices, LogSink* log,
                                             std::string* reason) {
  reason->clear();
  for (const HwAccel type : kTypes) {
    if (wanted != HwAccel::kAuto && wanted != type) continue;
    std::string why;
    const AVPixelFormat format = devices.platform().FormatOn(DeviceTypeOf(type), codec);
    UniqueBuffer device;
    if (format == AV_PIX_FMT_NONE) {
      why = std::string(HwAccelName(type)) + ": this libavcodec was built without it for " +
            avcodec_get_name(codec.id);
    } else {
      device = devices.Get(type, &why);
    }
    if (device != nullptr) {
      reason->clear();
      return std::unique_ptr<HwDecoding>(
          new HwDecoding(type, format, std::move(device), devices.platform(), log));
    }
    *reason += (reason->empty() ? "" : "; ") + why;
  }
  return nullptr;
}

HwDecoding::HwDecoding(HwAccel type, AVPixelFormat format, UniqueBuffer device,
                       HwPlatform& platform, LogSink* log)
    : type_(type),
      format_(format),
      device_(std::move(device)),
      platform_(platform),
      passed_on_(log),
      surface_(NewFrame()),
      memory_(NewFrame()) {}

void HwDecoding::Prepare(AVCodecContext* context) {
  context->hw_device_ctx = av_buffer_ref(device_.get());
  if (context->hw_device_ctx == nullptr) throw std::bad_alloc();
  context->opaque = this;
  context->get_format = GetFormat;
  // Frame threads would not make the device faster, and their hwaccel state is where FFmpeg 5
  // races.
  context->thread_count = 1;
}

AVPixelFormat HwDecoding::GetFormat(AVCodecContext* context, const AVPixelFormat* offered) {
  auto& self = *static_cast<HwDecoding*>(context->opaque);
  const AVPixelFormat chosen = self.platform_.Choose(*context, offered, self.format_);
  // A software format would do, but with the one thread of Prepare.
  self.refused_ = chosen == AV_PIX_FMT_NONE;
  return chosen;
}

int HwDecoding::Send(AVCodecContext* context, const AVPacket* packet) {
  const LogSink::Scope scope(log_);
  const int code = platform_.Send(context, packet);
  Judge(code, "decoding");
  return code;
}

int HwDecoding::Receive(AVCodecContext* context, AVFrame* picture) {
  av_frame_unref(picture);
  const LogSink::Scope scope(log_);
  int code = platform_.Receive(context, surface_.get());
  Judge(code, "decoding");
  if (code < 0 || !failure_.empty()) return code;
  code = Download(picture);
  if (code < 0) av_frame_unref(picture);
  Judge(code, "copying a picture to memory");
  av_frame_unref(surface_.get());
  return code;
}

int HwDecoding::Download(AVFrame* picture) {
  const auto& frames = *reinterpret_cast<AVHWFramesContext*>(surface_->hw_frames_ctx->data);
  const bool fits = memory_->format == frames.sw_format && memory_->width == surface_->width &&
                    memory_->height == surface_->height;
  if (!fits || av_frame_is_writable(memory_.get()) <= 0) {
    av_frame_unref(memory_.get());
    memory_->format = frames.sw_format;
  }
  int code = platform_.Download(memory_.get(), *surface_);
  if (code < 0) return code;
  code = av_frame_ref(picture, memory_.get());
  if (code < 0) return code;
  code = av_frame_copy_props(picture, surface_.get());
  if (code < 0) return code;
  // libavcodec leaves what is cropped on the left and above to those who see the pixels.
  return av_frame_apply_cropping(picture, AV_FRAME_CROP_UNALIGNED);
}

void HwDecoding::Judge(int code, const char* what) {
  // These are about the stream, in software as well.
  const bool is_streams =
      code >= 0 || code == AVERROR(EAGAIN) || code == AVERROR_EOF || code == AVERROR_INVALIDDATA;
  if (is_streams && !refused_) {
    if (passed_on_ != nullptr) log_.MoveTo(*passed_on_);
    return;
  }
  failure_ = std::string(HwAccelName(type_)) + ": ";
  if (refused_) {
    failure_ += "no decoder for this stream, or none left";
    for (const std::string& line : log_.TakeTexts()) failure_ += "; " + line;
  } else {
    failure_ += std::string(what) + " failed: " + WordsOf(code, log_.TakeTexts());
  }
}

}  // namespace kvs_frames
