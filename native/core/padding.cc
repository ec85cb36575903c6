#include "padding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "float_kernels.h"

namespace kvs_frames {
namespace {

uint8_t ToByte(double value) {
  return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

struct YuvColor {
  double luma;  // 0–255
  double cb;    // −127.5 to 127.5
  double cr;
};

YuvColor ToYuv(const std::array<uint8_t, 3>& rgb, const YuvForm& yuv) {
  const double luma = yuv.kr * rgb[0] + (1 - yuv.kr - yuv.kb) * rgb[1] + yuv.kb * rgb[2];
  return {luma, (rgb[2] - luma) / (2 * (1 - yuv.kb)), (rgb[0] - luma) / (2 * (1 - yuv.kr))};
}

std::vector<uint8_t> NumberBytes(float number, FloatType type) {
  std::vector<uint8_t> bytes(type == FloatType::kFloat32 ? 4 : 2);
  const uint16_t half = ToHalf(number);
  std::memcpy(bytes.data(), type == FloatType::kFloat32 ? static_cast<const void*>(&number) : &half,
              bytes.size());
  return bytes;
}

// A cell of padding, by plane.
std::vector<std::vector<uint8_t>> CellsOf(const OutputOptions& options, const YuvForm& yuv) {
  const auto& [red, green, blue] = options.pad;
  const YuvColor color = ToYuv(options.pad, yuv);
  const double chroma_scale = yuv.full_range ? 1 : 224.0 / 255;
  const uint8_t y = ToByte(yuv.full_range ? color.luma : 16 + color.luma * 219 / 255);
  const uint8_t u = ToByte(128 + color.cb * chroma_scale);
  const uint8_t v = ToByte(128 + color.cr * chroma_scale);
  switch (options.format) {
    case OutputFormat::kBgr24:
      return {{blue, green, red}};
    case OutputFormat::kRgb24:
      return {{red, green, blue}};
    case OutputFormat::kGray8:
      return {{ToByte(color.luma)}};
    case OutputFormat::kNv12:
      return {{y}, {u, v}};
    case OutputFormat::kI420:
      return {{y}, {u}, {v}};
    case OutputFormat::kRgbChw:
    case OutputFormat::kBgrChw:
      break;
  }
  std::vector<std::vector<uint8_t>> cells;
  for (size_t channel = 0; channel < 3; ++channel) {
    const float number = static_cast<float>(options.pad[channel]) * options.factor[channel] +
                         options.offset[channel];
    cells.push_back(NumberBytes(number, options.float_type));
  }
  if (options.format == OutputFormat::kBgrChw) std::reverse(cells.begin(), cells.end());
  return cells;
}

}  // namespace

void Padding::Configure(const OutputOptions& options, const std::vector<SlotPlane>& planes,
                        const YuvForm& yuv) {
  planes_.clear();
  const auto cells = CellsOf(options, yuv);
  for (size_t i = 0; i < planes.size(); ++i) {
    const SlotPlane& place = planes[i];
    if (place.w == place.width && place.h == place.height) continue;
    Plane plane = {place, {}};
    for (int x = 0; x < place.width; ++x) {
      plane.row.insert(plane.row.end(), cells[i].begin(), cells[i].end());
    }
    planes_.push_back(std::move(plane));
  }
}

void Padding::Write(uint8_t* slot) const {
  for (const Plane& plane : planes_) {
    const SlotPlane& place = plane.place;
    const size_t left = place.cell * place.x;
    const size_t right = place.stride() - left - place.cell * place.w;
    uint8_t* to = slot + place.start;
    for (int row = 0; row < place.height; ++row, to += place.stride()) {
      if (row < place.y || row >= place.y + place.h) {
        std::memcpy(to, plane.row.data(), place.stride());
        continue;
      }
      std::memcpy(to, plane.row.data(), left);
      std::memcpy(to + place.stride() - right, plane.row.data(), right);
    }
  }
}

}  // namespace kvs_frames
