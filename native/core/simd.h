// Which instructions a kernel may use.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#define KVS_FRAMES_X86 1

// A function with other target options than its caller's is never inlined, hence the attribute on
// all of them; and a vector must not cross a call that is not. FMA stays off: a fused sum has other
// last bits than the portable twin's.
#define KVS_FRAMES_AVX2 __attribute__((target("avx2,f16c")))
#define KVS_FRAMES_AVX2_INLINE KVS_FRAMES_AVX2 __attribute__((always_inline)) inline
#endif

namespace kvs_frames {

enum class Simd { kScalar, kAvx2 };  // kAvx2: only on x86-64

}  // namespace kvs_frames
