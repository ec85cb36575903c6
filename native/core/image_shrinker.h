// An image in fewer pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "image.h"

namespace kvs_frames {

// Each pixel is the average of those it covers, of one that it covers in part that part, rounded to
// levels: packed formats stay what they are, of others BGR24 is averaged. Answers an image in
// `*pixels`, or `image` itself where that has this size. Takes some ms for a picture of 1080p.
// REQUIRES: 1 ≤ width ≤ image.width, likewise the height.
Image ShrinkImage(const Image& image, int width, int height, std::vector<uint8_t>* pixels);

}  // namespace kvs_frames
