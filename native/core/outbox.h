// What the engine's thread has to tell the caller: records in order, their faults, and the owners
// of fragments that are done. Says once a burst that there is something.
//
// Any thread; nothing blocks for longer than a copy. Bounded by what may be posted: frames by the
// ring's slots, everything else by the fragments that the engine accepts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fault.h"
#include "hw_device.h"
#include "log_sink.h"

namespace kvs_frames {

enum class RecordKind {
  kFrame = 1,
  kLayout = 2,
  kFragment = 3,
  kFault = 4,
  kEnded = 5,
  kTrouble = 6,
  kDropped = 7,
  kDecoder = 8,
  kLog = 9
};

// The kind, then its fields; binding.d.ts has the table. Unused ones are 0.
constexpr size_t kRecordDoubles = 16;
using Record = std::array<double, kRecordDoubles>;

Record MakeRecord(RecordKind kind);

// That of a fragment that is done. `duration_ms` counts if there are packets.
Record FragmentRecord(int64_t id, size_t packets, double duration_ms, bool is_troubled);

// Where a decoder that was asked to use a device decodes.
struct DecoderOpening {
  HwAccel hwaccel = HwAccel::kNone;
  std::string fallback_reason;  // or ""

  bool operator==(const DecoderOpening& other) const {
    return hwaccel == other.hwaccel && fallback_reason == other.fallback_reason;
  }
};

class Outbox {
 public:
  // Each answers whether the caller must be notified: it has not been since Take emptied the
  // outbox.
  bool Post(const Record& record);
  bool PostFault(Fault fault);
  bool PostDecoder(DecoderOpening opening);

  // Adds a record without notice: a later Post or Flush tells of both.
  void PostQuietly(const Record& record);

  // Likewise a `log` record.
  void PostLogQuietly(std::vector<LogLine> lines);

  // Whether records were posted quietly and the caller must be notified of them now.
  bool Flush();

  bool PostFragment(const Record& record, std::shared_ptr<void> owner);

  // Hands codec data over, which belongs to a frame that is posted next.
  void AddCodecData(std::vector<uint8_t> data);

  // Hands an owner over without a record.
  void Discard(std::shared_ptr<void> owner);

  // Moves up to `capacity` records out, oldest first, and destroys the owners handed over so far.
  size_t Take(Record* records, size_t capacity);

  // The fault of the oldest `fault` record not asked for yet.
  std::optional<Fault> TakeFault();

  // Likewise of the oldest `decoder` record.
  std::optional<DecoderOpening> TakeDecoder();

  // Likewise of the oldest `log` record.
  std::optional<std::vector<LogLine>> TakeLog();

  // The oldest codec data not asked for yet.
  std::optional<std::vector<uint8_t>> TakeCodecData();

  // Whether the caller was to be notified since the last call, and has not emptied the outbox
  // since.
  bool TakeWake();

  // Whether no record waits.
  bool IsEmpty() const;

  // `fragment` records that wait.
  size_t untaken_fragments() const;

  // How often TakeWake was true.
  int64_t wakes() const;

 private:
  template <typename Item>
  std::optional<Item> TakeFrom(std::deque<Item>* items);
  bool AddLocked(const Record& record);  // REQUIRES: mutex_ is held
  bool NotifyLocked();                   // REQUIRES: mutex_ is held

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::deque<Record> records_;
  std::deque<Fault> faults_;
  std::deque<DecoderOpening> openings_;
  std::deque<std::vector<LogLine>> logs_;
  std::deque<std::vector<uint8_t>> codec_data_;
  std::vector<std::shared_ptr<void>> owners_;
  size_t untaken_fragments_ = 0;
  int64_t wakes_ = 0;
  bool woken_ = false;     // notified, and not emptied since
  bool wake_due_ = false;  // TakeWake has not been asked since woken_ became true
};

}  // namespace kvs_frames
