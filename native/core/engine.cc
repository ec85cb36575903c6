#include "engine.h"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <string>
#include <utility>

namespace kvs_frames {
namespace {

// Errors of the decoder in a row after which no more pictures are asked for: a packet has one
// picture, and no decoder holds more than 32 back.
constexpr int kMaxErrorsInARow = 64;

}  // namespace

Engine::Engine(const EngineOptions& options, std::function<void()> notify)
    : options_(options),
      notify_(std::move(notify)),
      inbox_({options.max_queued_fragments, options.max_queued_bytes}),
      decoder_({options.decoder_threads, options.max_pixels, &log_, options.hwaccel,
                /*devices=*/nullptr, options.max_decode_seconds}),
      writer_(options.matrix, options.output, inbox_, outbox_, notify_),
      units_(options.framing),
      picture_(NewFrame()),
      plan_({options.selection.key_frames_only, options.framing != Framing::kNone}),
      selector_(options.selection),
      thread_([this] { Run(); }) {}

Engine::~Engine() {
  RequestStop();
  Join();
}

// --- Caller's thread ---------------------------------------------------------------------------

EngineStats Engine::stats() const {
  EngineStats stats = stats_.Get();
  stats.wakes = outbox_.wakes();
  stats.queued_fragments = inbox_.queued_fragments();
  stats.queued_bytes = inbox_.queued_bytes();
  stats.libav_calls = decoder_.budget().calls();
  return stats;
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
    stats_.Count([](EngineStats& stats) { stats.picture_bytes = 0; });
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
      stats_.Count([](EngineStats& stats) { ++stats.idle_drains; });
      DrainBetweenFragments();
      return true;
    case Inbox::Next::kFinish:
      DrainBetweenFragments();
      writer_.Flush();
      PostLog();
      NotifyIf(outbox_.Post(MakeRecord(RecordKind::kEnded)));
      return true;
    case Inbox::Next::kIdle:
      writer_.Rest();
      notify_();
      return true;
    case Inbox::Next::kStop:
      break;
  }
  writer_.Rest();
  return false;
}

void Engine::Process(FragmentInput fragment) {
  current_fragment_ = fragment.id;
  may_ask_ = options_.hold_on_trouble;
  is_fed_ = false;
  troubled_ = false;
  // JavaScript reckons the times of undated fragments likewise.
  is_dated_ = fragment.is_dated;
  start_ms_ = is_dated_ ? fragment.start_ms
                        : std::max(fragment.start_ms, end_ms_.value_or(fragment.start_ms));
  selector_.SetPeriod(inbox_.period_ms());
  selector_before_ = selector_;
  DemuxedFragment demuxed;
  std::optional<Fault> fault = Demux(fragment, &demuxed);
  if (fault) demuxed = DemuxedFragment();
  packets_ = demuxed.packets.size();
  delivery_.Begin(fragment.id, demuxed);
  Plan(&demuxed);
  if (IsTrouble(fault) || IsTrouble(demuxed.fault)) NoteTrouble();
  clock_.Start();
  do {
    if (second_copy_) {
      BeginAgain(&demuxed);
      fault.reset();
    }
    decoder_.budget().Begin(clock_.decode_cpu());
    if (!fault) {
      fault = Guarded(Stage::kDecode, [&] {
        return options_.framing == Framing::kNone ? Decode(&demuxed) : Forward(demuxed);
      });
      if (IsTrouble(fault)) NoteTrouble();
    }
  } while (second_copy_ && !IsCancelled());
  may_ask_ = false;
  decoder_.EndFragment(!troubled_);
  if (!troubled_) expects_idr_ = has_idr_;
  if (packets_ > 0) end_ms_ = start_ms_ + demuxed.duration_ms;
  PostRefusals(packets_, fragment.id);
  StopClock();
  if (IsCancelled()) {
    // Its owner is the caller's to destroy, like those of all other fragments.
    outbox_.Discard(std::move(fragment.owner));
    return;
  }
  if (!fault) fault = std::move(demuxed.fault);
  if (fault) PostFault(*std::move(fault), fragment.id);
  const Record record = FragmentRecord(fragment.id, packets_, demuxed.duration_ms, troubled_);
  stats_.Count([&](EngineStats& stats) {
    ++stats.fragments;
    stats.packets += static_cast<int64_t>(packets_);
  });
  PostLog();
  NotifyIf(outbox_.PostFragment(record, std::move(fragment.owner)));
}

