// The engine: one thread that turns fragments into frames in ring slots.
//
// The owner's thread ("the caller") pushes fragments and takes records; the engine's thread
// demuxes, decodes, converts and writes records. The bytes pushed and the ring are the caller's
// memory, referenced and never copied.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "access_unit.h"
#include "cut_fragment.h"
#include "decoder.h"
#include "engine_stats.h"
#include "fault.h"
#include "fragment_demuxer.h"
#include "fragment_plan.h"
#include "frame_delivery.h"
#include "frame_selector.h"
#include "frame_writer.h"
#include "inbox.h"
#include "log_sink.h"
#include "outbox.h"
#include "picture_clock.h"
#include "refusals.h"

namespace kvs_frames {

struct EngineOptions {
  Matrix matrix = Matrix::kAuto;
  OutputOptions output;
  int decoder_threads = 1;
  size_t max_queued_fragments = 8;
  size_t max_queued_bytes = 256 << 20;
  int64_t max_pixels = 8192LL * 8192;
  size_t max_frames_per_fragment = 10'000;
  double max_decode_seconds = 60;
  Selection selection;
  Framing framing = Framing::kNone;
  HwAccel hwaccel = HwAccel::kNone;
  // At the first sign of trouble with a fragment, ask for a second copy and wait for the answer.
  bool hold_on_trouble = false;
};

// All methods are the caller's, on one thread, and none but Join and the destructor blocks.
class Engine {
 public:
  enum class PushResult { kQueued, kNoRoom };
  using RingResult = Inbox::RingResult;
  using AnswerResult = Inbox::AnswerResult;

  // Starts the thread. `notify` is called on it, without a lock held, when one of TakeWake, IsIdle
  // and HasStopped may have become true; it must neither block nor throw. Throws std::system_error
  // if no thread can be had.
  Engine(const EngineOptions& options, std::function<void()> notify);

  // Stops and joins; waits at most for the decoding of one packet, (by each of libav's threads),
  // which takes seconds at 8192×8192, or for the conversion of one picture.
  ~Engine();

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Queues a fragment; takes `owner` only if it does. There is no room while max_queued_fragments
  // wait, or as many `fragment` records have not been taken, or the bytes exceed
  // max_queued_bytes and the queue is not empty.
  PushResult Push(FragmentInput fragment) {
    const bool is_queued = inbox_.Push(std::move(fragment), outbox_.untaken_fragments());
    return is_queued ? PushResult::kQueued : PushResult::kNoRoom;
  }

  // No fragment follows. Idempotent.
  void Finish() {
    finishing_by_caller_ = true;
    inbox_.Finish();
  }
  bool finished() const { return finishing_by_caller_; }

  // Answers the last `layout` record that wants a ring; on kAccepted the ring before is let go (its
  // owner is destroyed here).
  RingResult SetRing(RingMemory ring) { return inbox_.SetRing(std::move(ring)); }

  // Answers a `trouble` record: with a second copy of its fragment (whose id is not looked at),
  // which is owned like a fragment pushed, or with nothing, and the engine goes on with what it
  // has.
  AnswerResult AnswerTrouble(std::optional<FragmentInput> copy) {
    return inbox_.AnswerTrouble(std::move(copy));
  }

  // See Outbox. Take destroys the owners of fragments that are done.
  size_t Take(Record* records, size_t capacity) { return outbox_.Take(records, capacity); }
  std::optional<Fault> TakeFault() { return outbox_.TakeFault(); }
  std::optional<DecoderOpening> TakeDecoder() { return outbox_.TakeDecoder(); }
  std::optional<std::vector<LogLine>> TakeLog() { return outbox_.TakeLog(); }
  std::optional<std::vector<uint8_t>> TakeCodecData() { return outbox_.TakeCodecData(); }
  bool TakeWake() { return outbox_.TakeWake(); }

  // Lets the thread look for a free slot now.
  void Wake() { inbox_.Wake(); }

  // See Inbox.
  void SetFloor(double capture_ms) { inbox_.SetFloor(capture_ms); }
  void SetPeriod(double period_ms) { inbox_.SetPeriod(period_ms); }

  EngineStats stats() const;

  // No fragment waits or is being worked on, every picture that can come has come, and every record
  // was taken. So from Push or Finish on it is false until the last of their records was taken.
  bool IsIdle() const { return !inbox_.IsBusy() && outbox_.IsEmpty(); }

