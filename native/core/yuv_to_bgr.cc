#include "yuv_to_bgr.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace kvs_frames {
namespace {

// Arithmetic of all kernels: a sample is shifted up to 15 (luma) or 16 bits (chroma, then made
// signed), multiplied by a coefficient, of which the upper bits are kept with rounding (that is
// pmulhrsw), which leaves Q6; luma and chroma are added with saturation at 16 bits, which is beyond
// white and black, and rounded to a level. Coefficients thus are Q14 for luma and Q13 for chroma.
constexpr int kLumaCoefficientBits = 14;
constexpr int kChromaCoefficientBits = 13;
constexpr int kFractionBits = 6;
constexpr int kHalf = 1 << (kFractionBits - 1);

int16_t Quantize(double value, int bits) {
  return static_cast<int16_t>(std::lround(value * (1 << bits)));
}

int MultiplyHighRounded(int a, int b) { return (a * b + 0x4000) >> 15; }

int SaturatingAdd(int a, int b) { return std::clamp(a + b, -32768, 32767); }

uint8_t ToLevel(int value) {
  return static_cast<uint8_t>(std::clamp(SaturatingAdd(value, kHalf) >> kFractionBits, 0, 255));
}

template <typename Sample>
Sample Load(const uint8_t* row, int index) {
  Sample sample;
  std::memcpy(&sample, row + static_cast<size_t>(index) * sizeof(Sample), sizeof(Sample));
  return sample;
}

template <typename Sample, int kPixelsPerChroma>
void ConvertRowScalar(const uint8_t* y, const uint8_t* u, const uint8_t* v, uint8_t* bgr, int width,
                      const YuvCoefficients& c) {
  for (int x = 0; x < width; x += kPixelsPerChroma) {
    const int cb = (Load<Sample>(u, x / kPixelsPerChroma) << c.chroma_shift) - 32768;
    const int cr = (Load<Sample>(v, x / kPixelsPerChroma) << c.chroma_shift) - 32768;
    const int blue = MultiplyHighRounded(cb, c.blue_u);
    const int green = MultiplyHighRounded(cb, c.green_u) + MultiplyHighRounded(cr, c.green_v);
    const int red = MultiplyHighRounded(cr, c.red_v);
    const int end = std::min(x + kPixelsPerChroma, width);
    for (int i = x; i < end; ++i) {
      const int shifted = (Load<Sample>(y, i) << c.luma_shift) - c.luma_offset;
      const int luma = MultiplyHighRounded(shifted, c.luma);
      uint8_t* const pixel = bgr + 3 * static_cast<size_t>(i);
      pixel[0] = ToLevel(SaturatingAdd(luma, blue));
      pixel[1] = ToLevel(SaturatingAdd(luma, green));
      pixel[2] = ToLevel(SaturatingAdd(luma, red));
    }
  }
}

constexpr BgrKernels kScalar = {{{ConvertRowScalar<uint8_t, 2>, ConvertRowScalar<uint8_t, 1>},
                                 {ConvertRowScalar<uint16_t, 2>, ConvertRowScalar<uint16_t, 1>}}};

#ifdef KVS_FRAMES_X86

constexpr size_t kBlock = 32;  // pixels per step

// One 16-bit value for each of 32 pixels. Within each 128-bit half, `low` has pixels 0–7 and `high`
// pixels 8–15 of the half's sixteen: the order in which packus puts them together again.
struct Lanes {
  __m256i low;
  __m256i high;
};

// Samples of 32 pixels, shifted to the top of their lanes.
KVS_FRAMES_AVX2_INLINE Lanes LoadBytes(const uint8_t* samples) {
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(samples));
  const __m256i zero = _mm256_setzero_si256();
  return {_mm256_unpacklo_epi8(zero, bytes), _mm256_unpackhi_epi8(zero, bytes)};
}

KVS_FRAMES_AVX2_INLINE Lanes LoadWords(const uint8_t* samples, __m128i shift) {
  const auto* const words = reinterpret_cast<const __m256i*>(samples);
  const __m256i first = _mm256_sll_epi16(_mm256_loadu_si256(words), shift);
  const __m256i second = _mm256_sll_epi16(_mm256_loadu_si256(words + 1), shift);
  return {_mm256_permute2x128_si256(first, second, 0x20),
          _mm256_permute2x128_si256(first, second, 0x31)};
}

