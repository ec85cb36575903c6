#include "converter.h"

#include <array>
#include <cstring>
#include <new>
#include <string>

#include "libyuv_bridge.h"

namespace kvs_frames {
namespace {

struct Weights {
  double kr;
  double kb;
};

constexpr Weights kBt601Weights = {0.299, 0.114};
constexpr Weights kBt709Weights = {0.2126, 0.0722};

// The matrix to use for a picture of this height that is tagged `tagged`.
AVColorSpace ResolveColorspace(Matrix matrix, AVColorSpace tagged, int height) {
  switch (matrix) {
    case Matrix::kBt601:
      return AVCOL_SPC_SMPTE170M;
    case Matrix::kBt709:
      return AVCOL_SPC_BT709;
    case Matrix::kAuto:
      break;
  }
  if (tagged != AVCOL_SPC_UNSPECIFIED && tagged != AVCOL_SPC_RESERVED) return tagged;
  return height >= 720 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

// ITU-T H.273, table 4.
std::optional<Weights> WeightsOf(AVColorSpace colorspace) {
  switch (colorspace) {
    case AVCOL_SPC_RGB:  // the planes are not YUV then, and the weights are not used
    case AVCOL_SPC_BT709:
      return kBt709Weights;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return kBt601Weights;
    case AVCOL_SPC_FCC:
      return Weights{0.30, 0.11};
    case AVCOL_SPC_SMPTE240M:
      return Weights{0.212, 0.087};
    case AVCOL_SPC_BT2020_NCL:
      return Weights{0.2627, 0.0593};
    default:
      return std::nullopt;
  }
}

// The full-range twin names of the 8-bit formats carry the range in the format; all others carry
// it beside.
struct PlainFormat {
  AVPixelFormat format;
  bool full_range;
};

PlainFormat WithoutRange(AVPixelFormat format) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      return {AV_PIX_FMT_YUV420P, true};
    case AV_PIX_FMT_YUVJ422P:
      return {AV_PIX_FMT_YUV422P, true};
    case AV_PIX_FMT_YUVJ444P:
      return {AV_PIX_FMT_YUV444P, true};
    default:
      return {format, false};
  }
}

bool IsGray(const AVPixFmtDescriptor& description) { return description.nb_components == 1; }

// Planar YUV with a chroma sample per pixel or pair of pixels, or gray, in 8 to 14 little-endian
// bits.
bool SuitsKernels(const AVPixFmtDescriptor& description) {
  constexpr uint64_t kOther = AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                              AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_RGB |
                              AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_FLOAT;
  const AVComponentDescriptor& luma = description.comp[0];
  if ((description.flags & kOther) != 0 || luma.depth < 8 || luma.depth > 14) return false;
  if (luma.shift != 0 || luma.step != (luma.depth > 8 ? 2 : 1)) return false;
  if (IsGray(description)) return true;
  return description.nb_components == 3 && (description.flags & AV_PIX_FMT_FLAG_PLANAR) != 0 &&
         description.comp[1].plane == 1 && description.comp[2].plane == 2 &&
         description.log2_chroma_w <= 1;
}

}  // namespace

bool Converter::Form::operator==(const Form& other) const {
  return width == other.width && height == other.height && format == other.format &&
         colorspace == other.colorspace && range == other.range;
}

Converter::Converter(Matrix matrix, const YuvKernels& kernels)
    : matrix_(matrix), kernels_(kernels) {}

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
  const AVPixFmtDescriptor* const description = av_pix_fmt_desc_get(plain.format);
  if (description == nullptr || form.width <= 0 || form.height <= 0) {
    return Fault{Stage::kConvert, 0,
                 "picture of unknown pixel format " + std::to_string(form.format)};
  }
  const AVColorSpace colorspace = ResolveColorspace(matrix_, form.colorspace, form.height);
  const auto weights = WeightsOf(colorspace);
  if (!weights) {
    const char* const name = av_color_space_name(colorspace);
    return Fault{Stage::kConvert, 0,
                 std::string("colour matrix ") + (name == nullptr ? "unknown" : name) +
                     " is not supported; option matrix can force another"};
  }
  const bool full_range = plain.full_range || form.range == AVCOL_RANGE_JPEG;
  if (!SuitsKernels(*description)) {
    return ConfigureSwscale(form, plain.format, colorspace, full_range);
  }

  sws_.reset();
  scratch_ = {};
  const bool bt601 = weights->kr == kBt601Weights.kr && weights->kb == kBt601Weights.kb;
  full_range_ = full_range;
  if (plain.format == AV_PIX_FMT_YUV420P && bt601 && &kernels_ == &ScalarKernels() &&
      LibyuvVersion().has_value()) {
    backend_ = Backend::kLibyuv;
    return std::nullopt;
  }
  backend_ = Backend::kKernels;
  const int depth = description->comp[0].depth;
  coefficients_ = MakeCoefficients({weights->kr, weights->kb, full_range, depth});
  row_ = kernels_.rows[depth > 8 ? 1 : 0][description->log2_chroma_w == 0 ? 1 : 0];
  chroma_row_shift_ = description->log2_chroma_h;
  neutral_chroma_.clear();
  if (IsGray(*description)) {
    // In bytes, half of 0x8080 is as neutral as all of it.
    const uint16_t neutral = depth > 8 ? static_cast<uint16_t>(1 << (depth - 1)) : 0x8080;
    neutral_chroma_.assign(form.width, neutral);
  }
  return std::nullopt;
}

