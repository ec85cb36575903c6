// Which pictures are wanted: every nth, so many a second, key frames.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace kvs_frames {

struct Selection {
  int64_t every_nth = 1;         // of so many pictures one; of key frames, if only they are wanted
  double period_ms = 0;          // between pictures, by capture time; 0: all
  bool key_frames_only = false;  // only pictures coded on their own
};

// What is to become of a picture. The numbers are those of the causes in `dropped` records.
enum class Fate {
  kWanted = 0,
  kUnselected = 1,
  kLate = 2,
  kTold = 3,  // it was told of before, and is only decoded once more
};

// A picture that could be wanted. Times in ms.
struct Candidate {
  double offset_ms = 0;  // from the start of its fragment
  bool is_key = false;
};

// Points in time `period_ms` apart, and which pictures are the nearest to them.
class TimeGrid {
 public:
  explicit TimeGrid(double period_ms) : period_ms_(period_ms) {}

  double period_ms() const { return period_ms_; }

  // Whether the picture is the nearest to a point that none before was. Pictures come in order;
  // half of `spacing_ms`, the time to the next one, is as near as the next one is. The first
  // picture sets the grid, and so does one behind a hole of more than half a period.
  bool Takes(double at_ms, double spacing_ms);

  // Takes a picture whatever the grid says; the next point is a period later.
  void Take(double at_ms) { next_ms_ = at_ms + period_ms_; }

  // The clock was set.
  void Shift(double by_ms);

 private:
  double period_ms_;
  std::optional<double> next_ms_;  // the next point; nothing before the first picture
};

// Selects from one stream's pictures, fragment by fragment. A value: a copy goes on from the same
// place, which is how a fragment is selected from once more. One thread.
//
// With a period, pictures are those nearest to the points of a grid that goes on from fragment to
// fragment: neither jitter nor the joins of fragments give two at once, or none. Where pictures
// come no quicker than the period, but for 1 %, all are wanted. A jump of the clock back by more
// than a period moves the grid along.
class FrameSelector {
 public:
  explicit FrameSelector(const Selection& selection);

  // From the next fragment on pictures are no less apart than that, which is for the caller to
  // reduce: those that only this leaves out are kLate. 0: as `selection` says.
  void SetPeriod(double period_ms) { thinned_period_ms_ = period_ms; }

  // The fate of each picture, given in presentation order. `start_ms` is when the first was taken;
  // if it is not `is_dated`, the fragment goes on where the one before ended.
  std::vector<Fate> Select(double start_ms, bool is_dated, double fragment_duration_ms,
                           const std::vector<Candidate>& pictures);

 private:
  bool IsEligible(const Candidate& picture);
  void Regrid();

  Selection selection_;
  double thinned_period_ms_ = 0;
  int64_t count_ = 0;               // of pictures that every_nth counts, modulo it
  TimeGrid own_grid_;               // of the selection alone
  TimeGrid grid_;                   // that is in force
  std::optional<double> end_ms_;    // of the last fragment
  std::optional<double> taken_ms_;  // when the last picture that was wanted was taken
};

}  // namespace kvs_frames
