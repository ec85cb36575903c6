#include "decode_budget.h"

#include <cstdio>
#include <string>

namespace kvs_frames {
namespace {

std::string Shown(double seconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", seconds);
  return text;
}

}  // namespace

Fault DecodeBudget::Explain(size_t done, size_t packets) const {
  return Fault{Stage::kLimit, 0,
               "the fragment kept the decoder busy for " + Shown(Seconds()) +
                   " s, longer than the limit of " + Shown(seconds_) + " s: its last " +
                   std::to_string(packets - done) + " of " + std::to_string(packets) +
                   " packets were cut off; raise limits.maxDecodeSeconds"};
}

}  // namespace kvs_frames
