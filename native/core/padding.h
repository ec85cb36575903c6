// What lies around the picture in a slot.
#pragma once

#include <cstdint>
#include <vector>

#include "output_layout.h"
#include "yuv_to_bgr.h"

namespace kvs_frames {

class Padding {
 public:
  // `yuv` tells what gray8, nv12 and i420 make of the pad colour: gray8 its luma in full range, the
  // others its samples in the stream's range.
  void Configure(const OutputOptions& options, const std::vector<SlotPlane>& planes,
                 const YuvForm& yuv);

  // Writes all of the slot but the picture.
  void Write(uint8_t* slot) const;

 private:
  struct Plane {
    SlotPlane place;
    std::vector<uint8_t> row;  // a whole row of padding
  };
  std::vector<Plane> planes_;  // only those that have padding
};

}  // namespace kvs_frames