std::optional<Fault> Converter::ConfigureSwscale(const Form& form, AVPixelFormat format,
                                                 AVColorSpace colorspace, bool full_range) {
  const char* const name = av_get_pix_fmt_name(format);
  // Without these flags swscale blurs or skips chroma and is off by several levels; pictures that
  // come here (RGB planes) are rare, so speed is second.
  constexpr int kFlags = SWS_POINT | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT;
  sws_.reset();
  if (sws_isSupportedInput(format) != 0) {
    sws_.reset(sws_getContext(form.width, form.height, format, form.width, form.height,
                              AV_PIX_FMT_BGR24, kFlags, nullptr, nullptr, nullptr));
  }
  if (sws_ == nullptr) {
    return Fault{Stage::kConvert, 0,
                 std::string("pixel format ") + name + " of " + std::to_string(form.width) + "x" +
                     std::to_string(form.height) + " cannot be converted"};
  }
  // swscale assumes BT.601 limited range unless told; for RGB planes it ignores this.
  constexpr int kOne = 1 << 16;
  sws_setColorspaceDetails(sws_.get(), sws_getCoefficients(colorspace), full_range ? 1 : 0,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, kOne, kOne);
  constexpr int kStep = 16;  // pixels swscale's vector code works in
  constexpr int kSlack = 64;
  scratch_stride_ = (form.width + kStep - 1) / kStep * kStep * 3;
  scratch_.resize(static_cast<size_t>(scratch_stride_) * form.height + kSlack);
  backend_ = Backend::kSwscale;
  return std::nullopt;
}

void Converter::Convert(const AVFrame& picture, uint8_t* bgr) {
  switch (backend_) {
    case Backend::kKernels:
      return ConvertByKernels(picture, bgr);
    case Backend::kLibyuv:
      return ConvertBt601ByLibyuv(picture, full_range_, bgr);
    case Backend::kSwscale:
      return ConvertBySwscale(picture, bgr);
  }
}

void Converter::ConvertByKernels(const AVFrame& picture, uint8_t* bgr) const {
  const auto* const neutral = reinterpret_cast<const uint8_t*>(neutral_chroma_.data());
  const ptrdiff_t stride = static_cast<ptrdiff_t>(picture.width) * 3;
  for (int row = 0; row < picture.height; ++row) {
    const ptrdiff_t chroma_row = row >> chroma_row_shift_;
    const bool gray = !neutral_chroma_.empty();
    row_(picture.data[0] + row * static_cast<ptrdiff_t>(picture.linesize[0]),
         gray ? neutral : picture.data[1] + chroma_row * picture.linesize[1],
         gray ? neutral : picture.data[2] + chroma_row * picture.linesize[2], bgr + row * stride,
         picture.width, coefficients_);
  }
}

void Converter::ConvertBySwscale(const AVFrame& picture, uint8_t* bgr) {
  const std::array<uint8_t*, 4> planes = {scratch_.data(), nullptr, nullptr, nullptr};
  const std::array<int, 4> strides = {scratch_stride_, 0, 0, 0};
  sws_scale(sws_.get(), picture.data, picture.linesize, 0, picture.height, planes.data(),
            strides.data());
  const size_t row_bytes = static_cast<size_t>(picture.width) * 3;
  for (int row = 0; row < picture.height; ++row) {
    std::memcpy(bgr + row * row_bytes, scratch_.data() + static_cast<size_t>(row) * scratch_stride_,
                row_bytes);
  }
}

}  // namespace kvs_frames