  // Asks the thread to end as soon as it can, which is after the picture being decoded; it
  // then notifies, and HasStopped is true. It begins to write no slot from now on.
  void RequestStop() { inbox_.Cancel(); }
  bool HasStopped() const { return stopped_.load(std::memory_order_acquire); }

  // Waits for the thread. REQUIRES: RequestStop was called.
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  // Engine's thread.
  void Run();
  bool WorkOnce();  // one piece of it, once there is one; false: stopped
  void Process(FragmentInput fragment);
  std::optional<Fault> Demux(const FragmentInput& fragment, DemuxedFragment* demuxed);
  void Plan(DemuxedFragment* fragment);
  std::optional<Fault> Decode(DemuxedFragment* fragment);
  std::optional<Fault> OpenDecoder(const DemuxedFragment& fragment);
  std::optional<Fault> Forward(const DemuxedFragment& fragment);  // the access units
  void DecodeCutFragment();  // so that what follows may refer to it
  void LeaveOut(size_t first_packet, bool starts_anew);
  bool IsBudgetSpent();
  Fault CutOff(size_t done, size_t packets);  // what is left of the fragment
  void NoteTrouble();  // may ask for a second copy, and then leaves it in second_copy_
  // Whether the copy being decoded refers back to pictures that the decoder never had: errors are
  // in its nature, and a second copy would have them too.
  bool StartsCold() const { return is_first_ && !has_idr_; }
  std::optional<FragmentInput> AskForSecondCopy();
  void BeginAgain(DemuxedFragment* fragment);  // with second_copy_
  void DrainBetweenFragments();
  // Both make the decoder ready for what follows; the first also tells what was refused.
  void DrainDecoder();
  std::optional<Fault> DrainPictures(const AVPacket* sent);
  void ReceivePictures(const AVPacket* sent);
  void OnPicture(const AVFrame& picture, const PacketInfo& info);
  void TellDecoder();  // where it decodes, if that is news
  void NoteRefusal(const AVPacket* packet, int code);
  void PostRefusals(size_t packets, int64_t fragment_id);
  void StopClock();  // and tells what it has measured
  void PostFault(Fault fault, int64_t fragment_id);
  // What libav logged and no fault took. A record that wakes the caller must follow.
  void PostLog() {
    auto lines = log_.Take();
    if (!lines.empty()) outbox_.PostLogQuietly(std::move(lines));
  }
  void NotifyIf(bool needed) {
    if (needed) notify_();
  }
  bool IsCancelled() const { return inbox_.IsCancelled(); }

  const EngineOptions options_;
  const std::function<void()> notify_;
  std::atomic<bool> stopped_{false};
  LogSink log_;
  Inbox inbox_;
  Outbox outbox_;

  // Caller's thread only.
  bool finishing_by_caller_ = false;

  SharedStats stats_;

  // Engine's thread only:
  Decoder decoder_;
  FrameWriter writer_;
  FrameDelivery delivery_{writer_, stats_};
  AccessUnits units_;
  UniqueFrame picture_;
  PictureClock clock_;
  int64_t current_fragment_ = 0;
  int64_t decoded_fragment_ = 0;  // the last one of which a packet went into the decoder
  FragmentPlan plan_;
  FrameSelector selector_;
  CutFragment cut_;
  std::optional<double> end_ms_;                // of the last fragment: when its last picture ended
  std::optional<DecoderOpening> told_opening_;  // of the open decoder
  // About the current fragment:
  double start_ms_ = 0;  // when its first picture was taken
  bool is_dated_ = false;
  std::optional<FrameSelector> selector_before_;  // as it was before it
  bool may_ask_ = false;                          // for a second copy; once
  bool is_fed_ = false;                           // a packet of this copy went into the decoder
  bool has_idr_ = false;                          // this copy starts with an IDR
  bool expects_idr_ = false;                      // the last whole fragment did
  bool is_first_ = false;                         // the decoder was opened for this copy
  size_t packets_ = 0;                            // of this copy
  bool troubled_ = false;                         // this copy showed a sign of trouble
  std::optional<DemuxedFragment> second_copy_;    // to be decoded in place of this one
  Refusals refusals_;                             // not reported yet

  std::thread thread_;  // last: starts when all else is there
};

}  // namespace kvs_frames
