#include "nal.h"

#include <algorithm>

namespace kvs_frames {
namespace {

// NAL unit types: ITU-T H.264 table 7-1, ITU-T H.265 table 7-1.
constexpr int kH264LastSlice = 5;
constexpr int kH264Idr = 5;
constexpr int kH264FirstSet = 7;  // SPS, PPS
constexpr int kH264LastSet = 8;
constexpr int kH264SpsExtension = 13;
constexpr int kH264SubsetSps = 15;
constexpr int kH265LastSlice = 31;
constexpr int kH265LastSubLayerType = 15;  // even ones up to here are not referred to
constexpr int kH265IdrWithLeading = 19;
constexpr int kH265Idr = 20;
constexpr int kH265FirstSet = 32;  // VPS, SPS, PPS
constexpr int kH265LastSet = 34;

bool IsSlice(AVCodecID codec, NalUnit unit) {
  const int type = NalType(codec, unit);
  return codec == AV_CODEC_ID_H264 ? type >= 1 && type <= kH264LastSlice : type <= kH265LastSlice;
}

bool IsIdr(AVCodecID codec, NalUnit unit) {
  const int type = NalType(codec, unit);
  if (codec == AV_CODEC_ID_H264) return type == kH264Idr;
  return type == kH265IdrWithLeading || type == kH265Idr;
}

std::vector<NalUnit> SplitByLengths(int length_bytes, ByteSpan data) {
  std::vector<NalUnit> units;
  const auto prefix = static_cast<size_t>(length_bytes);
  for (size_t at = 0; at + prefix < data.size;) {
    size_t length = 0;
    for (size_t i = 0; i < prefix; ++i) length = length << 8 | data.data[at + i];
    at += prefix;
    length = std::min(length, data.size - at);
    if (length > 0) units.push_back({data.data + at, length});
    at += length;
  }
  return units;
}

std::vector<NalUnit> SplitByStartCodes(ByteSpan data) {
  std::vector<NalUnit> units;
  const uint8_t* const end = data.data + data.size;
  const uint8_t* start = nullptr;
  // The zeros before a start code, and after the last unit, belong to no unit (H.264 annex B).
  const auto finish = [&](const uint8_t* stop) {
    if (start == nullptr) return;
    while (stop > start && stop[-1] == 0) --stop;
    if (stop > start) units.push_back({start, static_cast<size_t>(stop - start)});
  };
  for (const uint8_t* at = data.data; end - at >= 3;) {
    if (at[2] > 1) {
      at += 3;
    } else if (at[0] == 0 && at[1] == 0 && at[2] == 1) {
      finish(at);
      at += 3;
      start = at;
    } else {
      ++at;
    }
  }
  finish(end);
  return units;
}

std::vector<NalUnit> UnitsOf(const AVCodecParameters& parameters, const AVPacket& packet) {
  return SplitNalUnits(NalLengthBytes(parameters), {packet.data, static_cast<size_t>(packet.size)});
}

}  // namespace

int NalLengthBytes(const AVCodecParameters& parameters) {
  const bool h264 = parameters.codec_id == AV_CODEC_ID_H264;
  const int position = h264 ? 4 : 21;  // ISO/IEC 14496-15, 5.3.3.1.2 and 8.3.3.1.2
  if (parameters.extradata_size <= position || parameters.extradata[0] != 1) return 0;
  return (parameters.extradata[position] & 3) + 1;
}

std::vector<NalUnit> SplitNalUnits(int length_bytes, ByteSpan data) {
  return length_bytes == 0 ? SplitByStartCodes(data) : SplitByLengths(length_bytes, data);
}

int NalType(AVCodecID codec, NalUnit unit) {
  const uint8_t header = unit.data[0];
  return codec == AV_CODEC_ID_H264 ? header & 0x1f : (header >> 1) & 0x3f;
}

bool IsParameterSet(AVCodecID codec, NalUnit unit) {
  const int type = NalType(codec, unit);
  if (codec != AV_CODEC_ID_H264) return type >= kH265FirstSet && type <= kH265LastSet;
  return (type >= kH264FirstSet && type <= kH264LastSet) || type == kH264SpsExtension ||
         type == kH264SubsetSps;
}

bool StartsWithIdr(const AVCodecParameters& parameters, const AVPacket& packet) {
  for (const NalUnit& unit : UnitsOf(parameters, packet)) {
    if (IsSlice(parameters.codec_id, unit)) return IsIdr(parameters.codec_id, unit);
  }
  return false;
}

PacketUse UseOf(const AVCodecParameters& parameters, const AVPacket& packet) {
  PacketUse use;
  bool has_slice = false;
  bool is_referred = false;
  for (const NalUnit& unit : UnitsOf(parameters, packet)) {
    if (!IsSlice(parameters.codec_id, unit)) continue;
    has_slice = true;
    if (parameters.codec_id == AV_CODEC_ID_H264) {
      is_referred |= (unit.data[0] & 0x60) != 0;
      continue;
    }
    const int type = NalType(parameters.codec_id, unit);
    is_referred |= type > kH265LastSubLayerType || type % 2 != 0;
    if (unit.size > 1) use.temporal_id = std::max(use.temporal_id, (unit.data[1] & 7) - 1);
  }
  use.is_disposable = has_slice && !is_referred;
  return use;
}

}  // namespace kvs_frames
