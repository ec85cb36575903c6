// Every output format, fit and odd size against the reference in double precision.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "converter.h"
#include "reference_converter.h"
#include "test_picture.h"

namespace kvs_frames {
namespace {

using testing::Colors;
using testing::Content;
using testing::GuardedSlot;
using testing::TestPicture;

constexpr AVColorRange kLimited = AVCOL_RANGE_MPEG;
constexpr AVColorRange kFull = AVCOL_RANGE_JPEG;

struct Source {
  AVPixelFormat format;
  AVColorSpace colorspace;
  AVColorRange range;
  double kr;
  double kb;
};

constexpr Source kSources[] = {
    {AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, kLimited, 0.2126, 0.0722},
    {AV_PIX_FMT_NV12, AVCOL_SPC_BT709, kLimited, 0.2126, 0.0722},
    {AV_PIX_FMT_YUV420P, AVCOL_SPC_SMPTE170M, kFull, 0.299, 0.114},
    {AV_PIX_FMT_YUV420P10LE, AVCOL_SPC_BT2020_NCL, kLimited, 0.2627, 0.0593},
    {AV_PIX_FMT_P010LE, AVCOL_SPC_BT709, kFull, 0.2126, 0.0722},
    {AV_PIX_FMT_YUV420P, AVCOL_SPC_SMPTE170M, kLimited, 0.299, 0.114},
    {AV_PIX_FMT_YUV422P, AVCOL_SPC_SMPTE170M, kLimited, 0.299, 0.114},
    {AV_PIX_FMT_NV12, AVCOL_SPC_SMPTE170M, kFull, 0.299, 0.114},
    {AV_PIX_FMT_YUV444P, AVCOL_SPC_BT709, kFull, 0.2126, 0.0722},
    {AV_PIX_FMT_P010LE, AVCOL_SPC_BT2020_NCL, kLimited, 0.2627, 0.0593},
    {AV_PIX_FMT_YUV422P12LE, AVCOL_SPC_BT709, kFull, 0.2126, 0.0722},
    {AV_PIX_FMT_GRAY8, AVCOL_SPC_BT709, kLimited, 0.2126, 0.0722},
    {AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, kFull, 0.2126, 0.0722},
    {AV_PIX_FMT_YUV444P14LE, AVCOL_SPC_BT2020_NCL, kLimited, 0.2627, 0.0593},
    {AV_PIX_FMT_GRAY10LE, AVCOL_SPC_SMPTE170M, kFull, 0.299, 0.114},
    {AV_PIX_FMT_YUV440P, AVCOL_SPC_BT709, kLimited, 0.2126, 0.0722},
    {AV_PIX_FMT_YUV420P10LE, AVCOL_SPC_BT709, kFull, 0.2126, 0.0722},
};

struct Shape {
  OutputFormat format;
  FloatType float_type;
  const char* name;
};

constexpr Shape kShapes[] = {
    {OutputFormat::kBgr24, FloatType::kFloat32, "bgr24"},
    {OutputFormat::kRgb24, FloatType::kFloat32, "rgb24"},
    {OutputFormat::kGray8, FloatType::kFloat32, "gray8"},
    {OutputFormat::kNv12, FloatType::kFloat32, "nv12"},
    {OutputFormat::kI420, FloatType::kFloat32, "i420"},
    {OutputFormat::kRgbChw, FloatType::kFloat32, "rgb-chw float32"},
    {OutputFormat::kBgrChw, FloatType::kFloat32, "bgr-chw float32"},
    {OutputFormat::kRgbChw, FloatType::kFloat16, "rgb-chw float16"},
    {OutputFormat::kBgrChw, FloatType::kFloat16, "bgr-chw float16"},
};

constexpr Fit kFits[] = {Fit::kStretch, Fit::kContain, Fit::kCover};
constexpr const char* kFitNames[] = {"stretch", "contain", "cover"};

bool IsFloat(OutputFormat format) {
  return format == OutputFormat::kRgbChw || format == OutputFormat::kBgrChw;
}

// The bounds that converter.h states, in levels.
struct Bounds {
  double bytes;
  double floats;
};
constexpr Bounds kUnscaled = {0.55, 0.001};
constexpr Bounds kScaled = {0.65, 0.2};

bool IsScaled(const OutputLayout& layout) {
  return layout.source_w != layout.w || layout.source_h != layout.h ||
         std::fmod(layout.source_x, 1) != 0 || std::fmod(layout.source_y, 1) != 0;
}

// How far `number` may be from `expected`.
double BoundOf(const OutputOptions& options, const OutputLayout& layout, double expected) {
  const Bounds& bounds = IsScaled(layout) || options.format == OutputFormat::kNv12 ||
                                 options.format == OutputFormat::kI420
                             ? kScaled
                             : kUnscaled;
  if (!IsFloat(options.format)) return bounds.bytes;
  const float factor = *std::max_element(options.factor.begin(), options.factor.end());
  double bound = bounds.floats * factor + std::abs(expected) * 1e-6;
  if (options.float_type == FloatType::kFloat16) {
    // Half of the last of eleven bits, or of the smallest step there is.
    bound += std::max(std::ldexp(1.0, -25), (std::abs(expected) + bound) * std::ldexp(1.0, -11));
  }
  return bound;
}

// Converts by both sets of kernels, between guards and over what other slots may have held.
void CheckAgainstReference(const Source& source, const TestPicture& picture,
                           const OutputOptions& options, const std::string& name) {
  picture.frame->colorspace = source.colorspace;
  picture.frame->color_range = source.range;
  Converter best(Matrix::kAuto, options);
  if (const auto fault = best.Configure(*picture.frame)) {
    testing::Fail(__FILE__, __LINE__) << name << ": " << fault->message << "\n";
    return;
  }
  const OutputLayout& layout = best.layout();
  GuardedSlot slot(layout.bytes);
  slot.Fill(0xff);
  best.Convert(*picture.frame, slot.data());
  CHECK(slot.IsIntact());
  Converter scalar(Matrix::kAuto, options, ScalarKernels());
  REQUIRE(!scalar.Configure(*picture.frame));
  GuardedSlot other(layout.bytes);
  scalar.Convert(*picture.frame, other.data());
  CHECK(other.IsIntact());
  if (scalar.backend() != Converter::Backend::kLibyuv &&
      std::memcmp(slot.data(), other.data(), slot.size()) != 0) {
    testing::Fail(__FILE__, __LINE__) << name << ": kernels differ\n";
  }

  const Colors colors = {source.kr, source.kb, source.range == kFull};
  const auto expected = testing::ExpectedNumbers(picture, options, layout, colors);
  const auto actual = testing::NumbersIn(slot.data(), options, layout);
  REQUIRE(expected.size() == actual.size());
  double worst_excess = 0;
  size_t worst_at = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double excess = std::abs(actual[i] - expected[i]) - BoundOf(options, layout, expected[i]);
    if (!(excess <= worst_excess)) {
      worst_excess = excess;
      worst_at = i;
    }
  }
  if (worst_excess > 0) {
    testing::Fail(__FILE__, __LINE__)
        << name << ": number " << worst_at << " of " << actual.size() << " is " << actual[worst_at]
        << ", not " << expected[worst_at] << "\n";
  }
}

TEST(EveryFormatFitAndOddSizeIsWithinItsBounds) {
  constexpr int kWidths[] = {1, 2, 3, 101, 854, 642, 360, 1080};
  constexpr int kHeights[] = {1, 2, 3, 17, 38, 51, 64};
  enum Size { kSame, kSmaller, kLarger, kMixed, kBoxed, kSizes };
  size_t turn = 0;
  for (const Shape& shape : kShapes) {
    for (const Fit fit : kFits) {
      for (const int width : kWidths) {
        for (int size = 0; size < kSizes; ++size, ++turn) {
          // What is not looped over takes turns; the lengths of these lists share no factor with
          // each other or with the loops, so that all combine.
          const Source& source = kSources[turn % std::size(kSources)];
          const int height = kHeights[turn % std::size(kHeights)];
          OutputOptions options;
          options.format = shape.format;
          options.float_type = shape.float_type;
          options.fit = fit;
          options.pad = {10, 200, 90};
          if (size == kSmaller) {
            options.width = std::max(1, width * 10 / 27);
            options.height = std::max(1, height * 10 / 17);
          } else if (size == kLarger) {
            options.width = width * 17 / 10 + 1;
            options.height = height * 23 / 10 + 1;
          } else if (size == kMixed) {
            options.width = std::max(1, width / 23);
            options.height = height + 40;
          } else if (size == kBoxed) {
            options.width = width;
            options.height = height + 9;
          }
          if (turn % 11 % 5 == 1 && width > 4 && height > 4) {
            const int odd = static_cast<int>(turn / 11 % 2);
            options.crop = CropRect{odd, 2 - odd, width - 3, height - 2 - odd};
          }
          if (turn % 2 == 1) {
            options.factor = {1 / 58.395f, 1 / 57.12f, 1 / 57.375f};
            options.offset = {-2.1179f, -2.0357f, -1.8044f};
          }
          const Content content = turn % 13 == 3 ? Content::kExtremes : Content::kRandom;
          const TestPicture picture(source.format, width, height, content, static_cast<int>(turn));
          CheckAgainstReference(source, picture, options,
                                std::string(shape.name) + " " + kFitNames[static_cast<int>(fit)] +
                                    " " + av_get_pix_fmt_name(source.format) + " " +
                                    std::to_string(width) + "x" + std::to_string(height) + " to " +
                                    std::to_string(options.width) + "x" +
                                    std::to_string(options.height));
        }
      }
    }
  }
}

// Converts alone, without guards.
std::vector<uint8_t> Converted(const AVFrame& picture, const OutputOptions& options) {
  Converter converter(Matrix::kAuto, options);
  if (const auto fault = converter.Configure(picture)) throw std::runtime_error(fault->message);
  std::vector<uint8_t> slot(converter.layout().bytes);
  converter.Convert(picture, slot.data());
  return slot;
}

TEST(ACropOfAnUnscaledPictureIsThatPartOfThePicture) {
  for (const Source& source : kSources) {
    const TestPicture picture(source.format, 75, 41, Content::kRandom, 5);
    const auto whole = Converted(*picture.frame, {});
    for (const CropRect& crop : {CropRect{0, 0, 75, 41}, CropRect{1, 1, 40, 33},
                                 CropRect{2, 3, 1, 1}, CropRect{33, 4, 42, 37}}) {
      OutputOptions options;
      options.crop = crop;
      const auto part = Converted(*picture.frame, options);
      const auto row_bytes = static_cast<size_t>(crop.width) * 3;
      REQUIRE(part.size() == row_bytes * crop.height);
      for (int row = 0; row < crop.height; ++row) {
        const size_t at = (static_cast<size_t>(crop.y + row) * 75 + crop.x) * 3;
        CHECK(std::memcmp(&whole[at], &part[row * row_bytes], row_bytes) == 0);
      }
    }
  }
}

TEST(EightBit420IsCopiedByteByByte) {
  const TestPicture planar(AV_PIX_FMT_YUV420P, 33, 21, Content::kRandom, 1);
  const TestPicture pairs(AV_PIX_FMT_NV12, 33, 21, Content::kRandom, 1);
  for (const TestPicture* picture : {&planar, &pairs}) {
    for (const OutputFormat format : {OutputFormat::kNv12, OutputFormat::kI420}) {
      OutputOptions options;
      options.format = format;
      options.crop = CropRect{4, 2, 29, 19};
      Converter converter(Matrix::kAuto, options);
      REQUIRE(!converter.Configure(*picture->frame));
      CHECK(converter.backend() == Converter::Backend::kCopy);
      std::vector<uint8_t> expected;
      for (int y = 0; y < 19; ++y) {
        for (int x = 0; x < 29; ++x) {
          expected.push_back(static_cast<uint8_t>(picture->At(0, 4 + x, 2 + y)));
        }
      }
      const bool is_nv12 = format == OutputFormat::kNv12;
      for (int pass = 0; pass < (is_nv12 ? 1 : 2); ++pass) {
        for (int i = 0; i < 10 * 15; ++i) {
          const int x = 2 + i % 15;
          const int y = 1 + i / 15;
          expected.push_back(static_cast<uint8_t>(picture->At(1 + pass, x, y)));
          if (is_nv12) expected.push_back(static_cast<uint8_t>(picture->At(2, x, y)));
        }
      }
      CHECK(Converted(*picture->frame, options) == expected);
    }
  }
}

TEST(RgbPicturesBecomeEveryFormat) {
  const TestPicture picture(AV_PIX_FMT_GBRP, 35, 19, Content::kRandom, 2);
  picture.frame->colorspace = AVCOL_SPC_RGB;
  OutputOptions options;
  options.format = OutputFormat::kRgbChw;
  options.factor = {1, 1, 1};
  const auto slot = Converted(*picture.frame, options);
  OutputLayout layout;
  REQUIRE(!LayOut(options, 35, 19, &layout));
  const auto numbers = testing::NumbersIn(slot.data(), options, layout);
  constexpr size_t kPixels = size_t{35} * 19;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto pixel = static_cast<int>(i % kPixels);
    const int level = picture.At(static_cast<int>(i / kPixels), pixel % 35, pixel / 35);
    CHECK(std::abs(numbers[i] - level) <= 0.05);
  }
  options.format = OutputFormat::kGray8;
  const auto gray = Converted(*picture.frame, options);
  for (int i = 0; i < 35 * 19; ++i) {
    const int x = i % 35;
    const int y = i / 35;
    const double luma =
        0.2126 * picture.At(0, x, y) + 0.7152 * picture.At(1, x, y) + 0.0722 * picture.At(2, x, y);
    CHECK(std::abs(gray[i] - luma) <= 0.55);
  }
  for (const OutputFormat format :
       {OutputFormat::kRgb24, OutputFormat::kNv12, OutputFormat::kI420, OutputFormat::kBgrChw}) {
    options.format = format;
    options.width = 21;
    CHECK(!Converted(*picture.frame, options).empty());
  }
}

