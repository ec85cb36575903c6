#include "decoder.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace kvs_frames {
namespace {

// Packets that are kept for a fallback, in bytes: two fragments of 2 s have 1 to 10 MB. Older ones
// are let go then, and a fallback has to wait for the next key frame.
constexpr size_t kMaxKeptBytes = size_t{64} << 20;

// libavcodec compares its limit with pictures whose sides are rounded up, to whole macroblocks and
// by up to 63 pixels for its kernels, so it is given as much more as that may be.
constexpr int64_t kPaddingPixels = int64_t{63 + 15} * 65535;

std::vector<uint8_t> Extradata(const AVCodecParameters& parameters) {
  if (parameters.extradata_size <= 0) return {};
  return {parameters.extradata, parameters.extradata + parameters.extradata_size};
}

}  // namespace

bool Decoder::Accepts(const DemuxedFragment& fragment) const {
  const AVCodecParameters& parameters = *fragment.parameters;
  return context_ != nullptr && context_->codec_id == parameters.codec_id &&
         std::equal(extradata_.begin(), extradata_.end(), parameters.extradata,
                    parameters.extradata + std::max(parameters.extradata_size, 0));
}

std::optional<Fault> Decoder::Open(const DemuxedFragment& fragment) {
  const AVCodecParameters& parameters = *fragment.parameters;
  Close();
  hw_.reset();
  fallback_reason_.clear();
  kept_.clear();
  kept_bytes_ = 0;
  replayed_.clear();
  is_draining_ = false;
  slots_.fill(Slot());
  previous_.reset();
  swallowed_ = 0;
  given_any_ = false;
  is_begun_ = false;
  begins_with_idr_ = false;
  idr_starts_ = 0;
  needed_idr_starts_ = kIdrStarts;
  if (static_cast<int64_t>(parameters.width) * parameters.height > options_.max_pixels) {
    return TooLarge(parameters.width, parameters.height);
  }
  const AVCodec* const codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr) {
    return Fault{Stage::kDecode, AVERROR_DECODER_NOT_FOUND,
                 std::string("this libavcodec was built without a decoder for ") +
                     avcodec_get_name(parameters.codec_id)};
  }
  parameters_ = NewCodecParameters();
  if (avcodec_parameters_copy(parameters_.get(), &parameters) < 0) throw std::bad_alloc();
  time_base_ = fragment.time_base;
  if (options_.hwaccel != HwAccel::kNone) {
    HwDevices& devices = options_.devices == nullptr ? HwDevices::OfProcess() : *options_.devices;
    hw_ = HwDecoding::Find(options_.hwaccel, *codec, devices, options_.log_sink, &fallback_reason_);
  }
  const int code = OpenContext(*codec);
  if (code < 0) {
    return Fault{Stage::kDecode, code,
                 std::string("cannot open the decoder for ") +
                     avcodec_get_name(parameters.codec_id) + ": " + ErrorText(code)};
  }
  extradata_ = Extradata(parameters);
  return std::nullopt;
}

int Decoder::OpenContext(const AVCodec& codec) {
  UniqueCodecContext context(avcodec_alloc_context3(&codec));
  if (context == nullptr) throw std::bad_alloc();
  int code = avcodec_parameters_to_context(context.get(), parameters_.get());
  if (code < 0) return code;
  context->opaque = options_.log_sink;
  context->pkt_timebase = time_base_;
  context->thread_count = options_.threads;
  context->max_pixels = options_.max_pixels + kPaddingPixels;
  // Cropping to the exact column; the converter takes pointers of any alignment.
  context->flags |= AV_CODEC_FLAG_UNALIGNED;
  EnablePacketIds(*context);
  if (hw_ != nullptr) hw_->Prepare(context.get());
  AVDictionary* options = nullptr;
  av_dict_set(&options, "codec_whitelist", "h264,hevc", 0);
  code = avcodec_open2(context.get(), &codec, &options);
  av_dict_free(&options);
  if (code >= 0) context_ = std::move(context);
  return code;
}

