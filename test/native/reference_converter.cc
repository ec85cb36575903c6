#include "reference_converter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

namespace kvs_frames::testing {
namespace {

bool IsFloat(OutputFormat format) {
  return format == OutputFormat::kRgbChw || format == OutputFormat::kBgrChw;
}

bool IsHalfChroma(OutputFormat format) {
  return format == OutputFormat::kNv12 || format == OutputFormat::kI420;
}

// The weights that make one output sample, from sample `low` on.
struct Kernel {
  int low;
  std::vector<double> weights;
};

// A triangle around `center`, as wide as the distance of output samples but no narrower than that
// of the samples, over the samples from `low` up to `high`.
Kernel TriangleAt(double center, double step, int low, int high) {
  const double radius = step > 1 ? step : 1;
  Kernel kernel = {high, {}};
  double sum = 0;
  for (int s = low; s < high; ++s) {
    const double weight = 1 - std::fabs(s + 0.5 - center) / radius;
    if (weight <= 0) continue;
    kernel.low = std::min(kernel.low, s);
    kernel.weights.push_back(weight);
    sum += weight;
  }
  for (double& weight : kernel.weights) weight /= sum;
  return kernel;
}

// A plane of `width` × `height` numbers.
struct Plane {
  int width;
  int height;
  std::vector<double> numbers;
  double& At(int x, int y) { return numbers[static_cast<size_t>(y) * width + x]; }
};

// Along one axis: output sample k is centred at first + k × step, in samples of the plane.
struct Grid {
  double first;
  double step;
  int count;
  int low;
  int high;
};

Plane Resample(const TestPicture& picture, int component, const Grid& columns, const Grid& rows) {
  Plane across = {columns.count, rows.high, {}};
  across.numbers.resize(static_cast<size_t>(columns.count) * rows.high);
  for (int k = 0; k < columns.count; ++k) {
    const Kernel kernel =
        TriangleAt(columns.first + k * columns.step, columns.step, columns.low, columns.high);
    for (int y = rows.low; y < rows.high; ++y) {
      double sum = 0;
      for (size_t i = 0; i < kernel.weights.size(); ++i) {
        sum += kernel.weights[i] * picture.At(component, kernel.low + static_cast<int>(i), y);
      }
      across.At(k, y) = sum;
    }
  }
  Plane made = {columns.count, rows.count, {}};
  made.numbers.resize(static_cast<size_t>(columns.count) * rows.count);
  for (int k = 0; k < rows.count; ++k) {
    const Kernel kernel = TriangleAt(rows.first + k * rows.step, rows.step, rows.low, rows.high);
    for (int x = 0; x < columns.count; ++x) {
      double sum = 0;
      for (size_t i = 0; i < kernel.weights.size(); ++i) {
        sum += kernel.weights[i] * across.At(x, kernel.low + static_cast<int>(i));
      }
      made.At(x, k) = sum;
    }
  }
  return made;
}

// Samples of one component at the output's pixels, or at the chroma places of a 4:2:0 output.
Plane Samples(const TestPicture& picture, int component, const OutputOptions& options,
              const OutputLayout& layout, bool half) {
  const CropRect crop =
      options.crop.value_or(CropRect{0, 0, layout.source_width, layout.source_height});
  const bool same_size = layout.source_w == layout.w && layout.source_h == layout.h &&
                         std::fmod(layout.source_x, 1) == 0 && std::fmod(layout.source_y, 1) == 0;
  if (component >= picture.Description().nb_components || (same_size && !half)) {
    Plane plane = {layout.w, layout.h, {}};
    if (half) plane = {(layout.w + 1) / 2, (layout.h + 1) / 2, {}};
    for (int y = 0; y < plane.height; ++y) {
      for (int x = 0; x < plane.width; ++x) {
        plane.numbers.push_back(picture.Sample(component, static_cast<int>(layout.source_x) + x,
                                               static_cast<int>(layout.source_y) + y));
      }
    }
    return plane;
  }
  const double scale_x = layout.source_w / layout.w;
  const double scale_y = layout.source_h / layout.h;
  Grid columns = {layout.source_x + 0.5 * scale_x, scale_x, layout.w, crop.x, crop.x + crop.width};
  Grid rows = {layout.source_y + 0.5 * scale_y, scale_y, layout.h, crop.y, crop.y + crop.height};
  if (half) {
    // On the left pixel's centre, and between the two rows.
    columns.step *= 2;
    columns.count = (columns.count + 1) / 2;
    rows.first += 0.5 * scale_y;
    rows.step *= 2;
    rows.count = (rows.count + 1) / 2;
  }
  if (picture.IsShared(component) && picture.Description().log2_chroma_w == 1) {
    // Sample 0, whose centre is 0.5 in its own plane, lies at 0.5 in the picture; sample 1 at 2.5.
    columns = {(columns.first - 0.5) / 2 + 0.5, columns.step / 2, columns.count, columns.low / 2,
               (columns.high + 1) / 2};
  }
  if (picture.IsShared(component) && picture.Description().log2_chroma_h == 1) {
    rows = {rows.first / 2, rows.step / 2, rows.count, rows.low / 2, (rows.high + 1) / 2};
  }
  return Resample(picture, component, columns, rows);
}

struct Yuv {
  double luma;  // 0–1
  double cb;    // −0.5 to 0.5
  double cr;
};

Yuv Normalize(double y, double u, double v, int depth, bool full_range) {
  const double step = 1 << (depth - 8);
  const double last = (1 << depth) - 1;
  if (full_range) return {y / last, (u - 128 * step) / last, (v - 128 * step) / last};
  return {(y - 16 * step) / (219 * step), (u - 128 * step) / (224 * step),
          (v - 128 * step) / (224 * step)};
}

// Red, green, blue, 0–255.
std::array<double, 3> ToRgb(const Yuv& yuv, const Colors& colors) {
  const double red = yuv.luma + 2 * (1 - colors.kr) * yuv.cr;
  const double blue = yuv.luma + 2 * (1 - colors.kb) * yuv.cb;
  const double green =
      (yuv.luma - colors.kr * red - colors.kb * blue) / (1 - colors.kr - colors.kb);
  std::array<double, 3> levels = {red * 255, green * 255, blue * 255};
  for (double& level : levels) level = std::clamp(level, 0.0, 255.0);
  return levels;
}

Yuv FromRgb(const std::array<uint8_t, 3>& rgb, const Colors& colors) {
  const double luma =
      (colors.kr * rgb[0] + (1 - colors.kr - colors.kb) * rgb[1] + colors.kb * rgb[2]) / 255;
  return {luma, (rgb[2] / 255.0 - luma) / 2 / (1 - colors.kb),
          (rgb[0] / 255.0 - luma) / 2 / (1 - colors.kr)};
}

// As 8-bit samples of that range.
double Luma8(const Yuv& yuv, bool full) { return full ? yuv.luma * 255 : 16 + yuv.luma * 219; }
double Chroma8(double chroma, bool full) { return 128 + chroma * (full ? 255 : 224); }

// Calls `write` with each place of a plane of `w` × `h` around a picture at x, y, and with the
// place in the picture, or −1, −1 in the padding.
void ForEach(int width, int height, int x, int y, int w, int h,
             const std::function<void(int, int)>& write) {
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      const bool inside = row >= y && row < y + h && column >= x && column < x + w;
      write(inside ? column - x : -1, inside ? row - y : -1);
    }
  }
}

}  // namespace