TEST(APictureLeavesNothingBehindForTheNext) {
  for (const Shape& shape : kShapes) {
    OutputOptions options;
    options.format = shape.format;
    options.float_type = shape.float_type;
    options.width = 31;
    options.height = 37;
    options.fit = Fit::kContain;
    const TestPicture first(AV_PIX_FMT_YUV420P, 50, 40, Content::kExtremes, 1);
    const TestPicture second(AV_PIX_FMT_YUV420P, 50, 40, Content::kRandom, 2);
    Converter converter(Matrix::kAuto, options);
    REQUIRE(!converter.Configure(*first.frame));
    std::vector<uint8_t> slot(converter.layout().bytes);
    converter.Convert(*first.frame, slot.data());
    REQUIRE(!converter.Configure(*second.frame));
    converter.Convert(*second.frame, slot.data());
    CHECK(slot == Converted(*second.frame, options));
  }
}

TEST(PicturesOfChangingSizeAreConvertedAsByAFreshConverter) {
  for (const Shape& shape : kShapes) {
    OutputOptions options;
    options.format = shape.format;
    options.float_type = shape.float_type;
    options.width = 64;
    options.height = 48;
    Converter converter(Matrix::kAuto, options);
    for (const int width : {64, 80, 64, 30}) {
      for (const AVPixelFormat format : {AV_PIX_FMT_NV12, AV_PIX_FMT_YUV420P10LE}) {
        const TestPicture picture(format, width, width * 3 / 4, Content::kRandom, width);
        REQUIRE(!converter.Configure(*picture.frame));
        std::vector<uint8_t> slot(converter.layout().bytes);
        converter.Convert(*picture.frame, slot.data());
        CHECK(slot == Converted(*picture.frame, options));
      }
    }
  }
}

