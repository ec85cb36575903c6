// What comes out of fragments: which pictures become frames, which are told of as dropped, and in
// what order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "access_unit.h"
#include "av.h"
#include "engine_stats.h"
#include "fault.h"
#include "fragment_demuxer.h"
#include "fragment_progress.h"
#include "frame_writer.h"
#include "undelivered.h"

namespace kvs_frames {

// The engine's thread only. Everything is delivered or told of once, in presentation order, also
// where a fragment is decoded again from a second copy.
class FrameDelivery {
 public:
  FrameDelivery(FrameWriter& writer, SharedStats& stats) : writer_(writer), stats_(stats) {}

  void Begin(int64_t fragment_id, const DemuxedFragment& fragment);

  // Another copy of the fragment begun last is decoded: the first call before the decoder gives out
  // what it holds of fragments before, the second after that.
  void ForgetFirstCopy(int64_t fragment_id) { withheld_.Forget(fragment_id); }
  void BeginSecondCopy(const DemuxedFragment& fragment) { progress_.BeginSecondCopy(fragment); }

  // The picture's packet is not decoded.
  void LeaveOut(const PacketInfo& info);

  // Whether a picture that is presented before this one has not come out, and so never will.
  bool Skips(const PacketInfo& info) const { return progress_.Skips(info); }

  // The next frame is the first of a decoder.
  void NoteOpening() { opens_ = true; }

  // A picture came out. Answers a fault where it can't be converted, once a fragment.
  std::optional<Fault> OnPicture(const AVFrame& picture, PacketInfo info, bool is_hevc);

  // Pictures that became frames so far.
  int64_t written_pictures() const { return written_pictures_; }

  // The next packet of the fragment is an access unit.
  void OnUnit(const DemuxedFragment& fragment, const DemuxedPacket& packet, AccessUnits* units);

  // The decoder holds no picture: tells of those that were left out.
  void TellLeftOut() { Drop(withheld_.TakeAll()); }

 private:
  void Drop(const PacketInfo& info);
  void Drop(const std::vector<PacketInfo>& left_out);

  FrameWriter& writer_;
  SharedStats& stats_;
  FragmentProgress progress_;
  WithheldPictures withheld_;
  int64_t written_pictures_ = 0;
  bool opens_ = false;  // the next frame is the first of a decoder, or has new codec data
  int64_t convert_fault_fragment_ = -1;  // of the last `convert` fault
  bool lacks_reference_ = false;         // an access unit was dropped that others may refer to
};

}  // namespace kvs_frames
