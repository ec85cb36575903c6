#include "libyuv_bridge.h"

#ifdef KVS_FRAMES_LIBYUV
#include <libyuv/convert_argb.h>
#include <libyuv/version.h>
#endif

namespace kvs_frames {

#ifdef KVS_FRAMES_LIBYUV

std::optional<std::string> LibyuvVersion() { return std::to_string(LIBYUV_VERSION); }

void ConvertBt601ByLibyuv(const AVFrame& picture, bool full_range, uint8_t* bgr) {
  // What libyuv calls RGB24 lies in memory as B, G, R.
  libyuv::I420ToRGB24Matrix(picture.data[0], picture.linesize[0], picture.data[1],
                            picture.linesize[1], picture.data[2], picture.linesize[2], bgr,
                            picture.width * 3,
                            full_range ? &libyuv::kYuvJPEGConstants : &libyuv::kYuvI601Constants,
                            picture.width, picture.height);
}

#else

std::optional<std::string> LibyuvVersion() { return std::nullopt; }

void ConvertBt601ByLibyuv(const AVFrame& /*picture*/, bool /*full_range*/, uint8_t* /*bgr*/) {}

#endif

}  // namespace kvs_frames
