#include "fragment_progress.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace kvs_frames {
namespace {

// Offsets of one picture in two copies differ by rounding at most; those of two pictures by more
// than this up to 1000 pictures a second.
constexpr double kSameMs = 0.5;

}  // namespace

void FragmentProgress::Begin(int64_t fragment_id, const DemuxedFragment& fragment) {
  fragment_id_ = fragment_id;
  delivered_.clear();
  Expect(fragment);
}

void FragmentProgress::BeginSecondCopy(const DemuxedFragment& fragment) {
  first_copy_id_ = fragment_id_;
  first_copy_ = std::exchange(delivered_, {});
  Expect(fragment);
}

void FragmentProgress::Expect(const DemuxedFragment& fragment) {
  expected_.clear();
  next_ = 0;
  for (const DemuxedPacket& packet : fragment.packets) {
    if (packet.info.has_pts) expected_.push_back(packet.info.offset_ms);
  }
  std::sort(expected_.begin(), expected_.end());
}

void FragmentProgress::LeaveOut(const PacketInfo& info) {
  const auto at = std::lower_bound(expected_.begin(), expected_.end(), info.offset_ms - kSameMs);
  if (!info.has_pts || at == expected_.end() || *at > info.offset_ms + kSameMs) return;
  if (at < expected_.begin() + static_cast<ptrdiff_t>(next_)) --next_;
  expected_.erase(at);
}

bool FragmentProgress::Skips(const PacketInfo& info) const {
  return info.fragment_id == fragment_id_ && info.has_pts && next_ < expected_.size() &&
         expected_[next_] < info.offset_ms - kSameMs;
}

bool FragmentProgress::Deliver(const PacketInfo& info) {
  if (info.fragment_id == fragment_id_) {
    while (next_ < expected_.size() && expected_[next_] < info.offset_ms + kSameMs) ++next_;
    delivered_.push_back(info.offset_ms);
  }
  return info.fragment_id != first_copy_id_ ||
         std::none_of(first_copy_.begin(), first_copy_.end(),
                      [&](double offset) { return std::abs(offset - info.offset_ms) < kSameMs; });
}

}  // namespace kvs_frames
