#include "sample_kernels.h"

#include <algorithm>
#include <cstring>

namespace kvs_frames {
namespace {

// Each loop is written once, plainly enough for the compiler to vectorise, and compiled for both
// kinds of processor.
#define KVS_FRAMES_LOOP __attribute__((always_inline)) inline

constexpr int kByteShift = 7;

KVS_FRAMES_LOOP void WidenBytes(const uint8_t* __restrict in, int count, int16_t* __restrict out) {
  for (int i = 0; i < count; ++i) out[i] = static_cast<int16_t>(in[i] << kByteShift);
}

KVS_FRAMES_LOOP void WidenWords(const uint8_t* __restrict in, int right, int left, int count,
                                int16_t* __restrict out) {
  for (int i = 0; i < count; ++i) {
    uint16_t word;
    std::memcpy(&word, in + 2 * static_cast<size_t>(i), sizeof(word));
    out[i] = static_cast<int16_t>(word >> right << left);
  }
}

KVS_FRAMES_LOOP void Repeat(const int16_t* __restrict in, int phase, int count,
                            int16_t* __restrict out) {
  if (phase == 1 && count > 0) {
    *out++ = *in++;
    --count;
  }
  const auto pairs = static_cast<size_t>(count / 2);
  for (size_t i = 0; i < pairs; ++i) {
    out[2 * i] = in[i];
    out[2 * i + 1] = in[i];
  }
  if (count % 2 == 1) out[count - 1] = in[pairs];
}

template <typename Sample>
KVS_FRAMES_LOOP void Split(const Sample* __restrict pairs, int count, Sample* __restrict first,
                           Sample* __restrict second) {
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    first[i] = pairs[2 * i];
    second[i] = pairs[2 * i + 1];
  }
}

KVS_FRAMES_LOOP void Merge(const uint8_t* __restrict first, const uint8_t* __restrict second,
                           int count, uint8_t* __restrict pairs) {
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    pairs[2 * i] = first[i];
    pairs[2 * i + 1] = second[i];
  }
}

KVS_FRAMES_LOOP void ToLevels(const int16_t* __restrict in, int count, const LevelMap& map,
                              uint8_t* __restrict out) {
  const int offset = map.offset;
  const int factor = map.factor;
  const int bias = map.bias + 32;
  for (int i = 0; i < count; ++i) {
    const auto product = static_cast<int16_t>(((in[i] - offset) * factor + 0x4000) >> 15);
    out[i] = static_cast<uint8_t>(std::clamp((product + bias) >> 6, 0, 255));
  }
}

struct Scalar {
  static void Widen(const uint8_t* in, int count, int16_t* out) { WidenBytes(in, count, out); }
  static void Words(const uint8_t* in, int right, int left, int count, int16_t* out) {
    WidenWords(in, right, left, count, out);
  }
  static void Twice(const int16_t* in, int phase, int count, int16_t* out) {
    Repeat(in, phase, count, out);
  }
  static void Apart(const int16_t* in, int count, int16_t* first, int16_t* second) {
    Split(in, count, first, second);
  }
  static void ApartBytes(const uint8_t* in, int count, uint8_t* first, uint8_t* second) {
    Split(in, count, first, second);
  }
  static void Together(const uint8_t* first, const uint8_t* second, int count, uint8_t* out) {
    Merge(first, second, count, out);
  }
  static void Levels(const int16_t* in, int count, const LevelMap& map, uint8_t* out) {
    ToLevels(in, count, map, out);
  }
  static constexpr SampleKernels kTable = {Widen,      Words,    Twice, Apart,
                                           ApartBytes, Together, Levels};
};

#ifdef KVS_FRAMES_X86

struct Avx2 {
  KVS_FRAMES_AVX2 static void Widen(const uint8_t* in, int count, int16_t* out) {
    WidenBytes(in, count, out);
  }

  // In these two the compiler would make 32-bit numbers of all samples.
  KVS_FRAMES_AVX2 static void Words(const uint8_t* in, int right, int left, int count,
                                    int16_t* out) {
    const __m128i down = _mm_cvtsi32_si128(right);
    const __m128i up = _mm_cvtsi32_si128(left);
    int i = 0;
    for (; i + 16 <= count; i += 16) {
      const __m256i words =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + 2 * static_cast<size_t>(i)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                          _mm256_sll_epi16(_mm256_srl_epi16(words, down), up));
    }
    WidenWords(in + 2 * static_cast<size_t>(i), right, left, count - i, out + i);
  }
  KVS_FRAMES_AVX2 static void Levels(const int16_t* in, int count, const LevelMap& map,
                                     uint8_t* out) {
    int i = 0;
    for (; i + 32 <= count; i += 32) {
      const __m256i low = Level(in + i, map);
      const __m256i high = Level(in + i + 16, map);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                          _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0xd8));
    }
    ToLevels(in + i, count - i, map, out + i);
  }

  KVS_FRAMES_AVX2 static void Twice(const int16_t* in, int phase, int count, int16_t* out) {
    Repeat(in, phase, count, out);
  }
  KVS_FRAMES_AVX2 static void Apart(const int16_t* in, int count, int16_t* first, int16_t* second) {
    Split(in, count, first, second);
  }
  KVS_FRAMES_AVX2 static void ApartBytes(const uint8_t* in, int count, uint8_t* first,
                                         uint8_t* second) {
    Split(in, count, first, second);
  }
  KVS_FRAMES_AVX2 static void Together(const uint8_t* first, const uint8_t* second, int count,
                                       uint8_t* out) {
    Merge(first, second, count, out);
  }

  KVS_FRAMES_AVX2_INLINE static __m256i Level(const int16_t* in, const LevelMap& map) {
    const __m256i samples = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in));
    const __m256i product = _mm256_mulhrs_epi16(
        _mm256_sub_epi16(samples, _mm256_set1_epi16(map.offset)), _mm256_set1_epi16(map.factor));
    const __m256i bias = _mm256_set1_epi16(static_cast<int16_t>(map.bias + 32));
    return _mm256_srai_epi16(_mm256_adds_epi16(product, bias), 6);
  }

  static constexpr SampleKernels kTable = {Widen,      Words,    Twice, Apart,
                                           ApartBytes, Together, Levels};
};

#endif

}  // namespace

const SampleKernels& SampleKernelsFor([[maybe_unused]] Simd simd) {
#ifdef KVS_FRAMES_X86
  if (simd == Simd::kAvx2) return Avx2::kTable;
#endif
  return Scalar::kTable;
}

}  // namespace kvs_frames
