// The clips that make_media.sh made, and the shared ones, as fragments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "decoder.h"
#include "fragment_demuxer.h"

namespace kvs_frames::testing {

using Bytes = std::vector<uint8_t>;

Bytes ReadFile(const std::string& path);  // throws std::runtime_error
bool FileExists(const std::string& path);

inline ByteSpan Span(const Bytes& bytes) { return {bytes.data(), bytes.size()}; }

enum class Container { kMp4, kTs };

struct Clip {
  Bytes init;  // empty for MPEG-TS
  std::vector<Bytes> fragments;
  std::vector<std::string> md5s;  // of the pictures as ffmpeg decodes them, in its order
};

// A clip of make_media.sh.
Clip LoadClip(const std::string& name, Container container);

// Splits a fragmented MP4 before each `moof`; what comes before the first is the init section.
Clip SplitMp4(const Bytes& file);

// The folder of shared test media, or "" if this checkout has none beside it.
std::string SharedMedia();

// MD5 of the planes without padding, in hex: what `ffmpeg -f framemd5` prints. Pictures in NV12 or
// P010, as devices leave them, are taken as the planes that a software decoder makes.
std::string PictureMd5(const AVFrame& picture);

struct Picture {
  PacketInfo info;
  int width;
  int height;
  int format;
  bool key;
  bool damaged;
  bool first_after_open;
  std::string md5;
};

// What a fragment and its decoding gave, without engine.
struct Decoded {
  std::vector<Picture> pictures;
  std::vector<Fault> faults;
  int opens = 0;
  HwAccel hwaccel = HwAccel::kNone;  // as of the end
  std::string fallback_reason;
};

// Demuxes and decodes one clip's fragments in order; `id`s count from 0.
Decoded DecodeAll(const Clip& clip, const Decoder::Options& options);
Decoded DecodeAll(const Clip& clip, int threads = 1);

std::vector<std::string> Md5s(const std::vector<Picture>& pictures);

}  // namespace kvs_frames::testing
