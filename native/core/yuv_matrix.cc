#include "yuv_matrix.h"

namespace kvs_frames {

AVColorSpace ResolveColorspace(Matrix matrix, AVColorSpace tagged, int height) {
  switch (matrix) {
    case Matrix::kBt601:
      return AVCOL_SPC_SMPTE170M;
    case Matrix::kBt709:
      return AVCOL_SPC_BT709;
    case Matrix::kAuto:
      break;
  }
  if (tagged != AVCOL_SPC_UNSPECIFIED && tagged != AVCOL_SPC_RESERVED) return tagged;
  return height >= 720 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

// ITU-T H.273, table 4.
std::optional<LumaWeights> WeightsOf(AVColorSpace colorspace) {
  switch (colorspace) {
    case AVCOL_SPC_RGB:
    case AVCOL_SPC_BT709:
      return kBt709Weights;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return kBt601Weights;
    case AVCOL_SPC_FCC:
      return LumaWeights{0.30, 0.11};
    case AVCOL_SPC_SMPTE240M:
      return LumaWeights{0.212, 0.087};
    case AVCOL_SPC_BT2020_NCL:
      return LumaWeights{0.2627, 0.0593};
    default:
      return std::nullopt;
  }
}

}  // namespace kvs_frames
