// Pixels of a slot → a JPEG or PNG file in memory.
#pragma once

#include <string>

#include "av.h"
#include "image.h"

namespace kvs_frames {

enum class ImageType { kJpeg, kPng };

// PNG: RGB of 8 bits, or gray for kGray8, without loss. JPEG: JFIF, 4:2:0, full-range BT.601, with
// chroma averaged over its four pixels; `quality`, 1–100, scales the quantisation tables of ITU-T
// T.81 annex K as libjpeg does, but for their first number, which is 8 at any quality. Floats are
// rounded back to levels. Planes that are full-range BT.601 already go into a JPEG as they are.
//
// Answers null, and why in `*error`, if libavcodec can't do it. Any thread; takes some 10 ms for a
// JPEG of 1080p, several times as long for a PNG.
UniquePacket EncodeImage(const Image& image, ImageType type, int quality, std::string* error);

}  // namespace kvs_frames
