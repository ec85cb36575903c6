#include "float_kernels.h"

#include <algorithm>
#include <cstring>

namespace kvs_frames {
namespace {

struct Levels {
  float red;
  float green;
  float blue;
};

// In this order of operations, and without fused ones, all kernels have the same last bits.
Levels LevelsOf(int16_t y, int16_t u, int16_t v, const FloatForm& form) {
  const float luma = static_cast<float>(y) * form.luma;
  const auto cb = static_cast<float>(u);
  const auto cr = static_cast<float>(v);
  return {luma + cr * form.red_v + form.black[0],
          luma + cb * form.green_u + cr * form.green_v + form.black[1],
          luma + cb * form.blue_u + form.black[2]};
}

template <typename Number>
void Store(float level, float factor, float offset, uint8_t* to) {
  const float number = std::min(std::max(level, 0.0f), 255.0f) * factor + offset;
  if constexpr (sizeof(Number) == 4) {
    std::memcpy(to, &number, sizeof(number));
  } else {
    const uint16_t half = ToHalf(number);
    std::memcpy(to, &half, sizeof(half));
  }
}

template <typename Number>
void RowScalar(const int16_t* y, const int16_t* u, const int16_t* v, int count,
               const FloatForm& form, uint8_t* red, uint8_t* green, uint8_t* blue) {
  for (int i = 0; i < count; ++i) {
    const size_t at = static_cast<size_t>(i) * sizeof(Number);
    const Levels levels = LevelsOf(y[i], u[i], v[i], form);
    Store<Number>(levels.red, form.factor[0], form.offset[0], red + at);
    Store<Number>(levels.green, form.factor[1], form.offset[1], green + at);
    Store<Number>(levels.blue, form.factor[2], form.offset[2], blue + at);
  }
}

constexpr FloatKernels kScalar = {{RowScalar<float>, RowScalar<uint16_t>}};

#ifdef KVS_FRAMES_X86

KVS_FRAMES_AVX2_INLINE __m256 LoadFloats(const int16_t* samples) {
  return _mm256_cvtepi32_ps(
      _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(samples))));
}

KVS_FRAMES_AVX2_INLINE __m256 Plus(__m256 sum, __m256 chroma, float by) {
  return _mm256_add_ps(sum, _mm256_mul_ps(chroma, _mm256_set1_ps(by)));
}

template <typename Number>
KVS_FRAMES_AVX2_INLINE void StoreEight(__m256 level, float factor, float offset, uint8_t* to) {
  const __m256 kept =
      _mm256_min_ps(_mm256_max_ps(level, _mm256_setzero_ps()), _mm256_set1_ps(255.0f));
  const __m256 number =
      _mm256_add_ps(_mm256_mul_ps(kept, _mm256_set1_ps(factor)), _mm256_set1_ps(offset));
  if constexpr (sizeof(Number) == 4) {
    _mm256_storeu_ps(reinterpret_cast<float*>(to), number);
  } else {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm256_cvtps_ph(number, _MM_FROUND_TO_NEAREST_INT));
  }
}

template <typename Number>
KVS_FRAMES_AVX2 void RowAvx2(const int16_t* y, const int16_t* u, const int16_t* v, int count,
                             const FloatForm& form, uint8_t* red, uint8_t* green, uint8_t* blue) {
  constexpr int kBlock = 8;
  int i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    const __m256 luma = _mm256_mul_ps(LoadFloats(y + i), _mm256_set1_ps(form.luma));
    const __m256 cb = LoadFloats(u + i);
    const __m256 cr = LoadFloats(v + i);
    const __m256 r = _mm256_add_ps(Plus(luma, cr, form.red_v), _mm256_set1_ps(form.black[0]));
    const __m256 g = _mm256_add_ps(Plus(Plus(luma, cb, form.green_u), cr, form.green_v),
                                   _mm256_set1_ps(form.black[1]));
    const __m256 b = _mm256_add_ps(Plus(luma, cb, form.blue_u), _mm256_set1_ps(form.black[2]));
    const size_t at = static_cast<size_t>(i) * sizeof(Number);
    StoreEight<Number>(r, form.factor[0], form.offset[0], red + at);
    StoreEight<Number>(g, form.factor[1], form.offset[1], green + at);
    StoreEight<Number>(b, form.factor[2], form.offset[2], blue + at);
  }
  const size_t at = static_cast<size_t>(i) * sizeof(Number);
  RowScalar<Number>(y + i, u + i, v + i, count - i, form, red + at, green + at, blue + at);
}

constexpr FloatKernels kAvx2 = {{RowAvx2<float>, RowAvx2<uint16_t>}};

#endif

}  // namespace

FloatForm MakeFloatForm(const YuvForm& form, const float (&factor)[3], const float (&offset)[3]) {
  const double kg = 1.0 - form.kr - form.kb;
  constexpr double kStep = 128;  // row samples per 8-bit step
  const double last = ((1 << form.depth) - 1) << (15 - form.depth);
  const double luma = 255.0 / (form.full_range ? last : 219 * kStep);
  const double chroma = 255.0 / (form.full_range ? last : 224 * kStep);
  const double red_v = chroma * 2 * (1 - form.kr);
  const double blue_u = chroma * 2 * (1 - form.kb);
  const double green_u = -blue_u * form.kb / kg;
  const double green_v = -red_v * form.kr / kg;
  const double black = form.full_range ? 0 : -16 * kStep * luma;
  const double middle = 128 * kStep;
  FloatForm made{};
  made.luma = static_cast<float>(luma);
  made.red_v = static_cast<float>(red_v);
  made.green_u = static_cast<float>(green_u);
  made.green_v = static_cast<float>(green_v);
  made.blue_u = static_cast<float>(blue_u);
  made.black[0] = static_cast<float>(black - middle * red_v);
  made.black[1] = static_cast<float>(black - middle * (green_u + green_v));
  made.black[2] = static_cast<float>(black - middle * blue_u);
  for (int channel = 0; channel < 3; ++channel) {
    made.factor[channel] = factor[channel];
    made.offset[channel] = offset[channel];
  }
  return made;
}

uint16_t ToHalf(float number) {
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof(bits));
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  constexpr uint32_t kInfinity = 0x7f800000;
  constexpr uint32_t kTooLarge = 0x477ff000;        // 65520, which rounds to infinity
  constexpr uint32_t kSmallestNormal = 0x38800000;  // 2^-14
  if (magnitude > kInfinity) return sign | 0x7e00;
  if (magnitude >= kTooLarge) return sign | 0x7c00;
  if (magnitude < kSmallestNormal) {
    // The sum's last bit is worth 2^-24, as a subnormal's is: the addition rounds.
    float sum;
    std::memcpy(&sum, &magnitude, sizeof(sum));
    sum += 0.5f;
    std::memcpy(&bits, &sum, sizeof(bits));
    return static_cast<uint16_t>(sign | (bits - 0x3f000000));
  }
  const uint32_t odd = magnitude >> 13 & 1;
  const uint32_t rounded = magnitude - ((127 - 15) << 23) + 0xfff + odd;
  return static_cast<uint16_t>(sign | rounded >> 13);
}

const FloatKernels& FloatKernelsFor([[maybe_unused]] Simd simd) {
#ifdef KVS_FRAMES_X86
  if (simd == Simd::kAvx2) return kAvx2;
#endif
  return kScalar;
}

}  // namespace kvs_frames
