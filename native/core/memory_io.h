// A seekable AVIOContext over two spans of memory read as one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "av.h"

namespace kvs_frames {

struct ByteSpan {
  const uint8_t* data = nullptr;
  size_t size = 0;
};

// REQUIRES: the spans and `cancelled` outlive it, and it outlives the context that reads from it.
class MemoryIo {
 public:
  // Reads answer AVERROR_EXIT once `cancelled` is true. Throws std::bad_alloc.
  MemoryIo(ByteSpan first, ByteSpan second, const std::atomic<bool>& cancelled);
  MemoryIo(const MemoryIo&) = delete;
  MemoryIo& operator=(const MemoryIo&) = delete;

  AVIOContext* context() const { return context_.get(); }

 private:
  static int Read(void* opaque, uint8_t* buffer, int size);
  static int64_t Seek(void* opaque, int64_t offset, int whence);

  std::array<ByteSpan, 2> spans_;
  int64_t size_;
  const std::atomic<bool>& cancelled_;
  int64_t position_ = 0;
  UniqueIo context_;
};

}  // namespace kvs_frames
