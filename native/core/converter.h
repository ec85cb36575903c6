// Decoded picture → a frame in given memory, in any output format, size and fit.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "av.h"
#include "fault.h"
#include "kernels.h"
#include "output.h"
#include "output_layout.h"
#include "padding.h"
#include "picture_planes.h"
#include "rgb_source.h"
#include "row_converter.h"
#include "yuv_matrix.h"

namespace kvs_frames {

// Converts pictures of any size, and writes every byte of a slot and not one outside it. Rows are
// tight. One thread; pictures leave nothing behind.
//
// Sources: YUV 4:2:0, 4:2:2, 4:4:4 and gray of 8 to 16 bits, planar or with U and V in pairs (NV12,
// P010); anything else through swscale (rgb_source.h). The range, limited or full, follows the
// stream.
//
// Unscaled pictures are converted pixel by pixel, with the chroma sample that the pixel shares
// (nearest). nv12 and i420 from 8-bit 4:2:0 are the decoder's own samples, unless a crop starts at
// an odd pixel; from other sources their samples have 8 bits of the same range, and their chroma is
// filtered to 4:2:0. gray8 is luma in full range.
//
// Scaled pictures: each of Y, U and V is resampled on its own grid, first down the columns, then
// along the rows, by the filter of axis_taps.h; then the colours are converted. The centre of
// output pixel (i, j) is at (i + 0.5, j + 0.5) times the scale in the part of the source that is
// shown. Chroma of 4:2:0 and 4:2:2 lies on the left column of the two that share it and between the
// two rows (MPEG-2 siting), in the source as in nv12 and i420. Where the crop or the picture ends,
// the filter ends: samples beyond weigh nothing.
//
// Against that in exact arithmetic, bytes are off by up to 0.55 of a level where nothing is
// filtered (rounding alone takes 0.5) and by up to 0.65 where something is; floats by up to 0.001
// and 0.2 of a level, before factor and offset, and half floats by half a unit in their last place
// more.
class Converter {
 public:
  enum class Backend {
    kCopy,    // 4:2:0 to 4:2:0, byte by byte
    kDirect,  // the kernels read the picture and write BGR or RGB
    kLibyuv,  // likewise, for 8-bit BT.601 on processors without AVX2; within 3 levels
    kRows,    // by way of rows of 15-bit samples
  };

  Converter(Matrix matrix, const OutputOptions& output, const Kernels& kernels = BestKernels());

  // Prepares for pictures like this one; cheap if the last one was alike, and the only call that
  // allocates. Answers a fault (`convert`) if there is no way to convert it.
  std::optional<Fault> Configure(const AVFrame& picture);

  // How the configured pictures lie in their slots. REQUIRES: Configure accepted one.
  const OutputLayout& layout() const { return layout_; }

  // Writes the picture to `slot`, layout().bytes bytes.
  // REQUIRES: Configure accepted this picture.
  void Convert(const AVFrame& picture, uint8_t* slot);

  // Which way the configured pictures go.
  Backend backend() const { return backend_; }

 private:
  // All of a picture that decides how it is converted.
  struct Form {
    int width = 0;
    int height = 0;
    int format = -1;
    AVColorSpace colorspace = AVCOL_SPC_UNSPECIFIED;
    AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
    bool operator==(const Form& other) const;
  };

  std::optional<Fault> ConfigureNew(const Form& form);
  Backend Choose(bool is_bt601) const;
  void Copy(const PicturePlanes& picture, uint8_t* slot) const;
  void ConvertDirectly(const PicturePlanes& picture, uint8_t* slot);
  void SplitPairs(const uint8_t* pairs, int count);

  const Matrix matrix_;
  const OutputOptions output_;
  const Kernels& kernels_;
  Form form_;
  bool usable_ = false;
  OutputLayout layout_;
  std::vector<SlotPlane> planes_;
  Backend backend_ = Backend::kRows;
  SampleForm samples_;
  YuvForm yuv_;
  Padding padding_;
  bool is_rgb_ = false;  // pictures go through rgb_source_
  RgbSource rgb_source_;
  RowConverter rows_;
  // kDirect
  YuvCoefficients coefficients_{};
  std::vector<uint16_t> neutral_;  // a row of chroma for gray pictures
  // Rows of U and V that were pairs, as bytes or words; and of words that had bits below them.
  std::vector<int16_t> first_;
  std::vector<int16_t> second_;
  std::vector<int16_t> words_;
};

}  // namespace kvs_frames
