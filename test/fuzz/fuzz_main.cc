// What libFuzzer calls once, before the first input.
#include "av.h"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  av_log_set_level(AV_LOG_QUIET);
  return 0;
}
