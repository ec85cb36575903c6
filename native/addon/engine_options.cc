#include "engine_options.h"

#include <array>
#include <string>

#include "choices.h"
#include "values.h"

namespace kvs_frames {
namespace {

constexpr int64_t kMaxDecoderThreads = 16;
constexpr int64_t kMaxQueuedFragments = 1024;
// libavcodec's max_pixels; a side is at most 65535 in H.264 and H.265 headers, 8192 in ours.
constexpr int64_t kMaxPixels = int64_t{65535} * 65535;
constexpr int64_t kMaxSide = 65535;
constexpr double kMaxDecodeSeconds = 86'400;
constexpr int64_t kMaxOutputSide = 8192;

constexpr std::array<Choice<Matrix>, 3> kMatrices = {{
    {"auto", Matrix::kAuto},
    {"bt601", Matrix::kBt601},
    {"bt709", Matrix::kBt709},
}};
constexpr std::array<Choice<HwAccel>, 4> kHwAccels = {{
    {"none", HwAccel::kNone},
    {"auto", HwAccel::kAuto},
    {"cuda", HwAccel::kCuda},
    {"vaapi", HwAccel::kVaapi},
}};
constexpr std::array<Choice<Framing>, 2> kFramings = {{
    {"annexb", Framing::kAnnexB},
    {"avcc", Framing::kAvcc},
}};
constexpr std::array<Choice<Fit>, 3> kFits = {{
    {"stretch", Fit::kStretch},
    {"contain", Fit::kContain},
    {"cover", Fit::kCover},
}};

bool ReadCrop(Napi::Object output, std::optional<CropRect>* crop) {
  const auto value = ReadProperty(output, "crop");
  if (!value) return false;
  if (value->IsNull()) return true;
  const auto object = ReadObject(*value, "crop");
  if (!object) return false;
  const auto x = ReadInteger(*object, "x", 0, kMaxSide);
  if (!x) return false;
  const auto y = ReadInteger(*object, "y", 0, kMaxSide);
  if (!y) return false;
  const auto width = ReadInteger(*object, "width", 1, kMaxSide);
  if (!width) return false;
  const auto height = ReadInteger(*object, "height", 1, kMaxSide);
  if (!height) return false;
  *crop = CropRect{static_cast<int>(*x), static_cast<int>(*y), static_cast<int>(*width),
                   static_cast<int>(*height)};
  return true;
}

std::optional<OutputOptions> ReadOutput(Napi::Object object) {
  OutputOptions output;
  const auto format = ReadChoice(object, "format", kFormats);
  if (!format) return std::nullopt;
  const auto float_type = ReadChoice(object, "dataType", kFloatTypes);
  if (!float_type) return std::nullopt;
  const auto width = ReadInteger(object, "width", 0, kMaxOutputSide);
  if (!width) return std::nullopt;
  const auto height = ReadInteger(object, "height", 0, kMaxOutputSide);
  if (!height) return std::nullopt;
  const auto fit = ReadChoice(object, "fit", kFits);
  if (!fit) return std::nullopt;
  if (!ReadCrop(object, &output.crop) || !ReadColours(object, "pad", 0, 255, &output.pad) ||
      !ReadColours(object, "factor", -kMaxFloat, kMaxFloat, &output.factor) ||
      !ReadColours(object, "offset", -kMaxFloat, kMaxFloat, &output.offset)) {
    return std::nullopt;
  }
  output.format = *format;
  output.float_type = *float_type;
  output.width = static_cast<int>(*width);
  output.height = static_cast<int>(*height);
  output.fit = *fit;
  return output;
}

std::optional<Selection> ReadSelection(Napi::Object object) {
  const auto every_nth = ReadInteger(object, "everyNth", 1, kMaxSafeInteger);
  if (!every_nth) return std::nullopt;
  const auto period_ms = ReadNumber(object, "periodMs", 0, kMaxPeriodMs);
  if (!period_ms) return std::nullopt;
  const auto key_frames_only = ReadBoolean(object, "keyFramesOnly");
  if (!key_frames_only) return std::nullopt;
  return Selection{*every_nth, *period_ms, *key_frames_only};
}

bool ReadHoldOnTrouble(Napi::Object object, bool* hold_on_trouble) {
  const auto hold = ReadProperty(object, "holdOnTrouble");
  if (!hold) return false;
  if (!hold->IsBoolean() && !hold->IsUndefined()) {
    ThrowTypeError(object.Env(),
                   "Expected boolean for holdOnTrouble but received " + Describe(*hold));
    return false;
  }
  *hold_on_trouble = hold->ToBoolean();
  return true;
}

}  // namespace

std::optional<EngineOptions> ReadEngineOptions(Napi::Value value) {
  const auto object = ReadObject(value, "options");
  if (!object) return std::nullopt;
  EngineOptions options;
  const auto matrix = ReadChoice(*object, "matrix", kMatrices);
  if (!matrix) return std::nullopt;
  const auto threads = ReadInteger(*object, "decoderThreads", 1, kMaxDecoderThreads);
  if (!threads) return std::nullopt;
  const auto fragments = ReadInteger(*object, "maxQueuedFragments", 1, kMaxQueuedFragments);
  if (!fragments) return std::nullopt;
  const auto bytes = ReadInteger(*object, "maxQueuedBytes", 1, kMaxSafeInteger);
  if (!bytes) return std::nullopt;
  const auto pixels = ReadInteger(*object, "maxPixels", 1, kMaxPixels);
  if (!pixels) return std::nullopt;
  const auto frames =
      ReadInteger(*object, "maxFramesPerFragment", 1, std::numeric_limits<int32_t>::max());
  if (!frames) return std::nullopt;
  const auto seconds = ReadNumber(*object, "maxDecodeSeconds", 0, kMaxDecodeSeconds);
  if (!seconds) return std::nullopt;
  const auto hwaccel = ReadChoice(*object, "hwaccel", kHwAccels);
  if (!hwaccel) return std::nullopt;
  const auto output_object = ReadObjectProperty(*object, "output");
  if (!output_object) return std::nullopt;
  const auto output = ReadOutput(*output_object);
  if (!output) return std::nullopt;
  const auto encoded = ReadProperty(*object, "encoded");
  if (!encoded) return std::nullopt;
  if (!encoded->IsNull()) {
    const auto framing = ReadChoice(*object, "encoded", kFramings);
    if (!framing) return std::nullopt;
    options.framing = *framing;
  }
  const auto selection_object = ReadObjectProperty(*object, "selection");
  if (!selection_object) return std::nullopt;
  const auto selection = ReadSelection(*selection_object);
  if (!selection) return std::nullopt;
  if (!ReadHoldOnTrouble(*object, &options.hold_on_trouble)) return std::nullopt;
  options.matrix = *matrix;
  options.output = *output;
  options.selection = *selection;
  options.decoder_threads = static_cast<int>(*threads);
  options.max_queued_fragments = static_cast<size_t>(*fragments);
  options.max_queued_bytes = static_cast<size_t>(*bytes);
  options.max_pixels = *pixels;
  options.max_frames_per_fragment = static_cast<size_t>(*frames);
  options.max_decode_seconds = *seconds;
  options.hwaccel = *hwaccel;
  return options;
}

}  // namespace kvs_frames
