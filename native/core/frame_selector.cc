#include "frame_selector.h"

#include <algorithm>
#include <cmath>

namespace kvs_frames {
namespace {

// Rates that differ by less are the same: a camera's clock is no better, and of 25 pictures a
// second nobody wants 24.9.
constexpr double kSameRate = 1.01;

// The spacing that half of the pictures have at most.
double Median(std::vector<double> spacings) {
  const auto middle = spacings.begin() + static_cast<ptrdiff_t>(spacings.size() / 2);
  std::nth_element(spacings.begin(), middle, spacings.end());
  return *middle;
}

}  // namespace

bool TimeGrid::Takes(double at_ms, double spacing_ms) {
  if (!next_ms_) next_ms_ = at_ms;
  const double until_ms = at_ms + spacing_ms / 2;
  if (at_ms < *next_ms_ && until_ms <= *next_ms_) return false;
  if (at_ms - *next_ms_ > period_ms_ / 2) {
    Take(at_ms);
    return true;
  }
  const double points = std::max(1.0, std::ceil((until_ms - *next_ms_) / period_ms_));
  *next_ms_ += points * period_ms_;
  return true;
}

void TimeGrid::Shift(double by_ms) {
  if (next_ms_) *next_ms_ += by_ms;
}

FrameSelector::FrameSelector(const Selection& selection)
    : selection_(selection), own_grid_(selection.period_ms), grid_(selection.period_ms) {}

std::vector<Fate> FrameSelector::Select(double start_ms, bool is_dated, double fragment_duration_ms,
                                        const std::vector<Candidate>& pictures) {
  Regrid();
  if (end_ms_ && !is_dated) start_ms = *end_ms_;
  if (end_ms_ && start_ms < *end_ms_ - grid_.period_ms()) {
    own_grid_.Shift(start_ms - *end_ms_);
    grid_.Shift(start_ms - *end_ms_);
  }
  end_ms_.reset();
  // Of a single picture in MPEG-TS nobody knows how long it lasts.
  if (fragment_duration_ms > 0) end_ms_ = start_ms + fragment_duration_ms;

  std::vector<Fate> fates(pictures.size(), Fate::kUnselected);
  std::vector<size_t> eligible;
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (IsEligible(pictures[i])) eligible.push_back(i);
  }
  if (eligible.empty()) return fates;
  std::vector<double> spacings;
  for (size_t i = 0; i < eligible.size(); ++i) {
    const double next_ms =
        i + 1 < eligible.size() ? pictures[eligible[i + 1]].offset_ms : fragment_duration_ms;
    spacings.push_back(std::max(0.0, next_ms - pictures[eligible[i]].offset_ms));
  }
  const double spacing_ms = Median(spacings) * kSameRate;
  const auto takes = [&](TimeGrid& grid, double at_ms, size_t i) {
    if (spacing_ms < grid.period_ms()) return grid.Takes(at_ms, spacings[i]);
    grid.Take(at_ms);
    return true;
  };
  for (size_t i = 0; i < eligible.size(); ++i) {
    const double at_ms = start_ms + pictures[eligible[i]].offset_ms;
    const bool is_selected = takes(own_grid_, at_ms, i);
    Fate& fate = fates[eligible[i]];
    if (takes(grid_, at_ms, i)) {
      fate = Fate::kWanted;
      taken_ms_ = at_ms;
    } else if (is_selected && grid_.period_ms() > own_grid_.period_ms()) {
      fate = Fate::kLate;
    }
  }
  return fates;
}

bool FrameSelector::IsEligible(const Candidate& picture) {
  if (selection_.key_frames_only && !picture.is_key) return false;
  const bool is_nth = count_ == 0;
  count_ = (count_ + 1) % selection_.every_nth;
  return is_nth;
}

void FrameSelector::Regrid() {
  const double period_ms = std::max(selection_.period_ms, thinned_period_ms_);
  if (period_ms == grid_.period_ms()) return;
  grid_ = TimeGrid(period_ms);
  if (taken_ms_) grid_.Take(*taken_ms_);
}

}  // namespace kvs_frames