std::vector<double> ExpectedNumbers(const TestPicture& picture, const OutputOptions& options,
                                    const OutputLayout& layout, const Colors& colors) {
  std::vector<double> numbers;
  const int depth = picture.depth();
  const bool half = IsHalfChroma(options.format);
  const bool full = colors.full_range;
  Plane y = Samples(picture, 0, options, layout, false);
  Plane u = Samples(picture, 1, options, layout, half);
  Plane v = Samples(picture, 2, options, layout, half);
  const Yuv pad = FromRgb(options.pad, colors);
  const auto each = [&](const std::function<void(int, int)>& write) {
    ForEach(layout.width, layout.height, layout.x, layout.y, layout.w, layout.h, write);
  };
  const double middle = 1 << (depth - 1);
  if (half || options.format == OutputFormat::kGray8) {
    each([&](int column, int row) {
      const Yuv yuv = row < 0 ? pad : Normalize(y.At(column, row), middle, middle, depth, full);
      numbers.push_back(half ? Luma8(yuv, full) : yuv.luma * 255);
    });
  }
  if (half) {
    const auto chroma = [&](bool blue, bool red) {
      ForEach((layout.width + 1) / 2, (layout.height + 1) / 2, layout.x / 2, layout.y / 2,
              (layout.w + 1) / 2, (layout.h + 1) / 2, [&](int column, int row) {
                const Yuv yuv =
                    row < 0 ? pad : Normalize(0, u.At(column, row), v.At(column, row), depth, full);
                if (blue) numbers.push_back(Chroma8(yuv.cb, full));
                if (red) numbers.push_back(Chroma8(yuv.cr, full));
              });
    };
    if (options.format == OutputFormat::kNv12) {
      chroma(true, true);
    } else {
      chroma(true, false);
      chroma(false, true);
    }
  }
  if (half || options.format == OutputFormat::kGray8) {
    for (double& number : numbers) number = std::clamp(number, 0.0, 255.0);
    return numbers;
  }
  const auto rgb_at = [&](int column, int row) -> std::array<double, 3> {
    if (row < 0) return {1.0 * options.pad[0], 1.0 * options.pad[1], 1.0 * options.pad[2]};
    return ToRgb(Normalize(y.At(column, row), u.At(column, row), v.At(column, row), depth, full),
                 colors);
  };
  const bool red_first =
      options.format == OutputFormat::kRgb24 || options.format == OutputFormat::kRgbChw;
  const std::array<size_t, 3> order =
      red_first ? std::array<size_t, 3>{0, 1, 2} : std::array<size_t, 3>{2, 1, 0};
  if (!IsFloat(options.format)) {
    each([&](int column, int row) {
      const auto rgb = rgb_at(column, row);
      for (const size_t channel : order) numbers.push_back(rgb[channel]);
    });
    return numbers;
  }
  for (const size_t channel : order) {
    each([&](int column, int row) {
      numbers.push_back(rgb_at(column, row)[channel] * options.factor[channel] +
                        options.offset[channel]);
    });
  }
  return numbers;
}

std::vector<double> NumbersIn(const uint8_t* slot, const OutputOptions& options,
                              const OutputLayout& layout) {
  std::vector<double> numbers;
  if (!IsFloat(options.format)) {
    numbers.assign(slot, slot + layout.bytes);
  } else if (options.float_type == FloatType::kFloat32) {
    for (size_t at = 0; at < layout.bytes; at += 4) {
      float number;
      std::memcpy(&number, slot + at, sizeof(number));
      numbers.push_back(number);
    }
  } else {
    for (size_t at = 0; at < layout.bytes; at += 2) {
      uint16_t half;
      std::memcpy(&half, slot + at, sizeof(half));
      const int exponent = half >> 10 & 31;
      const int fraction = half & 1023;
      const double magnitude =
          exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      numbers.push_back((half & 0x8000) != 0 ? -magnitude : magnitude);
    }
  }
  return numbers;
}

}  // namespace kvs_frames::testing