void Decoder::BeginFragment(const DemuxedFragment& fragment) {
  is_begun_ = true;
  begins_with_idr_ = fragment.starts_with_idr;
  // The stream may begin to reorder after its first fragment.
  parameters_->video_delay = std::max(parameters_->video_delay, fragment.parameters->video_delay);
  context_->has_b_frames = std::max(context_->has_b_frames, parameters_->video_delay);
}

void Decoder::EndFragment(bool whole) {
  if (!std::exchange(is_begun_, false)) return;
  if (begins_with_idr_) {
    ++idr_starts_;
  } else if (whole) {
    idr_starts_ = 0;
    needed_idr_starts_ = kIdrStartsAfterOther;
  }
}

bool Decoder::CanDrainBetweenFragments() const {
  return begins_with_idr_ && idr_starts_ + (is_begun_ ? 1 : 0) >= needed_idr_starts_;
}

int Decoder::Send(DemuxedPacket* packet) {
  const DecodeBudget::Call call(budget_);
  const int64_t id = ++last_id_;
  slots_[id % kSlots] = {id, packet->info};
  SetPacketId(*context_, *packet->packet, id);
  int code = 0;
  if (hw_ == nullptr) {
    code = avcodec_send_packet(context_.get(), packet->packet.get());
  } else {
    Keep(*packet->packet, id);
    code = hw_->Send(context_.get(), packet->packet.get());
    if (!hw_->failure().empty()) code = FallBack();
  }
  if (code < 0) {
    slots_[id % kSlots].id = 0;
  } else {
    ++swallowed_;
  }
  return code;
}

int Decoder::Receive(AVFrame* picture, PacketInfo* info, bool* first) {
  const DecodeBudget::Call call(budget_);
  const int code = ReceiveNext(picture);
  if (code < 0) return code;
  swallowed_ = 0;
  if (hw_ == nullptr) buffers_.Note(*picture);
  const int64_t id = PacketIdOf(*picture);
  Slot& slot = slots_[static_cast<uint64_t>(id) % kSlots];
  if (slot.id == id && id != 0) {
    *info = slot.info;
    slot.id = 0;
  } else {
    // A second picture of one packet: it follows the first.
    *info = previous_.value_or(PacketInfo());
    info->has_pts = false;
  }
  if (!info->has_pts && previous_ && previous_->fragment_id == info->fragment_id) {
    info->pts_ms = previous_->pts_ms + previous_->duration_ms;
    info->offset_ms = previous_->offset_ms + previous_->duration_ms;
  }
  previous_ = *info;
  if (static_cast<int64_t>(picture->width) * picture->height > options_.max_pixels) {
    av_frame_unref(picture);
    return AVERROR(ERANGE);
  }
  *first = !given_any_;
  given_any_ = true;
  return 0;
}

int Decoder::ReceiveNext(AVFrame* picture) {
  if (hw_ != nullptr) {
    const int code = hw_->Receive(context_.get(), picture);
    if (hw_->failure().empty()) return code;
    if (const int refusal = FallBack(); refusal < 0) return refusal;
  }
  if (replayed_.empty()) return avcodec_receive_frame(context_.get(), picture);
  av_frame_unref(picture);
  av_frame_move_ref(picture, replayed_.front().get());
  replayed_.pop_front();
  return 0;
}

void Decoder::Keep(const AVPacket& packet, int64_t id) {
  const auto forget_oldest = [this] {
    kept_bytes_ -= static_cast<size_t>(kept_.front().packet->size);
    kept_.pop_front();
  };
  if ((packet.flags & AV_PKT_FLAG_KEY) != 0) {
    // Those since the key frame before are kept: an open group's leading pictures refer to them.
    while (!kept_.empty() && kept_.front().id < last_key_id_) forget_oldest();
    last_key_id_ = id;
  }
  UniquePacket copy(av_packet_clone(&packet));
  if (copy == nullptr) throw std::bad_alloc();
  kept_bytes_ += static_cast<size_t>(copy->size);
  kept_.push_back({std::move(copy), id});
  while (kept_bytes_ > kMaxKeptBytes) forget_oldest();
}

