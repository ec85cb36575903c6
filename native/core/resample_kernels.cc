#include "resample_kernels.h"

#include <algorithm>
#include <cstring>

namespace kvs_frames {
namespace {

constexpr int kHalf = 1 << (kRowWeightBits - 1);

// A product loses half a unit on average when it is cut, and the sum another when it is halved.
int Lost(int taps) { return (taps + 1) / 2; }

template <typename Sample>
void ColumnsScalar(const PlaneSlice& rows, const uint16_t* weights, int taps, int count,
                   int16_t* out) {
  const int shift = sizeof(Sample) == 1 ? 8 : rows.left_shift;
  for (int x = 0; x < count; ++x) {
    const uint8_t* at = rows.first + static_cast<size_t>(x) * sizeof(Sample);
    uint32_t sum = Lost(taps);
    for (int tap = 0; tap < taps; ++tap, at += rows.stride) {
      Sample sample;
      std::memcpy(&sample, at, sizeof(Sample));
      sum += (static_cast<uint16_t>(sample << shift) * uint32_t{weights[tap]}) >> 16;
    }
    out[x] = static_cast<int16_t>(static_cast<uint16_t>(std::min(sum, 65535u)) >> 1);
  }
}

void RowScalar(const int16_t* in, const int32_t* starts, const uint16_t* weights, int taps,
               int count, int16_t* out) {
  for (int x = 0; x < count; ++x, weights += taps) {
    const int16_t* const from = in + starts[x];
    int32_t sum = kHalf;
    for (int tap = 0; tap < taps; ++tap) sum += from[tap] * weights[tap];
    out[x] = static_cast<int16_t>(sum >> kRowWeightBits);
  }
}

constexpr ResampleKernels kScalar = {{ColumnsScalar<uint8_t>, ColumnsScalar<uint16_t>}, RowScalar};

#ifdef KVS_FRAMES_X86

KVS_FRAMES_AVX2_INLINE __m256i Load(const void* at) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(at));
}

// The samples of a block, 32 bytes of each row. kTaps: 0 for as many as `taps`.
template <typename Sample, int kTaps>
KVS_FRAMES_AVX2_INLINE void ColumnBlock(const uint8_t* at, ptrdiff_t stride, __m128i shift,
                                        const uint16_t* weights, int taps, int16_t* out) {
  const __m256i zero = _mm256_setzero_si256();
  // Of bytes, within each half of a register lie 8 samples; the other 8 are in the other register.
  __m256i low = _mm256_set1_epi16(static_cast<int16_t>(Lost(taps)));
  __m256i high = low;
  for (int tap = 0; tap < (kTaps > 0 ? kTaps : taps); ++tap, at += stride) {
    const __m256i weight = _mm256_set1_epi16(static_cast<int16_t>(weights[tap]));
    const __m256i row = Load(at);
    if constexpr (sizeof(Sample) == 1) {
      low = _mm256_adds_epu16(low, _mm256_mulhi_epu16(_mm256_unpacklo_epi8(zero, row), weight));
      high = _mm256_adds_epu16(high, _mm256_mulhi_epu16(_mm256_unpackhi_epi8(zero, row), weight));
    } else {
      low = _mm256_adds_epu16(low, _mm256_mulhi_epu16(_mm256_sll_epi16(row, shift), weight));
    }
  }
  auto* const to = reinterpret_cast<__m256i*>(out);
  low = _mm256_srli_epi16(low, 1);
  if constexpr (sizeof(Sample) == 1) {
    high = _mm256_srli_epi16(high, 1);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(low, high, 0x31));
  } else {
    _mm256_storeu_si256(to, low);
  }
}

template <typename Sample, int kTaps>
KVS_FRAMES_AVX2 void ColumnBlocks(const PlaneSlice& rows, const uint16_t* weights, int taps,
                                  int count, int16_t* out) {
  constexpr int kBlock = 32 / sizeof(Sample);
  const __m128i shift = _mm_cvtsi32_si128(rows.left_shift);
  int x = 0;
  for (; x + kBlock <= count; x += kBlock) {
    ColumnBlock<Sample, kTaps>(rows.first + x * sizeof(Sample), rows.stride, shift, weights, taps,
                               out + x);
  }
  if (x == count) return;
  // The rest together with some of what is done already, so that nothing beyond it is read.
  x = count - kBlock;
  ColumnBlock<Sample, kTaps>(rows.first + x * sizeof(Sample), rows.stride, shift, weights, taps,
                             out + x);
}

template <typename Sample>
void ColumnsAvx2(const PlaneSlice& rows, const uint16_t* weights, int taps, int count,
                 int16_t* out) {
  if (count < static_cast<int>(32 / sizeof(Sample))) {
    return ColumnsScalar<Sample>(rows, weights, taps, count, out);
  }
  // With the usual numbers of taps the loops over them are unrolled.
  switch (taps) {
    case 2:
      return ColumnBlocks<Sample, 2>(rows, weights, taps, count, out);
    case 3:
      return ColumnBlocks<Sample, 3>(rows, weights, taps, count, out);
    case 4:
      return ColumnBlocks<Sample, 4>(rows, weights, taps, count, out);
    case 5:
      return ColumnBlocks<Sample, 5>(rows, weights, taps, count, out);
    case 6:
      return ColumnBlocks<Sample, 6>(rows, weights, taps, count, out);
    default:
      return ColumnBlocks<Sample, 0>(rows, weights, taps, count, out);
  }
}

