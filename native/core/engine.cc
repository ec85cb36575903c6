#include "engine.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace kvs_frames {
namespace {

// A worker thread frees a slot by a bare atomic store, which wakes nobody: look this often.
constexpr std::chrono::milliseconds kSlotPoll{5};

// A wake costs the caller's thread tens of microseconds, more than all else it does for a frame.
// So frames that come quickly are told of together: until the last free slot is the next picture's,
// so that decoding goes on while the caller wakes, and no longer than this, which is little beside
// the seconds that a fragment takes to arrive.
constexpr std::chrono::milliseconds kMaxHold{20};

// Errors of the decoder in a row after which no more pictures are asked for: a packet has one
// picture, and no decoder holds more than 32 back.
constexpr int kMaxErrorsInARow = 64;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

Engine::Engine(const EngineOptions& options, std::function<void()> notify)
    : options_(options),
      notify_(std::move(notify)),
      decoder_({options.decoder_threads, options.max_pixels, &log_}),
      converter_(options.matrix),
      picture_(NewFrame()),
      thread_([this] { Run(); }) {}

Engine::~Engine() {
  RequestStop();
  Join();
}

// --- Caller's thread ---------------------------------------------------------------------------

Engine::PushResult Engine::Push(FragmentInput fragment) {
  const size_t bytes = fragment.init.size + fragment.media.size;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (std::max(queue_.size(), outbox_.untaken_fragments()) >= options_.max_queued_fragments ||
        (!queue_.empty() && queued_bytes_ + bytes > options_.max_queued_bytes)) {
      return PushResult::kNoRoom;
    }
    queue_.push_back(std::move(fragment));
    queued_bytes_ += bytes;
    busy_ = true;
  }
  work_.notify_one();
  return PushResult::kQueued;
}

void Engine::Finish() {
  if (finishing_by_caller_) return;
  finishing_by_caller_ = true;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    finishing_ = true;
    busy_ = true;
  }
  work_.notify_one();
}

Engine::RingResult Engine::SetRing(RingMemory ring) {
  // The ring before is let go after the lock is, as its owner may run code of the caller's.
  RingMemory before;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (needed_slot_bytes_ == 0) return RingResult::kNotAsked;
    if (ring.slot_bytes < needed_slot_bytes_) return RingResult::kTooSmall;
    needed_slot_bytes_ = 0;
    before = std::exchange(ring_memory_, std::move(ring));
  }
  work_.notify_one();
  return RingResult::kAccepted;
}

void Engine::Wake() { work_.notify_one(); }

EngineStats Engine::stats() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  EngineStats stats = stats_;
  stats.wakes = outbox_.wakes();
  stats.queued_fragments = queue_.size();
  stats.queued_bytes = queued_bytes_;
  return stats;
}

bool Engine::IsIdle() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !busy_ && outbox_.IsEmpty();
}

void Engine::RequestStop() {
  {
    // Under the lock, so that the thread cannot be between its test of the flag and its wait.
    const std::lock_guard<std::mutex> lock(mutex_);
    cancelled_.store(true, std::memory_order_relaxed);
  }
  work_.notify_one();
}

void Engine::Join() {
  if (thread_.joinable()) thread_.join();
}

// --- Engine's thread ---------------------------------------------------------------------------

void Engine::Run() {
  pthread_setname_np(pthread_self(), "kvs-frames");
  {
    const LogSink::Scope scope(log_);
    bool running = true;
    while (running) {
      FragmentInput fragment;
      switch (WaitForWork(&fragment)) {
        case Next::kFragment:
          Process(std::move(fragment));
          break;
        case Next::kDrain:
          DrainBetweenFragments();
          break;
        case Next::kFinish:
          DrainBetweenFragments();
          NotifyIf(outbox_.Post(MakeRecord(RecordKind::kEnded)));
          break;
        case Next::kStop:
          running = false;
          break;
      }
    }
    // Here and not in the destructor, as it may wait for libav's threads and the caller must not.
    decoder_.Close();
  }
  stopped_.store(true, std::memory_order_release);
  notify_();
}

