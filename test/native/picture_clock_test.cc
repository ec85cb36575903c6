#include "picture_clock.h"

#include <numeric>

#include "check.h"

namespace kvs_frames {
namespace {

int64_t CountOf(const TimeCounts& times) {
  return std::accumulate(times.counts.begin(), times.counts.end(), int64_t{0});
}

void Work(double seconds) {
  const double end = CpuSeconds() + seconds;
  while (CpuSeconds() < end) {
  }
}

TEST(TimesAreCountedUpToTheirBounds) {
  TimeCounts times;
  times.Add(0);
  times.Add(kTimeBounds[0]);
  times.Add(kTimeBounds[0] * 1.01);
  times.Add(kTimeBounds.back());
  times.Add(100);
  CHECK_EQ(times.counts[0], int64_t{2});
  CHECK_EQ(times.counts[1], int64_t{1});
  CHECK_EQ(times.counts[kTimeBounds.size() - 1], int64_t{1});
  CHECK_EQ(times.counts[kTimeBounds.size()], int64_t{1});
  CHECK_EQ(CountOf(times), int64_t{5});
  CHECK_EQ(times.sum, 0 + kTimeBounds[0] * 2.01 + kTimeBounds.back() + 100);
}

TEST(APictureIsChargedWithWhatWasDoneSinceTheOneBefore) {
  PictureClock clock;
  clock.Start();
  Work(0.003);  // for a picture that comes only after a pause
  clock.Stop();
  Work(0.2);  // somebody else's
  clock.Start();
  Work(0.003);
  clock.OnPicture();
  Work(0.002);
  clock.OnDelivered(false);
  clock.OnPicture();
  Work(0.002);
  clock.OnDelivered(true);
  Work(0.002);  // of this no picture comes
  clock.Stop();
  EngineStats stats;
  clock.WriteTo(&stats);
  CHECK_EQ(CountOf(stats.decode_times), int64_t{2});
  CHECK_EQ(CountOf(stats.convert_times), int64_t{1});
  CHECK(stats.decode_times.sum >= 0.006 && stats.decode_times.sum < 0.2);
  CHECK(stats.decode_cpu_seconds >= stats.decode_times.sum + 0.002);
  CHECK(stats.decode_cpu_seconds < 0.2);
  CHECK(stats.convert_times.sum >= 0.004);
  CHECK_EQ(stats.convert_cpu_seconds, stats.convert_times.sum);
}

}  // namespace
}  // namespace kvs_frames
