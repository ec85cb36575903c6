#include "kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace kvs_frames {
namespace {

Kernels Make(Simd simd, const char* name) {
  return {BgrKernelsFor(simd), FloatKernelsFor(simd), ResampleKernelsFor(simd),
          SampleKernelsFor(simd), name};
}

#if defined(__x86_64__)

bool HasAvx2AndF16c() {
  // Not every compiler knows "f16c" as a name here; that registers of 32 bytes are saved is part of
  // what it checks for AVX2.
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __builtin_cpu_supports("avx2") != 0 && __get_cpuid(1, &a, &b, &c, &d) != 0 &&
         (c & bit_F16C) != 0;
}

#endif

}  // namespace

const Kernels& ScalarKernels() {
  static const Kernels kernels = Make(Simd::kScalar, "scalar");
  return kernels;
}

const Kernels& BestKernels() {
#if defined(__x86_64__)
  static const bool has_avx2 = HasAvx2AndF16c();
  static const Kernels kernels = Make(Simd::kAvx2, "avx2");
  if (has_avx2) return kernels;
#endif
  return ScalarKernels();
}

}  // namespace kvs_frames
