#include "converter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "libyuv_bridge.h"
#include "test_picture.h"

namespace kvs_frames {
namespace {

using testing::Content;
using testing::GuardedSlot;
using testing::TestPicture;

struct Weights {
  double kr;
  double kb;
};
constexpr Weights kBt601 = {0.299, 0.114};
constexpr Weights kBt709 = {0.2126, 0.0722};
constexpr Weights kBt2020 = {0.2627, 0.0593};

// Blue, green and red in 0–255, by the definition in ITU-T H.273, not rounded.
std::array<double, 3> Exact(const TestPicture& picture, int x, int y, Weights weights, bool full) {
  const int depth = picture.depth();
  const double step = 1 << (depth - 8);
  const double last = (1 << depth) - 1;
  const double luma =
      full ? picture.Sample(0, x, y) / last : (picture.Sample(0, x, y) - 16 * step) / (219 * step);
  const double span = full ? last : 224 * step;
  const double cb = (picture.Sample(1, x, y) - 128 * step) / span;
  const double cr = (picture.Sample(2, x, y) - 128 * step) / span;
  const double red = luma + 2 * (1 - weights.kr) * cr;
  const double blue = luma + 2 * (1 - weights.kb) * cb;
  const double green =
      (luma - weights.kr * red - weights.kb * blue) / (1 - weights.kr - weights.kb);
  std::array<double, 3> levels = {blue, green, red};
  for (double& level : levels) level = std::clamp(level * 255, 0.0, 255.0);
  return levels;
}

struct Case {
  AVPixelFormat format;
  AVColorSpace colorspace;
  AVColorRange range;
  Weights weights;
  bool full;
};

// Converts with guards around the output and checks every byte; answers the largest error.
double WorstError(Converter* converter, const TestPicture& picture, const Case& c) {
  const int width = picture.frame->width;
  const int height = picture.frame->height;
  picture.frame->colorspace = c.colorspace;
  picture.frame->color_range = c.range;
  GuardedSlot slot(static_cast<size_t>(width) * 3 * height);
  if (converter->Configure(*picture.frame)) return 1e9;
  if (converter->layout().bytes != slot.size()) return 1e8;
  converter->Convert(*picture.frame, slot.data());
  if (!slot.IsIntact()) return 1e6;
  double worst = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto exact = Exact(picture, x, y, c.weights, c.full);
      const uint8_t* const bgr = slot.data() + (static_cast<size_t>(y) * width + x) * 3;
      for (int channel = 0; channel < 3; ++channel) {
        worst = std::max(worst, std::abs(bgr[channel] - exact[channel]));
      }
    }
  }
  return worst;
}

constexpr AVColorRange kLimited = AVCOL_RANGE_MPEG;
constexpr AVColorRange kFull = AVCOL_RANGE_JPEG;

constexpr Case kKernelCases[] = {
    {AV_PIX_FMT_YUV420P, AVCOL_SPC_SMPTE170M, kLimited, kBt601, false},
    {AV_PIX_FMT_YUV420P, AVCOL_SPC_SMPTE170M, kFull, kBt601, true},
    {AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, kLimited, kBt709, false},
    {AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, kFull, kBt709, true},
    {AV_PIX_FMT_YUV420P, AVCOL_SPC_BT2020_NCL, kLimited, kBt2020, false},
    {AV_PIX_FMT_YUVJ420P, AVCOL_SPC_BT709, AVCOL_RANGE_UNSPECIFIED, kBt709, true},
    {AV_PIX_FMT_YUV420P10LE, AVCOL_SPC_BT709, kLimited, kBt709, false},
    {AV_PIX_FMT_YUV420P10LE, AVCOL_SPC_BT709, kFull, kBt709, true},
    {AV_PIX_FMT_YUV420P10LE, AVCOL_SPC_BT2020_NCL, kLimited, kBt2020, false},
    {AV_PIX_FMT_YUV420P12LE, AVCOL_SPC_BT709, kLimited, kBt709, false},
    {AV_PIX_FMT_YUV420P14LE, AVCOL_SPC_BT709, kFull, kBt709, true},
    {AV_PIX_FMT_YUV422P, AVCOL_SPC_SMPTE170M, kLimited, kBt601, false},
    {AV_PIX_FMT_YUV422P10LE, AVCOL_SPC_BT709, kLimited, kBt709, false},
    {AV_PIX_FMT_YUV444P, AVCOL_SPC_SMPTE170M, kLimited, kBt601, false},
    {AV_PIX_FMT_YUVJ444P, AVCOL_SPC_BT709, AVCOL_RANGE_UNSPECIFIED, kBt709, true},
    {AV_PIX_FMT_YUV444P10LE, AVCOL_SPC_BT709, kLimited, kBt709, false},
    {AV_PIX_FMT_NV12, AVCOL_SPC_BT709, kLimited, kBt709, false},
    {AV_PIX_FMT_NV12, AVCOL_SPC_SMPTE170M, kFull, kBt601, true},
    {AV_PIX_FMT_P010LE, AVCOL_SPC_BT709, kLimited, kBt709, false},
    {AV_PIX_FMT_GRAY8, AVCOL_SPC_BT709, kLimited, kBt709, false},
    {AV_PIX_FMT_GRAY10LE, AVCOL_SPC_BT709, kLimited, kBt709, false},
};

