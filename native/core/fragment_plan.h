// What is to become of each packet of a fragment: decoded and delivered, only decoded, or neither.
#pragma once

#include <cstddef>
#include <vector>

#include "fragment_demuxer.h"
#include "frame_selector.h"

namespace kvs_frames {

// One thread.
class FragmentPlan {
 public:
  struct Options {
    bool key_frames_only = false;
    // Access units are delivered as they are, in decoding order.
    bool encoded = false;
  };

  explicit FragmentPlan(const Options& options) : options_(options) {}

  // Begins a fragment, whose first picture was taken at `start_ms`: selects from it and fills in
  // the last fields of its packets' infos. The fragment outlives the plan's use.
  void Begin(DemuxedFragment* fragment, double start_ms, bool is_dated, FrameSelector* selector);

  // Pictures taken before that are late; those that were sent already are not looked at again.
  void SetFloor(double floor_ms, size_t first_packet);

  // Lets those of the packets from `first_packet` on go that need not be decoded; answers which.
  // `starts_anew`: the next fragment needs no picture of this one.
  std::vector<PacketInfo> TakeUnneeded(size_t first_packet, bool starts_anew);

  // Whether the last packets' pictures are not wanted.
  bool EndsEarly() const { return wanted_end_ < fragment_->packets.size(); }

  // Whether each packet that is needed is a picture on its own, which no other refers to.
  bool HasOnlyKeyFrames() const { return options_.key_frames_only; }

 private:
  bool IsNeeded(size_t packet, bool starts_anew) const;
  void Classify();
  void FindLastWanted();

  const Options options_;
  DemuxedFragment* fragment_ = nullptr;
  int64_t sequence_ = 0;             // of the fragment
  std::vector<bool> is_disposable_;  // by packet; empty where nothing is left out
  size_t wanted_end_ = 0;            // behind the last packet whose picture is wanted
  int highest_temporal_id_ = 0;      // of the stream so far
};

}  // namespace kvs_frames
