#include "cut_fragment.h"

#include <new>
#include <utility>

namespace kvs_frames {

void CutFragment::Keep(const DemuxedFragment& fragment) {
  packets_.clear();
  for (const DemuxedPacket& one : fragment.packets) {
    UniquePacket packet(av_packet_clone(one.packet.get()));
    if (packet == nullptr) throw std::bad_alloc();
    packets_.push_back({std::move(packet), one.info});
    packets_.back().info.fate = Fate::kTold;
  }
}

std::vector<DemuxedPacket> CutFragment::Take() { return std::exchange(packets_, {}); }

}  // namespace kvs_frames
