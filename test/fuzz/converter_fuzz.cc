// Pictures of all sizes, pixel formats, strides and colours into slots of all layouts, by each set
// of kernels. Source planes and slots are of exactly their size, slots also stand between guards.
// Options of 20 bytes, then up to three pictures of 12 bytes; their samples follow from the bytes.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "converter.h"
#include "fuzz_input.h"
#include "test_picture.h"

namespace kvs_frames::fuzz {
namespace {

constexpr int kMaxPictures = 3;
// Keeps one run below some tens of ms under the sanitizers.
constexpr int kMaxArea = 1 << 15;
constexpr size_t kMaxSlotBytes = size_t{2} << 20;

// What H.264 and H.265 decode to, what devices leave, and some that swscale has to read.
constexpr AVPixelFormat kFormats[] = {
    AV_PIX_FMT_YUV420P,     AV_PIX_FMT_YUVJ420P,    AV_PIX_FMT_YUV422P,     AV_PIX_FMT_YUVJ422P,
    AV_PIX_FMT_YUV444P,     AV_PIX_FMT_YUVJ444P,    AV_PIX_FMT_YUV440P,     AV_PIX_FMT_GRAY8,
    AV_PIX_FMT_NV12,        AV_PIX_FMT_NV16,        AV_PIX_FMT_NV24,        AV_PIX_FMT_NV21,
    AV_PIX_FMT_YUV420P9LE,  AV_PIX_FMT_YUV422P9LE,  AV_PIX_FMT_YUV444P9LE,  AV_PIX_FMT_YUV420P10LE,
    AV_PIX_FMT_YUV422P10LE, AV_PIX_FMT_YUV444P10LE, AV_PIX_FMT_YUV420P12LE, AV_PIX_FMT_YUV422P12LE,
    AV_PIX_FMT_YUV444P12LE, AV_PIX_FMT_YUV420P14LE, AV_PIX_FMT_YUV422P14LE, AV_PIX_FMT_YUV444P14LE,
    AV_PIX_FMT_YUV420P16LE, AV_PIX_FMT_YUV444P16LE, AV_PIX_FMT_GRAY10LE,    AV_PIX_FMT_GRAY12LE,
    AV_PIX_FMT_GRAY16LE,    AV_PIX_FMT_P010LE,      AV_PIX_FMT_P016LE,      AV_PIX_FMT_P210LE,
    AV_PIX_FMT_P410LE,      AV_PIX_FMT_GBRP,        AV_PIX_FMT_GBRP10LE,    AV_PIX_FMT_RGB24,
    AV_PIX_FMT_BGRA,        AV_PIX_FMT_YUYV422,     AV_PIX_FMT_YUVA420P,    AV_PIX_FMT_YUV420P10BE,
    AV_PIX_FMT_YUV411P,     AV_PIX_FMT_VAAPI,       AV_PIX_FMT_NONE};

constexpr AVColorSpace kColorspaces[] = {
    AVCOL_SPC_UNSPECIFIED, AVCOL_SPC_BT709,     AVCOL_SPC_SMPTE170M, AVCOL_SPC_BT470BG,
    AVCOL_SPC_BT2020_NCL,  AVCOL_SPC_BT2020_CL, AVCOL_SPC_SMPTE240M, AVCOL_SPC_FCC,
    AVCOL_SPC_RGB,         AVCOL_SPC_YCGCO,     AVCOL_SPC_ICTCP,     AVCOL_SPC_RESERVED};

// Most sides are small, since what goes wrong does so at the ends of rows; some are long.
int Side(int word, int longest) {
  if (word < 0xc000) return 1 + word % 130;
  return 1 + word % longest;
}

// A picture as a decoder may leave it: rows with or without room behind them, first or last row
// first.
class SourcePicture {
 public:
  explicit SourcePicture(FuzzInput* input) : frame_(NewFrame()) {
    const int format = input->Byte();
    frame_->format = kFormats[format % (sizeof kFormats / sizeof kFormats[0])];
    frame_->width = Side(input->Word(), 8192);
    frame_->height = std::min(Side(input->Word(), 8192), std::max(1, kMaxArea / frame_->width));
    const int colours = input->Byte();
    frame_->colorspace = kColorspaces[(colours & 15) % (sizeof kColorspaces / sizeof(int))];
    frame_->color_range = static_cast<AVColorRange>((colours >> 4) % 3);
    const int rows = input->Byte();
    room_ = (rows & 0x7f) % 66;
    is_bottom_up_ = (rows & 0x80) != 0;
    state_ = static_cast<uint32_t>(input->Word()) << 16 | static_cast<uint32_t>(input->Word());
    state_ |= 1;
    is_extreme_ = (input->Byte() & 1) != 0;
    MakePlanes();
  }