std::optional<Fault> Engine::Demux(const FragmentInput& fragment, DemuxedFragment* demuxed) {
  const double start = CpuSeconds();
  auto fault = Guarded(Stage::kDemux, [&] {
    const DecodeBudget::Call call(decoder_.budget());
    return DemuxFragment(fragment.init, fragment.media, current_fragment_, inbox_.cancelled(),
                         demuxed, options_.max_frames_per_fragment);
  });
  stats_.Count([&](EngineStats& stats) { stats.demux_cpu_seconds += CpuSeconds() - start; });
  return fault;
}

void Engine::Plan(DemuxedFragment* fragment) {
  if (fragment->packets.empty()) return;
  selector_ = *selector_before_;
  plan_.Begin(fragment, start_ms_, is_dated_, &selector_);
  plan_.SetFloor(inbox_.floor_ms(), 0);
}

std::optional<Fault> Engine::OpenDecoder(const DemuxedFragment& fragment) {
  is_first_ = !decoder_.Accepts(fragment);
  if (!is_first_) return std::nullopt;
  DrainDecoder();
  told_opening_.reset();
  if (auto fault = decoder_.Open(fragment)) return fault;
  cut_.Forget();
  delivery_.NoteOpening();
  stats_.Count([](EngineStats& stats) { ++stats.decoder_opens; });
  return std::nullopt;
}

std::optional<Fault> Engine::Decode(DemuxedFragment* fragment) {
  if (auto fault = OpenDecoder(*fragment)) return fault;
  decoder_.BeginFragment(*fragment);
  has_idr_ = fragment->starts_with_idr;
  const bool starts_with_key = (fragment->packets[0].packet->flags & AV_PKT_FLAG_KEY) != 0;
  const bool starts_anew = decoder_.CanDrainBetweenFragments();
  if (!starts_anew) DecodeCutFragment();
  if (starts_anew && !plan_.HasOnlyKeyFrames()) cut_.Keep(*fragment);
  LeaveOut(0, starts_anew);
  int64_t errors = log_.decoder_errors();
  double floor_ms = inbox_.floor_ms();
  for (size_t i = 0; i < fragment->packets.size(); ++i) {
    if (IsCancelled() || second_copy_) break;
    if (std::exchange(floor_ms, inbox_.floor_ms()) != floor_ms) {
      plan_.SetFloor(floor_ms, i);
      LeaveOut(i, starts_anew);
    }
    DemuxedPacket& demuxed = fragment->packets[i];
    if (demuxed.packet == nullptr) continue;
    decoded_fragment_ = current_fragment_;
    is_fed_ = true;
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
    if (plan_.HasOnlyKeyFrames()) {
      if (auto fault = DrainPictures(demuxed.packet.get())) return fault;
    }
    demuxed.packet.reset();
    const size_t done = i + 1;
    if (done < fragment->packets.size() && IsBudgetSpent()) {
      return CutOff(done, fragment->packets.size());
    }
  }
  if (IsCancelled() || second_copy_) return std::nullopt;
  if (auto silence = decoder_.ExplainSilence(); silence && starts_with_key) return silence;
  if (!plan_.EndsEarly()) cut_.Forget();
  // What the decoder holds would wait for a packet that does not come.
  if (starts_anew && plan_.EndsEarly() && decoder_.HoldsPictures()) DrainDecoder();
  if (!decoder_.HoldsPictures()) delivery_.TellLeftOut();
  return std::nullopt;
}

void Engine::DecodeCutFragment() {
  LogSink told;
  const LogSink::Scope silence(told);
  for (DemuxedPacket& packet : cut_.Take()) {
    decoder_.Send(&packet);
    ReceivePictures(nullptr);
    if (IsBudgetSpent()) break;
  }
  refusals_.Clear();
}

std::optional<Fault> Engine::Forward(const DemuxedFragment& fragment) {
  for (size_t i = 0; i < fragment.packets.size() && !IsCancelled(); ++i) {
    plan_.SetFloor(inbox_.floor_ms(), i);
    delivery_.OnUnit(fragment, fragment.packets[i], &units_);
  }
  return std::nullopt;
}

