// The walk over boxes, transport packets and NAL units: what a fragment's bytes say of its
// pictures, with nothing decoded. Options of 4 bytes, then pieces.
#include <atomic>
#include <cmath>

#include "access_unit.h"
#include "fragment_demuxer.h"
#include "fragment_plan.h"
#include "fuzz_input.h"

namespace kvs_frames::fuzz {
namespace {

constexpr size_t kMaxPieces = 12;
constexpr size_t kMaxFrames = 1000;

struct Choices {
  Selection selection;
  bool is_encoded = false;
  double step_ms = 0;
};

bool IsLength(double ms) { return std::isfinite(ms) && ms >= 0; }

void CheckFragment(const DemuxedFragment& fragment) {
  FUZZ_CHECK(!fragment.packets.empty() && fragment.packets.size() <= kMaxFrames);
  FUZZ_CHECK(IsLength(fragment.duration_ms));
  FUZZ_CHECK(fragment.parameters->video_delay >= 0);
  for (const DemuxedPacket& packet : fragment.packets) {
    FUZZ_CHECK(packet.packet->size > 0);
    FUZZ_CHECK(std::isfinite(packet.info.pts_ms) && std::isfinite(packet.info.dts_ms));
    FUZZ_CHECK(IsLength(packet.info.offset_ms) && IsLength(packet.info.duration_ms));
    FUZZ_CHECK(packet.info.offset_ms <= fragment.duration_ms);
  }
}

void CheckUnits(const DemuxedFragment& fragment, AccessUnits* units) {
  for (const DemuxedPacket& packet : fragment.packets) {
    units->Read(fragment, *packet.packet);
    std::vector<uint8_t> bytes(units->bytes());
    units->Write(bytes.data());
    if (units->is_new()) units->CodecData();
  }
}

class Stream {
 public:
  explicit Stream(const Choices& choices)
      : choices_(choices),
        plan_({choices.selection.key_frames_only, choices.is_encoded}),
        selector_(choices.selection) {}

  void Read(ByteSpan init, ByteSpan media) {
    const std::vector<uint8_t> exact_init = Exact(init);
    const std::vector<uint8_t> exact_media = Exact(media);
    DemuxedFragment fragment;
    const auto fault = DemuxFragment({exact_init.data(), exact_init.size()},
                                     {exact_media.data(), exact_media.size()}, ++id_, cancelled_,
                                     &fragment, kMaxFrames);
    if (fault) {
      FUZZ_CHECK(!fault->message.empty());
      return;
    }
    CheckFragment(fragment);
    plan_.Begin(&fragment, start_ms_, choices_.step_ms != 0, &selector_);
    start_ms_ += choices_.step_ms;
    for (const DemuxedPacket& packet : fragment.packets) {
      FUZZ_CHECK(std::isfinite(packet.info.place_ms));
      FUZZ_CHECK(IsLength(packet.info.place_duration_ms));
    }
    CheckUnits(fragment, &annex_b_);
    CheckUnits(fragment, &avcc_);
    const bool starts_anew = id_ % 2 == 0;
    plan_.TakeUnneeded(0, starts_anew);
    const size_t middle = fragment.packets.size() / 2;
    plan_.SetFloor(start_ms_ + fragment.duration_ms / 2, middle);
    plan_.TakeUnneeded(middle, starts_anew);
    plan_.EndsEarly();
  }

 private:
  const Choices choices_;
  const std::atomic<bool> cancelled_{false};
  FragmentPlan plan_;
  FrameSelector selector_;
  AccessUnits annex_b_{Framing::kAnnexB};
  AccessUnits avcc_{Framing::kAvcc};
  int64_t id_ = 0;
  double start_ms_ = 0;
};

void Run(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Choices choices;
  const int kind = input.Byte();
  choices.selection.key_frames_only = (kind & 1) != 0;
  choices.is_encoded = (kind & 2) != 0;
  choices.selection.every_nth = 1 + (kind >> 4);
  choices.selection.period_ms = input.Byte() * 4.0;
  choices.step_ms = input.Byte() * 16.0;
  input.Byte();
  Stream stream(choices);
  ByteSpan init;
  for (const Piece& piece : PiecesOf(&input, kMaxPieces)) {
    const int tag = piece.tag & 3;
    if (tag == kInit) {
      init = piece.bytes;
    } else {
      stream.Read(tag == kTransport ? ByteSpan() : init, piece.bytes);
    }
  }
}

}  // namespace
}  // namespace kvs_frames::fuzz

// Of media_mutator.cc.
extern const size_t kOptionBytes = 4;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kvs_frames::fuzz::Run(data, size);
  return 0;
}
