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
      inbox_({options.max_queued_fragments, options.max_queued_bytes}),
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
  return inbox_.Push(std::move(fragment), outbox_.untaken_fragments()) ? PushResult::kQueued
                                                                       : PushResult::kNoRoom;
}

void Engine::Finish() {
  finishing_by_caller_ = true;
  inbox_.Finish();
}

Engine::AnswerResult Engine::AnswerTrouble(std::optional<FragmentInput> copy) {
  return inbox_.AnswerTrouble(std::move(copy));
}

EngineStats Engine::stats() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  EngineStats stats = stats_;
  stats.wakes = outbox_.wakes();
  stats.queued_fragments = inbox_.queued_fragments();
  stats.queued_bytes = inbox_.queued_bytes();
  return stats;
}

void Engine::Join() {
  if (thread_.joinable()) thread_.join();
}

// --- Engine's thread ---------------------------------------------------------------------------

void Engine::Run() {
  pthread_setname_np(pthread_self(), "kvs-frames");
  {
    const LogSink::Scope scope(log_);
    while (WorkOnce()) {
    }
    // Here and not in the destructor, as it may wait for libav's threads and the caller must not.
    decoder_.Close();
  }
  stopped_.store(true, std::memory_order_release);
  notify_();
}

bool Engine::WorkOnce() {
  // Fragments come in bursts: what the decoder still holds would wait for the next one.
  const bool may_drain = decoder_.CanDrainBetweenFragments() && decoder_.HoldsPictures();
  FragmentInput fragment;
  switch (inbox_.WaitForWork(may_drain, &fragment)) {
    case Inbox::Next::kFragment:
      Process(std::move(fragment));
      return true;
    case Inbox::Next::kDrain:
      Count([](EngineStats& stats) { ++stats.idle_drains; });
      DrainBetweenFragments();
      return true;
    case Inbox::Next::kFinish:
      DrainBetweenFragments();
      NotifyIf(outbox_.Post(MakeRecord(RecordKind::kEnded)));
      return true;
    case Inbox::Next::kIdle:
      burst_.Flush();
      notify_();
      return true;
    case Inbox::Next::kStop:
      return false;
  }
  return false;
}

template <typename Change>
void Engine::Count(Change change) {
  const std::lock_guard<std::mutex> lock(mutex_);
  change(stats_);
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
  may_ask_ = options_.hold_on_trouble;
  is_fed_ = false;
  troubled_ = false;
  DemuxedFragment demuxed;
  std::optional<Fault> fault = Demux(fragment, &demuxed);
  if (fault) demuxed = DemuxedFragment();
  packets_ = demuxed.packets.size();
  progress_.Begin(fragment.id, demuxed);
  if (fault || demuxed.fault) NoteTrouble();
  const double decode_start = CpuSeconds();
  do {
    if (second_copy_) {
      BeginAgain(&demuxed);
      fault.reset();
    }
    if (!fault) {
      fault = Guarded(Stage::kDecode, [&] { return Decode(&demuxed); });
      if (fault && fault->stage != Stage::kLimit) NoteTrouble();
    }
  } while (second_copy_ && !IsCancelled());
  may_ask_ = false;
  if (!troubled_) expects_idr_ = has_idr_;
  PostRefusals(packets_, fragment.id);
  CountDecodeCpu(decode_start);
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
  record[2] = static_cast<double>(packets_);
  record[3] = packets_ == 0 ? 0.0 : demuxed.duration_ms;
  record[4] = troubled_ ? 1.0 : 0.0;
  Count([&](EngineStats& stats) {
    ++stats.fragments;
    stats.packets += static_cast<int64_t>(packets_);
  });
  NotifyIf(outbox_.PostFragment(record, std::move(fragment.owner)));
}

std::optional<Fault> Engine::Demux(const FragmentInput& fragment, DemuxedFragment* demuxed) {
  const double start = CpuSeconds();
  auto fault = Guarded(Stage::kDemux, [&] {
    return DemuxFragment(fragment.init, fragment.media, current_fragment_, inbox_.cancelled(),
                         demuxed);
  });
  Count([&](EngineStats& stats) { stats.demux_cpu_seconds += CpuSeconds() - start; });
  return fault;
}

std::optional<Fault> Engine::Decode(DemuxedFragment* fragment) {
  is_first_ = !decoder_.Accepts(*fragment);
  if (is_first_) {
    DrainDecoder();
    if (auto fault = decoder_.Open(*fragment)) return fault;
    Count([](EngineStats& stats) { ++stats.decoder_opens; });
  }
  decoder_.BeginFragment(*fragment);
  decoded_fragment_ = current_fragment_;
  has_idr_ = fragment->starts_with_idr;
  is_fed_ = true;
  int64_t errors = log_.decoder_errors();
  for (DemuxedPacket& demuxed : fragment->packets) {
    if (IsCancelled() || second_copy_) break;
    const int code = decoder_.Send(&demuxed);
    const int64_t errors_before = std::exchange(errors, log_.decoder_errors());
    if (code < 0) {
      NoteRefusal(demuxed.packet.get(), code);
    } else if (errors != errors_before && !StartsCold()) {
      // The picture may be flagged as damaged, or not (H.265), when it comes out, which may be
      // after undamaged-looking ones that were predicted from it.
      NoteTrouble();
    }
    ReceivePictures(demuxed.packet.get());
    demuxed.packet.reset();
  }
  return std::nullopt;
}

