// Real pictures, against the most exact way that swscale has.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "converter.h"
#include "media.h"
#include "test_picture.h"

namespace kvs_frames {
namespace {

using testing::GuardedSlot;

constexpr int kPixelBytes = 3;

// The first pictures of the file's best video track.
std::vector<UniqueFrame> DecodeFile(const std::string& path, size_t count) {
  std::vector<UniqueFrame> pictures;
  AVFormatContext* raw = nullptr;
  if (avformat_open_input(&raw, path.c_str(), nullptr, nullptr) < 0) return pictures;
  const UniqueFormatContext input(raw);
  if (avformat_find_stream_info(raw, nullptr) < 0) return pictures;
  const int track = av_find_best_stream(raw, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (track < 0) return pictures;
  const AVCodecParameters& parameters = *raw->streams[track]->codecpar;
  const AVCodec* const codec = avcodec_find_decoder(parameters.codec_id);
  const UniqueCodecContext decoder(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(decoder.get(), &parameters);
  if (avcodec_open2(decoder.get(), codec, nullptr) < 0) return pictures;
  const UniquePacket packet = NewPacket();
  while (pictures.size() < count && av_read_frame(raw, packet.get()) >= 0) {
    if (packet->stream_index == track) avcodec_send_packet(decoder.get(), packet.get());
    av_packet_unref(packet.get());
    UniqueFrame picture = NewFrame();
    while (pictures.size() < count && avcodec_receive_frame(decoder.get(), picture.get()) >= 0) {
      pictures.push_back(std::move(picture));
      picture = NewFrame();
    }
  }
  return pictures;
}

// swscale with all of its exactness: `flags` is the filter. Tight rows.
std::vector<uint8_t> BySwscale(const AVFrame& picture, AVPixelFormat format, int width, int height,
                               int flags) {
  const PlainFormat plain = WithoutRange(static_cast<AVPixelFormat>(picture.format));
  const bool full = plain.full_range || picture.color_range == AVCOL_RANGE_JPEG;
  const UniqueSws sws(sws_alloc_context());
  const auto set = [&sws](const char* name, int64_t value) {
    if (av_opt_set_int(sws.get(), name, value, 0) < 0) throw std::runtime_error(name);
  };
  set("srcw", picture.width);
  set("srch", picture.height);
  set("src_format", plain.format);
  set("dstw", width);
  set("dsth", height);
  set("dst_format", format);
  set("sws_flags",
      flags | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT);
  set("src_range", full ? 1 : 0);
  set("dst_range", 1);
  // Chroma on the left column, between the rows; without this, between the columns as well.
  if (flags != SWS_POINT) {
    set("src_h_chr_pos", 0);
    set("src_v_chr_pos", 128);
  }
  if (sws_init_context(sws.get(), nullptr, nullptr) < 0) throw std::runtime_error("swscale");
  constexpr int kOne = 1 << 16;
  const AVColorSpace colorspace =
      ResolveColorspace(Matrix::kAuto, picture.colorspace, picture.height);
  sws_setColorspaceDetails(sws.get(), sws_getCoefficients(colorspace), full ? 1 : 0,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, kOne, kOne);
  const int stride = (width + 63) / 64 * 64 * kPixelBytes;
  std::vector<uint8_t> padded(static_cast<size_t>(stride) * height + 64);
  uint8_t* const planes[4] = {padded.data(), nullptr, nullptr, nullptr};
  const int strides[4] = {stride, 0, 0, 0};
  sws_scale(sws.get(), picture.data, picture.linesize, 0, picture.height, planes, strides);
  std::vector<uint8_t> tight;
  for (int row = 0; row < height; ++row) {
    const auto from = padded.begin() + static_cast<ptrdiff_t>(row) * stride;
    tight.insert(tight.end(), from, from + static_cast<ptrdiff_t>(width) * kPixelBytes);
  }
  return tight;
}

// What the converter makes of it, without the padding.
std::vector<uint8_t> ByConverter(const AVFrame& picture, const OutputOptions& options,
                                 OutputLayout* layout) {
  Converter converter(Matrix::kAuto, options);
  if (const auto fault = converter.Configure(picture)) throw std::runtime_error(fault->message);
  *layout = converter.layout();
  GuardedSlot slot(layout->bytes);
  converter.Convert(picture, slot.data());
  CHECK(slot.IsIntact());
  const SlotPlane plane = PlanesOf(options, *layout).front();
  std::vector<uint8_t> inner;
  for (int row = 0; row < plane.h; ++row) {
    const uint8_t* const from = slot.data() + plane.Row(row);
    inner.insert(inner.end(), from, from + plane.cell * plane.w);
  }
  return inner;
}

struct Difference {
  double mean = 0;
  int max = 0;
};

// Of pixels at least `margin` away from the edges; rows have `width` of them.
Difference Compare(const std::vector<uint8_t>& left, const std::vector<uint8_t>& right, int width,
                   int margin) {
  if (left.size() != right.size() || left.empty()) return {1e9, 255};
  const int height = static_cast<int>(left.size()) / kPixelBytes / width;
  Difference difference;
  double sum = 0;
  size_t count = 0;
  for (int y = margin; y < height - margin; ++y) {
    const size_t row = static_cast<size_t>(y) * width;
    for (size_t i = (row + margin) * kPixelBytes; i < (row + width - margin) * kPixelBytes; ++i) {
      const int off = std::abs(left[i] - right[i]);
      sum += off;
      difference.max = std::max(difference.max, off);
      ++count;
    }
  }
  difference.mean = sum / static_cast<double>(count);
  return difference;
}

void CheckClose(const Difference& difference, double mean, int max, const std::string& what) {
  if (difference.mean <= mean && difference.max <= max) return;
  testing::Fail(__FILE__, __LINE__)
      << what << ": mean difference " << difference.mean << ", max " << difference.max << "\n";
}

constexpr const char* kFiles[] = {"mp4/bt601.mp4",
                                  "mp4/bt709_full_range.mp4",
                                  "mp4/h264_10bits.mp4",
                                  "mp4/h265_bframes.mp4",
                                  "mp4/sample_portrait.mp4",
                                  "mp4/nasa_13013.mp4",
                                  "ts/sample_h265_rps_pred.ts"};

// Calls `check` with some pictures of each file and a name for them.
template <typename Check>
void ForEachPicture(const Check& check) {
  const std::string shared = testing::SharedMedia();
  if (shared.empty()) {
    std::cout << "skipped: no shared media beside this checkout" << std::endl;
    return;
  }
  for (const char* const file : kFiles) {
    const auto pictures = DecodeFile(shared + "/" + file, 2);
    if (pictures.empty()) testing::Fail(__FILE__, __LINE__) << file << ": no picture\n";
    for (const UniqueFrame& picture : pictures) check(*picture, std::string(file));
  }
}

TEST(UnscaledRealPicturesAreSwscalesExactOnes) {
  ForEachPicture([](const AVFrame& picture, const std::string& file) {
    OutputOptions options;
    OutputLayout layout;
    for (const OutputFormat format : {OutputFormat::kBgr24, OutputFormat::kRgb24}) {
      options.format = format;
      const auto ours = ByConverter(picture, options, &layout);
      const auto theirs =
          BySwscale(picture, format == OutputFormat::kBgr24 ? AV_PIX_FMT_BGR24 : AV_PIX_FMT_RGB24,
                    picture.width, picture.height, SWS_POINT);
      CheckClose(Compare(ours, theirs, layout.w, 0), 0.05, 1, file);
    }
  });
}

TEST(ScaledRealPicturesAreCloseToSwscalesBilinearOnes) {
  struct Size {
    int width;
    int height;
    Fit fit;
  };
  constexpr Size kSizes[] = {{640, 640, Fit::kContain},
                             {224, 224, Fit::kStretch},
                             {301, 0, Fit::kStretch},
                             {1333, 1001, Fit::kStretch}};
  // At the edges swscale takes the last sample for those that do not exist.
  constexpr int kMargin = 2;
  ForEachPicture([&](const AVFrame& picture, const std::string& file) {
    for (const Size& size : kSizes) {
      OutputOptions options;
      options.width = size.width;
      options.height = size.height;
      options.fit = size.fit;
      OutputLayout layout;
      const auto ours = ByConverter(picture, options, &layout);
      const auto theirs = BySwscale(picture, AV_PIX_FMT_BGR24, layout.w, layout.h, SWS_BILINEAR);
      CheckClose(Compare(ours, theirs, layout.w, kMargin), 0.06, 4,
                 file + " to " + std::to_string(layout.w) + "x" + std::to_string(layout.h));
    }
  });
}

TEST(RealPicturesIn420AreTheDecodersOwnSamples) {
  ForEachPicture([](const AVFrame& picture, const std::string& file) {
    const auto format = WithoutRange(static_cast<AVPixelFormat>(picture.format)).format;
    if (format != AV_PIX_FMT_YUV420P) return;
    std::vector<uint8_t> planes[3];
    for (int plane = 0; plane < 3; ++plane) {
      const int width = plane == 0 ? picture.width : (picture.width + 1) / 2;
      const int height = plane == 0 ? picture.height : (picture.height + 1) / 2;
      for (int row = 0; row < height; ++row) {
        const uint8_t* const from =
            picture.data[plane] + static_cast<ptrdiff_t>(row) * picture.linesize[plane];
        planes[plane].insert(planes[plane].end(), from, from + width);
      }
    }
    std::vector<uint8_t> i420 = planes[0];
    std::vector<uint8_t> nv12 = planes[0];
    i420.insert(i420.end(), planes[1].begin(), planes[1].end());
    i420.insert(i420.end(), planes[2].begin(), planes[2].end());
    for (size_t i = 0; i < planes[1].size(); ++i) {
      nv12.push_back(planes[1][i]);
      nv12.push_back(planes[2][i]);
    }
    for (const bool pairs : {false, true}) {
      OutputOptions options;
      options.format = pairs ? OutputFormat::kNv12 : OutputFormat::kI420;
      Converter converter(Matrix::kAuto, options);
      REQUIRE(!converter.Configure(picture));
      const std::vector<uint8_t>& expected = pairs ? nv12 : i420;
      REQUIRE(converter.layout().bytes == expected.size());
      GuardedSlot slot(expected.size());
      converter.Convert(picture, slot.data());
      CHECK(slot.IsIntact());
      if (std::memcmp(slot.data(), expected.data(), expected.size()) != 0) {
        testing::Fail(__FILE__, __LINE__) << file << " differs\n";
      }
    }
  });
}

}  // namespace
}  // namespace kvs_frames
