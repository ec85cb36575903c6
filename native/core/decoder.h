// Packets → pictures, across fragments.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "av.h"
#include "fault.h"
#include "fragment_demuxer.h"

namespace kvs_frames {

// A libavcodec decoder that lives as long as codec and extradata stay byte-identical. Each picture
// comes back with the PacketInfo of the packet it was decoded from, in presentation order.
//
// One thread. The order of calls is: Open, then for each packet Send and Receive until it answers
// AVERROR(EAGAIN); StartDrain, Receive until AVERROR_EOF, then Reset or Open.
class Decoder {
 public:
  struct Options {
    int threads = 1;  // libavcodec's; 1 keeps no picture back
    int64_t max_pixels = 8192LL * 8192;
    void* log_sink = nullptr;  // a LogSink, for what libavcodec's own threads log
  };

  explicit Decoder(const Options& options) : options_(options) {}

  // Whether the open decoder can go on with this fragment. False before the first Open.
  bool Accepts(const DemuxedFragment& fragment) const;

  // (Re)opens for the fragment's track. What the decoder held is lost: drain it before.
  std::optional<Fault> Open(const DemuxedFragment& fragment);

  // Tells of a fragment before its first packet: how deep it reorders, and whether it starts with
  // an IDR, which decides whether CanDrainBetweenFragments. A fragment may be begun again.
  // REQUIRES: Accepts(fragment).
  void BeginFragment(const DemuxedFragment& fragment);

  // Answers 0 or libav's error code, which concerns this packet only.
  int Send(DemuxedPacket* packet);

  // The next picture: 0, AVERROR(EAGAIN), AVERROR_EOF or another of libav's error codes. Unrefs
  // what `picture` held. `first` tells the first picture since Open.
  int Receive(AVFrame* picture, PacketInfo* info, bool* first);

  void StartDrain();

  // Makes a drained decoder ready for the next fragment.
  void Reset();

  // Waits for the pictures that libav's own threads are at.
  void Close() { context_.reset(); }

  bool IsOpen() const { return context_ != nullptr; }

  // REQUIRES: IsOpen().
  bool IsHevc() const { return context_->codec_id == AV_CODEC_ID_HEVC; }

  // Whether packets went in whose pictures have not come out.
  bool HoldsPictures() const;

  // Whether draining after a fragment loses nothing: at least two fragments since Open began with
  // a true IDR and none began otherwise. (An open-GOP encoder begins with one IDR, then goes on
  // with CRAs whose leading pictures need the group before: one IDR proves nothing.)
  bool CanDrainBetweenFragments() const { return idr_starts_ >= 2 && other_starts_ == 0; }

  // The fault to report for a packet that Send or Receive refused with `code`: `limit` if its
  // picture is larger than max_pixels, else `decode`.
  Fault ExplainRefusal(const AVPacket& packet, int code) const;

 private:
  // More than pictures can be in flight: 16 of reordering and 16 threads.
  static constexpr int64_t kSlots = 64;

  struct Slot {
    int64_t id = 0;  // 0: no picture awaited
    PacketInfo info;
  };

  Fault TooLarge(int width, int height) const;

  const Options options_;
  UniqueCodecContext context_;
  std::vector<uint8_t> extradata_;
  std::array<Slot, kSlots> slots_;  // by id modulo kSlots
  int64_t last_id_ = 0;
  std::optional<PacketInfo> previous_;  // of the last picture given out since Open or Reset
  bool given_any_ = false;              // since Open
  int64_t begun_fragment_ = -1;         // the last one given to BeginFragment since Open
  int idr_starts_ = 0;
  int other_starts_ = 0;
};

}  // namespace kvs_frames
