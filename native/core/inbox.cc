#include "inbox.h"

#include <algorithm>
#include <utility>

namespace kvs_frames {

bool Inbox::Push(FragmentInput fragment, size_t unfinished) {
  const size_t bytes = fragment.init.size + fragment.media.size;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (std::max(queue_.size(), unfinished) >= limits_.fragments ||
        (!queue_.empty() && queued_bytes_ + bytes > limits_.bytes)) {
      return false;
    }
    queue_.push_back(std::move(fragment));
    queued_bytes_ += bytes;
    busy_ = true;
  }
  changed_.notify_one();
  return true;
}

void Inbox::Finish() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (std::exchange(finishing_, true)) return;
    busy_ = true;
  }
  changed_.notify_one();
}

Inbox::RingResult Inbox::SetRing(RingMemory ring) {
  // The ring before is let go after the lock is, as its owner may run code of the caller's.
  RingMemory before;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (needed_slot_bytes_ == 0) return RingResult::kNotAsked;
    if (ring.slot_bytes < needed_slot_bytes_) return RingResult::kTooSmall;
    needed_slot_bytes_ = 0;
    before = std::exchange(ring_, std::move(ring));
  }
  changed_.notify_one();
  return RingResult::kAccepted;
}

Inbox::AnswerResult Inbox::AnswerTrouble(std::optional<FragmentInput> copy) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!std::exchange(answer_is_needed_, false)) return AnswerResult::kNotAsked;
    answer_ = std::move(copy);
  }
  changed_.notify_one();
  return AnswerResult::kAccepted;
}

void Inbox::Wake() { changed_.notify_one(); }

void Inbox::SetFloor(double capture_ms) {
  floor_ms_.store(capture_ms, std::memory_order_relaxed);
  changed_.notify_one();
}

void Inbox::Cancel() {
  {
    // Under the lock, so that the thread cannot be between its test of the flag and its wait.
    const std::lock_guard<std::mutex> lock(mutex_);
    cancelled_.store(true, std::memory_order_relaxed);
  }
  changed_.notify_one();
}

bool Inbox::IsBusy() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return busy_;
}

size_t Inbox::queued_fragments() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return queue_.size();
}

size_t Inbox::queued_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return queued_bytes_;
}

Inbox::Next Inbox::WaitForWork(bool may_drain, FragmentInput* fragment) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    if (IsCancelled()) return Next::kStop;
    if (!queue_.empty()) {
      *fragment = std::move(queue_.front());
      queue_.pop_front();
      queued_bytes_ -= fragment->init.size + fragment->media.size;
      return Next::kFragment;
    }
    if (finishing_ && !std::exchange(finished_, true)) return Next::kFinish;
    if (may_drain) return Next::kDrain;
    if (std::exchange(busy_, false)) return Next::kIdle;
    changed_.wait(lock);
  }
}

void Inbox::ExpectRing(size_t slot_bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  needed_slot_bytes_ = slot_bytes;
}

std::optional<FrameRing> Inbox::WaitForRing() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return IsCancelled() || needed_slot_bytes_ == 0; });
  if (IsCancelled()) return std::nullopt;
  return FrameRing(ring_);
}

void Inbox::ExpectAnswer() {
  const std::lock_guard<std::mutex> lock(mutex_);
  answer_is_needed_ = true;
}

std::optional<FragmentInput> Inbox::WaitForAnswer() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return IsCancelled() || !answer_is_needed_; });
  // What an answer owns is the caller's to destroy: once cancelled, it stays here.
  if (IsCancelled()) return std::nullopt;
  return std::exchange(answer_, std::nullopt);
}

void Inbox::WaitForWake(std::chrono::milliseconds at_most) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!IsCancelled()) changed_.wait_for(lock, at_most);
}

}  // namespace kvs_frames
