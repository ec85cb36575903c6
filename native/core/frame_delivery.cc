#include "frame_delivery.h"

namespace kvs_frames {

void FrameDelivery::Begin(int64_t fragment_id, const DemuxedFragment& fragment) {
  progress_.Begin(fragment_id, fragment);
}

void FrameDelivery::LeaveOut(const PacketInfo& info) {
  withheld_.Add(info);
  progress_.LeaveOut(info);
}

std::optional<Fault> FrameDelivery::OnPicture(const AVFrame& picture, PacketInfo info,
                                              bool is_hevc) {
  Drop(withheld_.TakeBefore(info));
  if (!progress_.Deliver(info)) return std::nullopt;
  std::optional<Fault> fault;
  auto result = FrameWriter::Result::kLate;
  if (info.fate == Fate::kWanted) {
    const int flags = (IsKeyFrame(picture) ? kKeyFrame : 0) |
                      (IsDamaged(picture) ? kDamagedFrame : 0) | (opens_ ? kFirstAfterOpen : 0) |
                      (is_hevc ? kHevc : 0);
    result = writer_.WritePicture(picture, info, flags, &fault);
    if (result == FrameWriter::Result::kLate) info.fate = Fate::kLate;
  }
  if (result == FrameWriter::Result::kLate) {
    Drop(info);
  } else if (result == FrameWriter::Result::kWritten) {
    opens_ = false;
    ++written_pictures_;
    stats_.Count([](EngineStats& stats) { ++stats.frames; });
  }
  if (fault && convert_fault_fragment_ == info.fragment_id) return std::nullopt;
  if (fault) convert_fault_fragment_ = info.fragment_id;
  return fault;
}

void FrameDelivery::OnUnit(const DemuxedFragment& fragment, const DemuxedPacket& packet,
                           AccessUnits* units) {
  units->Read(fragment, *packet.packet);
  opens_ = opens_ || units->is_new();
  // Without a NAL unit there is nothing to hand over: the picture is missing.
  if (units->bytes() == 0) return;
  PacketInfo info = packet.info;
  if (units->is_key()) lacks_reference_ = false;
  if (info.fate == Fate::kWanted && lacks_reference_) info.fate = Fate::kLate;
  if (info.fate == Fate::kWanted) {
    const bool is_hevc = fragment.parameters->codec_id == AV_CODEC_ID_HEVC;
    const int flags =
        (units->is_key() ? kKeyFrame : 0) | (opens_ ? kFirstAfterOpen : 0) | (is_hevc ? kHevc : 0);
    const auto result = writer_.WriteUnit(*units, info, flags);
    if (result == FrameWriter::Result::kWritten) {
      opens_ = false;
      stats_.Count([](EngineStats& stats) { ++stats.frames; });
    }
    if (result != FrameWriter::Result::kLate) return;
    info.fate = Fate::kLate;
  }
  lacks_reference_ = lacks_reference_ || info.fate == Fate::kLate;
  Drop(Placed(info));
}

void FrameDelivery::Drop(const PacketInfo& info) {
  stats_.Count(
      [&](EngineStats& stats) { ++(info.fate == Fate::kLate ? stats.late : stats.unselected); });
  writer_.Drop(info);
}

void FrameDelivery::Drop(const std::vector<PacketInfo>& left_out) {
  for (const PacketInfo& info : left_out) {
    if (progress_.Deliver(info)) Drop(info);
  }
}

}  // namespace kvs_frames
