#include "access_unit.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

namespace kvs_frames {
namespace {

constexpr size_t kPrefixBytes = 4;  // of a start code, and of a length
constexpr int kH264Sps = 7;
constexpr int kH264Pps = 8;
constexpr int kH264Delimiter = 9;
constexpr int kH265Sps = 33;
constexpr int kH265Pps = 34;
constexpr int kH265Delimiter = 35;

bool Has(AVCodecID codec, const std::vector<NalUnit>& units, int h264_type, int h265_type) {
  const int type = codec == AV_CODEC_ID_H264 ? h264_type : h265_type;
  return std::any_of(units.begin(), units.end(),
                     [&](const NalUnit& unit) { return NalType(codec, unit) == type; });
}

// A picture can't be decoded without either.
bool HasParameterSets(AVCodecID codec, const std::vector<NalUnit>& units) {
  return Has(codec, units, kH264Sps, kH265Sps) && Has(codec, units, kH264Pps, kH265Pps);
}

uint8_t* Put(uint8_t* to, Framing framing, NalUnit unit) {
  const auto length = framing == Framing::kAnnexB ? uint32_t{1} : static_cast<uint32_t>(unit.size);
  for (const int shift : {24, 16, 8, 0}) *to++ = static_cast<uint8_t>(length >> shift);
  std::memcpy(to, unit.data, unit.size);
  return to + unit.size;
}

// The size of the packet's picture as the bitstream has it, else as the container does.
std::pair<int, int> PictureSize(const AVCodecParameters& parameters, const AVPacket& packet) {
  const UniqueParser parser(av_parser_init(parameters.codec_id));
  const UniqueCodecContext context(avcodec_alloc_context3(nullptr));
  if (parser != nullptr && context != nullptr &&
      avcodec_parameters_to_context(context.get(), &parameters) >= 0) {
    parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
    uint8_t* data = nullptr;
    int size = 0;
    av_parser_parse2(parser.get(), context.get(), &data, &size, packet.data, packet.size,
                     AV_NOPTS_VALUE, AV_NOPTS_VALUE, 0);
    if (parser->width > 0 && parser->height > 0) return {parser->width, parser->height};
  }
  return {parameters.width, parameters.height};
}

}  // namespace

void AccessUnits::Read(const DemuxedFragment& fragment, const AVPacket& packet) {
  const AVCodecParameters& parameters = *fragment.parameters;
  is_key_ = (packet.flags & AV_PKT_FLAG_KEY) != 0;
  units_ =
      SplitNalUnits(NalLengthBytes(parameters), {packet.data, static_cast<size_t>(packet.size)});
  const bool is_other_track = UseExtradata(parameters);
  const bool has_other_sets = is_key_ && UseSetsInside();
  is_new_ = is_other_track || has_other_sets;
  if (is_new_) std::tie(width_, height_) = PictureSize(parameters, packet);
  if (framing_ == Framing::kAnnexB && is_key_ && !HasParameterSets(codec_, units_)) InsertSets();
  bytes_ = 0;
  for (const NalUnit& unit : units_) bytes_ += kPrefixBytes + unit.size;
}

void AccessUnits::Write(uint8_t* to) const {
  for (const NalUnit& unit : units_) to = Put(to, framing_, unit);
}

std::vector<uint8_t> AccessUnits::CodecData() const {
  if (framing_ == Framing::kAvcc) return CodecRecord(codec_, sets_);
  std::vector<uint8_t> data;
  for (const NalBytes& set : sets_) {
    const size_t at = data.size();
    data.resize(at + kPrefixBytes + set.size());
    Put(data.data() + at, framing_, {set.data(), set.size()});
  }
  return data;
}

bool AccessUnits::UseExtradata(const AVCodecParameters& parameters) {
  const uint8_t* const data = parameters.extradata;
  const auto size = static_cast<size_t>(std::max(parameters.extradata_size, 0));
  if (codec_ == parameters.codec_id &&
      std::equal(extradata_.begin(), extradata_.end(), data, data + size)) {
    return false;
  }
  codec_ = parameters.codec_id;
  extradata_.assign(data, data + size);
  sets_ = ParameterSetsOf(parameters);
  return true;
}

bool AccessUnits::UseSetsInside() {
  if (!HasParameterSets(codec_, units_)) return false;
  std::vector<NalBytes> sets;
  for (const NalUnit& unit : units_) {
    if (IsParameterSet(codec_, unit)) sets.emplace_back(unit.data, unit.data + unit.size);
  }
  if (sets == sets_) return false;
  sets_ = std::move(sets);
  return true;
}

void AccessUnits::InsertSets() {
  std::vector<NalUnit> sets;
  for (const NalBytes& set : sets_) sets.push_back({set.data(), set.size()});
  // A delimiter is the first of its access unit.
  const int delimiter = codec_ == AV_CODEC_ID_H264 ? kH264Delimiter : kH265Delimiter;
  const bool has_delimiter = !units_.empty() && NalType(codec_, units_[0]) == delimiter;
  units_.insert(units_.begin() + (has_delimiter ? 1 : 0), sets.begin(), sets.end());
}

}  // namespace kvs_frames
