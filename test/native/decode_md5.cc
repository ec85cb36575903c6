// decode_md5 INIT FRAGMENT…: what our demuxer and decoder make of fragments, one picture a line:
//   fragment,ptsMs,width,height,md5
// INIT is "-" for MPEG-TS; fragments count from 0; the MD5 is that of `ffmpeg -f framemd5`. Faults
// go to standard error. Status 1 if there was one.
#include <cstdio>
#include <exception>
#include <string>

#include "media.h"

int main(int argc, char** argv) try {
  using namespace kvs_frames;
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s INIT|- FRAGMENT...\n", argv[0]);
    return 2;
  }
  testing::Clip clip;
  if (std::string(argv[1]) != "-") clip.init = testing::ReadFile(argv[1]);
  for (int i = 2; i < argc; ++i) clip.fragments.push_back(testing::ReadFile(argv[i]));
  const testing::Decoded decoded = testing::DecodeAll(clip);
  for (const testing::Picture& picture : decoded.pictures) {
    std::printf("%lld,%.3f,%d,%d,%s\n", static_cast<long long>(picture.info.fragment_id),
                picture.info.pts_ms, picture.width, picture.height, picture.md5.c_str());
  }
  for (const Fault& fault : decoded.faults) {
    std::fprintf(stderr, "%s: %s\n", StageName(fault.stage), fault.message.c_str());
  }
  return decoded.faults.empty() ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