int Decoder::FallBack() {
  fallback_reason_ = hw_->failure();
  const AVCodec* const codec = context_->codec;
  context_.reset();
  hw_.reset();
  const std::deque<Kept> kept = std::exchange(kept_, {});
  kept_bytes_ = 0;
  int code = OpenContext(*codec);
  if (code < 0) {
    slots_.fill(Slot());
    throw std::runtime_error("cannot open the decoder in software: " + ErrorText(code));
  }
  // What is wrong with the packets before the last was told before.
  LogSink told;
  for (const Kept& one : kept) {
    std::optional<LogSink::Scope> silence;
    if (one.id != last_id_) silence.emplace(told);
    SetPacketId(*context_, *one.packet, one.id);
    code = avcodec_send_packet(context_.get(), one.packet.get());
    ReceiveReplayed();
  }
  if (is_draining_) {
    avcodec_send_packet(context_.get(), nullptr);
    ReceiveReplayed();
    return 0;
  }
  return code;
}

void Decoder::ReceiveReplayed() {
  for (UniqueFrame picture = NewFrame();
       avcodec_receive_frame(context_.get(), picture.get()) >= 0;) {
    const int64_t id = PacketIdOf(*picture);
    if (slots_[static_cast<uint64_t>(id) % kSlots].id != id) continue;
    replayed_.push_back(std::exchange(picture, NewFrame()));
  }
}

void Decoder::StartDrain() {
  const DecodeBudget::Call call(budget_);
  is_draining_ = true;
  avcodec_send_packet(context_.get(), nullptr);
}

void Decoder::Reset() {
  const DecodeBudget::Call call(budget_);
  avcodec_flush_buffers(context_.get());
  is_draining_ = false;
  kept_.clear();
  kept_bytes_ = 0;
  replayed_.clear();
  previous_.reset();
  swallowed_ = 0;
  slots_.fill(Slot());
}

bool Decoder::HoldsPictures() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.id != 0; });
}

std::optional<Fault> Decoder::ExplainSilence() const {
  if (swallowed_ <= kMostReordered + options_.threads) return std::nullopt;
  return Fault{Stage::kDecode, 0,
               "no picture came of " + std::to_string(swallowed_) + " packets in a row"};
}

Fault Decoder::ExplainRefusal(const AVPacket& packet, int code) const {
  // The codec's answer does not tell that the size was the reason; the parser reads it again. Only
  // faults come here, so its cost does not matter.
  const UniqueParser parser(av_parser_init(context_->codec_id));
  const UniqueCodecContext scratch(avcodec_alloc_context3(context_->codec));
  if (parser != nullptr && scratch != nullptr) {
    scratch->extradata =
        static_cast<uint8_t*>(av_mallocz(extradata_.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    if (scratch->extradata != nullptr) {
      std::copy(extradata_.begin(), extradata_.end(), scratch->extradata);
      scratch->extradata_size = static_cast<int>(extradata_.size());
    }
    parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
    uint8_t* data = nullptr;
    int size = 0;
    av_parser_parse2(parser.get(), scratch.get(), &data, &size, packet.data, packet.size,
                     AV_NOPTS_VALUE, AV_NOPTS_VALUE, 0);
    if (static_cast<int64_t>(parser->width) * parser->height > options_.max_pixels) {
      return TooLarge(parser->width, parser->height);
    }
  }
  return Fault{Stage::kDecode, code, ErrorText(code)};
}

Fault Decoder::TooLarge(int width, int height) const {
  return Fault{Stage::kLimit, 0,
               "picture of " + std::to_string(width) + "x" + std::to_string(height) +
                   " is larger than the limit of " + std::to_string(options_.max_pixels) +
                   " pixels; raise limits.maxPixels"};
}

}  // namespace kvs_frames
