// Where a picture lies in its slot: pure geometry.
#pragma once

#include <optional>
#include <vector>

#include "fault.h"
#include "output.h"

namespace kvs_frames {

// How pictures of source_width × source_height lie in a slot. A side that is 0 follows the aspect
// ratio of the (cropped) picture, rounded to whole pixels; both 0 are its own size. By fit:
//
//   stretch  the output is filled, each axis by its own scale;
//   contain  scale is the smaller of the two; the sizes it makes are rounded to the nearest pixel,
//            at least 1, and the picture starts at half the rest, rounded down. For nv12 and i420
//            sizes and places are even where they do not end at the output's own odd edge;
//   cover    scale is the larger of the two; what sticks out of the output is cut off on both sides
//            alike, to a fraction of a pixel.
//
// A fault (`convert`) if the crop does not lie in the picture, or if a side that follows the aspect
// ratio would be longer than 8192. REQUIRES: sides of 1 to 8192 or 0; a picture of 1×1 or more.
std::optional<Fault> LayOut(const OutputOptions& options, int source_width, int source_height,
                            OutputLayout* layout);

// Whether source pixels become output pixels one by one: same size, whole pixels.
bool IsUnscaled(const OutputLayout& layout);

// Whether the format has one chroma sample for four pixels.
bool IsYuv420(OutputFormat format);

// One plane of a slot, of cells that belong together: a BGR pixel, a pair of U and V, a number.
struct SlotPlane {
  size_t start = 0;  // byte in the slot
  size_t cell = 1;   // bytes
  // All in cells. Rows are tight.
  int width = 0;
  int height = 0;
  // Where the picture lies; the rest is padding.
  int x = 0;
  int y = 0;
  int w = 0;
  int h = 0;

  size_t stride() const { return cell * static_cast<size_t>(width); }
  size_t bytes() const { return stride() * static_cast<size_t>(height); }
  // Where the picture's row begins in the slot.
  size_t Row(int row) const {
    return start + stride() * static_cast<size_t>(y + row) + cell * static_cast<size_t>(x);
  }
};

// The slot's planes, in order, without a gap between them.
std::vector<SlotPlane> PlanesOf(const OutputOptions& options, const OutputLayout& layout);

}  // namespace kvs_frames
