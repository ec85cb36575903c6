#include "output_layout.h"

#include <cmath>
#include <string>

#include "check.h"

namespace kvs_frames {
namespace {

OutputOptions Options(OutputFormat format, Fit fit, int width, int height) {
  OutputOptions options;
  options.format = format;
  options.fit = fit;
  options.width = width;
  options.height = height;
  return options;
}

OutputLayout Made(const OutputOptions& options, int width, int height) {
  OutputLayout layout;
  const auto fault = LayOut(options, width, height, &layout);
  if (fault) testing::Fail(__FILE__, __LINE__) << fault->message << "\n";
  return layout;
}

std::string Text(const OutputLayout& l) {
  const auto number = [](double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  };
  return std::to_string(l.width) + "x" + std::to_string(l.height) + ": " + number(l.source_w) +
         "x" + number(l.source_h) + " at " + number(l.source_x) + "," + number(l.source_y) +
         " to " + std::to_string(l.w) + "x" + std::to_string(l.h) + " at " + std::to_string(l.x) +
         "," + std::to_string(l.y);
}

constexpr OutputFormat kBgr = OutputFormat::kBgr24;
constexpr OutputFormat kNv12 = OutputFormat::kNv12;

TEST(WithoutASizeThePictureKeepsItsOwn) {
  for (const Fit fit : {Fit::kStretch, Fit::kContain, Fit::kCover}) {
    const OutputLayout layout = Made(Options(kBgr, fit, 0, 0), 1921, 1081);
    CHECK_EQ(Text(layout), "1921x1081: 1921x1081 at 0,0 to 1921x1081 at 0,0");
    CHECK(IsUnscaled(layout));
  }
}

TEST(ASideThatIsNotGivenFollowsTheAspectRatioRounded) {
  CHECK_EQ(Text(Made(Options(kBgr, Fit::kStretch, 640, 0), 1920, 1080)),
           "640x360: 1920x1080 at 0,0 to 640x360 at 0,0");
  CHECK_EQ(Text(Made(Options(kBgr, Fit::kContain, 0, 100), 854, 480)),
           "178x100: 854x480 at 0,0 to 178x100 at 0,0");
  CHECK_EQ(Made(Options(kBgr, Fit::kStretch, 1, 0), 1920, 2).height, 1);
  OutputOptions cropped = Options(kBgr, Fit::kStretch, 50, 0);
  cropped.crop = CropRect{10, 20, 100, 300};
  CHECK_EQ(Text(Made(cropped, 640, 480)), "50x150: 100x300 at 10,20 to 50x150 at 0,0");
}

TEST(ContainCentresAllOfThePicture) {
  CHECK_EQ(Text(Made(Options(kBgr, Fit::kContain, 640, 640), 1920, 1080)),
           "640x640: 1920x1080 at 0,0 to 640x360 at 0,140");
  CHECK_EQ(Text(Made(Options(kBgr, Fit::kContain, 640, 640), 720, 1281)),
           "640x640: 720x1281 at 0,0 to 360x640 at 140,0");
  // 100 × 480 / 854 is 56.2; half of the 44 left is 22. One more row, and it is rounded down.
  CHECK_EQ(Text(Made(Options(kBgr, Fit::kContain, 100, 100), 854, 480)),
           "100x100: 854x480 at 0,0 to 100x56 at 0,22");
  CHECK_EQ(Text(Made(Options(kBgr, Fit::kContain, 100, 101), 854, 480)),
           "100x101: 854x480 at 0,0 to 100x56 at 0,22");
  CHECK_EQ(Text(Made(Options(kBgr, Fit::kContain, 100, 100), 3000, 2)),
           "100x100: 3000x2 at 0,0 to 100x1 at 0,49");
}

TEST(ContainOfAPictureAsLargeAsTheOutputIsUnscaled) {
  const OutputLayout layout = Made(Options(kBgr, Fit::kContain, 640, 640), 640, 360);
  CHECK_EQ(Text(layout), "640x640: 640x360 at 0,0 to 640x360 at 0,140");
  CHECK(IsUnscaled(layout));
}

TEST(FormatsThatShareChromaContainAtEvenPlaces) {
  // 57 rows become 56, and 22 rows above them stay.
  CHECK_EQ(Text(Made(Options(kNv12, Fit::kContain, 100, 101), 854, 484)),
           "100x101: 854x484 at 0,0 to 100x56 at 0,22");
  // 41 rows would lie 29 below the edge.
  CHECK_EQ(Text(Made(Options(OutputFormat::kI420, Fit::kContain, 100, 100), 1000, 411)),
           "100x100: 1000x411 at 0,0 to 100x42 at 0,28");
  CHECK_EQ(Text(Made(Options(kNv12, Fit::kContain, 101, 3), 3, 3)),
           "101x3: 3x3 at 0,0 to 4x3 at 48,0");
  CHECK_EQ(Text(Made(Options(kNv12, Fit::kContain, 1, 9), 5, 5)), "1x9: 5x5 at 0,0 to 1x2 at 0,2");
}

TEST(CoverCutsOffBothSidesAlikeToAFraction) {
  const OutputLayout square = Made(Options(kBgr, Fit::kCover, 640, 640), 1920, 1080);
  CHECK_EQ(Text(square), "640x640: 1080x1080 at 420,0 to 640x640 at 0,0");
  CHECK_EQ(Text(Made(Options(kBgr, Fit::kCover, 100, 40), 854, 480)),
           "100x40: 854x341.6 at 0,69.2 to 100x40 at 0,0");
  const OutputLayout same = Made(Options(kBgr, Fit::kCover, 100, 100), 100, 103);
  CHECK_EQ(Text(same), "100x100: 100x100 at 0,1.5 to 100x100 at 0,0");
  CHECK(!IsUnscaled(same));
  CHECK(IsUnscaled(Made(Options(kBgr, Fit::kCover, 100, 100), 100, 104)));
}

TEST(AFitActsOnWhatTheCropLeaves) {
  OutputOptions options = Options(kBgr, Fit::kCover, 50, 50);
  options.crop = CropRect{11, 21, 200, 100};
  CHECK_EQ(Text(Made(options, 640, 480)), "50x50: 100x100 at 61,21 to 50x50 at 0,0");
  options.fit = Fit::kContain;
  CHECK_EQ(Text(Made(options, 640, 480)), "50x50: 200x100 at 11,21 to 50x25 at 0,12");
}

TEST(ACropThatIsNotInThePictureIsAFaultThatNamesBoth) {
  const auto fault_of = [](const CropRect& crop) {
    OutputOptions options;
    options.crop = crop;
    OutputLayout layout;
    const auto fault = LayOut(options, 640, 480, &layout);
    return fault ? std::string(StageName(fault->stage)) + ": " + fault->message : "";
  };
  CHECK_EQ(fault_of({1, 2, 640, 300}),
           "convert: crop of 640x300 at 1,2 does not lie in the picture of 640x480");
  CHECK_EQ(fault_of({0, 0, 640, 480}), "");
  CHECK_EQ(fault_of({639, 479, 1, 1}), "");
  for (const CropRect& crop :
       {CropRect{640, 0, 1, 1}, CropRect{0, 480, 1, 1}, CropRect{-1, 0, 2, 2}, CropRect{0, 0, 0, 1},
        CropRect{0, 0, 1, -1}, CropRect{2147483647, 0, 2147483647, 1},
        CropRect{1, 1, 2147483647, 2147483647}}) {
    CHECK(!fault_of(crop).empty());
  }
}

TEST(ASideThatWouldGrowBeyondAllBoundsIsAFault) {
  OutputLayout layout;
  const auto fault = LayOut(Options(kBgr, Fit::kStretch, 0, 8192), 1000, 2, &layout);
  REQUIRE(fault);
  CHECK(fault->message.find("1000x2 would become 4096000x8192") != std::string::npos);
}

TEST(BytesAreCountedWithoutOverflow) {
  OutputOptions options = Options(OutputFormat::kRgbChw, Fit::kStretch, 8192, 8192);
  CHECK_EQ(Made(options, 64, 64).bytes, size_t{8192} * 8192 * 12);
  CHECK_EQ(Made(options, 64, 64).stride, size_t{8192} * 4);
  options.float_type = FloatType::kFloat16;
  CHECK_EQ(Made(options, 64, 64).bytes, size_t{8192} * 8192 * 6);
  CHECK_EQ(Made(Options(kNv12, Fit::kStretch, 5, 3), 64, 64).bytes, size_t{15 + 2 * 6});
  CHECK_EQ(Made(Options(OutputFormat::kI420, Fit::kStretch, 5, 3), 64, 64).stride, size_t{5});
  CHECK_EQ(Made(Options(OutputFormat::kGray8, Fit::kStretch, 5, 3), 64, 64).bytes, size_t{15});
  CHECK_EQ(Made(Options(kBgr, Fit::kStretch, 5, 3), 64, 64).stride, size_t{15});
}

TEST(PlanesFollowOneAnotherWithoutAGap) {
  for (int format = 0; format <= static_cast<int>(OutputFormat::kBgrChw); ++format) {
    const OutputOptions options = Options(static_cast<OutputFormat>(format), Fit::kContain, 33, 47);
    const OutputLayout layout = Made(options, 64, 48);
    size_t end = 0;
    for (const SlotPlane& plane : PlanesOf(options, layout)) {
      CHECK_EQ(plane.start, end);
      end += plane.bytes();
      CHECK(plane.x + plane.w <= plane.width && plane.y + plane.h <= plane.height);
    }
    CHECK_EQ(layout.bytes, end);
  }
}

}  // namespace
}  // namespace kvs_frames