void Engine::LeaveOut(size_t first_packet, bool starts_anew) {
  const std::vector<PacketInfo> left_out = plan_.TakeUnneeded(first_packet, starts_anew);
  for (const PacketInfo& info : left_out) delivery_.LeaveOut(info);
  stats_.Count(
      [&](EngineStats& stats) { stats.skipped_packets += static_cast<int64_t>(left_out.size()); });
}

bool Engine::IsBudgetSpent() {
  if (!decoder_.budget().MayBeSpent()) return false;
  clock_.Stop();
  return decoder_.budget().IsSpent(clock_.decode_cpu());
}

Fault Engine::CutOff(size_t done, size_t packets) {
  may_ask_ = false;
  cut_.Forget();
  DrainDecoder();
  return decoder_.budget().Explain(done, packets);
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
  writer_.Rest();
  outbox_.Post(record);
  notify_();
  return inbox_.WaitForAnswer();
}

void Engine::BeginAgain(DemuxedFragment* fragment) {
  // Gives out what the decoder holds of fragments before; OnPicture drops what is of this one.
  delivery_.ForgetFirstCopy(current_fragment_);
  if (is_fed_) DrainDecoder();
  refusals_.Clear();
  log_.Take();
  *fragment = *std::exchange(second_copy_, std::nullopt);
  packets_ = fragment->packets.size();
  is_fed_ = false;
  troubled_ = fragment->fault.has_value();
  delivery_.BeginSecondCopy(*fragment);
  Plan(fragment);
}

void Engine::DrainBetweenFragments() {
  clock_.Start();
  DrainDecoder();
  StopClock();
}

void Engine::DrainDecoder() {
  if (!decoder_.IsOpen()) return;
  auto fault = DrainPictures(nullptr);
  // Nobody is told what became of a copy that is decoded again.
  if (second_copy_) return;
  delivery_.TellLeftOut();
  PostRefusals(0, decoded_fragment_);
  if (fault) PostFault(*std::move(fault), decoded_fragment_);
}

std::optional<Fault> Engine::DrainPictures(const AVPacket* sent) {
  auto fault = Guarded(Stage::kDecode, [&] {
    decoder_.StartDrain();
    ReceivePictures(sent);
    return std::optional<Fault>();
  });
  decoder_.Reset();
  return fault;
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
    clock_.OnPicture();
    const int64_t written = delivery_.written_pictures();
    OnPicture(*picture_, info);
    clock_.OnDelivered(delivery_.written_pictures() != written);
  }
}

void Engine::StopClock() {
  clock_.Stop();
  stats_.Count([this](EngineStats& stats) {
    clock_.WriteTo(&stats);
    stats.picture_bytes = decoder_.picture_bytes();
  });
}

void Engine::OnPicture(const AVFrame& picture, const PacketInfo& info) {
  TellDecoder();
  if (info.fate == Fate::kTold) return;
  stats_.Count([](EngineStats& stats) { ++stats.pictures; });
  if (info.fragment_id == current_fragment_) {
    const bool skips = has_idr_ && !IsInterlaced(picture) && delivery_.Skips(info);
    if (skips || (IsDamaged(picture) && !StartsCold())) NoteTrouble();
    if (second_copy_) return;
  }
  if (auto fault = delivery_.OnPicture(picture, info, decoder_.IsHevc())) {
    PostFault(*std::move(fault), info.fragment_id);
  }
}

void Engine::TellDecoder() {
  if (options_.hwaccel == HwAccel::kNone) return;
  const DecoderOpening now{decoder_.hwaccel(), decoder_.fallback_reason()};
  if (told_opening_ == now) return;
  told_opening_ = now;
  NotifyIf(outbox_.PostDecoder(now));
}

void Engine::NoteRefusal(const AVPacket* packet, int code) {
  if (refusals_.Note(packet, code, decoder_) && packet != nullptr) NoteTrouble();
}

void Engine::PostRefusals(size_t packets, int64_t fragment_id) {
  if (auto fault = refusals_.Take(packets)) PostFault(*std::move(fault), fragment_id);
}

void Engine::PostFault(Fault fault, int64_t fragment_id) {
  fault.fragment_id = fragment_id;
  fault.log = log_.TakeTexts();
  stats_.Count([](EngineStats& stats) { ++stats.faults; });
  NotifyIf(outbox_.PostFault(std::move(fault)));
}

}  // namespace kvs_frames
