#include "image_encoder.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"

namespace kvs_frames {
namespace {

using Bytes = std::vector<uint8_t>;

// A picture out of a file, as libavcodec's decoder gives it.
UniqueFrame DecodeFile(const AVPacket& file, AVCodecID id) {
  const AVCodec* const codec = avcodec_find_decoder(id);
  const UniqueCodecContext context(avcodec_alloc_context3(codec));
  UniqueFrame picture = NewFrame();
  if (avcodec_open2(context.get(), codec, nullptr) < 0 ||
      avcodec_send_packet(context.get(), &file) < 0 ||
      avcodec_receive_frame(context.get(), picture.get()) < 0) {
    throw std::runtime_error("the file can't be decoded");
  }
  return picture;
}

UniqueFrame EncodeAndDecode(const Image& image, ImageType type, int quality = 85) {
  std::string error;
  const UniquePacket file = EncodeImage(image, type, quality, &error);
  if (file == nullptr) throw std::runtime_error(error);
  return DecodeFile(*file, type == ImageType::kJpeg ? AV_CODEC_ID_MJPEG : AV_CODEC_ID_PNG);
}

// Every byte is of its own, and the memory ends where the picture ends.
Bytes Pattern(size_t bytes) {
  Bytes pattern(bytes);
  for (size_t i = 0; i < bytes; ++i) pattern[i] = static_cast<uint8_t>(i * 37 + i / 251);
  return pattern;
}

struct Rgb {
  int red;
  int green;
  int blue;
};

constexpr Rgb kPatches[] = {{255, 0, 0},     {0, 255, 0},   {0, 0, 255},
                            {255, 255, 0},   {0, 255, 255}, {255, 0, 255},
                            {255, 255, 255}, {0, 0, 0},     {12, 200, 99}};

// What JFIF (ITU-T T.871) decodes to.
Rgb FromJfif(double y, double cb, double cr) {
  const auto level = [](double value) {
    return static_cast<int>(std::lround(std::min(std::max(value, 0.0), 255.0)));
  };
  return {level(y + 1.402 * (cr - 128)), level(y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128)),
          level(y + 1.772 * (cb - 128))};
}

Rgb PixelOf(const AVFrame& picture, int x, int y) {
  const int chroma = y / 2 * picture.linesize[1] + x / 2;
  return FromJfif(picture.data[0][y * picture.linesize[0] + x], picture.data[1][chroma],
                  picture.data[2][chroma]);
}

void CheckNear(const Rgb& actual, const Rgb& expected, int tolerance, const std::string& what) {
  if (std::abs(actual.red - expected.red) > tolerance ||
      std::abs(actual.green - expected.green) > tolerance ||
      std::abs(actual.blue - expected.blue) > tolerance) {
    testing::Fail(__FILE__, __LINE__)
        << what << ": " << actual.red << " " << actual.green << " " << actual.blue << ", not "
        << expected.red << " " << expected.green << " " << expected.blue << "\n";
  }
}

// A patch of one colour in 4:2:0, by the definition of the matrix.
Bytes YuvPatch(const Rgb& rgb, int width, int height, double kr, double kb, bool full_range,
               bool paired) {
  const double y = kr * rgb.red + (1 - kr - kb) * rgb.green + kb * rgb.blue;
  const double cb = (rgb.blue - y) / (2 * (1 - kb));
  const double cr = (rgb.red - y) / (2 * (1 - kr));
  const auto sample = [](double value) {
    return static_cast<uint8_t>(std::lround(std::min(std::max(value, 0.0), 255.0)));
  };
  const uint8_t luma = sample(full_range ? y : 16 + y * 219 / 255);
  const uint8_t u = sample(128 + (full_range ? cb : cb * 224 / 255));
  const uint8_t v = sample(128 + (full_range ? cr : cr * 224 / 255));
  Bytes planes(static_cast<size_t>(width) * height, luma);
  const size_t chroma = static_cast<size_t>((width + 1) / 2) * ((height + 1) / 2);
  for (size_t i = 0; i < chroma * 2; ++i) {
    planes.push_back((paired ? i % 2 == 0 : i < chroma) ? u : v);
  }
  return planes;
}

constexpr int kSizes[][2] = {{1, 1}, {1, 7}, {2, 1}, {3, 5}, {101, 33}, {854, 8}, {360, 17}};

TEST(APngOfPackedPixelsHasThemBitForBit) {
  for (const auto& [width, height] : kSizes) {
    for (const auto format : {OutputFormat::kBgr24, OutputFormat::kRgb24, OutputFormat::kGray8}) {
      const int channels = format == OutputFormat::kGray8 ? 1 : 3;
      const Bytes pixels = Pattern(static_cast<size_t>(width) * height * channels);
      Image image;
      image.pixels = pixels.data();
      image.width = width;
      image.height = height;
      image.format = format;
      const UniqueFrame picture = EncodeAndDecode(image, ImageType::kPng);
      REQUIRE(picture->width == width && picture->height == height);
      CHECK_EQ(picture->format,
               static_cast<int>(channels == 1 ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_RGB24));
      int wrong = 0;
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width * channels; ++x) {
          const int from = format == OutputFormat::kBgr24 ? x / 3 * 3 + 2 - x % 3 : x;
          const uint8_t* const row = picture->data[0] + y * picture->linesize[0];
          wrong += row[x] != pixels[static_cast<size_t>(y) * width * channels + from];
        }
      }
      CHECK_EQ(wrong, 0);
    }
  }
}

