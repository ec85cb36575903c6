// Packets that the decoder refused, gathered into one fault.
#pragma once

#include <cstddef>
#include <optional>

#include "av.h"
#include "decoder.h"
#include "fault.h"

namespace kvs_frames {

// One thread.
class Refusals {
 public:
  // Notes that the decoder answered `code` for this packet, or without one while it was drained.
  // Answers whether it is the first, and not for its picture's size.
  bool Note(const AVPacket* packet, int code, const Decoder& decoder);

  // What to tell of those since the last call; nothing if there were none. `packets`: of how many;
  // 0 where they were pictures that came late.
  std::optional<Fault> Take(size_t packets);

  void Clear();

 private:
  int count_ = 0;
  std::optional<Fault> first_;
};

}  // namespace kvs_frames
