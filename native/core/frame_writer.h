// Pictures, or access units → frames in ring slots, and the records that tell of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "access_unit.h"
#include "av.h"
#include "converter.h"
#include "fault.h"
#include "fragment_demuxer.h"
#include "frame_burst.h"
#include "frame_ring.h"
#include "inbox.h"
#include "outbox.h"
#include "output.h"
#include "undelivered.h"

namespace kvs_frames {

// Of a `frame` record.
enum FrameFlag : int { kKeyFrame = 1, kDamagedFrame = 2, kFirstAfterOpen = 4, kHevc = 8 };

// The engine's thread only. Asks the caller for a ring when frames of another size come, and waits
// for it; waits for a free slot.
class FrameWriter {
 public:
  enum class Result {
    kWritten,
    kLate,     // it is too old, or has become so while a slot was waited for
    kRefused,  // there is a fault to tell
    kStopped,
  };

  // `notify` is called when the caller must be notified. All references outlive the writer.
  FrameWriter(Matrix matrix, const OutputOptions& output, Inbox& inbox, Outbox& outbox,
              const std::function<void()>& notify);

  // `flags`: of the `frame` record.
  Result WritePicture(const AVFrame& picture, const PacketInfo& info, int flags,
                      std::optional<Fault>* fault);

  // Writes the unit read last. `flags` likewise; with kFirstAfterOpen the codec data goes along.
  Result WriteUnit(const AccessUnits& units, const PacketInfo& info, int flags);

  // Tells of a picture that will not be delivered, with the next frame. REQUIRES: it is not wanted.
  void Drop(const PacketInfo& info) { dropped_.Add(info); }

  // No frame comes for a while: the caller is notified of what it was not yet told of, and
  // other writers to the same ring need not leave it a share.
  void Rest();

  // The same without the ring.
  void Flush();

 private:
  bool IsLate(const PacketInfo& info) const;
  Result AcquireSlot(const PacketInfo& info, int* slot);
  bool EnsureLayout(const OutputLayout& layout);
  OutputLayout UnitLayout(const AccessUnits& units);
  void PostFrame(const PacketInfo& info, const PacketInfo& place, int slot, size_t bytes,
                 int flags);
  void NotifyIf(bool needed) {
    if (needed) notify_();
  }

  Inbox& inbox_;
  Outbox& outbox_;
  const std::function<void()>& notify_;
  Converter converter_;
  FrameBurst burst_{outbox_};
  DroppedRun dropped_{outbox_};
  FrameRing ring_;
  std::optional<OutputLayout> layout_;  // that the caller was told of
  size_t unit_bytes_ = 0;               // that a slot has room for, with access units
};

}  // namespace kvs_frames
