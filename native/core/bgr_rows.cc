#include "bgr_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace kvs_frames {
namespace {

float HalfToFloat(uint16_t half) {
  const int exponent = half >> 10 & 0x1f;
  const float fraction = static_cast<float>(half & 0x3ff) / 1024;
  const float magnitude =
      exponent == 0x1f
          ? (fraction == 0 ? INFINITY : NAN)
          : (exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15));
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

uint8_t RoundToLevel(float level) {
  // Not so for NaN either.
  if (!(level > 0)) return 0;
  return static_cast<uint8_t>(static_cast<int>(std::min(level, 255.0f) * 2 + 1) / 2);
}

}  // namespace

BgrRows::BgrRows(const Image& image)
    : image_(image),
      bgr_(static_cast<size_t>(image.width) * 3),
      luma_scale_(image.full_range ? 1 : 255.0f / 219),
      chroma_scale_(image.full_range ? 2 : 2 * 255.0f / 224),
      kr_(static_cast<float>(image.kr)),
      kb_(static_cast<float>(image.kb)) {}

const uint8_t* BgrRows::Row(int row) {
  const size_t width = static_cast<size_t>(image_.width);
  switch (image_.format) {
    case OutputFormat::kBgr24:
      return image_.pixels + row * width * 3;
    case OutputFormat::kRgb24:
      for (size_t x = 0; x < width; ++x) {
        const uint8_t* const rgb = image_.pixels + (row * width + x) * 3;
        std::reverse_copy(rgb, rgb + 3, &bgr_[x * 3]);
      }
      break;
    case OutputFormat::kGray8:
      for (size_t x = 0; x < width; ++x) {
        std::fill_n(&bgr_[x * 3], 3, image_.pixels[row * width + x]);
      }
      break;
    case OutputFormat::kNv12:
    case OutputFormat::kI420:
      ReadYuv(row);
      break;
    case OutputFormat::kRgbChw:
    case OutputFormat::kBgrChw:
      for (int channel = 0; channel < 3; ++channel) ReadPlane(row, channel);
      break;
  }
  return bgr_.data();
}

void BgrRows::ReadYuv(int row) {
  const size_t width = static_cast<size_t>(image_.width);
  const size_t half_width = (width + 1) / 2;
  const size_t half_height = (static_cast<size_t>(image_.height) + 1) / 2;
  const bool paired = image_.format == OutputFormat::kNv12;
  const size_t step = paired ? 2 : 1;
  const uint8_t* const y = image_.pixels + row * width;
  const uint8_t* const u = image_.pixels + image_.height * width + (row / 2) * half_width * step;
  const uint8_t* const v = paired ? u + 1 : u + half_width * half_height;
  const float black = image_.full_range ? 0 : 16;
  const float kg = 1 - kr_ - kb_;
  for (size_t x = 0; x < width; ++x) {
    const float luma = (static_cast<float>(y[x]) - black) * luma_scale_;
    const size_t chroma = x / 2 * step;
    const float cb = (static_cast<float>(u[chroma]) - 128) * chroma_scale_;
    const float cr = (static_cast<float>(v[chroma]) - 128) * chroma_scale_;
    bgr_[x * 3] = RoundToLevel(luma + (1 - kb_) * cb);
    bgr_[x * 3 + 1] = RoundToLevel(luma - (kb_ * (1 - kb_) * cb + kr_ * (1 - kr_) * cr) / kg);
    bgr_[x * 3 + 2] = RoundToLevel(luma + (1 - kr_) * cr);
  }
}

void BgrRows::ReadPlane(int row, int channel) {
  const size_t width = static_cast<size_t>(image_.width);
  const int plane = image_.format == OutputFormat::kRgbChw ? channel : 2 - channel;
  const size_t start = (static_cast<size_t>(plane) * image_.height + row) * width;
  const float factor = image_.factor[channel];
  const float offset = image_.offset[channel];
  uint8_t* const out = &bgr_[2 - channel];
  for (size_t x = 0; x < width; ++x) {
    out[x * 3] = RoundToLevel((ReadFloat(start + x) - offset) / factor);
  }
}

float BgrRows::ReadFloat(size_t index) const {
  if (image_.float_type == FloatType::kFloat32) {
    float value = 0;
    std::memcpy(&value, image_.pixels + index * sizeof value, sizeof value);
    return value;
  }
  uint16_t half = 0;
  std::memcpy(&half, image_.pixels + index * sizeof half, sizeof half);
  return HalfToFloat(half);
}

}  // namespace kvs_frames
