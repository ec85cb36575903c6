// The last fragment, if it was not decoded to its end because the next one was expected to start
// anew: should that refer back after all, it is decoded once more, as a whole.
#pragma once

#include <vector>

#include "fragment_demuxer.h"

namespace kvs_frames {

// One thread.
class CutFragment {
 public:
  // Keeps the fragment's packets, by reference. Before any of them is let go.
  void Keep(const DemuxedFragment& fragment);

  void Forget() { packets_.clear(); }

  // The packets; what becomes of their pictures was told. Empty if there is nothing to decode.
  std::vector<DemuxedPacket> Take();

 private:
  std::vector<DemuxedPacket> packets_;
};

}  // namespace kvs_frames