  const AVFrame& frame() const { return *frame_; }

 private:
  void MakePlanes() {
    const auto format = static_cast<AVPixelFormat>(frame_->format);
    const AVPixFmtDescriptor* const description = av_pix_fmt_desc_get(format);
    if (description == nullptr || (description->flags & AV_PIX_FMT_FLAG_HWACCEL) != 0) return;
    for (int c = 0; c < description->nb_components; ++c) {
      const AVComponentDescriptor& component = description->comp[c];
      const bool is_shared = (c == 1 || c == 2) && (description->flags & AV_PIX_FMT_FLAG_RGB) == 0;
      const int w = is_shared ? -(-frame_->width >> description->log2_chroma_w) : frame_->width;
      const int h = is_shared ? -(-frame_->height >> description->log2_chroma_h) : frame_->height;
      const int plane = component.plane;
      if (frame_->data[plane] == nullptr) Allocate(plane, w * component.step, h);
      Fill(component, plane, w, h, (description->flags & AV_PIX_FMT_FLAG_BE) != 0);
    }
  }

  void Allocate(int plane, int row_bytes, int rows) {
    // Packed 4:2:2 has its pixels in pairs.
    if (frame_->format == AV_PIX_FMT_YUYV422) row_bytes = (frame_->width + 1) / 2 * 4;
    const auto stride = static_cast<size_t>(row_bytes) + room_;
    std::vector<uint8_t>& bytes = planes_[plane];
    bytes.assign(stride * (rows - 1) + row_bytes, 0x5a);
    frame_->data[plane] = bytes.data();
    frame_->linesize[plane] = static_cast<int>(stride);
    if (!is_bottom_up_) return;
    frame_->data[plane] += stride * (rows - 1);
    frame_->linesize[plane] = -static_cast<int>(stride);
  }

  void Fill(const AVComponentDescriptor& component, int plane, int w, int h, bool is_big_endian) {
    const uint32_t last = (1u << component.depth) - 1;
    for (int y = 0; y < h; ++y) {
      uint8_t* const row =
          frame_->data[plane] + static_cast<ptrdiff_t>(y) * frame_->linesize[plane];
      for (int x = 0; x < w; ++x) {
        const uint32_t number = Next();
        const uint32_t sample = (is_extreme_ ? (number & 1) * last : number & last)
                                << component.shift;
        uint8_t* const at = row + static_cast<ptrdiff_t>(x) * component.step + component.offset;
        if (component.depth <= 8) {
          at[0] = static_cast<uint8_t>(sample);
        } else {
          at[is_big_endian ? 1 : 0] = static_cast<uint8_t>(sample);
          at[is_big_endian ? 0 : 1] = static_cast<uint8_t>(sample >> 8);
        }
      }
    }
  }

  uint32_t Next() {  // xorshift32
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_ >> 8;
  }

