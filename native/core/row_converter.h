// Pictures → any output, a row at a time: samples of the rows that an output row needs are made
// 15 bits wide (scaled, where that is asked for) in buffers that stay in the cache, and become
// pixels in the slot.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels.h"
#include "output_layout.h"
#include "picture_planes.h"
#include "plane_rows.h"

namespace kvs_frames {

class RowConverter {
 public:
  explicit RowConverter(const Kernels& kernels);

  // Prepares for pictures of one form. `yuv.depth` is the samples'. Allocates.
  void Configure(const SampleForm& samples, const YuvForm& yuv, const OutputOptions& options,
                 const OutputLayout& layout);

  // Writes the picture, but no padding, to the slot.
  void Convert(const PicturePlanes& picture, uint8_t* slot);

 private:
  void ConfigureRows(const OutputOptions& options, const OutputLayout& layout);
  // These fill y_, and u_ and v_.
  void ReadLuma(int row, const PicturePlanes& picture);
  void ReadChroma(int row, const PicturePlanes& picture);
  void WritePacked(const PicturePlanes& picture, uint8_t* slot);
  void WriteFloats(const PicturePlanes& picture, uint8_t* slot);
  void WriteLuma(const PicturePlanes& picture, uint8_t* slot);
  void WriteSharedChroma(const PicturePlanes& picture, uint8_t* slot);

  const Kernels& kernels_;
  SampleForm samples_;
  OutputFormat format_ = OutputFormat::kBgr24;
  bool half_floats_ = false;
  std::vector<SlotPlane> planes_;
  PlaneRows luma_;
  PlaneRows chroma_;
  YuvCoefficients coefficients_{};
  FloatForm floats_{};
  LevelMap luma_levels_{};
  LevelMap chroma_levels_{};
  // One row each, with room for RoundUpTo8 of its samples.
  std::vector<int16_t> y_;
  std::vector<int16_t> u_;
  std::vector<int16_t> v_;
  std::vector<uint8_t> bytes_;  // a row of U, then one of V
};

}  // namespace kvs_frames