// Samples of 16 pixel pairs, likewise, in order.
KVS_FRAMES_AVX2_INLINE __m256i LoadPairBytes(const uint8_t* samples) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(samples));
  return _mm256_slli_epi16(_mm256_cvtepu8_epi16(bytes), 8);
}

KVS_FRAMES_AVX2_INLINE __m256i LoadPairWords(const uint8_t* samples, __m128i shift) {
  return _mm256_sll_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(samples)), shift);
}

// The coefficients, one in all lanes of a register each.
struct Factors {
  __m256i luma_offset;
  __m256i luma;
  __m256i red_v;
  __m256i green_u;
  __m256i green_v;
  __m256i blue_u;
};

KVS_FRAMES_AVX2_INLINE Factors Spread(const YuvCoefficients& c) {
  return {_mm256_set1_epi16(c.luma_offset), _mm256_set1_epi16(c.luma),
          _mm256_set1_epi16(c.red_v),       _mm256_set1_epi16(c.green_u),
          _mm256_set1_epi16(c.green_v),     _mm256_set1_epi16(c.blue_u)};
}

// What chroma adds to each channel.
struct Terms {
  __m256i blue;
  __m256i green;
  __m256i red;
};

KVS_FRAMES_AVX2_INLINE Terms ChromaTerms(__m256i u, __m256i v, const Factors& factors) {
  const __m256i sign = _mm256_set1_epi16(static_cast<int16_t>(0x8000));
  const __m256i cb = _mm256_xor_si256(u, sign);
  const __m256i cr = _mm256_xor_si256(v, sign);
  return {_mm256_mulhrs_epi16(cb, factors.blue_u),
          _mm256_add_epi16(_mm256_mulhrs_epi16(cb, factors.green_u),
                           _mm256_mulhrs_epi16(cr, factors.green_v)),
          _mm256_mulhrs_epi16(cr, factors.red_v)};
}

KVS_FRAMES_AVX2_INLINE Lanes SpreadPairs(__m256i pairs) {
  return {_mm256_unpacklo_epi16(pairs, pairs), _mm256_unpackhi_epi16(pairs, pairs)};
}

// Levels of one channel, in order.
KVS_FRAMES_AVX2_INLINE __m256i Channel(const Lanes& luma, const Lanes& chroma) {
  const __m256i half = _mm256_set1_epi16(kHalf);
  const __m256i low = _mm256_adds_epi16(_mm256_adds_epi16(luma.low, chroma.low), half);
  const __m256i high = _mm256_adds_epi16(_mm256_adds_epi16(luma.high, chroma.high), half);
  return _mm256_packus_epi16(_mm256_srai_epi16(low, kFractionBits),
                             _mm256_srai_epi16(high, kFractionBits));
}

// Where byte `position` (0–47) of sixteen BGR pixels comes from, for one of three 16-byte parts and
// one channel: the pixel's number, or 0x80, which pshufb turns into 0.
constexpr char ShuffleIndex(int part, int channel, int byte) {
  const int position = part * 16 + byte;
  return position % 3 == channel ? static_cast<char>(position / 3) : static_cast<char>(0x80);
}

KVS_FRAMES_AVX2_INLINE __m256i ShuffleMask(int part, int channel) {
  alignas(16) char mask[16];
  for (int byte = 0; byte < 16; ++byte) mask[byte] = ShuffleIndex(part, channel, byte);
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(mask)));
}

struct InterleaveMasks {
  __m256i mask[3][3];  // [part][channel]
};

KVS_FRAMES_AVX2_INLINE InterleaveMasks MakeInterleaveMasks() {
  InterleaveMasks masks;
  for (int part = 0; part < 3; ++part) {
    for (int channel = 0; channel < 3; ++channel) {
      masks.mask[part][channel] = ShuffleMask(part, channel);
    }
  }
  return masks;
}