void Engine::NoteTrouble() {
  troubled_ = true;
  // To decode a fragment again, the decoder is reset, which only an IDR gets over: a fragment that
  // starts otherwise, behind another, would lose its leading pictures, so it is decoded on. Trouble
  // that is found before a packet went in needs no reset. Damage may hide the IDR of this copy.
  const bool needs_idr = is_fed_ && !is_first_;
  if (!may_ask_ || (needs_idr && !has_idr_ && !expects_idr_)) return;
  may_ask_ = false;
  std::optional<FragmentInput> copy = AskForSecondCopy();
  if (!copy) return;
  DemuxedFragment fresh;
  const bool is_readable = !Demux(*copy, &fresh);
  outbox_.Discard(std::move(copy->owner));
  if (needs_idr && !fresh.starts_with_idr) return;
  if (is_readable && (!fresh.fault || fresh.packets.size() > packets_)) {
    second_copy_ = std::move(fresh);
  }
}

std::optional<FragmentInput> Engine::AskForSecondCopy() {
  Record record = MakeRecord(RecordKind::kTrouble);
  record[1] = static_cast<double>(current_fragment_);
  inbox_.ExpectAnswer();
  burst_.Flush();
  outbox_.Post(record);
  notify_();
  return inbox_.WaitForAnswer();
}

void Engine::BeginAgain(DemuxedFragment* fragment) {
  // Gives out what the decoder holds of fragments before; OnPicture drops what is of this one.
  if (is_fed_) DrainDecoder();
  first_refusal_.reset();
  refusals_ = 0;
  log_.TakeLines();
  *fragment = *std::exchange(second_copy_, std::nullopt);
  packets_ = fragment->packets.size();
  is_fed_ = false;
  troubled_ = fragment->fault.has_value();
  progress_.BeginSecondCopy(*fragment);
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
  // Nobody is told what became of a copy that is decoded again.
  if (second_copy_) return;
  PostRefusals(0, decoded_fragment_);
  if (fault) PostFault(*std::move(fault), decoded_fragment_);
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
  Count([&](EngineStats& stats) {
    stats.decode_cpu_seconds += all - convert;
    stats.convert_cpu_seconds += convert;
  });
}

void Engine::OnPicture(const AVFrame& picture, const PacketInfo& info, bool first) {
  Count([](EngineStats& stats) { ++stats.pictures; });
  reopened_ = reopened_ || first;
  if (info.fragment_id == current_fragment_) {
    const bool skips = has_idr_ && !IsInterlaced(picture) && progress_.Skips(info);
    if (skips || (IsDamaged(picture) && !StartsCold())) NoteTrouble();
    if (second_copy_) return;
  }
  if (!progress_.Deliver(info)) return;
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
              (std::exchange(reopened_, false) ? kFirstAfterOpen : 0) |
              (decoder_.IsHevc() ? kHevc : 0);
  record[10] = info.duration_ms;
  Count([](EngineStats& stats) { ++stats.frames; });
  NotifyIf(burst_.Post(record, ring_.CountFree()));
}

bool Engine::EnsureRing(int width, int height) {
  if (width == ring_width_ && height == ring_height_) return true;
  const size_t bytes = static_cast<size_t>(width) * 3 * static_cast<size_t>(height);
  Record record = MakeRecord(RecordKind::kRing);
  record[1] = width;
  record[2] = height;
  record[3] = width * 3.0;
  record[4] = static_cast<double>(bytes);
  inbox_.ExpectRing(bytes);
  NotifyIf(outbox_.Post(record));
  const auto ring = inbox_.WaitForRing();
  if (!ring) return false;
  ring_ = *ring;
  ring_width_ = width;
  ring_height_ = height;
  return true;
}

int Engine::WaitForSlot() {
  while (!IsCancelled()) {
    const int slot = ring_.TryAcquire();
    if (slot >= 0) return slot;
    NotifyIf(burst_.Flush());
    inbox_.WaitForWake(kSlotPoll);
  }
  return -1;
}

void Engine::NoteRefusal(const AVPacket* packet, int code) {
  ++refusals_;
  if (first_refusal_) return;
  first_refusal_ = packet == nullptr ? Fault{Stage::kDecode, code, ErrorText(code)}
                                     : decoder_.ExplainRefusal(*packet, code);
  if (packet != nullptr && first_refusal_->stage != Stage::kLimit) NoteTrouble();
}

void Engine::PostRefusals(size_t packets, int64_t fragment_id) {
  if (first_refusal_) {
    Fault fault = *std::exchange(first_refusal_, std::nullopt);
    fault.message = "the decoder refused " + std::to_string(refusals_) +
                    (packets == 0 ? std::string(" held-back pictures")
                                  : " of " + std::to_string(packets) + " packets") +
                    ", first: " + fault.message;
    PostFault(std::move(fault), fragment_id);
  }
  refusals_ = 0;
}

void Engine::PostFault(Fault fault, int64_t fragment_id) {
  fault.fragment_id = fragment_id;
  fault.log = log_.TakeLines();
  Count([](EngineStats& stats) { ++stats.faults; });
  NotifyIf(outbox_.PostFault(std::move(fault)));
}

}  // namespace kvs_frames
