// Extradata and packets as bytes of any kind, past libavformat: NAL units, parameter sets and the
// records that are made of them. Options of 4 bytes, then pieces: extradata (tag kInit) or a
// packet.
#include <cstring>
#include <new>

#include "access_unit.h"
#include "codec_data.h"
#include "fuzz_input.h"
#include "nal.h"

namespace kvs_frames::fuzz {
namespace {

constexpr size_t kMaxPieces = 16;

void SetExtradata(ByteSpan bytes, AVCodecParameters* parameters) {
  av_freep(&parameters->extradata);
  parameters->extradata_size = 0;
  if (bytes.size == 0) return;
  parameters->extradata =
      static_cast<uint8_t*>(av_mallocz(bytes.size + AV_INPUT_BUFFER_PADDING_SIZE));
  if (parameters->extradata == nullptr) throw std::bad_alloc();
  std::memcpy(parameters->extradata, bytes.data, bytes.size);
  parameters->extradata_size = static_cast<int>(bytes.size);
}

UniquePacket PacketOf(ByteSpan bytes, bool is_key) {
  UniquePacket packet = NewPacket();
  if (av_new_packet(packet.get(), static_cast<int>(bytes.size)) < 0) throw std::bad_alloc();
  if (bytes.size > 0) std::memcpy(packet->data, bytes.data, bytes.size);
  if (is_key) packet->flags |= AV_PKT_FLAG_KEY;
  return packet;
}

// A record must hold what can be read back from it.
void CheckRecord(const AVCodecParameters& parameters) {
  const std::vector<NalBytes> sets = ParameterSetsOf(parameters);
  for (const NalBytes& set : sets) FUZZ_CHECK(!set.empty());
  const std::vector<uint8_t> record = CodecRecord(parameters.codec_id, sets);
  if (record.empty()) return;
  const UniqueCodecParameters made = NewCodecParameters();
  made->codec_id = parameters.codec_id;
  SetExtradata({record.data(), record.size()}, made.get());
  FUZZ_CHECK(NalLengthBytes(*made) == 4);
  FUZZ_CHECK(CodecRecord(parameters.codec_id, ParameterSetsOf(*made)).size() <= record.size());
  const std::vector<NalBytes> read = ParameterSetsOf(*made);
  FUZZ_CHECK(!read.empty());
  for (const NalBytes& set : read) {
    FUZZ_CHECK(std::find(sets.begin(), sets.end(), set) != sets.end());
  }
}

void CheckUnits(const DemuxedFragment& fragment, const AVPacket& packet, Framing framing,
                AccessUnits* units) {
  units->Read(fragment, packet);
  std::vector<uint8_t> bytes(units->bytes());
  units->Write(bytes.data());
  if (framing == Framing::kAvcc) {
    size_t whole = 0;
    for (const NalUnit& unit : SplitNalUnits(4, {bytes.data(), bytes.size()})) {
      whole += 4 + unit.size;
    }
    FUZZ_CHECK(whole == bytes.size());
  }
  units->CodecData();
}

void Run(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const bool is_hevc = (input.Byte() & 1) != 0;
  input.Take(3);
  DemuxedFragment fragment;
  fragment.parameters = NewCodecParameters();
  fragment.parameters->codec_type = AVMEDIA_TYPE_VIDEO;
  fragment.parameters->codec_id = is_hevc ? AV_CODEC_ID_HEVC : AV_CODEC_ID_H264;
  AccessUnits annex_b(Framing::kAnnexB);
  AccessUnits avcc(Framing::kAvcc);
  for (const Piece& piece : PiecesOf(&input, kMaxPieces)) {
    if ((piece.tag & 3) == kInit) {
      SetExtradata(piece.bytes, fragment.parameters.get());
      CheckRecord(*fragment.parameters);
      continue;
    }
    if (piece.bytes.size == 0) continue;  // the demuxer lets none pass
    const UniquePacket packet = PacketOf(piece.bytes, (piece.tag & 4) != 0);
    StartsWithIdr(*fragment.parameters, *packet);
    UseOf(*fragment.parameters, *packet);
    CheckUnits(fragment, *packet, Framing::kAnnexB, &annex_b);
    CheckUnits(fragment, *packet, Framing::kAvcc, &avcc);
  }
}

}  // namespace
}  // namespace kvs_frames::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kvs_frames::fuzz::Run(data, size);
  return 0;
}