KVS_FRAMES_AVX2_INLINE __m256i Part(__m256i blue, __m256i green, __m256i red,
                                    const __m256i (&mask)[3]) {
  return _mm256_or_si256(
      _mm256_shuffle_epi8(blue, mask[0]),
      _mm256_or_si256(_mm256_shuffle_epi8(green, mask[1]), _mm256_shuffle_epi8(red, mask[2])));
}

KVS_FRAMES_AVX2_INLINE void StoreBlock(__m256i blue, __m256i green, __m256i red,
                                       const InterleaveMasks& masks, uint8_t* bgr) {
  const __m256i first = Part(blue, green, red, masks.mask[0]);
  const __m256i second = Part(blue, green, red, masks.mask[1]);
  const __m256i third = Part(blue, green, red, masks.mask[2]);
  auto* const out = reinterpret_cast<__m256i*>(bgr);
  _mm256_storeu_si256(out, _mm256_permute2x128_si256(first, second, 0x20));
  _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(third, first, 0x30));
  _mm256_storeu_si256(out + 2, _mm256_permute2x128_si256(second, third, 0x31));
}

// `luma` has 15 significant bits.
KVS_FRAMES_AVX2_INLINE void ConvertBlock(Lanes luma, const Lanes& blue, const Lanes& green,
                                         const Lanes& red, const Factors& factors,
                                         const InterleaveMasks& masks, uint8_t* bgr) {
  luma.low = _mm256_mulhrs_epi16(_mm256_sub_epi16(luma.low, factors.luma_offset), factors.luma);
  luma.high = _mm256_mulhrs_epi16(_mm256_sub_epi16(luma.high, factors.luma_offset), factors.luma);
  StoreBlock(Channel(luma, blue), Channel(luma, green), Channel(luma, red), masks, bgr);
}

// What stays the same along a row.
struct RowState {
  Factors factors;
  InterleaveMasks masks;
  __m128i luma_shift;
  __m128i chroma_shift;
};

template <typename Sample, int kPixelsPerChroma>
KVS_FRAMES_AVX2_INLINE void ConvertBlockAt(const uint8_t* y, const uint8_t* u, const uint8_t* v,
                                           uint8_t* bgr, const RowState& row) {
  constexpr bool kWords = sizeof(Sample) == 2;
  Lanes luma;
  if constexpr (kWords) {
    luma = LoadWords(y, row.luma_shift);
  } else {
    luma = LoadBytes(y);
    luma = {_mm256_srli_epi16(luma.low, 1), _mm256_srli_epi16(luma.high, 1)};
  }
  if constexpr (kPixelsPerChroma == 2) {
    const __m256i pair_u = kWords ? LoadPairWords(u, row.chroma_shift) : LoadPairBytes(u);
    const __m256i pair_v = kWords ? LoadPairWords(v, row.chroma_shift) : LoadPairBytes(v);
    const Terms terms = ChromaTerms(pair_u, pair_v, row.factors);
    ConvertBlock(luma, SpreadPairs(terms.blue), SpreadPairs(terms.green), SpreadPairs(terms.red),
                 row.factors, row.masks, bgr);
  } else {
    const Lanes all_u = kWords ? LoadWords(u, row.chroma_shift) : LoadBytes(u);
    const Lanes all_v = kWords ? LoadWords(v, row.chroma_shift) : LoadBytes(v);
    const Terms low = ChromaTerms(all_u.low, all_v.low, row.factors);
    const Terms high = ChromaTerms(all_u.high, all_v.high, row.factors);
    ConvertBlock(luma, {low.blue, high.blue}, {low.green, high.green}, {low.red, high.red},
                 row.factors, row.masks, bgr);
  }
}

// The rest of a row, shorter than a block, goes through full-size copies on the stack: nothing
// outside the row is read or written.
template <typename Sample, int kPixelsPerChroma>
struct Tail {
  alignas(32) uint8_t y[kBlock * sizeof(Sample)] = {};
  alignas(32) uint8_t u[kBlock / kPixelsPerChroma * sizeof(Sample)] = {};
  alignas(32) uint8_t v[kBlock / kPixelsPerChroma * sizeof(Sample)] = {};
  alignas(32) uint8_t bgr[kBlock * 3];

