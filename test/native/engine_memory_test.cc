// Memory runs out under the engine: what libav can't get costs the fragments it was for, each with
// a fault, and neither the thread nor what comes later.
extern "C" {
#include <libavutil/mem.h>
}

#include <algorithm>
#include <climits>

#include "check.h"
#include "engine.h"
#include "engine_harness.h"
#include "media.h"

namespace kvs_frames {
namespace {

using testing::Clip;
using testing::Container;
using testing::Frame;
using testing::Harness;
using testing::LoadClip;

// Libav's own limit of a single allocation, for as long as this lives. It holds for the process.
class LargestAllocation {
 public:
  explicit LargestAllocation(size_t bytes) { av_max_alloc(bytes); }
  ~LargestAllocation() { av_max_alloc(INT_MAX); }
  LargestAllocation(const LargestAllocation&) = delete;
  LargestAllocation& operator=(const LargestAllocation&) = delete;
};

size_t FramesOf(const Harness& harness, int64_t fragment) {
  return static_cast<size_t>(
      std::count_if(harness.frames.begin(), harness.frames.end(),
                    [=](const Frame& frame) { return frame.fragment_id == fragment; }));
}

TEST(WhatLibavCannotAllocateCostsTheFragmentItWasForAndNoLaterOne) {
  for (const char* name : {"h264-plain", "h265-closed"}) {
    for (const Container container : {Container::kMp4, Container::kTs}) {
      for (const int threads : {1, 3}) {
        // From hardly anything to all but a picture.
        for (const size_t bytes : {64, 500, 2'000, 8'000, 40'000}) {
          const Clip clip = LoadClip(name, container);
          EngineOptions options;
          options.decoder_threads = threads;
          Harness whole(options);
          for (int64_t id : {0, 1, 2}) CHECK(whole.Push(id, clip.init, clip.fragments[id]));
          whole.engine().Finish();
          CHECK(whole.PumpUntilEnded());

          // As the first thing the engine does, and behind a good fragment.
          for (const int64_t poor : {0, 1}) {
            Harness harness(options);
            for (int64_t id : {0, 1, 2}) {
              const LargestAllocation limit(id == poor ? bytes : INT_MAX);
              CHECK(harness.Push(id, clip.init, clip.fragments[id]));
              CHECK(harness.PumpUntilIdle());
            }
            harness.engine().Finish();
            CHECK(harness.PumpUntilEnded());
            if (FramesOf(harness, poor) < FramesOf(whole, poor)) CHECK(!harness.faults.empty());
            CHECK_EQ(FramesOf(harness, 2), FramesOf(whole, 2));
            if (bytes == 64) CHECK_EQ(FramesOf(harness, poor), size_t{0});
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace kvs_frames
