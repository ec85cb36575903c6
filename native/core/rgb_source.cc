#include "rgb_source.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "yuv_matrix.h"

namespace kvs_frames {
namespace {

constexpr int kPlanes = 3;
constexpr int kBits = 16;  // of the fractions below
constexpr int kMiddle = 1 << (RgbSource::kForm.depth - 1);
constexpr int kLast = (1 << RgbSource::kForm.depth) - 1;

// What one level of red, green and blue adds to a sample.
struct Parts {
  int32_t red;
  int32_t green;
  int32_t blue;
};

int32_t Fraction(double value) {
  return static_cast<int32_t>(std::lround(value * kLast / 255 * (1 << kBits)));
}

// Chroma is half of (colour − luma) / (1 − weight).
Parts ChromaOf(double red, double green, double blue, double weight) {
  const double scale = 1 / (2 * (1 - weight));
  return {Fraction(red * scale), Fraction(green * scale), Fraction(blue * scale)};
}

uint16_t Sample(const Parts& parts, int red, int green, int blue, int black) {
  const int sum = parts.red * red + parts.green * green + parts.blue * blue;
  return static_cast<uint16_t>(std::clamp(black + ((sum + (1 << (kBits - 1))) >> kBits), 0, kLast));
}

}  // namespace

void RgbSource::Reset() {
  sws_.reset();
  rgb_ = {};
  yuv_ = {};
}

std::optional<Fault> RgbSource::Configure(int width, int height, AVPixelFormat format,
                                          AVColorSpace colorspace, bool full_range) {
  // Without these flags swscale blurs or skips chroma and is off by several levels; pictures that
  // come here are rare, so speed is second.
  constexpr int kFlags = SWS_POINT | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT;
  Reset();
  if (sws_isSupportedInput(format) != 0) {
    sws_.reset(sws_getContext(width, height, format, width, height, AV_PIX_FMT_GBRP, kFlags,
                              nullptr, nullptr, nullptr));
  }
  if (sws_ == nullptr) {
    const char* const name = av_get_pix_fmt_name(format);
    return Fault{Stage::kConvert, 0,
                 std::string("pixel format ") + (name == nullptr ? "unknown" : name) + " of " +
                     std::to_string(width) + "x" + std::to_string(height) + " cannot be converted"};
  }
  // swscale assumes BT.601 limited range unless told; for RGB it ignores this.
  constexpr int kOne = 1 << 16;
  sws_setColorspaceDetails(sws_.get(), sws_getCoefficients(colorspace), full_range ? 1 : 0,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, kOne, kOne);
  width_ = width;
  height_ = height;
  // swscale's vector code writes past the end of tight rows.
  constexpr int kStep = 64;
  stride_ = (width + kStep - 1) / kStep * kStep;
  rgb_.resize(static_cast<size_t>(stride_) * height * kPlanes + kStep);
  yuv_.resize(static_cast<size_t>(width) * height * kPlanes);
  return std::nullopt;
}

PicturePlanes RgbSource::Read(const AVFrame& picture) {
  const size_t plane = static_cast<size_t>(stride_) * height_;
  const std::array<uint8_t*, 4> to = {rgb_.data(), rgb_.data() + plane, rgb_.data() + 2 * plane,
                                      nullptr};
  const std::array<int, 4> strides = {stride_, stride_, stride_, 0};
  sws_scale(sws_.get(), picture.data, picture.linesize, 0, height_, to.data(), strides.data());

  constexpr double kKr = kBt709Weights.kr;
  constexpr double kKb = kBt709Weights.kb;
  constexpr double kKg = 1 - kKr - kKb;
  const Parts luma = {Fraction(kKr), Fraction(kKg), Fraction(kKb)};
  const Parts cb = ChromaOf(-kKr, -kKg, 1 - kKb, kKb);
  const Parts cr = ChromaOf(1 - kKr, -kKg, -kKb, kKr);
  const size_t samples = static_cast<size_t>(width_) * height_;
  uint16_t* const y = yuv_.data();
  uint16_t* const u = y + samples;
  uint16_t* const v = u + samples;
  for (int row = 0; row < height_; ++row) {
    const uint8_t* const green = rgb_.data() + static_cast<size_t>(row) * stride_;
    const uint8_t* const blue = green + plane;
    const uint8_t* const red = blue + plane;
    const size_t at = static_cast<size_t>(row) * width_;
    for (int x = 0; x < width_; ++x) {
      y[at + x] = Sample(luma, red[x], green[x], blue[x], 0);
      u[at + x] = Sample(cb, red[x], green[x], blue[x], kMiddle);
      v[at + x] = Sample(cr, red[x], green[x], blue[x], kMiddle);
    }
  }
  const ptrdiff_t stride = static_cast<ptrdiff_t>(width_) * kForm.bytes;
  return {{reinterpret_cast<const uint8_t*>(y), reinterpret_cast<const uint8_t*>(u),
           reinterpret_cast<const uint8_t*>(v)},
          {stride, stride, stride}};
}

}  // namespace kvs_frames
