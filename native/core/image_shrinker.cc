#include "image_shrinker.h"

#include <algorithm>
#include <cstddef>

#include "bgr_rows.h"

namespace kvs_frames {
namespace {

// What a pixel covers along one axis. In lengths of which a pixel of the image is `to` long and one
// of the smaller image `from`, everything is a whole number.
struct Cover {
  size_t first;
  size_t last;
  int first_part;  // lengths of the first pixel that are covered; of those behind it all, …
  int last_part;   // … but of the last; where that is the first, too
};

Cover CoverOf(size_t pixel, size_t from, size_t to) {
  const size_t begin = pixel * from;
  const size_t end = begin + from;
  Cover cover{};
  cover.first = begin / to;
  cover.last = (end - 1) / to;
  cover.first_part = static_cast<int>(std::min(end, (cover.first + 1) * to) - begin);
  cover.last_part = static_cast<int>(end - std::max(begin, cover.last * to));
  return cover;
}

int PartOf(const Cover& cover, size_t pixel, int whole) {
  if (pixel == cover.first) return cover.first_part;
  return pixel == cover.last ? cover.last_part : whole;
}

// Sums of a row below 2²⁴, which floats hold exactly: 255 × 8192 at most.
void AddRow(const uint8_t* row, float part, size_t count, float* sums) {
  for (size_t i = 0; i < count; ++i) sums[i] += part * static_cast<float>(row[i]);
}

// Makes a cut to a whole number the nearest one, as no average is below 0.
constexpr double kHalf = 0.5;

template <size_t kChannels>
void AverageRow(const float* sums, const std::vector<Cover>& covers, int whole, double scale,
                uint8_t* out) {
  for (const Cover& cover : covers) {
    for (size_t channel = 0; channel < kChannels; ++channel) {
      const float* const in = sums + channel;
      double inner = 0;
      for (size_t x = cover.first + 1; x < cover.last; ++x) inner += in[x * kChannels];
      double sum =
          inner * whole + static_cast<double>(in[cover.first * kChannels]) * cover.first_part;
      if (cover.last != cover.first) {
        sum += static_cast<double>(in[cover.last * kChannels]) * cover.last_part;
      }
      *out++ = static_cast<uint8_t>(sum * scale + kHalf);
    }
  }
}

bool IsPacked(OutputFormat format) {
  return format == OutputFormat::kBgr24 || format == OutputFormat::kRgb24 ||
         format == OutputFormat::kGray8;
}

}  // namespace

Image ShrinkImage(const Image& image, int width, int height, std::vector<uint8_t>* pixels) {
  if (width == image.width && height == image.height) return image;
  const bool is_packed = IsPacked(image.format);
  const size_t channels = image.format == OutputFormat::kGray8 ? 1 : 3;
  const size_t samples = image.width * channels;
  pixels->resize(static_cast<size_t>(width) * height * channels);
  std::vector<Cover> columns(width);
  for (int x = 0; x < width; ++x) columns[x] = CoverOf(x, image.width, width);
  const double scale = 1.0 / (static_cast<double>(image.width) * image.height);
  std::vector<float> sums(samples);
  BgrRows rows(image);
  uint8_t* out = pixels->data();
  for (int y = 0; y < height; ++y) {
    const Cover cover = CoverOf(y, image.height, height);
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (size_t row = cover.first; row <= cover.last; ++row) {
      const uint8_t* const in =
          is_packed ? image.pixels + row * samples : rows.Row(static_cast<int>(row));
      AddRow(in, static_cast<float>(PartOf(cover, row, height)), samples, sums.data());
    }
    (channels == 1 ? AverageRow<1> : AverageRow<3>)(sums.data(), columns, width, scale, out);
    out += width * channels;
  }
  Image smaller;
  smaller.pixels = pixels->data();
  smaller.width = width;
  smaller.height = height;
  smaller.format = is_packed ? image.format : OutputFormat::kBgr24;
  return smaller;
}

}  // namespace kvs_frames
