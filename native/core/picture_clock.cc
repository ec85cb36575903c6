#include "picture_clock.h"

#include <utility>

namespace kvs_frames {

void PictureClock::OnPicture() {
  decode_cpu_ += Lap(&decode_due_);
  decode_times_.Add(std::exchange(decode_due_, 0.0));
}

void PictureClock::OnDelivered(bool is_frame) {
  convert_cpu_ += Lap(&convert_due_);
  if (is_frame) convert_times_.Add(std::exchange(convert_due_, 0.0));
}

void PictureClock::WriteTo(EngineStats* stats) const {
  stats->decode_cpu_seconds = decode_cpu_;
  stats->convert_cpu_seconds = convert_cpu_;
  stats->decode_times = decode_times_;
  stats->convert_times = convert_times_;
}

double PictureClock::Lap(double* sum) {
  const double now = CpuSeconds();
  const double lap = now - mark_;
  mark_ = now;
  *sum += lap;
  return lap;
}

}  // namespace kvs_frames
