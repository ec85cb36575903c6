#include "codec_data.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace kvs_frames {
namespace {

constexpr int kH264Sps = 7;
constexpr int kH264Pps = 8;
constexpr int kH264SpsExtension = 13;
constexpr int kH265Vps = 32;
constexpr int kH265Sps = 33;
constexpr int kH265Pps = 34;

// Reads a NAL unit's payload without its emulation prevention bytes (H.264 7.3.1, H.265 7.3.1.1).
// Past the end there are zeros.
class BitReader {
 public:
  explicit BitReader(const NalBytes& unit) {
    int zeros = 0;
    for (const uint8_t byte : unit) {
      if (zeros >= 2 && byte == 3) {
        zeros = 0;
        continue;
      }
      zeros = byte == 0 ? zeros + 1 : 0;
      bytes_.push_back(byte);
    }
  }

  uint32_t Bits(int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 1 | Bit();
    return value;
  }
  void Skip(int count) { at_ += static_cast<size_t>(count); }

  // ue(v)
  uint32_t Golomb() {
    int zeros = 0;
    while (zeros < 32 && at_ < bytes_.size() * 8 && Bit() == 0) ++zeros;
    return zeros == 32 ? 0 : (uint32_t{1} << zeros) - 1 + Bits(zeros);
  }

 private:
  uint32_t Bit() {
    const size_t byte = at_ / 8;
    const uint32_t bit = byte < bytes_.size() ? bytes_[byte] >> (7 - at_ % 8) & 1u : 0;
    ++at_;
    return bit;
  }

