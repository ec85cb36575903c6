// A thousand engines, each closed at another step of its life, leave nothing. Under
// AddressSanitizer LeakSanitizer says so too; here what counts is what the allocator has given out.
// CTest has it keep nothing at hand for each thread, which would count as given out.
#include <dirent.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>

#include "check.h"
#include "engine_harness.h"
#include "media.h"

namespace kvs_frames {
namespace {

using testing::Bytes;
using testing::Clip;
using testing::Container;
using testing::Harness;
using testing::LoadClip;

constexpr int kEngines = 1000;
// What libav and libstdc++ set up once is there after so many.
constexpr int kEnginesBefore = 100;
// An engine that leaves one object of any size leaves more than this times the engines.
constexpr size_t kBytesPerEngine = 8;

constexpr int kSteps = 9;

// Makes an engine and ends it at step `step`; the destructors close it.
void LiveUntil(int step, const Clip& clip) {
  EngineOptions options;
  options.hold_on_trouble = step == 6;
  options.decoder_threads = step == 7 ? 2 : 1;
  Harness harness(options, 2);
  harness.answer_rings = step != 2;
  harness.hold_frames = step == 4;
  if (step == 0) return;  // constructed
  const Bytes& media = clip.fragments[0];
  const Bytes cut(media.begin(), media.end() - 500);
  CHECK(harness.Push(0, clip.init, step == 6 ? cut : media));
  CHECK(harness.Push(1, clip.init, clip.fragments[1]));
  switch (step) {
    case 1:  // its thread has only just begun
      return;
    case 2:  // waiting for a ring
      CHECK(harness.PumpUntil([&] { return harness.asked_bytes > 0; }));
      return;
    case 3:  // decoding
    case 7:  // decoding, with threads of libav's
      CHECK(harness.PumpUntil([&] { return !harness.frames.empty(); }));
      return;
    case 4:  // waiting for a slot
      CHECK(harness.PumpUntil([&] { return harness.frames.size() == 2; }));
      return;
    case 5:  // idle
      CHECK(harness.PumpUntilIdle());
      return;
    case 6:  // waiting for the answer to a trouble
      CHECK(harness.PumpUntil([&] { return !harness.troubles.empty(); }));
      return;
    default:  // ended
      harness.engine().Finish();
      CHECK(harness.PumpUntilEnded());
  }
}

int CountEntries(const char* folder) {
  DIR* const dir = opendir(folder);
  if (dir == nullptr) return 0;
  int count = 0;
  while (readdir(dir) != nullptr) ++count;  // NOLINT(concurrency-mt-unsafe): a stream of its own
  closedir(dir);
  return count;
}

struct Held {
  size_t bytes;
  int threads;
  int descriptors;
};

Held Look() {
  return {mallinfo2().uordblks, CountEntries("/proc/self/task"), CountEntries("/proc/self/fd")};
}

TEST(AThousandEnginesLeaveNothing) {
  const Clip clip = LoadClip("h264-small", Container::kMp4);
  Held before{};
  for (int i = 0; i < kEngines; ++i) {
    if (i == kEnginesBefore) before = Look();
    LiveUntil(i % kSteps, clip);
  }
  const Held after = Look();
  CHECK_EQ(after.threads, before.threads);
  CHECK_EQ(after.descriptors, before.descriptors);
  const size_t grown = std::max(after.bytes, before.bytes) - before.bytes;
  const bool is_flat = grown <= (kEngines - kEnginesBefore) * kBytesPerEngine;
  CHECK(is_flat);
  if (!is_flat) std::cerr << grown << " bytes more\n";
}

}  // namespace
}  // namespace kvs_frames
