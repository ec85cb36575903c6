#include "converter.h"

#include <cstring>
#include <string>
#include <utility>

#include "libyuv_bridge.h"

namespace kvs_frames {
namespace {

bool IsPacked(OutputFormat format) {
  return format == OutputFormat::kBgr24 || format == OutputFormat::kRgb24;
}

// Whether the format has colours that a matrix made.
bool NeedsMatrix(OutputFormat format) {
  return format != OutputFormat::kGray8 && !IsYuv420(format);
}

// 8-bit 4:2:0, the same as nv12 and i420 hold.
bool IsPlain420(const SampleForm& samples) {
  return samples.has_chroma && samples.bytes == 1 && samples.chroma_shift_x == 1 &&
         samples.chroma_shift_y == 1;
}

// Rows of `bytes` each, from one plane to another.
void CopyRows(const uint8_t* from, ptrdiff_t from_stride, uint8_t* to, size_t to_stride,
              size_t bytes, int rows) {
  for (int row = 0; row < rows; ++row, from += from_stride, to += to_stride) {
    std::memcpy(to, from, bytes);
  }
}

}  // namespace

bool Converter::Form::operator==(const Form& other) const {
  return width == other.width && height == other.height && format == other.format &&
         colorspace == other.colorspace && range == other.range;
}

Converter::Converter(Matrix matrix, const OutputOptions& output, const Kernels& kernels)
    : matrix_(matrix), output_(output), kernels_(kernels), rows_(kernels) {}

std::optional<Fault> Converter::Configure(const AVFrame& picture) {
  const Form form = {picture.width, picture.height, picture.format, picture.colorspace,
                     picture.color_range};
  if (usable_ && form == form_) return std::nullopt;
  usable_ = false;
  auto fault = ConfigureNew(form);
  form_ = form;
  usable_ = !fault;
  return fault;
}

std::optional<Fault> Converter::ConfigureNew(const Form& form) {
  const PlainFormat plain = WithoutRange(static_cast<AVPixelFormat>(form.format));
  if (av_pix_fmt_desc_get(plain.format) == nullptr || form.width <= 0 || form.height <= 0) {
    return Fault{Stage::kConvert, 0,
                 "picture of unknown pixel format " + std::to_string(form.format)};
  }
  if (auto fault = LayOut(output_, form.width, form.height, &layout_)) return fault;
  const AVColorSpace colorspace = ResolveColorspace(matrix_, form.colorspace, form.height);
  const auto weights = WeightsOf(colorspace);
  if (!weights && NeedsMatrix(output_.format)) {
    const char* const name = av_color_space_name(colorspace);
    return Fault{Stage::kConvert, 0,
                 std::string("colour matrix ") + (name == nullptr ? "unknown" : name) +
                     " is not supported; option matrix can force another"};
  }
  LumaWeights luma = weights.value_or(kBt709Weights);
  bool full_range = plain.full_range || form.range == AVCOL_RANGE_JPEG;
  const auto samples = DescribeSamples(plain.format);
  is_rgb_ = !samples;
  if (is_rgb_) {
    auto fault =
        rgb_source_.Configure(form.width, form.height, plain.format, colorspace, full_range);
    if (fault) return fault;
    luma = kBt709Weights;
    full_range = true;
  } else {
    rgb_source_.Reset();
  }
  samples_ = samples.value_or(RgbSource::kForm);
  yuv_ = {luma.kr, luma.kb, full_range, samples_.depth};
  if (IsYuv420(output_.format)) {
    layout_.matrix = is_rgb_ ? AVCOL_SPC_BT709 : colorspace;
    layout_.full_range = full_range;
  }
  planes_ = PlanesOf(output_, layout_);
  padding_.Configure(output_, planes_, yuv_);
  backend_ = Choose(luma.kr == kBt601Weights.kr && luma.kb == kBt601Weights.kb);
  if (backend_ == Backend::kRows) rows_.Configure(samples_, yuv_, output_, layout_);
  if (backend_ != Backend::kDirect) return std::nullopt;

  coefficients_ = MakeCoefficients(yuv_);
  if (output_.format == OutputFormat::kRgb24) coefficients_ = RedFirst(coefficients_);
  // In bytes, half of 0x8080 is as neutral as all of it.
  const auto neutral =
      static_cast<uint16_t>(samples_.bytes == 1 ? 0x8080 : 1 << (samples_.depth - 1));
  neutral_.assign(samples_.has_chroma ? 0 : layout_.w, neutral);
  const size_t columns = samples_.paired ? layout_.w : 0;
  first_.resize(columns);
  second_.resize(columns);
  words_.resize(2 * columns);
  return std::nullopt;
}

Converter::Backend Converter::Choose(bool is_bt601) const {
  if (!IsUnscaled(layout_)) return Backend::kRows;
  const bool even_start =
      static_cast<int>(layout_.source_x) % 2 == 0 && static_cast<int>(layout_.source_y) % 2 == 0;
  if (IsYuv420(output_.format) && IsPlain420(samples_) && even_start) return Backend::kCopy;
  const bool readable = samples_.right_shift == 0 || samples_.paired;
  if (!IsPacked(output_.format) || !readable) return Backend::kRows;
  const bool whole = layout_.w == layout_.source_width && layout_.h == layout_.source_height &&
                     layout_.w == layout_.width;
  const bool is_libyuv = output_.format == OutputFormat::kBgr24 && whole && is_bt601 &&
                         IsPlain420(samples_) && !samples_.paired &&
                         &kernels_ == &ScalarKernels() && LibyuvVersion().has_value();
  return is_libyuv ? Backend::kLibyuv : Backend::kDirect;
}

void Converter::Convert(const AVFrame& picture, uint8_t* slot) {
  const PicturePlanes planes = is_rgb_ ? rgb_source_.Read(picture) : PlanesOf(picture);
  padding_.Write(slot);
  switch (backend_) {
    case Backend::kCopy:
      return Copy(planes, slot);
    case Backend::kDirect:
      return ConvertDirectly(planes, slot);
    case Backend::kLibyuv:
      return ConvertBt601ByLibyuv(picture, yuv_.full_range, slot + planes_.front().Row(0));
    case Backend::kRows:
      return rows_.Convert(planes, slot);
  }
}

void Converter::Copy(const PicturePlanes& picture, uint8_t* slot) const {
  const SlotPlane& luma = planes_.front();
  const SlotPlane& u = planes_[1];
  const SlotPlane& v = planes_.back();
  const auto x = static_cast<ptrdiff_t>(layout_.source_x);
  const auto y = static_cast<ptrdiff_t>(layout_.source_y);
  CopyRows(picture.data[0] + y * picture.stride[0] + x, picture.stride[0], slot + luma.Row(0),
           luma.stride(), luma.w, luma.h);
  const bool to_pairs = output_.format == OutputFormat::kNv12;
  const uint8_t* first = picture.data[1] + y / 2 * picture.stride[1];
  if (samples_.paired) {
    first += x;
    if (to_pairs) {
      return CopyRows(first, picture.stride[1], slot + u.Row(0), u.stride(), u.cell * u.w, u.h);
    }
    for (int row = 0; row < u.h; ++row, first += picture.stride[1]) {
      kernels_.samples.split_bytes(first, u.w, slot + u.Row(row), slot + v.Row(row));
    }
    return;
  }
  first += x / 2;
  const uint8_t* second = picture.data[2] + y / 2 * picture.stride[2] + x / 2;
  if (!to_pairs) {
    CopyRows(first, picture.stride[1], slot + u.Row(0), u.stride(), u.w, u.h);
    return CopyRows(second, picture.stride[2], slot + v.Row(0), v.stride(), v.w, v.h);
  }
  for (int row = 0; row < u.h; ++row) {
    kernels_.samples.merge_bytes(first, second, u.w, slot + u.Row(row));
    first += picture.stride[1];
    second += picture.stride[2];
  }
}

void Converter::SplitPairs(const uint8_t* pairs, int count) {
  const SampleKernels& kernels = kernels_.samples;
  if (samples_.bytes == 1) {
    return kernels.split_bytes(pairs, count, reinterpret_cast<uint8_t*>(first_.data()),
                               reinterpret_cast<uint8_t*>(second_.data()));
  }
  kernels.widen_words(pairs, samples_.right_shift, 0, 2 * count, words_.data());
  kernels.split(words_.data(), count, first_.data(), second_.data());
}

void Converter::ConvertDirectly(const PicturePlanes& picture, uint8_t* slot) {
  const SlotPlane& plane = planes_.front();
  const auto x = static_cast<int>(layout_.source_x);
  const auto y = static_cast<int>(layout_.source_y);
  const int shift_x = samples_.chroma_shift_x;
  const int shift_y = samples_.chroma_shift_y;
  const ptrdiff_t bytes = samples_.bytes;
  const ptrdiff_t chroma_x = (x >> shift_x) * bytes;
  const int chroma_count = ((x + plane.w - 1) >> shift_x) - (x >> shift_x) + 1;
  const YuvRowKernel kernel = kernels_.bgr.rows[bytes - 1][shift_x == 0 ? 1 : 0];
  // Of a pair of pixels that the crop starts in the middle of, the second goes alone.
  const int alone = x & shift_x;
  int apart = -1;  // the row of chroma that first_ and second_ hold
  for (int row = 0; row < plane.h; ++row) {
    const uint8_t* luma = picture.data[0] + (y + row) * picture.stride[0] + x * bytes;
    const int chroma_row = (y + row) >> shift_y;
    const auto* u = reinterpret_cast<const uint8_t*>(neutral_.data());
    const uint8_t* v = u;
    if (samples_.paired) {
      if (chroma_row != apart) {
        SplitPairs(picture.data[1] + chroma_row * picture.stride[1] + 2 * chroma_x, chroma_count);
        apart = chroma_row;
      }
      u = reinterpret_cast<const uint8_t*>(first_.data());
      v = reinterpret_cast<const uint8_t*>(second_.data());
    } else if (samples_.has_chroma) {
      u = picture.data[1] + chroma_row * picture.stride[1] + chroma_x;
      v = picture.data[2] + chroma_row * picture.stride[2] + chroma_x;
    }
    if (samples_.right_shift > 0) {
      kernels_.samples.widen_words(luma, samples_.right_shift, 0, plane.w, words_.data());
      luma = reinterpret_cast<const uint8_t*>(words_.data());
    }
    if (output_.format == OutputFormat::kRgb24) std::swap(u, v);
    uint8_t* out = slot + plane.Row(row);
    if (alone == 1) {
      kernel(luma, u, v, out, 1, coefficients_);
      luma += bytes;
      u += bytes;
      v += bytes;
      out += plane.cell;
    }
    kernel(luma, u, v, out, plane.w - alone, coefficients_);
  }
}

}  // namespace kvs_frames
