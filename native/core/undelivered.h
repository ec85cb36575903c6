// Pictures that will not be delivered: what is told of them, and when.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fragment_demuxer.h"
#include "outbox.h"

namespace kvs_frames {

// The picture's info with its place for the offset and duration: all that is known of one that was
// not decoded.
PacketInfo Placed(const PacketInfo& info);

// Pictures whose packets did not go into the decoder, until those that come before them in
// presentation order came out of it. One thread.
class WithheldPictures {
 public:
  void Add(const PacketInfo& info) { pictures_.push_back(Placed(info)); }

  // Takes those that are presented before this one, in order.
  std::vector<PacketInfo> TakeBefore(const PacketInfo& info);

  // Takes all, in order: the decoder holds nothing.
  std::vector<PacketInfo> TakeAll();

  // Another copy of the fragment is decoded.
  void Forget(int64_t fragment_id);

 private:
  std::vector<PacketInfo> pictures_;
};

// Makes one `dropped` record of pictures that come right after one another for the same reason. One
// thread.
class DroppedRun {
 public:
  explicit DroppedRun(Outbox& outbox) : outbox_(outbox) {}

  // REQUIRES: pictures come in presentation order, and are not wanted.
  void Add(const PacketInfo& info);

  // Posts what was added, without notice. Call it before the next frame is posted.
  void Post();

 private:
  struct Run {
    int64_t fragment_id = 0;
    Fate fate = Fate::kUnselected;
    double from_ms = 0;
    double to_ms = 0;
    int pictures = 0;
  };

  Outbox& outbox_;
  std::optional<Run> run_;
};

}  // namespace kvs_frames