TEST(FloatsAreRoundedBackToTheLevelsTheyCameFrom) {
  const std::array<float, 3> factor = {1.0f / 58.395f, 1.0f / 57.12f, 1.0f / 57.375f};
  const std::array<float, 3> offset = {-2.1179f, -2.0357f, -1.8044f};
  constexpr int kWidth = 16;
  constexpr int kHeight = 16;
  for (const auto format : {OutputFormat::kRgbChw, OutputFormat::kBgrChw}) {
    Bytes pixels(sizeof(float) * 3 * kWidth * kHeight);
    for (int plane = 0; plane < 3; ++plane) {
      const int channel = format == OutputFormat::kRgbChw ? plane : 2 - plane;
      for (int i = 0; i < kWidth * kHeight; ++i) {
        const int level = (i + channel * 50) % 256;
        const float value = static_cast<float>(level) * factor[channel] + offset[channel];
        std::memcpy(&pixels[(plane * kWidth * kHeight + i) * sizeof value], &value, sizeof value);
      }
    }
    Image image;
    image.pixels = pixels.data();
    image.width = kWidth;
    image.height = kHeight;
    image.format = format;
    image.factor = factor;
    image.offset = offset;
    const UniqueFrame picture = EncodeAndDecode(image, ImageType::kPng);
    for (int i = 0; i < kWidth * kHeight; ++i) {
      const uint8_t* const rgb =
          picture->data[0] + i / kWidth * picture->linesize[0] + i % kWidth * 3;
      for (int channel = 0; channel < 3; ++channel) {
        CHECK_EQ(int{rgb[channel]}, (i + channel * 50) % 256);
      }
    }
  }
}

TEST(NumbersBeyondTheLevelsAreClampedInBothFloatTypes) {
  const float floats[] = {-3.0f, NAN, 9.0f, INFINITY, -INFINITY, 0.6f};
  // The same in IEEE 754 binary16.
  const uint16_t halves[] = {0xc200, 0x7e00, 0x4880, 0x7c00, 0xfc00, 0x38cd};
  const uint8_t levels[] = {0, 0, 255, 255, 0, 153};
  for (const FloatType type : {FloatType::kFloat32, FloatType::kFloat16}) {
    Bytes pixels;
    for (int plane = 0; plane < 3; ++plane) {
      const auto* const from = type == FloatType::kFloat32
                                   ? reinterpret_cast<const uint8_t*>(floats)
                                   : reinterpret_cast<const uint8_t*>(halves);
      const size_t size = type == FloatType::kFloat32 ? sizeof floats : sizeof halves;
      pixels.insert(pixels.end(), from, from + size);
    }
    Image image;
    image.pixels = pixels.data();
    image.width = 6;
    image.height = 1;
    image.format = OutputFormat::kRgbChw;
    image.float_type = type;
    const UniqueFrame picture = EncodeAndDecode(image, ImageType::kPng);
    for (int i = 0; i < 18; ++i) CHECK_EQ(int{picture->data[0][i]}, int{levels[i / 3]});
  }
}

TEST(EveryHalfFloatOfALevelComesBack) {
  Bytes pixels;
  for (int plane = 0; plane < 3; ++plane) {
    for (int level = 0; level < 256; ++level) {
      // Whole numbers up to 2048 are exact in 11 bits.
      int exponent = 0;
      const double fraction = std::frexp(level, &exponent);
      const int bits =
          level == 0 ? 0 : (exponent + 14) << 10 | (static_cast<int>(fraction * 2048) & 0x3ff);
      pixels.push_back(static_cast<uint8_t>(bits));
      pixels.push_back(static_cast<uint8_t>(bits >> 8));
    }
  }
  Image image;
  image.pixels = pixels.data();
  image.width = 256;
  image.height = 1;
  image.format = OutputFormat::kBgrChw;
  image.float_type = FloatType::kFloat16;
  image.factor = {1, 1, 1};
  const UniqueFrame picture = EncodeAndDecode(image, ImageType::kPng);
  for (int i = 0; i < 256 * 3; ++i) CHECK_EQ(int{picture->data[0][i]}, i / 3);
}

TEST(JpegsHaveTheColoursOfSaturatedPatches) {
  for (const auto& [width, height] : kSizes) {
    for (const Rgb& rgb : kPatches) {
      Bytes pixels;
      for (int i = 0; i < width * height; ++i) {
        for (const int level : {rgb.blue, rgb.green, rgb.red}) {
          pixels.push_back(static_cast<uint8_t>(level));
        }
      }
      Image image;
      image.pixels = pixels.data();
      image.width = width;
      image.height = height;
      const UniqueFrame picture = EncodeAndDecode(image, ImageType::kJpeg, 90);
      REQUIRE(picture->width == width && picture->height == height);
      CHECK_EQ(picture->format, static_cast<int>(AV_PIX_FMT_YUVJ420P));
      CheckNear(PixelOf(*picture, 0, 0), rgb, 3, "bgr24, left top");
      CheckNear(PixelOf(*picture, width - 1, height - 1), rgb, 3, "bgr24, right bottom");
    }
  }
}

