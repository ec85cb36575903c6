// Decoded picture → BGR24 in given memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "av.h"
#include "fault.h"
#include "yuv_to_bgr.h"

namespace kvs_frames {

// Whose matrix turns YUV into RGB.
enum class Matrix {
  kAuto,   // the stream's; unspecified means BT.709 from 720 lines up, BT.601 below
  kBt601,  // BT.601 whatever the stream says (OpenCV does that)
  kBt709,
};

// Converts pictures of any size. Rows are tight (width × 3 bytes) and not one byte outside
// height × width × 3 is written. Chroma is nearest. The range (limited or full) follows the stream.
//
// Planar YUV and gray of 8 to 14 bits go through our kernels, within 1 level of exact arithmetic;
// without AVX2, 8-bit 4:2:0 in BT.601 goes through libyuv where that was built in (within 3
// levels). Everything else a decoder gives goes through swscale, whose YUV paths are not used: its
// exact one wraps from white to black where a channel passes 512 (saturated blue). One thread.
class Converter {
 public:
  enum class Backend { kKernels, kLibyuv, kSwscale };

  explicit Converter(Matrix matrix, const YuvKernels& kernels = BestKernels());

  // Prepares for pictures like this one; cheap if the last one was alike, and the only call that
  // allocates. Answers a fault (`convert`) if there is no way to convert it.
  std::optional<Fault> Configure(const AVFrame& picture);

  // Writes the picture to `bgr`, height × width × 3 bytes.
  // REQUIRES: Configure accepted this picture.
  void Convert(const AVFrame& picture, uint8_t* bgr);

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
  std::optional<Fault> ConfigureSwscale(const Form& form, AVPixelFormat format,
                                        AVColorSpace colorspace, bool full_range);
  void ConvertByKernels(const AVFrame& picture, uint8_t* bgr) const;
  void ConvertBySwscale(const AVFrame& picture, uint8_t* bgr);

  const Matrix matrix_;
  const YuvKernels& kernels_;
  Form form_;
  bool usable_ = false;
  Backend backend_ = Backend::kKernels;
  // kKernels
  YuvRowKernel row_ = nullptr;
  YuvCoefficients coefficients_{};
  int chroma_row_shift_ = 0;              // 1: two rows share a row of chroma
  std::vector<uint16_t> neutral_chroma_;  // one row, for gray pictures; else empty
  // kLibyuv
  bool full_range_ = false;
  // kSwscale
  UniqueSws sws_;
  std::vector<uint8_t> scratch_;  // swscale writes past the end of tight rows, so not into `bgr`
  int scratch_stride_ = 0;
};

}  // namespace kvs_frames