Engine::Next Engine::WaitForWork(FragmentInput* fragment) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    if (IsCancelled()) return Next::kStop;
    if (!queue_.empty()) {
      *fragment = std::move(queue_.front());
      queue_.pop_front();
      queued_bytes_ -= fragment->init.size + fragment->media.size;
      return Next::kFragment;
    }
    if (finishing_ && !ended_) {
      ended_ = true;
      return Next::kFinish;
    }
    // Fragments come in bursts: what the decoder still holds would wait for the next one.
    if (decoder_.CanDrainBetweenFragments() && decoder_.HoldsPictures()) {
      ++stats_.idle_drains;
      return Next::kDrain;
    }
    if (busy_) {
      busy_ = false;
      lock.unlock();
      FlushFrames();
      notify_();
      lock.lock();
      continue;
    }
    work_.wait(lock);
  }
}

template <typename Work>
std::optional<Fault> Engine::Guarded(Stage stage, Work work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return Fault{stage, 0, std::string("unexpected: ") + error.what()};
  }
}

void Engine::Process(FragmentInput fragment) {
  current_fragment_ = fragment.id;
  DemuxedFragment demuxed;
  const double start = CpuSeconds();
  std::optional<Fault> fault = Guarded(Stage::kDemux, [&] {
    return DemuxFragment(fragment.init, fragment.media, fragment.id, cancelled_, &demuxed);
  });
  const double decode_start = CpuSeconds();
  const size_t packets = fault ? 0 : demuxed.packets.size();
  if (!fault) {
    fault = Guarded(Stage::kDecode, [&] { return Decode(&demuxed); });
    PostRefusals(packets);
    CountDecodeCpu(decode_start);
  }
  if (IsCancelled()) {
    // Its owner is the caller's to destroy, like those of all other fragments.
    outbox_.Discard(std::move(fragment.owner));
    return;
  }
  if (fault) {
    PostFault(*std::move(fault), fragment.id);
  } else if (demuxed.fault) {
    PostFault(*std::move(demuxed.fault), fragment.id);
  }

  Record record = MakeRecord(RecordKind::kFragment);
  record[1] = static_cast<double>(fragment.id);
  record[2] = static_cast<double>(packets);
  record[3] = packets == 0 ? 0.0 : demuxed.duration_ms;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++stats_.fragments;
    stats_.packets += static_cast<int64_t>(packets);
    stats_.demux_cpu_seconds += decode_start - start;
  }
  NotifyIf(outbox_.PostFragment(record, std::move(fragment.owner)));
}

std::optional<Fault> Engine::Decode(DemuxedFragment* fragment) {
  if (!decoder_.Accepts(*fragment)) {
    DrainDecoder();
    if (auto fault = decoder_.Open(*fragment)) return fault;
    const std::lock_guard<std::mutex> lock(mutex_);
    ++stats_.decoder_opens;
  }
  decoder_.BeginFragment(*fragment);
  for (DemuxedPacket& demuxed : fragment->packets) {
    if (IsCancelled()) break;
    const int code = decoder_.Send(&demuxed);
    if (code < 0) NoteRefusal(demuxed.packet.get(), code);
    ReceivePictures(demuxed.packet.get());
    demuxed.packet.reset();
  }
  return std::nullopt;
}

void Engine::DrainBetweenFragments() {
  const double start = CpuSeconds();
  DrainDecoder();
  CountDecodeCpu(start);
}

void Engine::DrainDecoder() {
  if (!decoder_.IsOpen()) return;
  auto fault = Guarded(Stage::kDecode, [&] {
    decoder_.StartDrain();
    ReceivePictures(nullptr);
    return std::optional<Fault>();
  });
  decoder_.Reset();
  PostRefusals(0);
  if (fault) PostFault(*std::move(fault), current_fragment_);
}

void Engine::ReceivePictures(const AVPacket* sent) {
  int errors = 0;
  while (!IsCancelled() && errors < kMaxErrorsInARow) {
    PacketInfo info;
    bool first = false;
    const int code = decoder_.Receive(picture_.get(), &info, &first);
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
    if (code < 0) {
      ++errors;
      NoteRefusal(sent, code);
      continue;
    }
    const double start = CpuSeconds();
    OnPicture(*picture_, info, first);
    convert_cpu_ += CpuSeconds() - start;
  }
}

void Engine::CountDecodeCpu(double start) {
  const double all = CpuSeconds() - start;
  const double convert = std::exchange(convert_cpu_, 0.0);
  const std::lock_guard<std::mutex> lock(mutex_);
  stats_.decode_cpu_seconds += all - convert;
  stats_.convert_cpu_seconds += convert;
}

