#include "memory_io.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

namespace kvs_frames {
namespace {

// Bytes libav fetches at once; larger reads (the samples) bypass its buffer.
constexpr int kBufferBytes = 32 * 1024;

}  // namespace

MemoryIo::MemoryIo(ByteSpan first, ByteSpan second, const std::atomic<bool>& cancelled)
    : spans_{first, second},
      size_(static_cast<int64_t>(first.size) + static_cast<int64_t>(second.size)),
      cancelled_(cancelled) {
  auto* const buffer = static_cast<uint8_t*>(av_malloc(kBufferBytes));
  if (buffer == nullptr) throw std::bad_alloc();
  context_.reset(
      avio_alloc_context(buffer, kBufferBytes, /*write_flag=*/0, this, Read, nullptr, Seek));
  if (context_ == nullptr) {
    av_free(buffer);
    throw std::bad_alloc();
  }
}

int MemoryIo::Read(void* opaque, uint8_t* buffer, int size) {
  auto& self = *static_cast<MemoryIo*>(opaque);
  if (self.cancelled_.load(std::memory_order_relaxed)) return AVERROR_EXIT;
  int copied = 0;
  int64_t begin = 0;
  for (const ByteSpan& span : self.spans_) {
    const int64_t offset = self.position_ - begin;
    begin += static_cast<int64_t>(span.size);
    if (offset >= static_cast<int64_t>(span.size) || copied == size) continue;
    const auto available = static_cast<int64_t>(span.size) - offset;
    const auto count = static_cast<int>(std::min<int64_t>(size - copied, available));
    std::memcpy(buffer + copied, span.data + offset, static_cast<size_t>(count));
    copied += count;
    self.position_ += count;
  }
  return copied == 0 ? AVERROR_EOF : copied;
}

int64_t MemoryIo::Seek(void* opaque, int64_t offset, int whence) {
  auto& self = *static_cast<MemoryIo*>(opaque);
  int64_t base = 0;
  switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
      return self.size_;
    case SEEK_SET:
      break;
    case SEEK_CUR:
      base = self.position_;
      break;
    case SEEK_END:
      base = self.size_;
      break;
    default:
      return AVERROR(EINVAL);
  }
  // A position past the end is refused, not clamped: broken boxes point anywhere.
  if (offset < -base || offset > self.size_ - base) return AVERROR(EINVAL);
  self.position_ = base + offset;
  return self.position_;
}

}  // namespace kvs_frames
