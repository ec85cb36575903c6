#include "frame_writer.h"

#include <chrono>
#include <utility>

namespace kvs_frames {
namespace {

// A worker thread frees a slot by a bare atomic store, which wakes nobody: look this often.
constexpr std::chrono::milliseconds kSlotPoll{5};

// Slots of access units have room for twice the largest so far, in whole steps: key frames, which
// are the largest, rarely differ by more.
constexpr size_t kUnitRoom = 2;
constexpr size_t kUnitStep = size_t{64} << 10;

// Whether frames of one layout fit a ring that was made for the other.
bool HaveSameForm(const OutputLayout& a, const OutputLayout& b) {
  return a.width == b.width && a.height == b.height && a.stride == b.stride && a.bytes == b.bytes;
}

bool ShowTheSame(const OutputLayout& a, const OutputLayout& b) {
  return a.source_width == b.source_width && a.source_height == b.source_height &&
         a.source_x == b.source_x && a.source_y == b.source_y && a.source_w == b.source_w &&
         a.source_h == b.source_h && a.x == b.x && a.y == b.y && a.w == b.w && a.h == b.h &&
         a.matrix == b.matrix && a.full_range == b.full_range;
}

Record LayoutRecord(const OutputLayout& layout, bool is_ring_wanted) {
  Record record = MakeRecord(RecordKind::kLayout);
  record[1] = layout.width;
  record[2] = layout.height;
  record[3] = static_cast<double>(layout.stride);
  record[4] = static_cast<double>(layout.bytes);
  record[5] = layout.source_width;
  record[6] = layout.source_height;
  record[7] = layout.source_x;
  record[8] = layout.source_y;
  record[9] = layout.source_w;
  record[10] = layout.source_h;
  record[11] = layout.x;
  record[12] = layout.y;
  record[13] = layout.w;
  record[14] = layout.h;
  record[15] = (is_ring_wanted ? 1 : 0) | (layout.full_range ? 2 : 0) | layout.matrix << 2;
  return record;
}

}  // namespace

FrameWriter::FrameWriter(Matrix matrix, const OutputOptions& output, Inbox& inbox, Outbox& outbox,
                         const std::function<void()>& notify)
    : inbox_(inbox), outbox_(outbox), notify_(notify), converter_(matrix, output) {}

FrameWriter::Result FrameWriter::WritePicture(const AVFrame& picture, const PacketInfo& info,
                                              int flags, std::optional<Fault>* fault) {
  if (IsLate(info)) return Result::kLate;
  *fault = converter_.Configure(picture);
  if (*fault) return Result::kRefused;
  if (!EnsureLayout(converter_.layout())) return Result::kStopped;
  int slot = -1;
  const Result result = AcquireSlot(info, &slot);
  if (result != Result::kWritten) return result;
  converter_.Convert(picture, ring_.Pixels(slot));
  ring_.Publish(slot);
  PostFrame(info, info, slot, layout_->bytes, flags);
  return Result::kWritten;
}

FrameWriter::Result FrameWriter::WriteUnit(const AccessUnits& units, const PacketInfo& info,
                                           int flags) {
  if (!EnsureLayout(UnitLayout(units))) return Result::kStopped;
  int slot = -1;
  const Result result = AcquireSlot(info, &slot);
  if (result != Result::kWritten) return result;
  units.Write(ring_.Pixels(slot));
  ring_.Publish(slot);
  if ((flags & kFirstAfterOpen) != 0) outbox_.AddCodecData(units.CodecData());
  PostFrame(info, Placed(info), slot, units.bytes(), flags);
  return Result::kWritten;
}

void FrameWriter::Rest() {
  Flush();
  ring_.Rest();
}

void FrameWriter::Flush() {
  dropped_.Post();
  NotifyIf(burst_.Flush());
}

bool FrameWriter::IsLate(const PacketInfo& info) const {
  return info.start_ms + info.offset_ms < inbox_.floor_ms();
}

FrameWriter::Result FrameWriter::AcquireSlot(const PacketInfo& info, int* slot) {
  while (!inbox_.IsCancelled()) {
    *slot = ring_.TryAcquire();
    if (*slot >= 0) return Result::kWritten;
    if (IsLate(info)) return Result::kLate;
    NotifyIf(burst_.Flush());
    inbox_.WaitForWake(kSlotPoll);
  }
  return Result::kStopped;
}

bool FrameWriter::EnsureLayout(const OutputLayout& layout) {
  const bool has_ring = layout_ && HaveSameForm(*layout_, layout);
  if (has_ring && ShowTheSame(*layout_, layout)) return true;
  if (!has_ring) inbox_.ExpectRing(layout.bytes);
  NotifyIf(outbox_.Post(LayoutRecord(layout, !has_ring)));
  if (!has_ring) {
    ring_.Rest();
    const auto ring = inbox_.WaitForRing();
    if (!ring) return false;
    ring_ = *ring;
  }
  layout_ = layout;
  return true;
}

OutputLayout FrameWriter::UnitLayout(const AccessUnits& units) {
  if (units.bytes() > unit_bytes_) {
    const size_t roomy = units.bytes() * kUnitRoom;
    unit_bytes_ = (roomy + kUnitStep - 1) / kUnitStep * kUnitStep;
  }
  OutputLayout layout;
  layout.width = layout.source_width = layout.w = units.width();
  layout.height = layout.source_height = layout.h = units.height();
  layout.source_w = units.width();
  layout.source_h = units.height();
  layout.bytes = unit_bytes_;
  return layout;
}

void FrameWriter::PostFrame(const PacketInfo& info, const PacketInfo& place, int slot, size_t bytes,
                            int flags) {
  dropped_.Post();
  Record record = MakeRecord(RecordKind::kFrame);
  record[1] = static_cast<double>(info.fragment_id);
  record[2] = static_cast<double>(ring_.id());
  record[3] = slot;
  record[4] = static_cast<double>(bytes);
  record[5] = info.pts_ms;
  record[6] = info.dts_ms;
  record[7] = info.offset_ms;
  record[8] = info.duration_ms;
  record[9] = flags;
  record[10] = place.offset_ms;
  record[11] = place.duration_ms;
  NotifyIf(burst_.Post(record, ring_.CountFree()));
}

}  // namespace kvs_frames
