// The first picture of an H.264 or H.265 packet, as its NAL unit header tells it.
#pragma once

#include "av.h"

namespace kvs_frames {

// Whether the packet's first slice belongs to a true IDR picture: one before which nothing refers
// back and that no leading picture follows which would need more. False for what cannot be read.
// `parameters` tell the codec and, by their extradata, whether NAL units carry lengths (MP4) or
// start codes (MPEG-TS).
bool StartsWithIdr(const AVCodecParameters& parameters, const AVPacket& packet);

}  // namespace kvs_frames
