#include "fragment_progress.h"

#include "check.h"

namespace kvs_frames {
namespace {

DemuxedFragment WithOffsets(const std::vector<double>& offsets) {
  DemuxedFragment fragment;
  for (const double offset : offsets) {
    fragment.packets.emplace_back();
    fragment.packets.back().info.offset_ms = offset;
  }
  return fragment;
}

PacketInfo Picture(int64_t fragment_id, double offset_ms) {
  PacketInfo info;
  info.fragment_id = fragment_id;
  info.offset_ms = offset_ms;
  return info;
}

TEST(APictureThatLaterOnesOvertakeIsMissing) {
  FragmentProgress progress;
  progress.Begin(3, WithOffsets({0, 120, 40, 80, 160}));  // in decoding order
  for (const double offset : {0.0, 40.0}) {
    CHECK(!progress.Skips(Picture(3, offset)));
    CHECK(progress.Deliver(Picture(3, offset)));
  }
  CHECK(!progress.Skips(Picture(2, 500)));  // of another fragment
  CHECK(progress.Skips(Picture(3, 120)));
  CHECK(progress.Deliver(Picture(3, 120)));
  CHECK(!progress.Skips(Picture(3, 160)));
}

TEST(PicturesWithoutPtsAndTwoOfOnePtsAreNotMissed) {
  FragmentProgress progress;
  DemuxedFragment fragment = WithOffsets({0, 0, 40, 40, 80});
  fragment.packets[3].info.has_pts = false;
  progress.Begin(3, fragment);
  for (const double offset : {0.0, 40.0, 80.0}) {
    CHECK(!progress.Skips(Picture(3, offset)));
    CHECK(progress.Deliver(Picture(3, offset)));
  }
}

TEST(ASecondCopyGivesWhatTheFirstDidNotAndNothingTwice) {
  FragmentProgress progress;
  progress.Begin(3, WithOffsets({0, 40, 80}));
  CHECK(progress.Deliver(Picture(2, 960)));
  CHECK(progress.Deliver(Picture(3, 0)));
  CHECK(progress.Deliver(Picture(3, 40)));
  progress.BeginSecondCopy(WithOffsets({0, 40.01, 80, 120}));
  CHECK(!progress.Skips(Picture(3, 0)));
  CHECK(!progress.Deliver(Picture(3, 0)));
  // The last pictures may come while the next fragment is decoded.
  progress.Begin(4, WithOffsets({0, 40, 80}));
  CHECK(!progress.Deliver(Picture(3, 40.01)));
  CHECK(progress.Deliver(Picture(3, 80)));
  CHECK(progress.Deliver(Picture(4, 0)));
  CHECK(progress.Deliver(Picture(4, 40)));
}

}  // namespace
}  // namespace kvs_frames
