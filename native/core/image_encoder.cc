#include "image_encoder.h"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "bgr_rows.h"
#include "log_sink.h"

namespace kvs_frames {
namespace {

// ITU-T T.81, tables K.1 and K.2, row by row: for quality 50.
constexpr std::array<uint8_t, 64> kLumaTable = {
    16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,   //
    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,   //
    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,   //
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};  //
constexpr std::array<uint8_t, 64> kChromaTable = {
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,   //
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,   //
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,   //
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};  //

// libavcodec multiplies a table by this and divides it by 8.
constexpr int kQscale = 8;

// Whether the planes mean what those of a JPEG mean.
bool IsJfif(const Image& image) {
  return (image.format == OutputFormat::kNv12 || image.format == OutputFormat::kI420) &&
         image.kr == 0.299 && image.kb == 0.114 && image.full_range;
}

// libjpeg's scale of quality. To be freed by the context.
uint16_t* ScaledTable(const std::array<uint8_t, 64>& table, int quality) {
  auto* const scaled = static_cast<uint16_t*>(av_malloc_array(table.size(), sizeof(uint16_t)));
  if (scaled == nullptr) throw std::bad_alloc();
  const int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  std::transform(table.begin(), table.end(), scaled, [percent](int value) {
    return static_cast<uint16_t>(std::clamp((value * percent + 50) / 100, 1, 255));
  });
  return scaled;
}

UniqueFrame NewPicture(const Image& image, AVPixelFormat format) {
  UniqueFrame picture = NewFrame();
  picture->width = image.width;
  picture->height = image.height;
  picture->format = format;
  picture->color_range = AVCOL_RANGE_JPEG;
  if (av_frame_get_buffer(picture.get(), 0) < 0) throw std::bad_alloc();
  return picture;
}

uint8_t* RowOf(const AVFrame& picture, int plane, int row) {
  return picture.data[plane] + static_cast<ptrdiff_t>(row) * picture.linesize[plane];
}

UniqueFrame PngPicture(const Image& image) {
  const bool gray = image.format == OutputFormat::kGray8;
  UniqueFrame picture = NewPicture(image, gray ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_RGB24);
  const size_t width = static_cast<size_t>(image.width);
  BgrRows rows(image);
  for (int row = 0; row < image.height; ++row) {
    uint8_t* const out = RowOf(*picture, 0, row);
    if (gray) {
      std::copy_n(image.pixels + row * width, width, out);
      continue;
    }
    const uint8_t* const bgr = rows.Row(row);
    for (size_t x = 0; x < width; ++x) std::reverse_copy(bgr + x * 3, bgr + x * 3 + 3, out + x * 3);
  }
  return picture;
}

void CopyPlanes(const Image& image, const AVFrame& picture) {
  const int half_width = (image.width + 1) / 2;
  const int half_height = (image.height + 1) / 2;
  const uint8_t* in = image.pixels;
  for (int row = 0; row < image.height; ++row, in += image.width) {
    std::copy_n(in, image.width, RowOf(picture, 0, row));
  }
  if (image.format == OutputFormat::kI420) {
    for (int plane = 1; plane <= 2; ++plane) {
      for (int row = 0; row < half_height; ++row, in += half_width) {
        std::copy_n(in, half_width, RowOf(picture, plane, row));
      }
    }
    return;
  }
  for (int row = 0; row < half_height; ++row) {
    uint8_t* const u = RowOf(picture, 1, row);
    uint8_t* const v = RowOf(picture, 2, row);
    for (int x = 0; x < half_width; ++x, in += 2) {
      u[x] = in[0];
      v[x] = in[1];
    }
  }
}

// ITU-T T.871 (JFIF), in 16 binary places; a chroma sample is made of the sum of `count` pixels.
constexpr int kHalf = 1 << 15;

uint8_t Luma(int red, int green, int blue) {
  return static_cast<uint8_t>((19595 * red + 38470 * green + 7471 * blue + kHalf) >> 16);
}

uint8_t Chroma(int sum, int count) {
  // 255.5 would round to 256.
  return static_cast<uint8_t>(std::min((sum / count + kHalf + (128 << 16)) >> 16, 255));
}

void ConvertRows(BgrRows& rows, const Image& image, const AVFrame& picture) {
  const size_t half_width = (static_cast<size_t>(image.width) + 1) / 2;
  struct Sum {
    int red;
    int green;
    int blue;
    int count;
  };
  std::vector<Sum> sums(half_width);
  for (int row = 0; row < image.height; ++row) {
    if (row % 2 == 0) std::fill(sums.begin(), sums.end(), Sum{0, 0, 0, 0});
    const uint8_t* bgr = rows.Row(row);
    uint8_t* const y = RowOf(picture, 0, row);
    for (int x = 0; x < image.width; ++x, bgr += 3) {
      y[x] = Luma(bgr[2], bgr[1], bgr[0]);
      Sum& sum = sums[x / 2];
      sum.red += bgr[2];
      sum.green += bgr[1];
      sum.blue += bgr[0];
      ++sum.count;
    }
    if (row % 2 == 0 && row + 1 < image.height) continue;
    uint8_t* const u = RowOf(picture, 1, row / 2);
    uint8_t* const v = RowOf(picture, 2, row / 2);
    for (size_t x = 0; x < half_width; ++x) {
      const auto [red, green, blue, count] = sums[x];
      u[x] = Chroma(-11059 * red - 21709 * green + 32768 * blue, count);
      v[x] = Chroma(32768 * red - 27439 * green - 5329 * blue, count);
    }
  }
}

UniqueFrame JpegPicture(const Image& image) {
  UniqueFrame picture = NewPicture(image, AV_PIX_FMT_YUV420P);
  if (IsJfif(image)) {
    CopyPlanes(image, *picture);
  } else {
    BgrRows rows(image);
    ConvertRows(rows, image, *picture);
  }
  picture->quality = kQscale * FF_QP2LAMBDA;
  return picture;
}

struct EncoderDeleter {
  void operator()(AVCodecContext* context) const {
    av_freep(&context->chroma_intra_matrix);  // libavcodec 59 forgets it
    avcodec_free_context(&context);
  }
};
using UniqueEncoder = std::unique_ptr<AVCodecContext, EncoderDeleter>;

UniqueEncoder OpenEncoder(ImageType type, int quality, const AVFrame& picture, int* code) {
  const AVCodecID id = type == ImageType::kJpeg ? AV_CODEC_ID_MJPEG : AV_CODEC_ID_PNG;
  const AVCodec* const codec = avcodec_find_encoder(id);
  *code = AVERROR_ENCODER_NOT_FOUND;
  if (codec == nullptr) return nullptr;
  UniqueEncoder context(avcodec_alloc_context3(codec));
  if (context == nullptr) throw std::bad_alloc();
  context->width = picture.width;
  context->height = picture.height;
  context->pix_fmt = static_cast<AVPixelFormat>(picture.format);
  context->color_range = picture.color_range;
  context->time_base = {1, 1};
  context->thread_count = 1;
  AVDictionary* options = nullptr;
  if (type == ImageType::kJpeg) {
    // The first asks for a JFIF header, the second for no comment with libavcodec's name.
    context->sample_aspect_ratio = {1, 1};
    context->flags |= AV_CODEC_FLAG_BITEXACT;
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->global_quality = kQscale * FF_QP2LAMBDA;
    context->qmin = kQscale;
    context->qmax = kQscale;
    context->intra_matrix = ScaledTable(kLumaTable, quality);
    context->chroma_intra_matrix = ScaledTable(kChromaTable, quality);
  } else {
    context->compression_level = 3;
    av_dict_set(&options, "pred", "up", 0);
  }
  *code = avcodec_open2(context.get(), codec, &options);
  av_dict_free(&options);
  return context;
}

}  // namespace

UniquePacket EncodeImage(const Image& image, ImageType type, int quality, std::string* error) {
  LogSink log;
  const LogSink::Scope scope(log);
  const UniqueFrame picture = type == ImageType::kJpeg ? JpegPicture(image) : PngPicture(image);
  int code = 0;
  const UniqueEncoder context = OpenEncoder(type, quality, *picture, &code);
  if (code >= 0) code = avcodec_send_frame(context.get(), picture.get());
  if (code >= 0) code = avcodec_send_frame(context.get(), nullptr);
  UniquePacket file = NewPacket();
  if (code >= 0) code = avcodec_receive_packet(context.get(), file.get());
  if (code >= 0) return file;
  *error = ErrorText(code);
  for (const std::string& line : log.TakeTexts()) *error += "; " + line;
  return nullptr;
}

}  // namespace kvs_frames
