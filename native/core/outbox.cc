#include "outbox.h"

#include <algorithm>
#include <utility>

namespace kvs_frames {

Record MakeRecord(RecordKind kind) {
  Record record{};
  record[0] = static_cast<double>(kind);
  return record;
}

Record FragmentRecord(int64_t id, size_t packets, double duration_ms, bool is_troubled) {
  Record record = MakeRecord(RecordKind::kFragment);
  record[1] = static_cast<double>(id);
  record[2] = static_cast<double>(packets);
  record[3] = packets == 0 ? 0.0 : duration_ms;
  record[4] = is_troubled ? 1.0 : 0.0;
  return record;
}

bool Outbox::Post(const Record& record) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return AddLocked(record);
}

void Outbox::PostQuietly(const Record& record) {
  const std::lock_guard<std::mutex> lock(mutex_);
  records_.push_back(record);
}

void Outbox::PostLogQuietly(std::vector<LogLine> lines) {
  const std::lock_guard<std::mutex> lock(mutex_);
  logs_.push_back(std::move(lines));
  records_.push_back(MakeRecord(RecordKind::kLog));
}

bool Outbox::Flush() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !records_.empty() && NotifyLocked();
}

bool Outbox::PostFault(Fault fault) {
  const std::lock_guard<std::mutex> lock(mutex_);
  faults_.push_back(std::move(fault));
  return AddLocked(MakeRecord(RecordKind::kFault));
}

bool Outbox::PostDecoder(DecoderOpening opening) {
  const std::lock_guard<std::mutex> lock(mutex_);
  openings_.push_back(std::move(opening));
  return AddLocked(MakeRecord(RecordKind::kDecoder));
}

bool Outbox::PostFragment(const Record& record, std::shared_ptr<void> owner) {
  const std::lock_guard<std::mutex> lock(mutex_);
  owners_.push_back(std::move(owner));
  ++untaken_fragments_;
  return AddLocked(record);
}

void Outbox::AddCodecData(std::vector<uint8_t> data) {
  const std::lock_guard<std::mutex> lock(mutex_);
  codec_data_.push_back(std::move(data));
}

void Outbox::Discard(std::shared_ptr<void> owner) {
  const std::lock_guard<std::mutex> lock(mutex_);
  owners_.push_back(std::move(owner));
}

size_t Outbox::Take(Record* records, size_t capacity) {
  // Destroyed after the lock is let go, as an owner may run code of the caller's.
  std::vector<std::shared_ptr<void>> done;
  const std::lock_guard<std::mutex> lock(mutex_);
  done.swap(owners_);
  const size_t count = std::min(capacity, records_.size());
  for (size_t i = 0; i < count; ++i) {
    records[i] = records_.front();
    records_.pop_front();
    if (records[i][0] == static_cast<double>(RecordKind::kFragment)) --untaken_fragments_;
  }
  if (records_.empty()) {
    woken_ = false;
    wake_due_ = false;
  }
  return count;
}

std::optional<Fault> Outbox::TakeFault() { return TakeFrom(&faults_); }

std::optional<DecoderOpening> Outbox::TakeDecoder() { return TakeFrom(&openings_); }

std::optional<std::vector<LogLine>> Outbox::TakeLog() { return TakeFrom(&logs_); }

std::optional<std::vector<uint8_t>> Outbox::TakeCodecData() { return TakeFrom(&codec_data_); }

template <typename Item>
std::optional<Item> Outbox::TakeFrom(std::deque<Item>* items) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (items->empty()) return std::nullopt;
  Item item = std::move(items->front());
  items->pop_front();
  return item;
}

bool Outbox::TakeWake() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!std::exchange(wake_due_, false)) return false;
  ++wakes_;
  return true;
}

bool Outbox::IsEmpty() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return records_.empty();
}

size_t Outbox::untaken_fragments() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return untaken_fragments_;
}

int64_t Outbox::wakes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return wakes_;
}

bool Outbox::AddLocked(const Record& record) {
  records_.push_back(record);
  return NotifyLocked();
}

bool Outbox::NotifyLocked() {
  if (woken_) return false;
  woken_ = true;
  wake_due_ = true;
  return true;
}

}  // namespace kvs_frames
