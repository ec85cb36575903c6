// By which matrix a picture's YUV becomes RGB.
#pragma once

#include <optional>

#include "av.h"

namespace kvs_frames {

// Whose matrix turns YUV into RGB.
enum class Matrix {
  kAuto,   // the stream's; unspecified means BT.709 from 720 lines up, BT.601 below
  kBt601,  // BT.601 whatever the stream says (OpenCV does that)
  kBt709,
};

// What red and blue weigh in luma; green has the rest.
struct LumaWeights {
  double kr;
  double kb;
};

constexpr LumaWeights kBt601Weights = {0.299, 0.114};
constexpr LumaWeights kBt709Weights = {0.2126, 0.0722};

// The matrix to use for a picture of this height that is tagged `tagged`.
AVColorSpace ResolveColorspace(Matrix matrix, AVColorSpace tagged, int height);

// Nothing for matrices that are not of this kind, such as YCgCo. For RGB, those of BT.709.
std::optional<LumaWeights> WeightsOf(AVColorSpace colorspace);

}  // namespace kvs_frames
