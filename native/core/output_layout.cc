#include "output_layout.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace kvs_frames {
namespace {

constexpr int kMaxSide = 8192;

std::string SizeText(int width, int height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

bool IsInside(const CropRect& crop, int width, int height) {
  // Subtracted, since a sum may overflow.
  return crop.x >= 0 && crop.y >= 0 && crop.width > 0 && crop.height > 0 && crop.x < width &&
         crop.y < height && crop.width <= width - crop.x && crop.height <= height - crop.y;
}

// The side that has the same ratio to `other` as `side` has to `of`.
double Follow(double other, int side, int of) { return std::round(other * side / of); }

bool IsFloat(OutputFormat format) {
  return format == OutputFormat::kRgbChw || format == OutputFormat::kBgrChw;
}

size_t CellBytes(const OutputOptions& options) {
  if (IsFloat(options.format)) return options.float_type == FloatType::kFloat32 ? 4 : 2;
  const bool packed =
      options.format == OutputFormat::kBgr24 || options.format == OutputFormat::kRgb24;
  return packed ? 3 : 1;
}

int Half(int length) { return (length + 1) / 2; }

// Along one axis: how much of `available` a picture of `length` takes, and from where.
struct Span {
  int start;
  int length;
};

Span Center(double length, int available, bool even) {
  const int unit = even ? 2 : 1;
  const int rounded = unit * std::max(1, static_cast<int>(std::lround(length / unit)));
  const int taken = std::min(rounded, available);
  return {(available - taken) / 2 / unit * unit, taken};
}

}  // namespace

bool IsYuv420(OutputFormat format) {
  return format == OutputFormat::kNv12 || format == OutputFormat::kI420;
}

std::vector<SlotPlane> PlanesOf(const OutputOptions& options, const OutputLayout& layout) {
  const SlotPlane first = {0,        CellBytes(options), layout.width, layout.height,
                           layout.x, layout.y,           layout.w,     layout.h};
  std::vector<SlotPlane> planes = {first};
  if (IsFloat(options.format)) {
    planes.resize(3, first);
  } else if (IsYuv420(options.format)) {
    const bool pairs = options.format == OutputFormat::kNv12;
    const SlotPlane chroma = {0,
                              pairs ? size_t{2} : size_t{1},
                              Half(first.width),
                              Half(first.height),
                              first.x / 2,
                              first.y / 2,
                              Half(first.w),
                              Half(first.h)};
    planes.resize(pairs ? 2 : 3, chroma);
  }
  for (size_t i = 1; i < planes.size(); ++i) {
    planes[i].start = planes[i - 1].start + planes[i - 1].bytes();
  }
  return planes;
}

std::optional<Fault> LayOut(const OutputOptions& options, int source_width, int source_height,
                            OutputLayout* layout) {
  const CropRect region = options.crop.value_or(CropRect{0, 0, source_width, source_height});
  if (!IsInside(region, source_width, source_height)) {
    return Fault{Stage::kConvert, 0,
                 "crop of " + SizeText(region.width, region.height) + " at " +
                     std::to_string(region.x) + "," + std::to_string(region.y) +
                     " does not lie in the picture of " + SizeText(source_width, source_height)};
  }
  double width = options.width;
  double height = options.height;
  if (options.width == 0 && options.height == 0) {
    width = region.width;
    height = region.height;
  } else if (options.width == 0) {
    width = std::max(1.0, Follow(height, region.width, region.height));
  } else if (options.height == 0) {
    height = std::max(1.0, Follow(width, region.height, region.width));
  }
  if (width > std::max(kMaxSide, region.width) || height > std::max(kMaxSide, region.height)) {
    return Fault{Stage::kConvert, 0,
                 "a picture of " + SizeText(region.width, region.height) + " would become " +
                     std::to_string(static_cast<long long>(width)) + "x" +
                     std::to_string(static_cast<long long>(height)) + ", and sides end at " +
                     std::to_string(kMaxSide) + "; give width and height"};
  }

  OutputLayout made;
  made.width = static_cast<int>(width);
  made.height = static_cast<int>(height);
  made.source_width = source_width;
  made.source_height = source_height;
  made.source_x = region.x;
  made.source_y = region.y;
  made.source_w = region.width;
  made.source_h = region.height;
  made.w = made.width;
  made.h = made.height;
  const double scale_x = width / region.width;
  const double scale_y = height / region.height;
  // Where both are the same, either may come out as the smaller by a rounding error of the last
  // bit; the side that is filled is therefore not computed.
  if (options.fit == Fit::kContain && scale_x < scale_y) {
    const Span rows = Center(region.height * scale_x, made.height, IsYuv420(options.format));
    made.y = rows.start;
    made.h = rows.length;
  } else if (options.fit == Fit::kContain && scale_y < scale_x) {
    const Span columns = Center(region.width * scale_y, made.width, IsYuv420(options.format));
    made.x = columns.start;
    made.w = columns.length;
  } else if (options.fit == Fit::kCover && scale_x < scale_y) {
    made.source_w = width / scale_y;
    made.source_x += (region.width - made.source_w) / 2;
  } else if (options.fit == Fit::kCover && scale_y < scale_x) {
    made.source_h = height / scale_x;
    made.source_y += (region.height - made.source_h) / 2;
  }
  const std::vector<SlotPlane> planes = PlanesOf(options, made);
  made.stride = planes.front().stride();
  made.bytes = planes.back().start + planes.back().bytes();
  *layout = made;
  return std::nullopt;
}

bool IsUnscaled(const OutputLayout& layout) {
  return layout.source_w == layout.w && layout.source_h == layout.h &&
         layout.source_x == std::floor(layout.source_x) &&
         layout.source_y == std::floor(layout.source_y);
}

}  // namespace kvs_frames
