#include "av.h"

#include <array>
#include <cerrno>
#include <new>

namespace kvs_frames {
namespace {

struct NamedCode {
  int code;
  const char* name;
};

constexpr std::array<NamedCode, 16> kNamedCodes = {{
    {AVERROR_BSF_NOT_FOUND, "AVERROR_BSF_NOT_FOUND"},
    {AVERROR_BUG, "AVERROR_BUG"},
    {AVERROR_BUFFER_TOO_SMALL, "AVERROR_BUFFER_TOO_SMALL"},
    {AVERROR_DECODER_NOT_FOUND, "AVERROR_DECODER_NOT_FOUND"},
    {AVERROR_DEMUXER_NOT_FOUND, "AVERROR_DEMUXER_NOT_FOUND"},
    {AVERROR_EOF, "AVERROR_EOF"},
    {AVERROR_EXIT, "AVERROR_EXIT"},
    {AVERROR_EXTERNAL, "AVERROR_EXTERNAL"},
    {AVERROR_INVALIDDATA, "AVERROR_INVALIDDATA"},
    {AVERROR_PATCHWELCOME, "AVERROR_PATCHWELCOME"},
    {AVERROR_UNKNOWN, "AVERROR_UNKNOWN"},
    {AVERROR(EAGAIN), "AVERROR(EAGAIN)"},
    {AVERROR(EINVAL), "AVERROR(EINVAL)"},
    {AVERROR(EIO), "AVERROR(EIO)"},
    {AVERROR(ENOMEM), "AVERROR(ENOMEM)"},
    {AVERROR(EPERM), "AVERROR(EPERM)"},
}};

template <typename Pointer>
Pointer OrBadAlloc(typename Pointer::pointer raw) {
  if (raw == nullptr) throw std::bad_alloc();
  return Pointer(raw);
}

}  // namespace

UniqueCodecParameters NewCodecParameters() {
  return OrBadAlloc<UniqueCodecParameters>(avcodec_parameters_alloc());
}

UniquePacket NewPacket() { return OrBadAlloc<UniquePacket>(av_packet_alloc()); }

UniqueFrame NewFrame() { return OrBadAlloc<UniqueFrame>(av_frame_alloc()); }

std::string ErrorText(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  return text.data();
}

std::string ErrorName(int code) {
  for (const NamedCode& named : kNamedCodes) {
    if (named.code == code) return named.name;
  }
  return {};
}

std::string VersionText(unsigned version) {
  return std::to_string(AV_VERSION_MAJOR(version)) + "." +
         std::to_string(AV_VERSION_MINOR(version)) + "." +
         std::to_string(AV_VERSION_MICRO(version));
}

bool IsKeyFrame(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
  return (frame.flags & AV_FRAME_FLAG_KEY) != 0;
#else
  return frame.key_frame != 0;
#endif
}

bool IsInterlaced(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
  return (frame.flags & AV_FRAME_FLAG_INTERLACED) != 0;
#else
  return frame.interlaced_frame != 0;
#endif
}

bool IsDamaged(const AVFrame& frame) {
  return (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame.decode_error_flags != 0;
}

#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(59, 63, 100)

void EnablePacketIds(AVCodecContext& context) { context.flags |= AV_CODEC_FLAG_COPY_OPAQUE; }

void SetPacketId(AVCodecContext& /*context*/, AVPacket& packet, int64_t id) {
  packet.opaque = reinterpret_cast<void*>(static_cast<intptr_t>(id));
}

int64_t PacketIdOf(const AVFrame& frame) { return reinterpret_cast<intptr_t>(frame.opaque); }

#else

void EnablePacketIds(AVCodecContext& /*context*/) {}

void SetPacketId(AVCodecContext& context, AVPacket& /*packet*/, int64_t id) {
  context.reordered_opaque = id;
}

int64_t PacketIdOf(const AVFrame& frame) { return frame.reordered_opaque; }

#endif

}  // namespace kvs_frames
