#include "undelivered.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kvs_frames {
namespace {

// Where one picture ends and the next begins the numbers differ by rounding only.
constexpr double kJoinMs = 0.5;

bool IsBefore(const PacketInfo& a, const PacketInfo& b) {
  return a.sequence != b.sequence ? a.sequence < b.sequence : a.offset_ms < b.offset_ms;
}

}  // namespace

PacketInfo Placed(const PacketInfo& info) {
  PacketInfo placed = info;
  placed.offset_ms = info.place_ms;
  placed.duration_ms = info.place_duration_ms;
  return placed;
}

std::vector<PacketInfo> WithheldPictures::TakeBefore(const PacketInfo& info) {
  const auto later = std::partition(pictures_.begin(), pictures_.end(),
                                    [&](const PacketInfo& one) { return IsBefore(one, info); });
  std::vector<PacketInfo> taken(pictures_.begin(), later);
  pictures_.erase(pictures_.begin(), later);
  std::sort(taken.begin(), taken.end(), IsBefore);
  return taken;
}

std::vector<PacketInfo> WithheldPictures::TakeAll() {
  std::vector<PacketInfo> taken = std::exchange(pictures_, {});
  std::sort(taken.begin(), taken.end(), IsBefore);
  return taken;
}

void WithheldPictures::Forget(int64_t fragment_id) {
  const auto is_its = [&](const PacketInfo& one) { return one.fragment_id == fragment_id; };
  pictures_.erase(std::remove_if(pictures_.begin(), pictures_.end(), is_its), pictures_.end());
}

void DroppedRun::Add(const PacketInfo& info) {
  const bool continues = run_ && run_->fragment_id == info.fragment_id && run_->fate == info.fate &&
                         std::abs(run_->to_ms - info.offset_ms) < kJoinMs;
  if (!continues) {
    Post();
    run_ = Run{info.fragment_id, info.fate, info.offset_ms, info.offset_ms, 0};
  }
  run_->to_ms = info.offset_ms + info.duration_ms;
  ++run_->pictures;
}

void DroppedRun::Post() {
  if (!run_) return;
  Record record = MakeRecord(RecordKind::kDropped);
  record[1] = static_cast<double>(run_->fragment_id);
  record[2] = run_->from_ms;
  record[3] = run_->to_ms - run_->from_ms;
  record[4] = run_->pictures;
  record[5] = static_cast<double>(run_->fate);
  run_.reset();
  outbox_.PostQuietly(record);
}

}  // namespace kvs_frames
