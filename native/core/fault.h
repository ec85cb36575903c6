// What went wrong with one fragment, as a value. Faults are returned and queued, never thrown.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace kvs_frames {

enum class Stage { kOpen, kDemux, kDecode, kConvert, kLimit };

struct Fault {
  Stage stage;
  int code = 0;  // libav's error code, or 0 where the fault is not libav's
  std::string message = {};
  int64_t fragment_id = 0;            // filled in by the engine
  std::vector<std::string> log = {};  // filled in by the engine: libav's lines that nobody was told
};

// Whether another copy of the fragment may do better: what is too large in one is so in all.
inline bool IsTrouble(const std::optional<Fault>& fault) {
  return fault && fault->stage != Stage::kLimit;
}

// Runs `work`, which may answer a fault; what it throws becomes one.
template <typename Work>
std::optional<Fault> Guarded(Stage stage, Work work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return Fault{stage, 0, std::string("unexpected: ") + error.what()};
  }
}

// The stage's name on the JavaScript side.
constexpr const char* StageName(Stage stage) {
  switch (stage) {
    case Stage::kOpen:
      return "open";
    case Stage::kDemux:
      return "demux";
    case Stage::kDecode:
      return "decode";
    case Stage::kConvert:
      return "convert";
    case Stage::kLimit:
      return "limit";
  }
  return "";
}

}  // namespace kvs_frames
