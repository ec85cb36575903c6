#include "frame_selector.h"

#include <cmath>
#include <random>
#include <vector>

#include "check.h"

namespace kvs_frames {
namespace {

constexpr double kStartMs = 1.7e12;

// A camera's pictures, cut into fragments.
struct Camera {
  double picture_ms = 1000.0 / 30;
  int pictures = 60;  // of a fragment
  double jitter_ms = 0;
  int key_every = 0;  // 0: only the first of each fragment
  std::mt19937 random{7};

  std::vector<Candidate> Fragment() {
    std::vector<Candidate> candidates;
    std::uniform_real_distribution<double> jitter(-jitter_ms, jitter_ms);
    for (int i = 0; i < pictures; ++i) {
      const double offset_ms = i == 0 ? 0 : i * picture_ms + (jitter_ms > 0 ? jitter(random) : 0);
      candidates.push_back({offset_ms, key_every == 0 ? i == 0 : i % key_every == 0});
    }
    return candidates;
  }
  double DurationMs() const { return picture_ms * pictures; }
};

// What is selected of so many fragments: picture numbers and times, counted over all.
struct Selected {
  std::vector<int> numbers;
  std::vector<double> times;
  int late = 0;
};

Selected Run(FrameSelector* selector, Camera* camera, int fragments, double start_ms = kStartMs,
             bool is_dated = true, double date_jitter_ms = 0) {
  Selected selected;
  std::uniform_real_distribution<double> jitter(-date_jitter_ms, date_jitter_ms);
  for (int fragment = 0; fragment < fragments; ++fragment) {
    const auto pictures = camera->Fragment();
    double at_ms = start_ms + fragment * camera->DurationMs();
    if (date_jitter_ms > 0) at_ms += jitter(camera->random);
    const auto fates = selector->Select(at_ms, is_dated, camera->DurationMs(), pictures);
    CHECK_EQ(fates.size(), pictures.size());
    for (size_t i = 0; i < fates.size(); ++i) {
      if (fates[i] == Fate::kLate) ++selected.late;
      if (fates[i] != Fate::kWanted) continue;
      selected.numbers.push_back(fragment * camera->pictures + static_cast<int>(i));
      selected.times.push_back(at_ms + pictures[i].offset_ms);
    }
  }
  return selected;
}

std::vector<int> EveryNth(int n, int pictures) {
  std::vector<int> numbers;
  for (int i = 0; i < pictures; i += n) numbers.push_back(i);
  return numbers;
}

// The shortest and the longest time from one picture to the next.
std::pair<double, double> Steps(const std::vector<double>& times) {
  std::pair<double, double> steps(1e18, 0);
  for (size_t i = 1; i < times.size(); ++i) {
    steps.first = std::min(steps.first, times[i] - times[i - 1]);
    steps.second = std::max(steps.second, times[i] - times[i - 1]);
  }
  return steps;
}

TEST(WithoutSelectionAllAreWanted) {
  FrameSelector selector((Selection()));
  Camera camera;
  CHECK_EQ(Run(&selector, &camera, 3).numbers.size(), size_t{180});
}

TEST(EveryNthCountsOnAcrossFragments) {
  for (const int n : {1, 2, 7, 60, 61, 100}) {
    FrameSelector selector({n, 0, false});
    Camera camera;
    CHECK(Run(&selector, &camera, 5).numbers == EveryNth(n, 300));
  }
}

TEST(KeyFramesOnlyAreThoseAndEveryNthCountsOnlyThem) {
  Camera camera;
  camera.key_every = 20;
  FrameSelector all({1, 0, true});
  CHECK(Run(&all, &camera, 2).numbers == EveryNth(20, 120));
  FrameSelector second({2, 0, true});
  CHECK(Run(&second, &camera, 2).numbers == EveryNth(40, 120));
}

TEST(FiveASecondOfThirtyIsExactlyEachSixth) {
  for (const double jitter_ms : {0.0, 1.0, 15.0}) {
    for (const double date_jitter_ms : {0.0, 1.0}) {
      for (const int pictures : {60, 31, 1, 7}) {
        FrameSelector selector({1, 200, false});
        Camera camera;
        camera.jitter_ms = jitter_ms;
        camera.pictures = pictures;
        const int fragments = 600 / pictures;
        const auto selected = Run(&selector, &camera, fragments, kStartMs, true, date_jitter_ms);
        CHECK(selected.numbers == EveryNth(6, fragments * pictures));
      }
    }
  }
}

TEST(WhatDoesNotDivideIsSpreadEvenly) {
  const double rates[][2] = {{25, 10}, {30, 7}, {30, 29}, {29.97, 5}, {15, 4}, {24, 23.5}};
  for (const auto& [camera_fps, target_fps] : rates) {
    const double period_ms = 1000 / target_fps;
    FrameSelector selector({1, period_ms, false});
    Camera camera;
    camera.picture_ms = 1000 / camera_fps;
    camera.pictures = 50;
    camera.jitter_ms = 1;
    const auto selected = Run(&selector, &camera, 40);
    const auto [shortest, longest] = Steps(selected.times);
    CHECK(shortest > period_ms - camera.picture_ms - 3);
    CHECK(longest < period_ms + camera.picture_ms + 3);
    const double expected = 40 * camera.DurationMs() / period_ms;
    CHECK(std::abs(static_cast<double>(selected.numbers.size()) - expected) <= 2);
  }
}

TEST(ACameraThatIsSlowerOrAsSlowGivesAll) {
  for (const double camera_fps : {5.0, 5.02, 4.98, 4.0, 1.0, 0.1}) {
    FrameSelector selector({1, 200, false});
    Camera camera;
    camera.picture_ms = 1000 / camera_fps;
    camera.pictures = 10;
    camera.jitter_ms = 40;
    CHECK_EQ(Run(&selector, &camera, 100).numbers.size(), size_t{1000});
  }
}

TEST(UndatedFragmentsAreCountedOnFromTheOneBefore) {
  FrameSelector selector({1, 200, false});
  Camera camera;
  camera.pictures = 31;
  // The guesses of when they were taken are a burst: all at once.
  std::vector<int> numbers;
  for (int fragment = 0; fragment < 20; ++fragment) {
    const auto fates =
        selector.Select(kStartMs + fragment, false, camera.DurationMs(), camera.Fragment());
    for (int i = 0; i < 31; ++i) {
      if (fates[i] == Fate::kWanted) numbers.push_back(fragment * 31 + i);
    }
  }
  CHECK(numbers == EveryNth(6, 620));
}

TEST(FragmentsOfOnePictureWhoseLengthNobodyKnowsGoByTheirGuesses) {
  FrameSelector selector({1, 3000, false});
  int wanted = 0;
  for (int second = 0; second < 30; ++second) {
    const auto fates = selector.Select(kStartMs + second * 1000, false, 0, {{0, true}});
    if (fates[0] == Fate::kWanted) ++wanted;
  }
  CHECK_EQ(wanted, 10);
}

TEST(AClockThatIsSetBackMovesTheGridAlong) {
  FrameSelector selector({1, 200, false});
  Camera camera;
  camera.pictures = 31;
  const auto before = Run(&selector, &camera, 3);
  const auto after = Run(&selector, &camera, 3, kStartMs - 3.6e6);
  std::vector<int> numbers = before.numbers;
  for (const int number : after.numbers) numbers.push_back(93 + number);
  CHECK(numbers == EveryNth(6, 186));
}

TEST(BehindALongHoleTheGridBeginsAnew) {
  for (const double hole_ms : {150.0, 1234.5, 3.6e6}) {
    FrameSelector selector({1, 200, false});
    Camera camera;
    Run(&selector, &camera, 3);
    const auto after = Run(&selector, &camera, 3, kStartMs + 3 * camera.DurationMs() + hole_ms);
    const auto [shortest, longest] = Steps(after.times);
    CHECK(shortest > 199);
    CHECK(longest < 201);
    CHECK(after.times.front() - (kStartMs + 3 * camera.DurationMs() + hole_ms) < 200);
  }
}

TEST(ALongerPeriodOfTheCallersLeavesOutMoreAndThoseAreLate) {
  FrameSelector selector({1, 100, false});
  Camera camera;
  CHECK_EQ(Run(&selector, &camera, 2).numbers.size(), size_t{40});
  selector.SetPeriod(400);
  double at_ms = kStartMs + 2 * camera.DurationMs();
  auto selected = Run(&selector, &camera, 2, at_ms);
  CHECK_EQ(selected.numbers.size(), size_t{10});
  CHECK_EQ(selected.late, 30);
  CHECK(Steps(selected.times).first > 399);
  // Shorter than its own: nothing changes.
  selector.SetPeriod(50);
  at_ms += 2 * camera.DurationMs();
  selected = Run(&selector, &camera, 2, at_ms);
  CHECK(selected.numbers.size() >= 39);
  CHECK_EQ(selected.late, 0);
  selector.SetPeriod(0);
  at_ms += 2 * camera.DurationMs();
  CHECK_EQ(Run(&selector, &camera, 2, at_ms).numbers.size(), size_t{40});
}

TEST(ThinnedOutAStreamOfWhichAllWereWantedHasOnlyLatePictures) {
  FrameSelector selector((Selection()));
  Camera camera;
  Run(&selector, &camera, 1);
  selector.SetPeriod(200);
  const auto selected = Run(&selector, &camera, 3, kStartMs + camera.DurationMs());
  CHECK_EQ(selected.numbers.size(), size_t{30});
  CHECK_EQ(selected.late, 150);
  selector.SetPeriod(0);
  CHECK_EQ(Run(&selector, &camera, 1, kStartMs + 4 * camera.DurationMs()).numbers.size(),
           size_t{60});
}

TEST(ACopySelectsTheSameAgain) {
  FrameSelector selector({1, 170, false});
  Camera camera;
  Run(&selector, &camera, 3);
  FrameSelector copy = selector;
  const auto pictures = camera.Fragment();
  const double at_ms = kStartMs + 3 * camera.DurationMs();
  CHECK(selector.Select(at_ms, true, camera.DurationMs(), pictures) ==
        copy.Select(at_ms, true, camera.DurationMs(), pictures));
}

}  // namespace
}  // namespace kvs_frames
