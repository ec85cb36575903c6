// floor REPEAT INIT FRAGMENT…: the least that turning fragments into BGR frames costs. Each
// fragment is demuxed on its own from memory, decoded and converted into one buffer, on one thread,
// with nothing around it: no queue, ring, record or JavaScript. INIT is "-" for MPEG-TS. Prints
//   {"frames": …, "cpuSeconds": …, "wallSeconds": …}
// for all repeats together; reading the files is not counted.
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "av.h"
#include "converter.h"

namespace {

using Bytes = std::vector<uint8_t>;
using kvs_frames::Converter;

double Seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void Require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
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
  void Run(const Bytes& bytes, const char* format) {
    Cursor cursor{bytes};
    constexpr int kBufferBytes = 32 * 1024;
    const kvs_frames::UniqueIo io(avio_alloc_context(static_cast<uint8_t*>(av_malloc(kBufferBytes)),
                                                     kBufferBytes, 0, &cursor, Read, nullptr,
                                                     Seek));
    AVFormatContext* raw = avformat_alloc_context();
    raw->pb = io.get();
    Require(avformat_open_input(&raw, "", av_find_input_format(format), nullptr) >= 0, "open");
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
    avcodec_send_packet(decoder_.get(), nullptr);
    Receive();
  }

  int64_t frames() const { return frames_; }

 private:
  void Open(const AVCodecParameters& parameters) {
    const AVCodec* const codec = avcodec_find_decoder(parameters.codec_id);
    decoder_.reset(avcodec_alloc_context3(codec));
    avcodec_parameters_to_context(decoder_.get(), &parameters);
    decoder_->thread_count = 1;
    Require(avcodec_open2(decoder_.get(), codec, nullptr) >= 0, "decoder");
  }

  void Receive() {
    while (avcodec_receive_frame(decoder_.get(), frame_.get()) >= 0) {
      Require(!converter_.Configure(*frame_), "pixel format");
      bgr_.resize(static_cast<size_t>(frame_->width) * 3 * frame_->height);
      converter_.Convert(*frame_, bgr_.data());
      ++frames_;
    }
  }

  kvs_frames::UniqueCodecContext decoder_;
  kvs_frames::UniquePacket packet_ = kvs_frames::NewPacket();
  kvs_frames::UniqueFrame frame_ = kvs_frames::NewFrame();
  Converter converter_{kvs_frames::Matrix::kAuto};
  Bytes bgr_;
  int64_t frames_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s REPEAT INIT|- FRAGMENT...\n", argv[0]);
    return 2;
  }
  av_log_set_level(AV_LOG_ERROR);
  const long repeat = std::strtol(argv[1], nullptr, 10);
  const bool transport_stream = std::string(argv[2]) == "-";
  const Bytes init = transport_stream ? Bytes() : ReadFile(argv[2]);
  std::vector<Bytes> fragments;
  for (int i = 3; i < argc; ++i) {
    Bytes fragment = init;
    const Bytes media = ReadFile(argv[i]);
    fragment.insert(fragment.end(), media.begin(), media.end());
    fragments.push_back(std::move(fragment));
  }
  const double cpu = Seconds(CLOCK_PROCESS_CPUTIME_ID);
  const double wall = Seconds(CLOCK_MONOTONIC);
  int64_t frames = 0;
  for (long i = 0; i < repeat; ++i) {
    Floor floor;
    for (const Bytes& fragment : fragments)
      floor.Run(fragment, transport_stream ? "mpegts" : "mov");
    floor.Finish();
    frames += floor.frames();
  }
  std::printf("{\"frames\": %lld, \"cpuSeconds\": %.6f, \"wallSeconds\": %.6f}\n",
              static_cast<long long>(frames), Seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
              Seconds(CLOCK_MONOTONIC) - wall);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