TEST(PlanesAreReadInTheirOwnMatrixAndRange) {
  struct Weights {
    double kr;
    double kb;
  };
  for (const Weights& weights :
       {Weights{0.299, 0.114}, Weights{0.2126, 0.0722}, Weights{0.2627, 0.0593}}) {
    for (const bool full_range : {false, true}) {
      for (const auto format : {OutputFormat::kNv12, OutputFormat::kI420}) {
        for (const Rgb& rgb : kPatches) {
          for (const auto& [width, height] : {std::pair{31, 9}, std::pair{1, 1}}) {
            const Bytes pixels = YuvPatch(rgb, width, height, weights.kr, weights.kb, full_range,
                                          format == OutputFormat::kNv12);
            Image image;
            image.pixels = pixels.data();
            image.width = width;
            image.height = height;
            image.format = format;
            image.kr = weights.kr;
            image.kb = weights.kb;
            image.full_range = full_range;
            const std::string what = "kr " + std::to_string(weights.kr) + ", full range " +
                                     std::to_string(full_range) + ", format " +
                                     std::to_string(static_cast<int>(format));
            const UniqueFrame jpeg = EncodeAndDecode(image, ImageType::kJpeg, 90);
            CheckNear(PixelOf(*jpeg, width - 1, height - 1), rgb, 5, "jpeg, " + what);
            const UniqueFrame png = EncodeAndDecode(image, ImageType::kPng);
            const uint8_t* const pixel =
                png->data[0] + (height - 1) * png->linesize[0] + (width - 1) * 3;
            CheckNear({pixel[0], pixel[1], pixel[2]}, rgb, 3, "png, " + what);
          }
        }
      }
    }
  }
}

// Smooth shades with an edge, in BGR24.
Bytes Shades(int width, int height) {
  Bytes pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels.push_back(static_cast<uint8_t>(x * 255 / width));
      pixels.push_back(static_cast<uint8_t>(y * 255 / height));
      pixels.push_back(x + y < (width + height) / 2 ? 60 : 190);
    }
  }
  return pixels;
}

double LumaPsnr(const Image& image, const AVFrame& picture) {
  double squares = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const uint8_t* const bgr = image.pixels + (static_cast<size_t>(y) * image.width + x) * 3;
      const double luma = 0.299 * bgr[2] + 0.587 * bgr[1] + 0.114 * bgr[0];
      const double error = picture.data[0][y * picture.linesize[0] + x] - luma;
      squares += error * error;
    }
  }
  return 10 * std::log10(255.0 * 255 * image.width * image.height / squares);
}

TEST(QualityRaisesSizeAndLikeness) {
  constexpr int kWidth = 321;
  constexpr int kHeight = 203;
  const Bytes pixels = Shades(kWidth, kHeight);
  Image image;
  image.pixels = pixels.data();
  image.width = kWidth;
  image.height = kHeight;
  int size = 0;
  double psnr = 0;
  for (const int quality : {1, 10, 25, 50, 75, 85, 90, 95, 100}) {
    std::string error;
    const UniquePacket file = EncodeImage(image, ImageType::kJpeg, quality, &error);
    REQUIRE(file != nullptr);
    const double now = LumaPsnr(image, *DecodeFile(*file, AV_CODEC_ID_MJPEG));
    CHECK(file->size > size);
    CHECK(now > psnr);
    if (quality == 90) CHECK(now > 42);
    if (quality == 100) CHECK(now > 50);
    size = file->size;
    psnr = now;
  }
}

TEST(AJpegSaysThatItIsJfifAndNotWhoMadeIt) {
  const Bytes pixels(3);
  Image image;
  image.pixels = pixels.data();
  image.width = 1;
  image.height = 1;
  std::string error;
  const UniquePacket file = EncodeImage(image, ImageType::kJpeg, 85, &error);
  REQUIRE(file != nullptr);
  const std::string text(reinterpret_cast<const char*>(file->data), file->size);
  CHECK_EQ(text.substr(0, 4) + text.substr(6, 5), std::string("\xff\xd8\xff\xe0JFIF\0", 9));
  CHECK_EQ(text.find("Lavc"), std::string::npos);
  CHECK_EQ(text.find("CS="), std::string::npos);
}

TEST(WhatLibavcodecRefusesIsAnErrorInItsWords) {
  // Wider than JPEG can be; our own outputs end at 8192.
  constexpr int kWidth = 65536;
  const Bytes pixels(kWidth * 3);
  Image image;
  image.pixels = pixels.data();
  image.width = kWidth;
  image.height = 1;
  std::string error;
  CHECK(EncodeImage(image, ImageType::kJpeg, 85, &error) == nullptr);
  CHECK(!error.empty());
}

}  // namespace
}  // namespace kvs_frames