  NalBytes bytes_;
  size_t at_ = 0;  // in bits
};

int TypeOf(AVCodecID codec, const NalBytes& unit) {
  return NalType(codec, {unit.data(), unit.size()});
}

// Those that a record has room for: so many, and none whose length does not fit into 16 bits.
std::vector<NalBytes> OfType(AVCodecID codec, const std::vector<NalBytes>& sets, int type,
                             size_t at_most) {
  std::vector<NalBytes> chosen;
  for (const NalBytes& set : sets) {
    if (chosen.size() == at_most) break;
    if (TypeOf(codec, set) == type && set.size() <= UINT16_MAX) chosen.push_back(set);
  }
  return chosen;
}

void Append16(std::vector<uint8_t>* record, size_t value) {
  record->push_back(static_cast<uint8_t>(value >> 8));
  record->push_back(static_cast<uint8_t>(value));
}

// Each set behind its length of 16 bits.
void AppendSets(std::vector<uint8_t>* record, const std::vector<NalBytes>& sets) {
  for (const NalBytes& set : sets) {
    Append16(record, set.size());
    record->insert(record->end(), set.begin(), set.end());
  }
}

// The sets of a run in a record: so many of them, each behind its length. Moves `*at` behind it.
void ReadSets(ByteSpan record, size_t count, size_t* at, std::vector<NalBytes>* sets) {
  for (size_t i = 0; i < count && *at + 2 <= record.size; ++i) {
    const size_t length = static_cast<size_t>(record.data[*at]) << 8 | record.data[*at + 1];
    *at += 2;
    if (length > record.size - *at) {
      *at = record.size;
      return;
    }
    const uint8_t* const start = record.data + *at;
    if (length > 0) sets->emplace_back(start, start + length);
    *at += length;
  }
}

// ISO/IEC 14496-15, 5.3.3.1.2.
std::vector<NalBytes> SetsOfAvcC(ByteSpan record) {
  std::vector<NalBytes> sets;
  size_t at = 5;
  for (const unsigned mask : {0x1fu, 0xffu}) {
    if (at >= record.size) break;
    const size_t count = record.data[at] & mask;
    ++at;
    ReadSets(record, count, &at, &sets);
  }
  return sets;
}

// ISO/IEC 14496-15, 8.3.3.1.2.
std::vector<NalBytes> SetsOfHvcC(ByteSpan record) {
  std::vector<NalBytes> sets;
  if (record.size < 23) return sets;
  size_t at = 23;
  for (size_t arrays = record.data[22]; arrays > 0 && at + 3 <= record.size; --arrays) {
    const size_t count = static_cast<size_t>(record.data[at + 1]) << 8 | record.data[at + 2];
    at += 3;
    ReadSets(record, count, &at, &sets);
  }
  return sets;
}

std::vector<uint8_t> AvcC(const std::vector<NalBytes>& sets) {
  const auto sps = OfType(AV_CODEC_ID_H264, sets, kH264Sps, 31);
  const auto pps = OfType(AV_CODEC_ID_H264, sets, kH264Pps, UINT8_MAX);
  if (sps.empty() || sps[0].size() < 4) return {};
  const uint8_t profile = sps[0][1];
  std::vector<uint8_t> record = {1, profile, sps[0][2], sps[0][3], 0xff};
  record.push_back(static_cast<uint8_t>(0xe0 | sps.size()));
  AppendSets(&record, sps);
  record.push_back(static_cast<uint8_t>(pps.size()));
  AppendSets(&record, pps);
  constexpr std::array<uint8_t, 4> kWithFormat = {100, 110, 122, 144};
  if (std::find(kWithFormat.begin(), kWithFormat.end(), profile) == kWithFormat.end())
    return record;
  BitReader bits(sps[0]);
  bits.Skip(32);  // header, profile, constraints, level
  bits.Golomb();  // id
  const uint32_t chroma_format = bits.Golomb();
  if (chroma_format == 3) bits.Skip(1);
  const uint32_t luma_depth = bits.Golomb();
  const uint32_t chroma_depth = bits.Golomb();
  record.push_back(static_cast<uint8_t>(0xfc | (chroma_format & 3)));
  record.push_back(static_cast<uint8_t>(0xf8 | (luma_depth & 7)));
  record.push_back(static_cast<uint8_t>(0xf8 | (chroma_depth & 7)));
  const auto extensions = OfType(AV_CODEC_ID_H264, sets, kH264SpsExtension, UINT8_MAX);
  record.push_back(static_cast<uint8_t>(extensions.size()));
  AppendSets(&record, extensions);
  return record;
}

// What an `hvcC` record repeats of the SPS (H.265 7.3.2.2, 7.3.3).
struct H265Format {
  std::array<uint8_t, 12> profile_tier_level{};  // general ones
  uint32_t sub_layers = 1;
  uint32_t is_nested = 0;
  uint32_t chroma_format = 1;
  uint32_t luma_depth = 0;  // minus 8
  uint32_t chroma_depth = 0;
};

H265Format ReadH265Sps(const NalBytes& sps) {
  H265Format format;
  BitReader bits(sps);
  bits.Skip(16 + 4);  // header, VPS id
  const uint32_t max_sub_layers_minus1 = bits.Bits(3);
  format.sub_layers = max_sub_layers_minus1 + 1;
  format.is_nested = bits.Bits(1);
  for (uint8_t& byte : format.profile_tier_level) byte = static_cast<uint8_t>(bits.Bits(8));
  std::array<bool, 8> has_profile{};
  std::array<bool, 8> has_level{};
  for (uint32_t i = 0; i < max_sub_layers_minus1; ++i) {
    has_profile[i] = bits.Bits(1) != 0;
    has_level[i] = bits.Bits(1) != 0;
  }
  if (max_sub_layers_minus1 > 0) bits.Skip(static_cast<int>(8 - max_sub_layers_minus1) * 2);
  for (uint32_t i = 0; i < max_sub_layers_minus1; ++i) {
    if (has_profile[i]) bits.Skip(88);
    if (has_level[i]) bits.Skip(8);
  }
  bits.Golomb();  // id
  format.chroma_format = bits.Golomb();
  if (format.chroma_format == 3) bits.Skip(1);
  bits.Golomb();  // width
  bits.Golomb();  // height
  if (bits.Bits(1) != 0) {
    for (int side = 0; side < 4; ++side) bits.Golomb();
  }
  format.luma_depth = bits.Golomb();
  format.chroma_depth = bits.Golomb();
  return format;
}

std::vector<uint8_t> HvcC(const std::vector<NalBytes>& sets) {
  const auto sps = OfType(AV_CODEC_ID_HEVC, sets, kH265Sps, 1);
  if (sps.empty()) return {};
  const H265Format format = ReadH265Sps(sps[0]);
  std::vector<uint8_t> record = {1};
  record.insert(record.end(), format.profile_tier_level.begin(), format.profile_tier_level.end());
  // Spatial segmentation, parallelism and frame rate: not known, which 0 says.
  const auto low = [](uint32_t value, uint32_t mask) { return static_cast<uint8_t>(value & mask); };
  record.insert(record.end(),
                {0xf0, 0x00, 0xfc, static_cast<uint8_t>(0xfc | low(format.chroma_format, 3)),
                 static_cast<uint8_t>(0xf8 | low(format.luma_depth, 7)),
                 static_cast<uint8_t>(0xf8 | low(format.chroma_depth, 7)), 0, 0,
                 static_cast<uint8_t>(low(format.sub_layers, 7) << 3 | format.is_nested << 2 | 3)});
  constexpr std::array<int, 3> kTypes = {kH265Vps, kH265Sps, kH265Pps};
  record.push_back(static_cast<uint8_t>(kTypes.size()));
  for (const int type : kTypes) {
    const auto of_type = OfType(AV_CODEC_ID_HEVC, sets, type, UINT16_MAX);
    record.push_back(static_cast<uint8_t>(type));  // others may lie in the units too
    Append16(&record, of_type.size());
    AppendSets(&record, of_type);
  }
  return record;
}

}  // namespace

std::vector<NalBytes> ParameterSetsOf(const AVCodecParameters& parameters) {
  const ByteSpan extradata = {parameters.extradata,
                              static_cast<size_t>(std::max(parameters.extradata_size, 0))};
  if (NalLengthBytes(parameters) != 0) {
    return parameters.codec_id == AV_CODEC_ID_H264 ? SetsOfAvcC(extradata) : SetsOfHvcC(extradata);
  }
  std::vector<NalBytes> sets;
  for (const NalUnit& unit : SplitNalUnits(0, extradata)) {
    if (!IsParameterSet(parameters.codec_id, unit)) continue;
    sets.emplace_back(unit.data, unit.data + unit.size);
  }
  return sets;
}

std::vector<uint8_t> CodecRecord(AVCodecID codec, const std::vector<NalBytes>& sets) {
  return codec == AV_CODEC_ID_H264 ? AvcC(sets) : HvcC(sets);
}

}  // namespace kvs_frames