TEST(ACropThatAPictureIsTooSmallForIsAFaultUntilALargerOneComes) {
  OutputOptions options;
  options.crop = CropRect{0, 0, 64, 64};
  Converter converter(Matrix::kAuto, options);
  const TestPicture small(AV_PIX_FMT_YUV420P, 64, 48, Content::kRandom, 1);
  const auto fault = converter.Configure(*small.frame);
  REQUIRE(fault);
  CHECK_EQ(std::string(StageName(fault->stage)), "convert");
  CHECK(fault->message.find("64x48") != std::string::npos);
  const TestPicture large(AV_PIX_FMT_YUV420P, 64, 64, Content::kRandom, 1);
  CHECK(!converter.Configure(*large.frame));
}

TEST(FormatsWithoutColourTakeAnyMatrix) {
  const TestPicture picture(AV_PIX_FMT_YUV420P, 16, 16, Content::kRandom, 1);
  picture.frame->colorspace = AVCOL_SPC_YCGCO;
  for (const Shape& shape : kShapes) {
    OutputOptions options;
    options.format = shape.format;
    Converter converter(Matrix::kAuto, options);
    const bool is_free = shape.format == OutputFormat::kGray8 ||
                         shape.format == OutputFormat::kNv12 || shape.format == OutputFormat::kI420;
    CHECK_EQ(converter.Configure(*picture.frame).has_value(), !is_free);
  }
}

}  // namespace
}  // namespace kvs_frames
