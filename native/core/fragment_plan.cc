#include "fragment_plan.h"

#include <algorithm>
#include <numeric>

#include "nal.h"

namespace kvs_frames {
namespace {

// The packets in presentation order. One without PTS comes right behind the packet before it.
std::vector<size_t> PresentationOrder(const std::vector<DemuxedPacket>& packets) {
  std::vector<double> at_ms;
  for (const DemuxedPacket& packet : packets) {
    const bool continues = !packet.info.has_pts && !at_ms.empty();
    at_ms.push_back(continues ? at_ms.back() : packet.info.offset_ms);
  }
  std::vector<size_t> order(packets.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return at_ms[a] < at_ms[b]; });
  return order;
}

}  // namespace

void FragmentPlan::Begin(DemuxedFragment* fragment, double start_ms, bool is_dated,
                         FrameSelector* selector) {
  fragment_ = fragment;
  ++sequence_;
  std::vector<DemuxedPacket>& packets = fragment->packets;
  const std::vector<size_t> order = PresentationOrder(packets);
  std::vector<Candidate> candidates;
  for (const size_t packet : order) {
    const bool is_key = (packets[packet].packet->flags & AV_PKT_FLAG_KEY) != 0;
    candidates.push_back({packets[packet].info.offset_ms, is_key});
  }
  const std::vector<Fate> fates =
      selector->Select(start_ms, is_dated, fragment->duration_ms, candidates);
  double place_ms = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    PacketInfo& info = packets[order[i]].info;
    info.sequence = sequence_;
    info.start_ms = start_ms;
    info.fate = fates[i];
    place_ms = info.has_pts ? info.offset_ms : place_ms;
    PacketInfo& placed = packets[options_.encoded ? i : order[i]].info;
    placed.place_ms = place_ms;
    placed.place_duration_ms = info.duration_ms;
    place_ms += info.duration_ms;
  }
  FindLastWanted();
  Classify();
}

void FragmentPlan::SetFloor(double floor_ms, size_t first_packet) {
  bool changed = false;
  for (size_t i = first_packet; i < fragment_->packets.size(); ++i) {
    PacketInfo& info = fragment_->packets[i].info;
    if (info.fate != Fate::kWanted || info.start_ms + info.offset_ms >= floor_ms) continue;
    info.fate = Fate::kLate;
    changed = true;
  }
  if (!changed) return;
  FindLastWanted();
  if (is_disposable_.empty()) Classify();
}

std::vector<PacketInfo> FragmentPlan::TakeUnneeded(size_t first_packet, bool starts_anew) {
  std::vector<PacketInfo> taken;
  for (size_t i = first_packet; i < fragment_->packets.size(); ++i) {
    DemuxedPacket& demuxed = fragment_->packets[i];
    if (demuxed.packet == nullptr || IsNeeded(i, starts_anew)) continue;
    demuxed.packet.reset();
    taken.push_back(demuxed.info);
  }
  return taken;
}

bool FragmentPlan::IsNeeded(size_t packet, bool starts_anew) const {
  if (fragment_->packets[packet].info.fate == Fate::kWanted) return true;
  if (options_.key_frames_only || options_.encoded) return false;
  if (starts_anew && packet >= wanted_end_) return false;
  return is_disposable_.empty() || !is_disposable_[packet];
}

void FragmentPlan::Classify() {
  is_disposable_.clear();
  const std::vector<DemuxedPacket>& packets = fragment_->packets;
  const bool leaves_out = std::any_of(packets.begin(), packets.end(), [](const auto& packet) {
    return packet.info.fate != Fate::kWanted;
  });
  if (!leaves_out || options_.key_frames_only || options_.encoded) return;
  std::vector<PacketUse> uses;
  for (const DemuxedPacket& packet : packets) {
    // Of those that went into the decoder before the floor was raised, nothing is left to decide.
    uses.push_back(packet.packet == nullptr ? PacketUse()
                                            : UseOf(*fragment_->parameters, *packet.packet));
    highest_temporal_id_ = std::max(highest_temporal_id_, uses.back().temporal_id);
  }
  for (const PacketUse& use : uses) {
    is_disposable_.push_back(use.is_disposable && use.temporal_id == highest_temporal_id_);
  }
}

void FragmentPlan::FindLastWanted() {
  const std::vector<DemuxedPacket>& packets = fragment_->packets;
  wanted_end_ = packets.size();
  while (wanted_end_ > 0 && packets[wanted_end_ - 1].info.fate != Fate::kWanted) --wanted_end_;
}

}  // namespace kvs_frames
