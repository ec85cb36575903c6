// Pictures of any pixel format for the converter's tests.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "av.h"

namespace kvs_frames::testing {

enum class Content { kRandom, kExtremes };

// A picture whose planes lie in memory of exactly their size, rows tight, so that a sanitizer sees
// every read beyond a plane.
class TestPicture {
 public:
  TestPicture(AVPixelFormat format, int width, int height, Content content, int seed)
      : frame(NewFrame()) {
    frame->format = format;
    frame->width = width;
    frame->height = height;
    const AVPixFmtDescriptor& description = *av_pix_fmt_desc_get(format);
    std::mt19937 random(seed);
    for (int c = 0; c < description.nb_components; ++c) {
      const AVComponentDescriptor& component = description.comp[c];
      const bool shared = IsShared(c);
      const int w = shared ? -(-width >> description.log2_chroma_w) : width;
      const int h = shared ? -(-height >> description.log2_chroma_h) : height;
      std::vector<uint8_t>& plane = planes_[component.plane];
      const size_t samples = static_cast<size_t>(w) * h;
      plane.resize(samples * component.step);
      const int last = (1 << component.depth) - 1;
      std::uniform_int_distribution<int> any(0, last);
      for (size_t i = 0; i < samples; ++i) {
        const int value = content == Content::kRandom ? any(random) : (random() & 1) * last;
        uint8_t* const at = &plane[i * component.step + component.offset];
        at[0] = static_cast<uint8_t>(value << component.shift);
        if (component.depth > 8) at[1] = static_cast<uint8_t>(value << component.shift >> 8);
      }
      frame->data[component.plane] = plane.data();
      frame->linesize[component.plane] = w * component.step;
    }
  }

  // A sample by its own place in its plane. Gray pictures have chroma that is neutral.
  int At(int component, int x, int y) const {
    const AVPixFmtDescriptor& description = Description();
    if (component >= description.nb_components) return 1 << (description.comp[0].depth - 1);
    const AVComponentDescriptor& place = description.comp[component];
    const uint8_t* const at = frame->data[place.plane] +
                              static_cast<ptrdiff_t>(y) * frame->linesize[place.plane] +
                              static_cast<ptrdiff_t>(x) * place.step + place.offset;
    return (place.depth > 8 ? at[0] | at[1] << 8 : at[0]) >> place.shift;
  }

  // The sample that a pixel shares.
  int Sample(int component, int x, int y) const {
    if (!IsShared(component)) return At(component, x, y);
    return At(component, x >> Description().log2_chroma_w, y >> Description().log2_chroma_h);
  }

  // Whether the component's plane is smaller than the picture, or could be.
  bool IsShared(int component) const {
    return component > 0 && component < Description().nb_components &&
           (Description().flags & AV_PIX_FMT_FLAG_RGB) == 0;
  }

  int depth() const { return Description().comp[0].depth; }

  const AVPixFmtDescriptor& Description() const {
    return *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame->format));
  }

  UniqueFrame frame;

 private:
  std::array<std::vector<uint8_t>, 4> planes_;
};

// A slot between guards.
class GuardedSlot {
 public:
  explicit GuardedSlot(size_t bytes) : bytes_(bytes), memory_(bytes + 2 * kGuardBytes, kGuard) {}

  uint8_t* data() { return memory_.data() + kGuardBytes; }
  const uint8_t* data() const { return memory_.data() + kGuardBytes; }
  size_t size() const { return bytes_; }

  // Makes every byte of the slot another, but not the guards.
  void Fill(uint8_t byte) { std::fill(data(), data() + bytes_, byte); }

  bool IsIntact() const {
    const auto is_guard = [](uint8_t byte) { return byte == kGuard; };
    return std::all_of(memory_.begin(), memory_.begin() + kGuardBytes, is_guard) &&
           std::all_of(memory_.end() - kGuardBytes, memory_.end(), is_guard);
  }

 private:
  static constexpr uint8_t kGuard = 0xa5;
  static constexpr ptrdiff_t kGuardBytes = 256;

  size_t bytes_;
  std::vector<uint8_t> memory_;
};

}  // namespace kvs_frames::testing
