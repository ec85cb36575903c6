// floor INIT FRAGMENT…: what turning fragments into BGR frames costs with FFmpeg's libraries and
// nothing around them: no network, queue, record or JavaScript. Each fragment is read from its
// file, demuxed on its own from memory, decoded on one thread, and converted by swscale's fast path
// (no accurate rounding) into one buffer. Prints {"frames": …, "convertCpuSeconds": …}.
extern "C" {
#include <libswscale/swscale.h>
}
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "av.h"

namespace {

using Bytes = std::vector<uint8_t>;

void Require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Bytes ReadFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  Require(file.good(), path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Cursor {
  const Bytes& bytes;
  int64_t position = 0;
};

int Read(void* opaque, uint8_t* buffer, int size) {
  auto& cursor = *static_cast<Cursor*>(opaque);
  const auto left = static_cast<int64_t>(cursor.bytes.size()) - cursor.position;
  const auto count = static_cast<int>(std::min<int64_t>(size, left));
  if (count <= 0) return AVERROR_EOF;
  std::memcpy(buffer, cursor.bytes.data() + cursor.position, count);
  cursor.position += count;
  return count;
}

int64_t Seek(void* opaque, int64_t offset, int whence) {
  auto& cursor = *static_cast<Cursor*>(opaque);
  if (whence == AVSEEK_SIZE) return static_cast<int64_t>(cursor.bytes.size());
  if (whence != SEEK_SET) return AVERROR(EINVAL);
  return cursor.position = offset;
}

class Floor {
 public:
  void Run(const Bytes& bytes) {
    Cursor cursor{bytes};
    constexpr int kBufferBytes = 32 * 1024;
    const kvs_frames::UniqueIo io(avio_alloc_context(static_cast<uint8_t*>(av_malloc(kBufferBytes)),
                                                     kBufferBytes, 0, &cursor, Read, nullptr,
                                                     Seek));
    AVFormatContext* raw = avformat_alloc_context();
    raw->pb = io.get();
    Require(avformat_open_input(&raw, "", av_find_input_format("mov"), nullptr) >= 0, "open");
    const kvs_frames::UniqueFormatContext context(raw);
    while (av_read_frame(raw, packet_.get()) >= 0) {
      const AVStream& track = *raw->streams[packet_->stream_index];
      if (track.codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
        if (decoder_ == nullptr) Open(*track.codecpar);
        avcodec_send_packet(decoder_.get(), packet_.get());
        Receive();
      }
      av_packet_unref(packet_.get());
    }
  }

  void Finish() {
    if (decoder_ == nullptr) return;
    avcodec_send_packet(decoder_.get(), nullptr);
    Receive();
  }

  int64_t frames() const { return frames_; }
  double convert_cpu_seconds() const { return convert_cpu_seconds_; }

 private:
  struct FreeScaler {
    void operator()(SwsContext* context) const { sws_freeContext(context); }
  };

  void Open(const AVCodecParameters& parameters) {
    const AVCodec* const codec = avcodec_find_decoder(parameters.codec_id);
    decoder_.reset(avcodec_alloc_context3(codec));
    avcodec_parameters_to_context(decoder_.get(), &parameters);
    decoder_->thread_count = 1;
    Require(avcodec_open2(decoder_.get(), codec, nullptr) >= 0, "decoder");
  }

  void OpenScaler(const AVFrame& frame) {
    const auto format = static_cast<AVPixelFormat>(frame.format);
    scaler_.reset(sws_getContext(frame.width, frame.height, format, frame.width, frame.height,
                                 AV_PIX_FMT_BGR24, SWS_FAST_BILINEAR, nullptr, nullptr, nullptr));
    Require(scaler_ != nullptr, "pixel format");
    const int matrix = frame.height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
    sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(matrix),
                             frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0,
                             sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
    // The fast path writes past the end of tight rows.
    constexpr int kSlackBytes = 64;
    stride_ = (frame.width * 3 + 2 * kSlackBytes - 1) / kSlackBytes * kSlackBytes;
    bgr_.resize(static_cast<size_t>(stride_) * frame.height + kSlackBytes);
  }

  void Receive() {
    while (avcodec_receive_frame(decoder_.get(), frame_.get()) >= 0) {
      if (scaler_ == nullptr) OpenScaler(*frame_);
      uint8_t* const planes[] = {bgr_.data()};
      const int strides[] = {stride_};
      const double start = CpuSeconds();
      sws_scale(scaler_.get(), frame_->data, frame_->linesize, 0, frame_->height, planes, strides);
      convert_cpu_seconds_ += CpuSeconds() - start;
      ++frames_;
    }
  }

  kvs_frames::UniqueCodecContext decoder_;
  kvs_frames::UniquePacket packet_ = kvs_frames::NewPacket();
  kvs_frames::UniqueFrame frame_ = kvs_frames::NewFrame();
  std::unique_ptr<SwsContext, FreeScaler> scaler_;
  Bytes bgr_;
  int stride_ = 0;
  int64_t frames_ = 0;
  double convert_cpu_seconds_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s INIT FRAGMENT...\n", argv[0]);
    return 2;
  }
  av_log_set_level(AV_LOG_ERROR);
  const Bytes init = ReadFile(argv[1]);
  Floor floor;
  for (int i = 2; i < argc; ++i) {
    Bytes fragment = init;
    const Bytes media = ReadFile(argv[i]);
    fragment.insert(fragment.end(), media.begin(), media.end());
    floor.Run(fragment);
  }
  floor.Finish();
  std::printf("{\"frames\": %lld, \"convertCpuSeconds\": %.6f}\n",
              static_cast<long long>(floor.frames()), floor.convert_cpu_seconds());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
