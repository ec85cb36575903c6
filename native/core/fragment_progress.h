// Which pictures of a fragment came out of the decoder, so that none is missed unseen and none is
// delivered twice when a second copy of the fragment is decoded. Pictures are known by their offset
// within the fragment, which is the same in every copy.
#pragma once

#include <cstdint>
#include <vector>

#include "fragment_demuxer.h"

namespace kvs_frames {

// One thread. Begin, then Skips and Deliver for each picture in the order they come out.
class FragmentProgress {
 public:
  void Begin(int64_t fragment_id, const DemuxedFragment& fragment);

  // Another copy of the fragment that was begun last is decoded from its start.
  void BeginSecondCopy(const DemuxedFragment& fragment);

  // The picture's packet does not go into the decoder.
  void LeaveOut(const PacketInfo& info);

  // Whether a picture that is presented before this one has not come out, and so never will.
  bool Skips(const PacketInfo& info) const;

  // Notes the picture, or one that was left out and is told of; answers whether it is to be
  // delivered or told of, that is, was not from a first copy.
  // Pictures of fragments before this one, held back by the decoder, may come too.
  bool Deliver(const PacketInfo& info);

 private:
  void Expect(const DemuxedFragment& fragment);

  int64_t fragment_id_ = -1;
  std::vector<double> expected_;   // offsets in ms, ascending
  size_t next_ = 0;                // in expected_: the first that has not come
  std::vector<double> delivered_;  // offsets
  // Of the last fragment that had a second copy, until the next one: its last pictures may still be
  // in the decoder while the next fragment is decoded.
  int64_t first_copy_id_ = -1;
  std::vector<double> first_copy_;  // offsets delivered from the first copy
};

}  // namespace kvs_frames
