#include "claimed_units.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "nal.h"

namespace kvs_frames {
namespace {

// A picture has 600 slices at most (ITU-T H.265 table A.8, level 6.2); a fragment of 2 s at 60
// pictures a second has 72,000 then.
constexpr size_t kMaxUnits = 4096;
constexpr size_t kMaxTransportUnits = 100'000;
constexpr size_t kMaxUnitsPerFrame = 10;

constexpr size_t kMaxSeiBytes = size_t{1} << 20;

constexpr int kH264Sei = 6;         // ITU-T H.264 table 7-1
constexpr int kH265PrefixSei = 39;  // ITU-T H.265 table 7-1
constexpr int kH265SuffixSei = 40;

bool IsSei(AVCodecID codec, NalUnit unit) {
  const int type = NalType(codec, unit);
  if (codec == AV_CODEC_ID_H264) return type == kH264Sei;
  return type == kH265PrefixSei || type == kH265SuffixSei;
}

// The byte behind the next start code, or `end`. Leaps from zero to zero, which coded pictures
// have few of.
const uint8_t* BehindStartCode(const uint8_t* at, const uint8_t* end) {
  while (end - at >= 3) {
    const void* const zero = std::memchr(at, 0, static_cast<size_t>(end - at) - 2);
    if (zero == nullptr) return end;
    at = static_cast<const uint8_t*>(zero);
    if (at[1] != 0) {
      at += 2;
    } else if (at[2] == 1) {
      return at + 3;
    } else {
      at += at[2] == 0 ? 1 : 3;
    }
  }
  return end;
}

// What a packet's units come to.
struct Claims {
  size_t units = 0;
  size_t sei_bytes = 0;

  bool IsTooMuch() const { return units > kMaxUnits || sei_bytes > kMaxSeiBytes; }

  void Add(AVCodecID codec, NalUnit unit) {
    if (unit.size == 0) return;
    ++units;
    if (IsSei(codec, unit)) sei_bytes += unit.size;
  }
};

Claims ClaimsByLengths(AVCodecID codec, size_t length_bytes, ByteSpan data) {
  Claims claims;
  for (size_t at = 0; at + length_bytes < data.size && !claims.IsTooMuch();) {
    size_t length = 0;
    for (size_t i = 0; i < length_bytes; ++i) length = length << 8 | data.data[at + i];
    at += length_bytes;
    length = std::min(length, data.size - at);
    claims.Add(codec, {data.data + at, length});
    at += length;
  }
  return claims;
}

Claims ClaimsByStartCodes(AVCodecID codec, ByteSpan data) {
  Claims claims;
  const uint8_t* const end = data.data + data.size;
  const uint8_t* unit = BehindStartCode(data.data, end);
  while (unit != end && !claims.IsTooMuch()) {
    const uint8_t* const next = BehindStartCode(unit, end);
    claims.Add(codec, {unit, static_cast<size_t>(next - unit)});
    unit = next;
  }
  return claims;
}

}  // namespace

std::optional<Fault> CheckClaimedUnits(ByteSpan transport_stream, size_t max_frames) {
  const size_t max_units = std::max(kMaxTransportUnits, kMaxUnitsPerFrame * max_frames);
  const uint8_t* const end = transport_stream.data + transport_stream.size;
  const uint8_t* at = transport_stream.data;
  for (size_t units = 0; units <= max_units; ++units) {
    at = BehindStartCode(at, end);
    if (at == end) return std::nullopt;
  }
  return Fault{
      Stage::kDemux, AVERROR_INVALIDDATA,
      "the MPEG-TS fragment has more than " + std::to_string(max_units) + " NAL unit start codes"};
}

std::optional<std::string> WhyUndecodable(const AVCodecParameters& parameters,
                                          const AVPacket& packet) {
  const ByteSpan data{packet.data, static_cast<size_t>(packet.size)};
  // Every unit has a byte.
  if (data.size <= kMaxUnits) return std::nullopt;
  const auto length_bytes = static_cast<size_t>(NalLengthBytes(parameters));
  const Claims claims = length_bytes == 0
                            ? ClaimsByStartCodes(parameters.codec_id, data)
                            : ClaimsByLengths(parameters.codec_id, length_bytes, data);
  if (claims.units > kMaxUnits) return "more than " + std::to_string(kMaxUnits) + " NAL units";
  if (claims.sei_bytes > kMaxSeiBytes) {
    return "more than " + std::to_string(kMaxSeiBytes) + " bytes of SEI";
  }
  return std::nullopt;
}

}  // namespace kvs_frames