  UniqueFrame frame_;
  std::array<std::vector<uint8_t>, 4> planes_;
  size_t room_ = 0;
  bool is_bottom_up_ = false;
  bool is_extreme_ = false;
  uint32_t state_ = 1;
};

int OutputSide(int word) {
  if (word < 0x4000) return 0;
  if (word < 0xf000) return 1 + word % 200;
  return 1 + word % 2000;
}

OutputOptions ReadOutput(FuzzInput* input) {
  OutputOptions output;
  output.format = static_cast<OutputFormat>(input->Byte() % 7);
  const int kind = input->Byte();
  output.float_type = (kind & 1) != 0 ? FloatType::kFloat16 : FloatType::kFloat32;
  output.fit = static_cast<Fit>((kind >> 1) % 3);
  output.width = OutputSide(input->Word());
  output.height = OutputSide(input->Word());
  const int x = input->Byte();
  const int y = input->Byte();
  const int width = input->Byte() + 1;
  const int height = input->Byte() + 1;
  if ((kind & 0xc0) == 0x40) output.crop = CropRect{x, y, width, height};
  for (uint8_t& level : output.pad) level = static_cast<uint8_t>(input->Byte());
  // Factors and offsets reach to what JavaScript may hand over: the largest floats.
  const int numbers = input->Byte();
  for (size_t i = 0; i < 3; ++i) {
    if ((numbers & 1) != 0) output.factor[i] = static_cast<float>(input->Byte() - 128) / 64;
    if ((numbers & 2) != 0) output.offset[i] = static_cast<float>(input->Byte() - 128);
    if ((numbers & 4) != 0) output.factor[i] = 3.4e38f;
    if ((numbers & 8) != 0) output.offset[i] = -3.4e38f;
  }
  return output;
}

// Converts into memory of exactly the size, twice over different bytes: what differs was not
// written.
std::vector<uint8_t> Convert(Converter* converter, const AVFrame& picture) {
  const size_t bytes = converter->layout().bytes;
  std::vector<uint8_t> slot(bytes, 0);
  converter->Convert(picture, slot.data());
  testing::GuardedSlot guarded(bytes);
  guarded.Fill(0xff);
  converter->Convert(picture, guarded.data());
  FUZZ_CHECK(guarded.IsIntact());
  FUZZ_CHECK(std::equal(slot.begin(), slot.end(), guarded.data()));
  return slot;
}

void CheckLayout(const OutputLayout& layout) {
  FUZZ_CHECK(layout.width >= 1 && layout.height >= 1 && layout.w >= 1 && layout.h >= 1);
  FUZZ_CHECK(layout.x >= 0 && layout.y >= 0);
  FUZZ_CHECK(layout.x + layout.w <= layout.width && layout.y + layout.h <= layout.height);
  FUZZ_CHECK(layout.source_x >= 0 && layout.source_y >= 0);
  FUZZ_CHECK(layout.source_x + layout.source_w <= layout.source_width + 1e-6);
  FUZZ_CHECK(layout.source_y + layout.source_h <= layout.source_height + 1e-6);
}

void Run(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const auto matrix = static_cast<Matrix>(input.Byte() % 3);
  const OutputOptions output = ReadOutput(&input);
  Converter best(matrix, output);
  Converter scalar(matrix, output, ScalarKernels());
  for (int i = 0; i < kMaxPictures && !input.IsEmpty(); ++i) {
    const SourcePicture picture(&input);
    const auto fault = best.Configure(picture.frame());
    FUZZ_CHECK(fault.has_value() == scalar.Configure(picture.frame()).has_value());
    if (fault) {
      FUZZ_CHECK(!fault->message.empty());
      continue;
    }
    CheckLayout(best.layout());
    if (best.layout().bytes > kMaxSlotBytes) continue;
    const std::vector<uint8_t> slot = Convert(&best, picture.frame());
    const std::vector<uint8_t> other = Convert(&scalar, picture.frame());
    // libyuv's way, taken without AVX2, has errors of its own.
    if (scalar.backend() == Converter::Backend::kLibyuv) continue;
    FUZZ_CHECK(slot == other);
  }
}

}  // namespace
}  // namespace kvs_frames::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kvs_frames::fuzz::Run(data, size);
  return 0;
}
