#include "image_shrinker.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "bgr_rows.h"
#include "check.h"
#include "output_layout.h"

namespace kvs_frames {
namespace {

using Bytes = std::vector<uint8_t>;

// Restless bytes, the extremes among them.
Bytes Noise(size_t bytes) {
  Bytes noise(bytes);
  uint32_t state = 1;
  for (uint8_t& level : noise) {
    state = state * 1664525 + 1013904223;
    level = static_cast<uint8_t>(state >> 24);
    if ((state >> 16 & 15) == 0) level = (state & 1 << 15) != 0 ? 255 : 0;
  }
  return noise;
}

Image ImageOf(const Bytes& pixels, int width, int height, OutputFormat format) {
  Image image;
  image.pixels = pixels.data();
  image.width = width;
  image.height = height;
  image.format = format;
  return image;
}

double Overlap(double begin, double end, int sample) {
  return std::max(0.0, std::min(end, sample + 1.0) - std::max(begin, static_cast<double>(sample)));
}

// The average over the rectangle that pixel (x, y) of the smaller image covers, by definition.
double Average(const Image& from, int channels, const Image& to, int x, int y, int channel) {
  const double step_x = static_cast<double>(from.width) / to.width;
  const double step_y = static_cast<double>(from.height) / to.height;
  double sum = 0;
  for (int row = static_cast<int>(y * step_y); row < from.height && row < (y + 1) * step_y; ++row) {
    for (int column = static_cast<int>(x * step_x);
         column < from.width && column < (x + 1) * step_x; ++column) {
      const size_t at = (static_cast<size_t>(row) * from.width + column) * channels + channel;
      sum += from.pixels[at] * Overlap(x * step_x, (x + 1) * step_x, column) *
             Overlap(y * step_y, (y + 1) * step_y, row);
    }
  }
  return sum / step_x / step_y;
}

// The largest distance of any sample from that.
double FurthestFromAverage(const Image& from, const Image& to, int channels) {
  double furthest = 0;
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x) {
      for (int channel = 0; channel < channels; ++channel) {
        const size_t at = (static_cast<size_t>(y) * to.width + x) * channels + channel;
        const double average = Average(from, channels, to, x, y, channel);
        furthest = std::max(furthest, std::abs(to.pixels[at] - average));
      }
    }
  }
  return furthest;
}

struct Sizes {
  int from[2];
  int to[2];
};

constexpr Sizes kSizes[] = {
    {{64, 36}, {16, 9}},   {{101, 33}, {100, 33}}, {{101, 33}, {51, 17}}, {{101, 33}, {7, 5}},
    {{101, 33}, {1, 1}},   {{101, 33}, {101, 1}},  {{101, 33}, {1, 33}},  {{2, 1}, {1, 1}},
    {{1, 9}, {1, 4}},      {{854, 48}, {480, 27}}, {{37, 29}, {36, 28}},  {{360, 17}, {31, 16}},
    {{8192, 2}, {129, 1}}, {{3, 8192}, {2, 8191}},
};

// Exact but for the rounding to levels, and for what a double can't hold of the average.
constexpr double kBound = 0.5 + 1e-9;

TEST(PackedPixelsBecomeAveragesOfThoseTheyCover) {
  for (const Sizes& sizes : kSizes) {
    for (const auto format : {OutputFormat::kBgr24, OutputFormat::kRgb24, OutputFormat::kGray8}) {
      const int channels = format == OutputFormat::kGray8 ? 1 : 3;
      const Bytes pixels = Noise(static_cast<size_t>(sizes.from[0]) * sizes.from[1] * channels);
      const Image image = ImageOf(pixels, sizes.from[0], sizes.from[1], format);
      Bytes memory;
      const Image smaller = ShrinkImage(image, sizes.to[0], sizes.to[1], &memory);
      REQUIRE(smaller.width == sizes.to[0] && smaller.height == sizes.to[1]);
      CHECK(smaller.format == format);
      CHECK_EQ(memory.size(), static_cast<size_t>(smaller.width) * smaller.height * channels);
      CHECK(FurthestFromAverage(image, smaller, channels) <= kBound);
    }
  }
}

TEST(WhatIsFullOrEmptyStaysSo) {
  for (const uint8_t level : {0, 255}) {
    const Bytes pixels(8192 * 3 * 3, level);
    Bytes memory;
    ShrinkImage(ImageOf(pixels, 8192, 3, OutputFormat::kBgr24), 4799, 2, &memory);
    CHECK(memory == Bytes(memory.size(), level));
  }
}

TEST(OtherFormatsBecomeAveragesOfTheirBgr) {
  constexpr int kWidth = 101;
  constexpr int kHeight = 33;
  for (const auto format :
       {OutputFormat::kNv12, OutputFormat::kI420, OutputFormat::kRgbChw, OutputFormat::kBgrChw}) {
    for (const FloatType type : {FloatType::kFloat32, FloatType::kFloat16}) {
      OutputOptions form;
      form.format = format;
      form.float_type = type;
      OutputLayout layout;
      LayOut(form, kWidth, kHeight, &layout);
      const Bytes pixels = Noise(layout.bytes);
      Image image = ImageOf(pixels, kWidth, kHeight, format);
      image.float_type = type;
      BgrRows rows(image);
      Bytes bgr;
      for (int row = 0; row < kHeight; ++row) {
        bgr.insert(bgr.end(), rows.Row(row), rows.Row(row) + kWidth * 3);
      }
      const Image packed = ImageOf(bgr, kWidth, kHeight, OutputFormat::kBgr24);
      for (const auto& [width, height] : {std::pair{50, 16}, std::pair{1, 1}}) {
        Bytes memory;
        const Image smaller = ShrinkImage(image, width, height, &memory);
        CHECK(smaller.format == OutputFormat::kBgr24);
        CHECK(FurthestFromAverage(packed, smaller, 3) <= kBound);
      }
    }
  }
}

TEST(AnImageOfThatSizeIsLeftAsItIs) {
  const Bytes pixels = Noise(101 * 33 * 3);
  const Image image = ImageOf(pixels, 101, 33, OutputFormat::kRgb24);
  Bytes memory;
  const Image same = ShrinkImage(image, 101, 33, &memory);
  CHECK(same.pixels == image.pixels);
  CHECK(same.format == image.format);
  CHECK(memory.empty());
}

}  // namespace
}  // namespace kvs_frames
