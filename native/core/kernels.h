// All loops over pixels, for one kind of processor. Every set gives the same bytes.
#pragma once

#include "float_kernels.h"
#include "resample_kernels.h"
#include "sample_kernels.h"
#include "yuv_to_bgr.h"

namespace kvs_frames {

struct Kernels {
  const BgrKernels& bgr;
  const FloatKernels& floats;
  const ResampleKernels& resample;
  const SampleKernels& samples;
  const char* name;  // "avx2" or "scalar"
};

const Kernels& ScalarKernels();

// The fastest that this processor runs.
const Kernels& BestKernels();

}  // namespace kvs_frames
