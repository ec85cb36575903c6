// A device for the tests of hardware decoding: everything of libavcodec's is real but the device.
// Pictures are decoded in software, and given out as if they lay on a device until they are copied.
#pragma once

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <utility>
#include <vector>

#include "av.h"
#include "hw_device.h"

namespace kvs_frames::testing {

inline UniqueBuffer Owned(AVBufferRef* buffer) {
  if (buffer == nullptr) throw std::bad_alloc();
  return UniqueBuffer(buffer);
}

class FakeHw : public HwPlatform {
 public:
  std::set<AVHWDeviceType> present = {AV_HWDEVICE_TYPE_CUDA};
  std::set<AVCodecID> codecs = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC};
  int max_decoders = 100;  // at a time
  int fail_send = -1;      // from this call on, counted from 0
  int fail_download = -1;  // likewise
  std::map<AVHWDeviceType, int> created;
  std::vector<const uint8_t*> copies;  // where pictures were copied to

  int CreateDevice(AVHWDeviceType type, AVBufferRef** device) override {
    ++created[type];
    if (present.count(type) == 0) {
      av_log(nullptr, AV_LOG_ERROR, "no such chip\n");
      return AVERROR(ENODEV);
    }
    *device = av_hwdevice_ctx_alloc(type);
    return 0;
  }

  AVPixelFormat FormatOn(AVHWDeviceType type, const AVCodec& codec) override {
    if (codecs.count(codec.id) == 0) return AV_PIX_FMT_NONE;
    return type == AV_HWDEVICE_TYPE_CUDA ? AV_PIX_FMT_CUDA : AV_PIX_FMT_VAAPI;
  }

  AVPixelFormat Choose(const AVCodecContext& context, const AVPixelFormat* offered,
                       AVPixelFormat wanted) override {
    // The device is referenced by its keeper, and twice by each decoder.
    if ((av_buffer_get_ref_count(context.hw_device_ctx) - 1) / 2 > max_decoders) {
      return AV_PIX_FMT_NONE;
    }
    format_ = wanted;
    while (*offered != AV_PIX_FMT_NONE &&
           (av_pix_fmt_desc_get(*offered)->flags & AV_PIX_FMT_FLAG_HWACCEL) != 0) {
      ++offered;
    }
    const bool can = *offered == AV_PIX_FMT_YUV420P || *offered == AV_PIX_FMT_YUV420P10LE;
    return can ? *offered : AV_PIX_FMT_NONE;
  }

  int Send(AVCodecContext* context, const AVPacket* packet) override {
    if (fail_send >= 0 && sends_++ >= fail_send) {
      av_log(context, AV_LOG_ERROR, "the chip is hot\n");
      return AVERROR_EXTERNAL;
    }
    context->apply_cropping = 0;
    return HwPlatform::Send(context, packet);
  }

  int Receive(AVCodecContext* context, AVFrame* surface) override {
    const int code = HwPlatform::Receive(context, surface);
    if (code < 0) return code;
    UniqueBuffer frames = Owned(av_hwframe_ctx_alloc(context->hw_device_ctx));
    auto& form = *reinterpret_cast<AVHWFramesContext*>(frames->data);
    form.sw_format = surface->format == AV_PIX_FMT_YUV420P ? AV_PIX_FMT_NV12 : AV_PIX_FMT_P010LE;
    surface->hw_frames_ctx = frames.release();
    surface->format = format_;
    // As av_frame_apply_cropping does for pictures on a device.
    surface->width -= static_cast<int>(std::exchange(surface->crop_right, 0));
    surface->height -= static_cast<int>(std::exchange(surface->crop_bottom, 0));
    return 0;
  }

  int Download(AVFrame* to, const AVFrame& surface) override {
    if (fail_download >= 0 && downloads_++ >= fail_download) return AVERROR(ENOMEM);
    if (to->buf[0] == nullptr) {
      to->width = surface.width;
      to->height = surface.height;
      if (av_frame_get_buffer(to, 0) < 0) return AVERROR(ENOMEM);
    }
    if (to->width != surface.width || to->height != surface.height) return AVERROR(EINVAL);
    const int bytes = to->format == AV_PIX_FMT_NV12 ? 1 : 2;
    Copy(surface, 0, to->data[0], to->linesize[0], bytes, 1, to->width, to->height);
    for (int plane = 1; plane <= 2; ++plane) {
      Copy(surface, plane, to->data[1] + (plane - 1) * bytes, to->linesize[1], bytes, 2,
           (to->width + 1) / 2, (to->height + 1) / 2);
    }
    copies.push_back(to->data[0]);
    return 0;
  }

 private:
  // Samples of 2 bytes have their 10 bits at the top on the device.
  static void Copy(const AVFrame& surface, int plane, uint8_t* out, int stride, int bytes, int step,
                   int width, int height) {
    for (int y = 0; y < height; ++y) {
      const uint8_t* const in = surface.data[plane] + y * surface.linesize[plane];
      for (int x = 0; x < width; ++x) {
        uint8_t* const sample = out + y * stride + x * step * bytes;
        const int value = bytes == 1 ? in[x] : (in[x * 2] | in[x * 2 + 1] << 8) << 6;
        sample[0] = static_cast<uint8_t>(value);
        if (bytes == 2) sample[1] = static_cast<uint8_t>(value >> 8);
      }
    }
  }

  AVPixelFormat format_ = AV_PIX_FMT_NONE;
  int sends_ = 0;
  int downloads_ = 0;
};

}  // namespace kvs_frames::testing
