#include "row_converter.h"

#include <cmath>
#include <utility>

namespace kvs_frames {
namespace {

constexpr int16_t kNeutral = 1 << 14;  // of row samples
constexpr int16_t kOne = 1 << 14;      // of a LevelMap's factor

// From an axis of the picture to that of a plane whose samples are shared by two pixels. They lie
// between them, or `shift` samples before that.
Axis Shared(const Axis& pixels, double shift) {
  return {pixels.first / 2 + shift, pixels.step / 2, pixels.count, pixels.low / 2,
          (pixels.high + 1) / 2};
}

// Samples of any depth to bytes in the same range.
int16_t FactorToBytes(const YuvForm& yuv) {
  if (!yuv.full_range) return kOne;
  const double last = ((1 << yuv.depth) - 1) << (15 - yuv.depth);
  return static_cast<int16_t>(std::lround(255 * 128 / last * kOne));
}

}  // namespace

RowConverter::RowConverter(const Kernels& kernels)
    : kernels_(kernels), luma_(kernels), chroma_(kernels) {}

void RowConverter::Configure(const SampleForm& samples, const YuvForm& yuv,
                             const OutputOptions& options, const OutputLayout& layout) {
  samples_ = samples;
  format_ = options.format;
  half_floats_ = options.float_type == FloatType::kFloat16;
  planes_ = PlanesOf(options, layout);

  coefficients_ = MakeRowCoefficients(yuv);
  luma_levels_ = {coefficients_.luma_offset, coefficients_.luma, 0};
  if (IsYuv420(format_)) {
    luma_levels_ = {0, FactorToBytes(yuv), 0};
    chroma_levels_ = {kNeutral, FactorToBytes(yuv), 128 << 6};
  }
  const float factor[3] = {options.factor[0], options.factor[1], options.factor[2]};
  const float offset[3] = {options.offset[0], options.offset[1], options.offset[2]};
  floats_ = MakeFloatForm(yuv, factor, offset);
  if (format_ == OutputFormat::kRgb24) coefficients_ = RedFirst(coefficients_);

  ConfigureRows(options, layout);

  const size_t room = static_cast<size_t>(RoundUpTo8(layout.w));
  y_.assign(room, 0);
  u_.assign(room, kNeutral);
  v_.assign(room, kNeutral);
  bytes_.assign(2 * room, 0);
}

void RowConverter::ConfigureRows(const OutputOptions& options, const OutputLayout& layout) {
  const CropRect crop =
      options.crop.value_or(CropRect{0, 0, layout.source_width, layout.source_height});
  const double step_x = layout.source_w / layout.w;
  const double step_y = layout.source_h / layout.h;
  const auto x = static_cast<int>(layout.source_x);
  const auto y = static_cast<int>(layout.source_y);
  const int shift_x = samples_.chroma_shift_x;
  const int shift_y = samples_.chroma_shift_y;
  const bool unscaled = IsUnscaled(layout);
  if (unscaled) {
    luma_.SetNearest(samples_, false, {x, 0, layout.w}, {y, 0, layout.h});
  } else {
    luma_.SetFiltered(
        samples_, false,
        {layout.source_x + step_x / 2, step_x, layout.w, crop.x, crop.x + crop.width},
        {layout.source_y + step_y / 2, step_y, layout.h, crop.y, crop.y + crop.height});
  }
  if (!samples_.has_chroma || format_ == OutputFormat::kGray8) return;
  if (unscaled && !IsYuv420(format_)) {
    chroma_.SetNearest(samples_, samples_.paired, {x, shift_x, layout.w}, {y, shift_y, layout.h});
    return;
  }
  // The first chroma sample of the output and the distance to the next, in the picture's pixels.
  const bool shares = IsYuv420(format_);
  const double first_x = layout.source_x + step_x / 2;
  const double first_y = layout.source_y + (shares ? step_y : step_y / 2);
  const int scale = shares ? 2 : 1;
  Axis columns = {first_x, scale * step_x, planes_.back().w, crop.x, crop.x + crop.width};
  Axis rows = {first_y, scale * step_y, planes_.back().h, crop.y, crop.y + crop.height};
  if (shift_x == 1) columns = Shared(columns, 0.25);
  if (shift_y == 1) rows = Shared(rows, 0);
  chroma_.SetFiltered(samples_, samples_.paired, columns, rows);
}

void RowConverter::ReadLuma(int row, const PicturePlanes& picture) {
  luma_.Read(row, picture.data[0], picture.stride[0], y_.data(), nullptr);
}

void RowConverter::ReadChroma(int row, const PicturePlanes& picture) {
  if (!samples_.has_chroma || chroma_.Repeats(row)) return;
  chroma_.Read(row, picture.data[1], picture.stride[1], u_.data(), v_.data());
  if (samples_.paired) return;
  chroma_.Read(row, picture.data[2], picture.stride[2], v_.data(), nullptr);
}

void RowConverter::Convert(const PicturePlanes& picture, uint8_t* slot) {
  switch (format_) {
    case OutputFormat::kBgr24:
    case OutputFormat::kRgb24:
      return WritePacked(picture, slot);
    case OutputFormat::kRgbChw:
    case OutputFormat::kBgrChw:
      return WriteFloats(picture, slot);
    case OutputFormat::kGray8:
      return WriteLuma(picture, slot);
    case OutputFormat::kNv12:
    case OutputFormat::kI420:
      WriteLuma(picture, slot);
      return WriteSharedChroma(picture, slot);
  }
}

void RowConverter::WritePacked(const PicturePlanes& picture, uint8_t* slot) {
  const SlotPlane& plane = planes_.front();
  const YuvRowKernel kernel = kernels_.bgr.rows[1][1];
  const auto* const y = reinterpret_cast<const uint8_t*>(y_.data());
  const auto* u = reinterpret_cast<const uint8_t*>(u_.data());
  const auto* v = reinterpret_cast<const uint8_t*>(v_.data());
  if (format_ == OutputFormat::kRgb24) std::swap(u, v);
  for (int row = 0; row < plane.h; ++row) {
    ReadLuma(row, picture);
    ReadChroma(row, picture);
    kernel(y, u, v, slot + plane.Row(row), plane.w, coefficients_);
  }
}

void RowConverter::WriteFloats(const PicturePlanes& picture, uint8_t* slot) {
  const FloatRowKernel kernel = kernels_.floats.rows[half_floats_ ? 1 : 0];
  const bool red_first = format_ == OutputFormat::kRgbChw;
  const SlotPlane& red = planes_[red_first ? 0 : 2];
  const SlotPlane& green = planes_[1];
  const SlotPlane& blue = planes_[red_first ? 2 : 0];
  for (int row = 0; row < green.h; ++row) {
    ReadLuma(row, picture);
    ReadChroma(row, picture);
    kernel(y_.data(), u_.data(), v_.data(), green.w, floats_, slot + red.Row(row),
           slot + green.Row(row), slot + blue.Row(row));
  }
}

void RowConverter::WriteLuma(const PicturePlanes& picture, uint8_t* slot) {
  const SlotPlane& plane = planes_.front();
  for (int row = 0; row < plane.h; ++row) {
    ReadLuma(row, picture);
    kernels_.samples.to_levels(y_.data(), plane.w, luma_levels_, slot + plane.Row(row));
  }
}

void RowConverter::WriteSharedChroma(const PicturePlanes& picture, uint8_t* slot) {
  const SlotPlane& first = planes_[1];
  const SlotPlane& last = planes_.back();
  const bool pairs = format_ == OutputFormat::kNv12;
  for (int row = 0; row < first.h; ++row) {
    ReadChroma(row, picture);
    uint8_t* const u = pairs ? bytes_.data() : slot + first.Row(row);
    uint8_t* const v = pairs ? u + first.w : slot + last.Row(row);
    kernels_.samples.to_levels(u_.data(), first.w, chroma_levels_, u);
    kernels_.samples.to_levels(v_.data(), first.w, chroma_levels_, v);
    if (pairs) kernels_.samples.merge_bytes(u, v, first.w, slot + first.Row(row));
  }
}

}  // namespace kvs_frames