void Engine::OnPicture(const AVFrame& picture, const PacketInfo& info, bool first) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++stats_.pictures;
  }
  if (auto fault = converter_.Configure(picture)) {
    if (convert_fault_fragment_ == info.fragment_id) return;
    convert_fault_fragment_ = info.fragment_id;
    PostFault(*std::move(fault), info.fragment_id);
    return;
  }
  if (!EnsureRing(picture.width, picture.height)) return;
  const int slot = WaitForSlot();
  if (slot < 0) return;
  converter_.Convert(picture, ring_.Pixels(slot));
  ring_.Publish(slot);

  Record record = MakeRecord(RecordKind::kFrame);
  record[1] = static_cast<double>(info.fragment_id);
  record[2] = static_cast<double>(ring_.id());
  record[3] = slot;
  record[4] = picture.width;
  record[5] = picture.height;
  record[6] = picture.width * 3.0;
  record[7] = info.pts_ms;
  record[8] = info.offset_ms;
  record[9] = (IsKeyFrame(picture) ? kKeyFrame : 0) | (IsDamaged(picture) ? kDamagedFrame : 0) |
              (first ? kFirstAfterOpen : 0);
  record[10] = info.duration_ms;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++stats_.frames;
  }
  PostFrame(record);
}

void Engine::PostFrame(const Record& record) {
  const auto now = std::chrono::steady_clock::now();
  const bool quick = now - std::exchange(last_frame_, now) < kMaxHold;
  if (!std::exchange(holding_, true)) held_since_ = now;
  const bool held_long = now - held_since_ >= kMaxHold;
  if (quick && !held_long && ring_.CountFree() > 1) {
    outbox_.PostQuietly(record);
    return;
  }
  holding_ = false;
  NotifyIf(outbox_.Post(record));
}

void Engine::FlushFrames() {
  holding_ = false;
  NotifyIf(outbox_.Flush());
}

bool Engine::EnsureRing(int width, int height) {
  if (width == ring_width_ && height == ring_height_) return true;
  const size_t bytes = static_cast<size_t>(width) * 3 * static_cast<size_t>(height);
  Record record = MakeRecord(RecordKind::kRing);
  record[1] = width;
  record[2] = height;
  record[3] = width * 3.0;
  record[4] = static_cast<double>(bytes);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    needed_slot_bytes_ = bytes;
  }
  NotifyIf(outbox_.Post(record));

  std::unique_lock<std::mutex> lock(mutex_);
  work_.wait(lock, [this] { return IsCancelled() || needed_slot_bytes_ == 0; });
  if (needed_slot_bytes_ != 0) return false;
  ring_ = FrameRing(ring_memory_);
  ring_width_ = width;
  ring_height_ = height;
  return true;
}

int Engine::WaitForSlot() {
  while (!IsCancelled()) {
    const int slot = ring_.TryAcquire();
    if (slot >= 0) return slot;
    FlushFrames();
    std::unique_lock<std::mutex> lock(mutex_);
    if (IsCancelled()) break;
    work_.wait_for(lock, kSlotPoll);
  }
  return -1;
}

void Engine::NoteRefusal(const AVPacket* packet, int code) {
  ++refusals_;
  if (first_refusal_) return;
  first_refusal_ = packet == nullptr ? Fault{Stage::kDecode, code, ErrorText(code)}
                                     : decoder_.ExplainRefusal(*packet, code);
}

void Engine::PostRefusals(size_t packets) {
  if (first_refusal_) {
    Fault fault = *std::exchange(first_refusal_, std::nullopt);
    fault.message = "the decoder refused " + std::to_string(refusals_) +
                    (packets == 0 ? std::string(" held-back pictures")
                                  : " of " + std::to_string(packets) + " packets") +
                    ", first: " + fault.message;
    PostFault(std::move(fault), current_fragment_);
  }
  refusals_ = 0;
}

void Engine::PostFault(Fault fault, int64_t fragment_id) {
  fault.fragment_id = fragment_id;
  fault.log = log_.TakeLines();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++stats_.faults;
  }
  NotifyIf(outbox_.PostFault(std::move(fault)));
}

}  // namespace kvs_frames
