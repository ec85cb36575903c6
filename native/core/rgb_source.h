// RGB-coded pictures, and those of the rare formats that only swscale can read, as 14-bit YUV 4:4:4
// in full range by BT.709: fine enough to become the same 8-bit RGB again.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "av.h"
#include "fault.h"
#include "picture_planes.h"

namespace kvs_frames {

class RgbSource {
 public:
  // What Read's planes hold, and by which weights.
  static constexpr SampleForm kForm = {2, 14, 0, true, false, 0, 0};

  // Prepares for pictures of one size and format. `colorspace` and `full_range` are those of YUV
  // pictures. A fault (`convert`) if swscale cannot read the format. Allocates 9 bytes per pixel.
  std::optional<Fault> Configure(int width, int height, AVPixelFormat format,
                                 AVColorSpace colorspace, bool full_range);

  // REQUIRES: Configure accepted this picture. Valid until the next call.
  PicturePlanes Read(const AVFrame& picture);

  // Frees the memory until the next Configure.
  void Reset();

 private:
  UniqueSws sws_;
  int width_ = 0;
  int height_ = 0;
  int stride_ = 0;             // bytes of a row of one of `rgb_`'s planes
  std::vector<uint8_t> rgb_;   // green, blue, red
  std::vector<uint16_t> yuv_;  // three planes, tight
};

}  // namespace kvs_frames
