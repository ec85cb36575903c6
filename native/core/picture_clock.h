// What decoding and converting take of the engine's thread, in all and picture by picture.
#pragma once

#include "engine_stats.h"

namespace kvs_frames {

// Each reading of the clock, which is a call of the kernel, ends one piece of work and begins the
// next. A picture's decoding is what was done since the picture before it was dealt with: that of
// its packet, and of packets before it of which no picture came.
//
// Engine's thread.
class PictureClock {
 public:
  // Decoding begins or goes on.
  void Start() { mark_ = CpuSeconds(); }

  // A picture came out of the decoder.
  void OnPicture();

  // That picture was dealt with. What one that became no frame took is counted with the next.
  void OnDelivered(bool is_frame);

  // Decoding pauses, or its time so far is wanted.
  void Stop() { decode_cpu_ += Lap(&decode_due_); }

  // Seconds of decoding up to the last reading.
  double decode_cpu() const { return decode_cpu_; }

  void WriteTo(EngineStats* stats) const;

 private:
  // The time since the last reading, which is also added to `*sum`.
  double Lap(double* sum);

  double mark_ = 0;
  double decode_cpu_ = 0;
  double convert_cpu_ = 0;
  double decode_due_ = 0;   // since the last picture came out
  double convert_due_ = 0;  // since the last frame
  TimeCounts decode_times_;
  TimeCounts convert_times_;
};

}  // namespace kvs_frames
