// libyuv, where the build found it; else stand-ins that say it is not there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "av.h"

namespace kvs_frames {

// libyuv's version number; nothing when built without it.
std::optional<std::string> LibyuvVersion();

// Converts an 8-bit 4:2:0 picture by BT.601 to tight BGR24 rows; exactly height × width × 3 bytes
// are written. Within 3 levels of exact arithmetic. (Its BT.709 is off by up to 13, in saturated
// blue.) REQUIRES: LibyuvVersion().has_value().
void ConvertBt601ByLibyuv(const AVFrame& picture, bool full_range, uint8_t* bgr);

}  // namespace kvs_frames