KVS_FRAMES_AVX2_INLINE __m128i Load8(const void* at) {
  return _mm_loadu_si128(static_cast<const __m128i*>(at));
}

// Four samples from each of two places.
KVS_FRAMES_AVX2_INLINE __m128i Load4And4(const int16_t* first, const int16_t* second) {
  const __m128i low = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(first));
  return _mm_castps_si128(
      _mm_loadh_pi(_mm_castsi128_ps(low), reinterpret_cast<const __m64*>(second)));
}

KVS_FRAMES_AVX2_INLINE __m256i Join(__m128i low, __m128i high) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

// Eight sums, in order, from four parts of each: samples k and k + 4 in argument k.
KVS_FRAMES_AVX2_INLINE __m256i SumOfFours(__m256i first, __m256i second, __m256i third,
                                          __m256i fourth) {
  return _mm256_hadd_epi32(_mm256_hadd_epi32(first, second), _mm256_hadd_epi32(third, fourth));
}

KVS_FRAMES_AVX2_INLINE void StoreRow(__m256i sums, int16_t* out) {
  const __m256i rounded =
      _mm256_srai_epi32(_mm256_add_epi32(sums, _mm256_set1_epi32(kHalf)), kRowWeightBits);
  const __m256i packed = _mm256_packs_epi32(rounded, rounded);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                   _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08)));
}

KVS_FRAMES_AVX2 void RowOf4(const int16_t* in, const int32_t* starts, const uint16_t* weights,
                            int count, int16_t* out) {
  for (int x = 0; x < count; x += 8, starts += 8, weights += 32) {
    const __m256i first = _mm256_madd_epi16(
        Join(Load4And4(in + starts[0], in + starts[1]), Load4And4(in + starts[4], in + starts[5])),
        Join(Load8(weights), Load8(weights + 16)));
    const __m256i second = _mm256_madd_epi16(
        Join(Load4And4(in + starts[2], in + starts[3]), Load4And4(in + starts[6], in + starts[7])),
        Join(Load8(weights + 8), Load8(weights + 24)));
    StoreRow(_mm256_hadd_epi32(first, second), out + x);
  }
}

// Eight products of each of two output samples, summed in pairs.
KVS_FRAMES_AVX2_INLINE __m256i Products(const int16_t* first, const int16_t* second,
                                        const uint16_t* first_weights,
                                        const uint16_t* second_weights) {
  return _mm256_madd_epi16(Join(Load8(first), Load8(second)),
                           Join(Load8(first_weights), Load8(second_weights)));
}

KVS_FRAMES_AVX2 void RowOf8(const int16_t* in, const int32_t* starts, const uint16_t* weights,
                            int count, int16_t* out) {
  for (int x = 0; x < count; x += 8, starts += 8, weights += 64) {
    StoreRow(SumOfFours(Products(in + starts[0], in + starts[4], weights, weights + 32),
                        Products(in + starts[1], in + starts[5], weights + 8, weights + 40),
                        Products(in + starts[2], in + starts[6], weights + 16, weights + 48),
                        Products(in + starts[3], in + starts[7], weights + 24, weights + 56)),
             out + x);
  }
}

// The sum of one output sample and of that four behind it, in four parts each.
KVS_FRAMES_AVX2_INLINE __m256i Parts(const int16_t* in, const int32_t* starts,
                                     const uint16_t* weights, int taps) {
  const uint16_t* const later = weights + 4 * static_cast<ptrdiff_t>(taps);
  __m256i sum = _mm256_setzero_si256();
  for (int tap = 0; tap < taps; tap += 8) {
    sum = _mm256_add_epi32(
        sum, Products(in + starts[0] + tap, in + starts[4] + tap, weights + tap, later + tap));
  }
  return sum;
}

KVS_FRAMES_AVX2 void RowAvx2(const int16_t* in, const int32_t* starts, const uint16_t* weights,
                             int taps, int count, int16_t* out) {
  if (taps == 4) return RowOf4(in, starts, weights, count, out);
  if (taps == 8) return RowOf8(in, starts, weights, count, out);
  const ptrdiff_t step = taps;
  for (int x = 0; x < count; x += 8, starts += 8, weights += 8 * step) {
    StoreRow(
        SumOfFours(Parts(in, starts, weights, taps), Parts(in, starts + 1, weights + step, taps),
                   Parts(in, starts + 2, weights + 2 * step, taps),
                   Parts(in, starts + 3, weights + 3 * step, taps)),
        out + x);
  }
}

constexpr ResampleKernels kAvx2 = {{ColumnsAvx2<uint8_t>, ColumnsAvx2<uint16_t>}, RowAvx2};

#endif

}  // namespace

const ResampleKernels& ResampleKernelsFor([[maybe_unused]] Simd simd) {
#ifdef KVS_FRAMES_X86
  if (simd == Simd::kAvx2) return kAvx2;
#endif
  return kScalar;
}

}  // namespace kvs_frames