void CheckWithin(double bound, const Case& c, int width, int height, Content content,
                 const Kernels& kernels, Converter::Backend expected) {
  Converter converter(Matrix::kAuto, {}, kernels);
  const TestPicture picture(c.format, width, height, content, width * 100 + height);
  const double worst = WorstError(&converter, picture, c);
  if (!(worst <= bound) || converter.backend() != expected) {
    testing::Fail(__FILE__, __LINE__)
        << av_get_pix_fmt_name(c.format) << " " << av_color_space_name(c.colorspace) << " " << width
        << "x" << height << " by " << kernels.name << ": off by " << worst << "\n";
  }
}

// Exact arithmetic rounded is at most half a level off; ours may fall on the other side of a half.
constexpr double kKernelBound = 0.6;
constexpr double kLibyuvBound = 3.0;

Converter::Backend BackendWithout(const Case& c, const Kernels& kernels) {
  const bool libyuv = &kernels == &ScalarKernels() && LibyuvVersion().has_value() &&
                      (c.format == AV_PIX_FMT_YUV420P || c.format == AV_PIX_FMT_YUVJ420P) &&
                      c.weights.kr == kBt601.kr;
  return libyuv ? Converter::Backend::kLibyuv : Converter::Backend::kDirect;
}

TEST(EverySmallSizeIsExactAndStaysInside) {
  for (const Case& c : kKernelCases) {
    for (int width = 2; width <= 67; ++width) {
      for (int height = 2; height <= 9; ++height) {
        CheckWithin(kKernelBound, c, width, height, Content::kRandom, BestKernels(),
                    BackendWithout(c, BestKernels()));
      }
    }
  }
}

TEST(SaturatedColoursAreExact) {
  for (const Case& c : kKernelCases) {
    CheckWithin(kKernelBound, c, 130, 66, Content::kExtremes, BestKernels(),
                BackendWithout(c, BestKernels()));
  }
}

TEST(SizesThatOverrunOtherConvertersStayInside) {
  for (const int width : {360, 600, 642, 854, 914, 1080, 1366, 1920}) {
    for (const size_t i : {0, 2, 6}) {
      CheckWithin(kKernelBound, kKernelCases[i], width, 34, Content::kRandom, BestKernels(),
                  BackendWithout(kKernelCases[i], BestKernels()));
    }
  }
  for (const auto& size : {std::array<int, 2>{8192, 2}, {2, 8192}, {8191, 3}, {3, 8191}}) {
    for (const size_t i : {0, 2, 6}) {
      CheckWithin(kKernelBound, kKernelCases[i], size[0], size[1], Content::kRandom, BestKernels(),
                  BackendWithout(kKernelCases[i], BestKernels()));
    }
  }
}

TEST(TheLargestPictureFits) {
  const TestPicture picture(AV_PIX_FMT_YUV420P, 8192, 8192, Content::kExtremes, 1);
  Converter converter(Matrix::kBt709, {});
  REQUIRE(!converter.Configure(*picture.frame));
  GuardedSlot slot(8192ULL * 8192 * 3);
  converter.Convert(*picture.frame, slot.data());
  CHECK(slot.IsIntact());
  const auto exact = Exact(picture, 8191, 8191, kBt709, false);
  const uint8_t* const last = slot.data() + 8192ULL * 8192 * 3 - 3;
  for (int channel = 0; channel < 3; ++channel) {
    CHECK(std::abs(last[channel] - exact[channel]) <= kKernelBound);
  }
}

