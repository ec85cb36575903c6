// The loops over pixels: every set of kernels gives the same bytes, and weights are what they
// should be.
#include "kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "axis_taps.h"
#include "check.h"

namespace kvs_frames {
namespace {

constexpr int kCounts[] = {1, 2, 7, 8, 15, 16, 31, 32, 33, 64, 97, 1920};

// In memory of exactly their size, so that a sanitizer sees every access beyond it.
template <typename Number>
std::vector<Number> Random(size_t count, int last) {
  static std::mt19937 random(1);
  std::vector<Number> numbers(count);
  for (Number& number : numbers) {
    number = static_cast<Number>(std::uniform_int_distribution<int>(0, last)(random));
  }
  return numbers;
}

TEST(RowsOfSamplesAreTheSameByAllKernels) {
  const SampleKernels& plain = ScalarKernels().samples;
  const SampleKernels& best = BestKernels().samples;
  for (const int count : kCounts) {
    const size_t twice = 2 * static_cast<size_t>(count);
    const auto bytes = Random<uint8_t>(twice, 255);
    const auto samples = Random<int16_t>(twice, 32767);
    const auto same = [&](const auto& make) {
      CHECK(make(plain) == make(best));
      return make(best);
    };
    const auto widened = same([&](const SampleKernels& kernels) {
      std::vector<int16_t> out(count);
      kernels.widen_bytes(bytes.data(), count, out.data());
      return out;
    });
    for (int i = 0; i < count; ++i) CHECK_EQ(widened[i], bytes[i] * 128);
    const auto words = same([&](const SampleKernels& kernels) {
      std::vector<int16_t> out(count);
      kernels.widen_words(bytes.data(), 6, 5, count, out.data());
      return out;
    });
    for (size_t i = 0; i < words.size(); ++i) {
      CHECK_EQ(words[i], (bytes[2 * i] | bytes[2 * i + 1] << 8) >> 6 << 5);
    }
    for (const int phase : {0, 1}) {
      const auto repeated = same([&](const SampleKernels& kernels) {
        std::vector<int16_t> out(count);
        kernels.repeat(samples.data(), phase, count, out.data());
        return out;
      });
      for (int i = 0; i < count; ++i) CHECK_EQ(repeated[i], samples[(i + phase) / 2]);
    }
    const auto split = same([&](const SampleKernels& kernels) {
      std::vector<std::vector<int16_t>> out(2, std::vector<int16_t>(count));
      kernels.split(samples.data(), count, out[0].data(), out[1].data());
      return out;
    });
    const auto apart = same([&](const SampleKernels& kernels) {
      std::vector<std::vector<uint8_t>> out(2, std::vector<uint8_t>(count));
      kernels.split_bytes(bytes.data(), count, out[0].data(), out[1].data());
      return out;
    });
    for (int i = 0; i < 2 * count; ++i) {
      CHECK_EQ(split[i % 2][i / 2], samples[i]);
      CHECK_EQ(apart[i % 2][i / 2], bytes[i]);
    }
    const auto merged = same([&](const SampleKernels& kernels) {
      std::vector<uint8_t> out(twice);
      kernels.merge_bytes(apart[0].data(), apart[1].data(), count, out.data());
      return out;
    });
    CHECK(merged == bytes);
    const auto levels = same([&](const SampleKernels& kernels) {
      std::vector<uint8_t> out(count);
      kernels.to_levels(samples.data(), count, {2048, 19077, 0}, out.data());
      return out;
    });
    for (int i = 0; i < count; ++i) {
      const double exact = (samples[i] / 128.0 - 16) * 255 / 219;
      CHECK(std::abs(levels[i] - std::clamp(exact, 0.0, 255.0)) <= 0.52);
    }
  }
}

TEST(SumsOfRowsAndColumnsAreTheSameByAllKernels) {
  for (const int count : kCounts) {
    for (const int taps : {1, 2, 3, 5, 8, 33}) {
      const std::vector<uint16_t> weights(taps, static_cast<uint16_t>(65535 / taps));
      for (const int bytes : {1, 2}) {
        const auto plane = Random<uint8_t>(static_cast<size_t>(count) * taps * bytes, 255);
        std::vector<int16_t> out[2] = {std::vector<int16_t>(count), std::vector<int16_t>(count)};
        const PlaneSlice slice = {plane.data(), static_cast<ptrdiff_t>(count) * bytes,
                                  bytes == 2 ? 2 : 0};
        for (const int i : {0, 1}) {
          (i == 0 ? ScalarKernels() : BestKernels())
              .resample.columns[bytes - 1](slice, weights.data(), taps, count, out[i].data());
        }
        CHECK(out[0] == out[1]);
      }
    }
  }
  for (const double step : {0.3, 0.9, 1.0, 1.5, 1.7, 2.9, 3.0, 7.5, 20.0}) {
    for (const int count : kCounts) {
      const int length = static_cast<int>(std::ceil(step * count));
      const AxisTaps taps = PadTaps(MakeTaps({step / 2, step, count, 0, length}, kRowWeightBits));
      auto in = Random<int16_t>(static_cast<size_t>(length) + taps.taps, 32767);
      std::vector<int16_t> out[2];
      for (const int i : {0, 1}) {
        out[i].resize(taps.starts.size());
        (i == 0 ? ScalarKernels() : BestKernels())
            .resample.row(in.data(), taps.starts.data(), taps.weights.data(), taps.taps,
                          static_cast<int>(taps.starts.size()), out[i].data());
      }
      CHECK(out[0] == out[1]);
    }
  }
}

TEST(WeightsSumUpToOneAndStayInsideThePlane) {
  for (const double step : {0.01, 0.3, 0.5, 0.999, 1.0, 1.5, 2.0, 3.7, 12.0, 100.0}) {
    for (const int count : {1, 2, 7, 100}) {
      for (const double offset : {0.0, 0.25, 3.5}) {
        const int low = static_cast<int>(offset);
        const int high = low + static_cast<int>(std::ceil(step * count + offset - low));
        const AxisTaps taps = MakeTaps({offset + step / 2, step, count, low, high}, kRowWeightBits);
        CHECK(taps.low >= low && taps.high <= high);
        for (int k = 0; k < count; ++k) {
          int sum = 0;
          for (int tap = 0; tap < taps.taps; ++tap) {
            const int weight = taps.weights[static_cast<size_t>(k) * taps.taps + tap];
            sum += weight;
          }
          CHECK_EQ(sum, 1 << kRowWeightBits);
          CHECK(taps.starts[k] >= 0 && taps.low + taps.starts[k] + taps.taps <= taps.high);
        }
      }
    }
  }
}

TEST(WhereNothingIsScaledEachSampleStandsForItself) {
  const AxisTaps taps = MakeTaps({2.5, 1, 5, 2, 9}, kRowWeightBits);
  CHECK_EQ(taps.taps, 1);
  for (int k = 0; k < 5; ++k) {
    CHECK_EQ(taps.low + taps.starts[k], 2 + k);
    CHECK_EQ(taps.weights[k], 1 << kRowWeightBits);
  }
}

TEST(RowsOfFloatsAreTheSameByAllKernels) {
  const float factor[3] = {1 / 58.395f, 1 / 57.12f, 1.0f};
  const float offset[3] = {-2.1179f, 0, 70000.0f};  // the last overflows a half
  const FloatForm form = MakeFloatForm({0.2126, 0.0722, false, 8}, factor, offset);
  for (const int half : {0, 1}) {
    for (const int count : kCounts) {
      const auto y = Random<int16_t>(count, 32767);
      const auto u = Random<int16_t>(count, 32767);
      const auto v = Random<int16_t>(count, 32767);
      const size_t plane = static_cast<size_t>(count) * (half == 1 ? 2 : 4);
      std::vector<uint8_t> out[2];
      for (const int i : {0, 1}) {
        out[i].resize(3 * plane);
        (i == 0 ? ScalarKernels() : BestKernels())
            .floats.rows[half](y.data(), u.data(), v.data(), count, form, out[i].data(),
                               out[i].data() + plane, out[i].data() + 2 * plane);
      }
      CHECK(out[0] == out[1]);
    }
  }
}

TEST(HalfFloatsAreRoundedToNearestTiesToEven) {
  CHECK_EQ(ToHalf(0.0f), 0);
  CHECK_EQ(ToHalf(-0.0f), 0x8000);
  CHECK_EQ(ToHalf(1.0f), 0x3c00);
  CHECK_EQ(ToHalf(-2.0f), 0xc000);
  CHECK_EQ(ToHalf(255.0f), 0x5bf8);
  CHECK_EQ(ToHalf(65504.0f), 0x7bff);
  CHECK_EQ(ToHalf(65519.0f), 0x7bff);
  CHECK_EQ(ToHalf(65520.0f), 0x7c00);
  CHECK_EQ(ToHalf(2049.0f), 0x6800);  // a tie, down to 2048
  CHECK_EQ(ToHalf(2051.0f), 0x6802);  // a tie, up to 2052
  CHECK_EQ(ToHalf(std::ldexp(1.0f, -14)), 0x0400);
  CHECK_EQ(ToHalf(std::ldexp(1.0f, -24)), 0x0001);
  CHECK_EQ(ToHalf(std::ldexp(1.0f, -25)), 0x0000);  // a tie
  CHECK_EQ(ToHalf(std::ldexp(3.0f, -25)), 0x0002);  // a tie
  CHECK_EQ(ToHalf(std::ldexp(1023.75f, -24)), 0x0400);
  CHECK_EQ(ToHalf(HUGE_VALF), 0x7c00);
}

}  // namespace
}  // namespace kvs_frames
