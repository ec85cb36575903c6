// Packets → pictures, across fragments.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "av.h"
#include "decode_budget.h"
#include "fault.h"
#include "fragment_demuxer.h"
#include "hw_decoding.h"
#include "log_sink.h"
#include "picture_buffers.h"

namespace kvs_frames {

// A libavcodec decoder that lives as long as codec and extradata stay byte-identical. Each picture
// comes back with the PacketInfo of the packet it was decoded from, in presentation order.
//
// Asked to decode on a device, it does so in software where there is none, and goes on in software
// where the device fails between two pictures: then the packets since the last key frames, which it
// keeps, are decoded once more, and what was given out is left out. Pictures are the same either
// way.
//
// One thread. The order of calls is: Open, then for each packet Send and Receive until it answers
// AVERROR(EAGAIN); StartDrain, Receive until AVERROR_EOF, then Reset or Open.
class Decoder {
 public:
  struct Options {
    int threads = 1;  // libavcodec's; 1 keeps no picture back
    int64_t max_pixels = 8192LL * 8192;
    LogSink* log_sink = nullptr;  // for what libavcodec's own threads log
    HwAccel hwaccel = HwAccel::kNone;
    HwDevices* devices = nullptr;  // null: those of the process
    double max_seconds = 60;       // that a fragment may keep it busy
  };

  explicit Decoder(const Options& options)
      : options_(options),
        budget_(options.max_seconds, options.threads > 1 || options.hwaccel != HwAccel::kNone) {}

  // Whether the open decoder can go on with this fragment. False before the first Open.
  bool Accepts(const DemuxedFragment& fragment) const;

  // (Re)opens for the fragment's track. What the decoder held is lost: drain it before.
  std::optional<Fault> Open(const DemuxedFragment& fragment);

  // Tells of a fragment before its first packet: how deep it reorders, and whether it starts with
  // an IDR, which decides whether CanDrainBetweenFragments. A fragment may be begun again, with
  // another copy of it. REQUIRES: Accepts(fragment).
  void BeginFragment(const DemuxedFragment& fragment);

  // Tells of the fragment begun last, if one was since, behind its last packet: whether nothing was
  // wrong with it. Damage may hide the IDR that a fragment starts with.
  void EndFragment(bool whole);

  // Answers 0 or libav's error code, which concerns this packet only.
  int Send(DemuxedPacket* packet);

  // The next picture: 0, AVERROR(EAGAIN), AVERROR_EOF, AVERROR(ERANGE) for one that is larger than
  // max_pixels, or another of libav's error codes. Unrefs what `picture` held. `first` tells the
  // first picture since Open.
  int Receive(AVFrame* picture, PacketInfo* info, bool* first);

  void StartDrain();

  // Makes a drained decoder ready for the next fragment.
  void Reset();

  // Waits for the pictures that libav's own threads are at.
  void Close() {
    context_.reset();
    buffers_.Forget();
  }

  bool IsOpen() const { return context_ != nullptr; }

  // Of the fragment at hand; what the decoder takes is noted there.
  DecodeBudget& budget() { return budget_; }
  const DecodeBudget& budget() const { return budget_; }

  // Where it decodes: what Open found, which is sure once the first picture came out, or until the
  // device fails. Never kAuto.
  HwAccel hwaccel() const { return hw_ == nullptr ? HwAccel::kNone : hw_->type(); }

  // Why not where it was asked to, since Open, with libav's words; or "".
  const std::string& fallback_reason() const { return fallback_reason_; }

  // Of the picture buffers it holds; 0 on a device. See PictureBuffers.
  int64_t picture_bytes() const { return buffers_.bytes(); }

  // REQUIRES: IsOpen().
  bool IsHevc() const { return context_->codec_id == AV_CODEC_ID_HEVC; }

  // Whether packets went in whose pictures have not come out.
  bool HoldsPictures() const;

  // A fault if more packets went in since the last picture came out than pictures can be held back.
  // Some versions of libavcodec pass over what they can't read without a word.
  std::optional<Fault> ExplainSilence() const;

  // Whether draining before and after the fragment begun last loses nothing: it begins with a true
  // IDR, and so did the one before; all of the last eight if a whole one since Open began
  // otherwise. (An open-GOP encoder begins with one IDR, then goes on with CRAs whose leading
  // pictures need the group before: one IDR proves nothing.)
  bool CanDrainBetweenFragments() const;

  // The fault to report for a packet that Send or Receive refused with `code`: `limit` if its
  // picture is larger than max_pixels, else `decode`.
  Fault ExplainRefusal(const AVPacket& packet, int code) const;

 private:
  // H.264 and H.265 reorder no more.
  static constexpr int64_t kMostReordered = 16;
  // More than pictures can be in flight: those and 16 threads.
  static constexpr int64_t kSlots = 64;
  // Fragments in a row that begin with an IDR, for the next one to be expected to.
  static constexpr int kIdrStarts = 2;
  static constexpr int kIdrStartsAfterOther = 8;

  struct Slot {
    int64_t id = 0;  // 0: no picture awaited
    PacketInfo info;
  };

  // A packet that the software decoder would need to get where the device is.
  struct Kept {
    UniquePacket packet;
    int64_t id = 0;
  };

  Fault TooLarge(int width, int height) const;

  // Makes context_, on hw_'s device if there is one. Answers 0 or libav's error code.
  int OpenContext(const AVCodec& codec);
  void Keep(const AVPacket& packet, int64_t id);
  // As avcodec_receive_frame.
  int ReceiveNext(AVFrame* picture);
  // Goes on in software. Answers as Send does for the last packet; throws where there is no way on.
  int FallBack();
  // Keeps the pictures that were not given out yet.
  void ReceiveReplayed();

  const Options options_;
  DecodeBudget budget_;
  std::unique_ptr<HwDecoding> hw_;  // before context_, which uses it
  UniqueCodecContext context_;
  PictureBuffers buffers_;
  std::string fallback_reason_;
  UniqueCodecParameters parameters_;
  AVRational time_base_{0, 1};
  std::deque<Kept> kept_;  // with hw_ only
  size_t kept_bytes_ = 0;
  int64_t last_key_id_ = 0;
  std::deque<UniqueFrame> replayed_;  // after a fallback, to be given out first
  bool is_draining_ = false;
  std::vector<uint8_t> extradata_;
  std::array<Slot, kSlots> slots_;  // by id modulo kSlots
  int64_t last_id_ = 0;
  int64_t swallowed_ = 0;               // packets since the last picture given out, Open or Reset
  std::optional<PacketInfo> previous_;  // of the last picture given out since Open or Reset
  bool given_any_ = false;              // since Open
  bool is_begun_ = false;               // a fragment was, and not ended
  bool begins_with_idr_ = false;        // the one begun last
  int idr_starts_ = 0;                  // of ended fragments, in a row
  int needed_idr_starts_ = kIdrStarts;
};

}  // namespace kvs_frames
