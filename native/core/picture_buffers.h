// The picture buffers of a decoder in software, found by the pictures that come out of it.
#pragma once

#include <cstdint>
#include <vector>

#include "av.h"

namespace kvs_frames {

// libavcodec takes picture buffers from pools that don't say how many there are. A pool lets none
// go before the form of the pictures changes or the decoder is closed, and with libavcodec's own
// threads it is one for all of them: so there are at least those that pictures came out in, and
// once as many were in use as there are, no others but of pictures that were never given out.
//
// One thread.
class PictureBuffers {
 public:
  // A picture came out of libavcodec.
  void Note(const AVFrame& picture);

  // The decoder was closed.
  void Forget();

  // Of those of the last picture's form.
  int64_t bytes() const { return picture_bytes_ * static_cast<int64_t>(seen_.size()); }

 private:
  int64_t picture_bytes_ = 0;  // of all planes
  int stride_ = 0;
  std::vector<const uint8_t*> seen_;  // first planes
};

}  // namespace kvs_frames
