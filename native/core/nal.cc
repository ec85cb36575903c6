#include "nal.h"

#include <cstdint>
#include <optional>

namespace kvs_frames {
namespace {

// NAL unit types: ITU-T H.264 table 7-1, ITU-T H.265 table 7-1.
constexpr int kH264LastSlice = 5;
constexpr int kH264Idr = 5;
constexpr int kH265LastSlice = 31;
constexpr int kH265IdrWithLeading = 19;
constexpr int kH265Idr = 20;

// Whether the slice with this first header byte is an IDR's; nothing if it is no slice.
std::optional<bool> IsIdrSlice(AVCodecID codec, uint8_t header) {
  if (codec == AV_CODEC_ID_H264) {
    const int type = header & 0x1f;
    if (type == 0 || type > kH264LastSlice) return std::nullopt;
    return type == kH264Idr;
  }
  const int type = (header >> 1) & 0x3f;
  if (type > kH265LastSlice) return std::nullopt;
  return type == kH265IdrWithLeading || type == kH265Idr;
}

// Bytes of the length before each NAL unit, from avcC or hvcC; 0 means start codes.
int LengthBytes(const AVCodecParameters& parameters) {
  const bool h264 = parameters.codec_id == AV_CODEC_ID_H264;
  const int position = h264 ? 4 : 21;  // ISO/IEC 14496-15, 5.3.3.1.2 and 8.3.3.1.2
  if (parameters.extradata_size <= position || parameters.extradata[0] != 1) return 0;
  return (parameters.extradata[position] & 3) + 1;
}

bool StartsWithIdrByLengths(AVCodecID codec, int length_bytes, const uint8_t* data, int64_t size) {
  int64_t at = 0;
  while (at + length_bytes < size) {
    int64_t length = 0;
    for (int i = 0; i < length_bytes; ++i) length = length << 8 | data[at + i];
    at += length_bytes;
    if (length == 0) continue;
    if (const auto idr = IsIdrSlice(codec, data[at])) return *idr;
    at += length;
  }
  return false;
}

bool StartsWithIdrByStartCodes(AVCodecID codec, const uint8_t* data, int64_t size) {
  for (int64_t at = 0; at + 3 < size; ++at) {
    if (data[at] != 0 || data[at + 1] != 0 || data[at + 2] != 1) continue;
    if (const auto idr = IsIdrSlice(codec, data[at + 3])) return *idr;
    at += 2;
  }
  return false;
}

}  // namespace

bool StartsWithIdr(const AVCodecParameters& parameters, const AVPacket& packet) {
  const int length_bytes = LengthBytes(parameters);
  return length_bytes == 0
             ? StartsWithIdrByStartCodes(parameters.codec_id, packet.data, packet.size)
             : StartsWithIdrByLengths(parameters.codec_id, length_bytes, packet.data, packet.size);
}

}  // namespace kvs_frames
