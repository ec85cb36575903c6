#include "av.h"
#include "check.h"

int main() {
  // What is logged where no sink listens is about media that is broken on purpose.
  av_log_set_level(AV_LOG_QUIET);
  return kvs_frames::testing::RunAll();
}