TEST(AllKernelsGiveTheSameBytes) {
  for (const Case& c : kKernelCases) {
    const int depth = av_pix_fmt_desc_get(c.format)->comp[0].depth;
    const YuvCoefficients coefficients =
        MakeCoefficients({c.weights.kr, c.weights.kb, c.full, depth});
    for (const int width : {1, 2, 31, 32, 33, 64, 97, 1920}) {
      std::mt19937 random(width);
      std::vector<uint8_t> planes[3];
      for (auto& plane : planes) {
        plane.resize(static_cast<size_t>(width) * 2);
        for (size_t i = 0; i < plane.size(); ++i) {
          plane[i] = static_cast<uint8_t>(random());
          if (depth > 8 && i % 2 == 1) plane[i] &= (1 << (depth - 8)) - 1;
        }
      }
      std::vector<uint8_t> scalar(static_cast<size_t>(width) * 3);
      std::vector<uint8_t> best(scalar.size());
      for (const int full_chroma : {0, 1}) {
        const int words = depth > 8 ? 1 : 0;
        ScalarKernels().bgr.rows[words][full_chroma](planes[0].data(), planes[1].data(),
                                                     planes[2].data(), scalar.data(), width,
                                                     coefficients);
        BestKernels().bgr.rows[words][full_chroma](
            planes[0].data(), planes[1].data(), planes[2].data(), best.data(), width, coefficients);
        CHECK(scalar == best);
      }
    }
  }
}

TEST(ScalarKernelsAndLibyuvAreInBoundsToo) {
  for (const Case& c : kKernelCases) {
    const Converter::Backend backend = BackendWithout(c, ScalarKernels());
    const double bound = backend == Converter::Backend::kLibyuv ? kLibyuvBound : kKernelBound;
    for (const int width : {2, 3, 17, 33, 360, 854}) {
      for (const Content content : {Content::kRandom, Content::kExtremes}) {
        CheckWithin(bound, c, width, 7, content, ScalarKernels(), backend);
      }
    }
  }
}

TEST(RgbPlanesAreOnlyReorderedAndStayInside) {
  for (const int width : {2, 3, 15, 16, 31, 67, 171, 360, 642, 854, 1366}) {
    constexpr int kHeight = 5;
    const TestPicture picture(AV_PIX_FMT_GBRP, width, kHeight, Content::kRandom, 3);
    picture.frame->colorspace = AVCOL_SPC_RGB;
    Converter converter(Matrix::kAuto, {});
    REQUIRE(!converter.Configure(*picture.frame));
    GuardedSlot slot(static_cast<size_t>(width) * kHeight * 3);
    converter.Convert(*picture.frame, slot.data());
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < width; ++x) {
        const uint8_t* const pixel = slot.data() + (static_cast<size_t>(y) * width + x) * 3;
        for (int c = 0; c < 3; ++c) CHECK_EQ(int{pixel[2 - c]}, picture.Sample(c, x, y));
      }
    }
    CHECK(slot.IsIntact());
  }
}

TEST(AnUntaggedPictureIsBt709From720LinesUpAndBt601Below) {
  Case c = {AV_PIX_FMT_YUV420P, AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED, kBt601, false};
  Converter converter(Matrix::kAuto, {});
  CHECK(WorstError(&converter, {c.format, 64, 718, Content::kRandom, 1}, c) <= kLibyuvBound);
  c.weights = kBt709;
  CHECK(WorstError(&converter, {c.format, 64, 720, Content::kRandom, 1}, c) <= kKernelBound);
}

TEST(AForcedMatrixOverridesTheTagAndKeepsTheRange) {
  const Case as601 = {AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, kFull, kBt601, true};
  Converter force601(Matrix::kBt601, {});
  CHECK(WorstError(&force601, {as601.format, 64, 64, Content::kRandom, 1}, as601) <= kLibyuvBound);
  const Case as709 = {AV_PIX_FMT_YUV444P, AVCOL_SPC_SMPTE170M, kLimited, kBt709, false};
  Converter force709(Matrix::kBt709, {});
  CHECK(WorstError(&force709, {as709.format, 64, 64, Content::kRandom, 1}, as709) <= kKernelBound);
}

TEST(AChangeOfFormIsFollowed) {
  Converter converter(Matrix::kAuto, {});
  for (int round = 0; round < 2; ++round) {
    for (const Case& c : kKernelCases) {
      CHECK(WorstError(&converter, {c.format, 34, 10, Content::kRandom, 1}, c) <= kLibyuvBound);
    }
  }
}

TEST(AMatrixThatIsNoneOfOursIsAFaultUnlessOneIsForced) {
  const TestPicture picture(AV_PIX_FMT_YUV420P, 16, 16, Content::kRandom, 1);
  picture.frame->colorspace = AVCOL_SPC_YCGCO;
  Converter converter(Matrix::kAuto, {});
  const auto fault = converter.Configure(*picture.frame);
  REQUIRE(fault);
  CHECK_EQ(StageName(fault->stage), std::string("convert"));
  CHECK(fault->message.find("ycgco") != std::string::npos);
  Converter forced(Matrix::kBt601, {});
  CHECK(!forced.Configure(*picture.frame));
}

}  // namespace
}  // namespace kvs_frames
