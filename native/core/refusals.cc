#include "refusals.h"

#include <string>
#include <utility>

namespace kvs_frames {

bool Refusals::Note(const AVPacket* packet, int code, const Decoder& decoder) {
  if (++count_ > 1) return false;
  first_ = packet == nullptr ? Fault{Stage::kDecode, code, ErrorText(code)}
                             : decoder.ExplainRefusal(*packet, code);
  return first_->stage != Stage::kLimit;
}

std::optional<Fault> Refusals::Take(size_t packets) {
  std::optional<Fault> fault = std::exchange(first_, std::nullopt);
  const int count = std::exchange(count_, 0);
  if (!fault) return fault;
  fault->message = "the decoder refused " + std::to_string(count) +
                   (packets == 0 ? std::string(" held-back pictures")
                                 : " of " + std::to_string(packets) + " packets") +
                   ", first: " + fault->message;
  return fault;
}

void Refusals::Clear() {
  count_ = 0;
  first_.reset();
}

}  // namespace kvs_frames