  Tail(const uint8_t* rest_y, const uint8_t* rest_u, const uint8_t* rest_v, size_t pixels) {
    const size_t chromas = (pixels + kPixelsPerChroma - 1) / kPixelsPerChroma;
    std::memcpy(y, rest_y, pixels * sizeof(Sample));
    std::memcpy(u, rest_u, chromas * sizeof(Sample));
    std::memcpy(v, rest_v, chromas * sizeof(Sample));
  }
};

template <typename Sample, int kPixelsPerChroma>
KVS_FRAMES_AVX2 void ConvertRowAvx2(const uint8_t* y, const uint8_t* u, const uint8_t* v,
                                    uint8_t* bgr, int width, const YuvCoefficients& c) {
  const RowState row = {Spread(c), MakeInterleaveMasks(), _mm_cvtsi32_si128(c.luma_shift),
                        _mm_cvtsi32_si128(c.chroma_shift)};
  constexpr size_t kLumaBytes = kBlock * sizeof(Sample);
  constexpr size_t kChromaBytes = kLumaBytes / kPixelsPerChroma;
  auto pixels = static_cast<size_t>(width);
  for (; pixels >= kBlock; pixels -= kBlock) {
    ConvertBlockAt<Sample, kPixelsPerChroma>(y, u, v, bgr, row);
    y += kLumaBytes;
    u += kChromaBytes;
    v += kChromaBytes;
    bgr += 3 * kBlock;
  }
  if (pixels == 0) return;
  Tail<Sample, kPixelsPerChroma> tail(y, u, v, pixels);
  ConvertBlockAt<Sample, kPixelsPerChroma>(tail.y, tail.u, tail.v, tail.bgr, row);
  std::memcpy(bgr, tail.bgr, 3 * pixels);
}

constexpr BgrKernels kAvx2 = {{{ConvertRowAvx2<uint8_t, 2>, ConvertRowAvx2<uint8_t, 1>},
                               {ConvertRowAvx2<uint16_t, 2>, ConvertRowAvx2<uint16_t, 1>}}};

#endif

}  // namespace

YuvCoefficients MakeCoefficients(const YuvForm& form) {
  const double kg = 1.0 - form.kr - form.kb;
  const double steps = 1 << (form.depth - 8);  // samples per 8-bit step
  const double last = (1 << form.depth) - 1;
  const double black = form.full_range ? 0.0 : 16.0 * steps;
  const double luma_span = form.full_range ? last : 219.0 * steps;
  const double chroma_span = form.full_range ? last : 224.0 * steps;
  // Output levels per 8-bit step of a sample; the kernels' shifts leave the depth out.
  const double luma = 255.0 * steps / luma_span;
  const double chroma = 255.0 * steps / chroma_span;
  YuvCoefficients c{};
  c.luma_shift = static_cast<int16_t>(15 - form.depth);
  c.chroma_shift = static_cast<int16_t>(16 - form.depth);
  c.luma_offset = static_cast<int16_t>(static_cast<int>(black) << c.luma_shift);
  c.luma = Quantize(luma, kLumaCoefficientBits);
  c.red_v = Quantize(chroma * 2 * (1 - form.kr), kChromaCoefficientBits);
  c.green_u = Quantize(-chroma * 2 * form.kb * (1 - form.kb) / kg, kChromaCoefficientBits);
  c.green_v = Quantize(-chroma * 2 * form.kr * (1 - form.kr) / kg, kChromaCoefficientBits);
  c.blue_u = Quantize(chroma * 2 * (1 - form.kb), kChromaCoefficientBits);
  return c;
}

YuvCoefficients MakeRowCoefficients(const YuvForm& form) {
  YuvCoefficients c = MakeCoefficients(form);
  c.luma_shift = 0;
  c.chroma_shift = 1;
  return c;
}

YuvCoefficients RedFirst(const YuvCoefficients& coefficients) {
  YuvCoefficients c = coefficients;
  std::swap(c.red_v, c.blue_u);
  std::swap(c.green_u, c.green_v);
  return c;
}

const BgrKernels& BgrKernelsFor([[maybe_unused]] Simd simd) {
#ifdef KVS_FRAMES_X86
  if (simd == Simd::kAvx2) return kAvx2;
#endif
  return kScalar;
}

}  // namespace kvs_frames
