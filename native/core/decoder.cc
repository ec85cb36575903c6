#include "decoder.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

namespace kvs_frames {
namespace {

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
  context_.reset();
  slots_.fill(Slot());
  previous_.reset();
  given_any_ = false;
  begun_fragment_ = -1;
  idr_starts_ = 0;
  other_starts_ = 0;
  if (static_cast<int64_t>(parameters.width) * parameters.height > options_.max_pixels) {
    return TooLarge(parameters.width, parameters.height);
  }
  const AVCodec* const codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr) {
    return Fault{Stage::kDecode, AVERROR_DECODER_NOT_FOUND,
                 std::string("this libavcodec was built without a decoder for ") +
                     avcodec_get_name(parameters.codec_id)};
  }
  UniqueCodecContext context(avcodec_alloc_context3(codec));
  if (context == nullptr) throw std::bad_alloc();
  int code = avcodec_parameters_to_context(context.get(), &parameters);
  if (code >= 0) {
    context->opaque = options_.log_sink;
    context->pkt_timebase = fragment.time_base;
    context->thread_count = options_.threads;
    context->max_pixels = options_.max_pixels;
    // Cropping to the exact column; the converter takes pointers of any alignment.
    context->flags |= AV_CODEC_FLAG_UNALIGNED;
    EnablePacketIds(*context);
    AVDictionary* options = nullptr;
    av_dict_set(&options, "codec_whitelist", "h264,hevc", 0);
    code = avcodec_open2(context.get(), codec, &options);
    av_dict_free(&options);
  }
  if (code < 0) {
    return Fault{Stage::kDecode, code,
                 std::string("cannot open the decoder for ") +
                     avcodec_get_name(parameters.codec_id) + ": " + ErrorText(code)};
  }
  context_ = std::move(context);
  extradata_ = Extradata(parameters);
  return std::nullopt;
}

void Decoder::BeginFragment(const DemuxedFragment& fragment) {
  // A second copy of a fragment proves nothing more about how the stream's fragments start.
  const int64_t id = fragment.packets.front().info.fragment_id;
  if (std::exchange(begun_fragment_, id) != id) {
    ++(fragment.starts_with_idr ? idr_starts_ : other_starts_);
  }
  // The stream may begin to reorder after its first fragment.
  context_->has_b_frames = std::max(context_->has_b_frames, fragment.parameters->video_delay);
}

int Decoder::Send(DemuxedPacket* packet) {
  const int64_t id = ++last_id_;
  slots_[id % kSlots] = {id, packet->info};
  SetPacketId(*context_, *packet->packet, id);
  const int code = avcodec_send_packet(context_.get(), packet->packet.get());
  if (code < 0) slots_[id % kSlots].id = 0;
  return code;
}

int Decoder::Receive(AVFrame* picture, PacketInfo* info, bool* first) {
  const int code = avcodec_receive_frame(context_.get(), picture);
  if (code < 0) return code;
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
  *first = !given_any_;
  given_any_ = true;
  return 0;
}

void Decoder::StartDrain() { avcodec_send_packet(context_.get(), nullptr); }

void Decoder::Reset() {
  avcodec_flush_buffers(context_.get());
  previous_.reset();
  slots_.fill(Slot());
}

bool Decoder::HoldsPictures() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.id != 0; });
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
                   " pixels is larger than maxPixels " + std::to_string(options_.max_pixels)};
}

}  // namespace kvs_frames
