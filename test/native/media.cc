#include "media.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/md5.h>
}

namespace kvs_frames::testing {
namespace {

std::vector<std::string> ReadMd5s(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> md5s;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') md5s.push_back(line.substr(line.rfind(' ') + 1));
  }
  return md5s;
}

void Receive(Decoder* decoder, Decoded* decoded) {
  const UniqueFrame frame = NewFrame();
  while (true) {
    Picture picture{};
    const int code = decoder->Receive(frame.get(), &picture.info, &picture.first_after_open);
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
    if (code < 0) {
      decoded->faults.push_back({Stage::kDecode, code, ErrorText(code)});
      return;
    }
    picture.width = frame->width;
    picture.height = frame->height;
    picture.format = frame->format;
    picture.key = IsKeyFrame(*frame);
    picture.damaged = IsDamaged(*frame);
    picture.md5 = PictureMd5(*frame);
    decoded->pictures.push_back(std::move(picture));
  }
}

// A copy of a picture in NV12 or P010 with planes of its own for U and V, or null.
UniqueFrame Planar(const AVFrame& picture) {
  const bool wide = picture.format == AV_PIX_FMT_P010LE;
  if (!wide && picture.format != AV_PIX_FMT_NV12) return nullptr;
  UniqueFrame planar = NewFrame();
  planar->format = wide ? AV_PIX_FMT_YUV420P10LE : AV_PIX_FMT_YUV420P;
  planar->width = picture.width;
  planar->height = picture.height;
  if (av_frame_get_buffer(planar.get(), 0) < 0) throw std::bad_alloc();
  const auto copy = [&](int plane, int from, int step, int offset, int width, int height) {
    for (int y = 0; y < height; ++y) {
      const uint8_t* const in = picture.data[from] + y * picture.linesize[from];
      uint8_t* const out = planar->data[plane] + y * planar->linesize[plane];
      for (int x = 0; x < width; ++x) {
        if (wide) {
          // P010 has its 10 bits at the top.
          const int sample = AV_RL16(in + (x * step + offset) * 2) >> 6;
          AV_WL16(out + x * 2, sample);
        } else {
          out[x] = in[x * step + offset];
        }
      }
    }
  };
  copy(0, 0, 1, 0, picture.width, picture.height);
  copy(1, 1, 2, 0, (picture.width + 1) / 2, (picture.height + 1) / 2);
  copy(2, 1, 2, 1, (picture.width + 1) / 2, (picture.height + 1) / 2);
  return planar;
}

}  // namespace

Bytes ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool FileExists(const std::string& path) { return std::ifstream(path).good(); }

Clip LoadClip(const std::string& name, Container container) {
  const std::string base = std::string(KVS_FRAMES_TEST_MEDIA) + "/" + name;
  Clip clip;
  if (container == Container::kMp4) {
    clip = SplitMp4(ReadFile(base + ".mp4"));
  } else {
    for (int i = 0; i < 1000; ++i) {
      char number[8];
      std::snprintf(number, sizeof number, "-%03d", i);
      const std::string path = base + number + ".ts";
      if (!FileExists(path)) break;
      clip.fragments.push_back(ReadFile(path));
    }
  }
  clip.md5s = ReadMd5s(base + ".md5");
  if (clip.fragments.empty()) throw std::runtime_error("no fragments of " + name);
  return clip;
}

Clip SplitMp4(const Bytes& file) {
  Clip clip;
  for (size_t at = 0; at + 8 <= file.size();) {
    const size_t size =
        static_cast<size_t>(file[at]) << 24 | file[at + 1] << 16 | file[at + 2] << 8 | file[at + 3];
    const std::string type(file.begin() + at + 4, file.begin() + at + 8);
    if (size < 8 || at + size > file.size()) throw std::runtime_error("bad box " + type);
    if (type == "moof") clip.fragments.emplace_back();
    if (type != "mfra" && type != "sidx") {
      Bytes& part = clip.fragments.empty() ? clip.init : clip.fragments.back();
      part.insert(part.end(), file.begin() + at, file.begin() + at + size);
    }
    at += size;
  }
  return clip;
}

std::string SharedMedia() {
  const std::string folder = KVS_FRAMES_SHARED_MEDIA;
  return FileExists(folder + "/README.md") ? folder : "";
}

std::string PictureMd5(const AVFrame& original) {
  const UniqueFrame planar = Planar(original);
  const AVFrame& picture = planar == nullptr ? original : *planar;
  const auto format = static_cast<AVPixelFormat>(picture.format);
  const int size = av_image_get_buffer_size(format, picture.width, picture.height, 1);
  Bytes bytes(size);
  av_image_copy_to_buffer(bytes.data(), size, picture.data, picture.linesize, format, picture.width,
                          picture.height, 1);
  uint8_t sum[16];
  av_md5_sum(sum, bytes.data(), bytes.size());
  std::string hex;
  for (const uint8_t byte : sum) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    hex += digits;
  }
  return hex;
}

Decoded DecodeAll(const Clip& clip, int threads) {
  Decoder::Options options;
  options.threads = threads;
  return DecodeAll(clip, options);
}

Decoded DecodeAll(const Clip& clip, const Decoder::Options& options) {
  const std::atomic<bool> cancelled{false};
  Decoder decoder(options);
  Decoded decoded;
  for (size_t i = 0; i < clip.fragments.size(); ++i) {
    DemuxedFragment fragment;
    if (auto fault = DemuxFragment(Span(clip.init), Span(clip.fragments[i]),
                                   static_cast<int64_t>(i), cancelled, &fragment)) {
      decoded.faults.push_back(*fault);
      continue;
    }
    if (fragment.fault) decoded.faults.push_back(*fragment.fault);
    if (!decoder.Accepts(fragment)) {
      if (decoder.IsOpen()) {
        decoder.StartDrain();
        Receive(&decoder, &decoded);
      }
      if (auto fault = decoder.Open(fragment)) {
        decoded.faults.push_back(*fault);
        continue;
      }
      ++decoded.opens;
    }
    decoder.BeginFragment(fragment);
    for (DemuxedPacket& packet : fragment.packets) {
      const int code = decoder.Send(&packet);
      if (code < 0) decoded.faults.push_back(decoder.ExplainRefusal(*packet.packet, code));
      Receive(&decoder, &decoded);
    }
  }
  if (decoder.IsOpen()) {
    decoder.StartDrain();
    Receive(&decoder, &decoded);
  }
  decoded.hwaccel = decoder.hwaccel();
  decoded.fallback_reason = decoder.fallback_reason();
  return decoded;
}

std::vector<std::string> Md5s(const std::vector<Picture>& pictures) {
  std::vector<std::string> md5s;
  md5s.reserve(pictures.size());
  for (const Picture& picture : pictures) md5s.push_back(picture.md5);
  return md5s;
}

}  // namespace kvs_frames::testing
