// Names and colours from JavaScript; see values.h.
#pragma once

#include <napi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "output.h"
#include "values.h"

namespace kvs_frames {

// The largest number that is a float too.
constexpr double kMaxFloat = 3.4e38;

template <typename T>
struct Choice {
  const char* name;
  T value;
};

// The property as one of the names.
template <typename T, size_t N>
std::optional<T> ReadChoice(Napi::Object object, const char* key,
                            const std::array<Choice<T>, N>& choices) {
  const auto value = ReadProperty(object, key);
  if (!value) return std::nullopt;
  const std::string name = value->IsString() ? value->As<Napi::String>().Utf8Value() : "";
  std::string names;
  for (size_t i = 0; i < N; ++i) {
    if (value->IsString() && name == choices[i].name) return choices[i].value;
    if (i > 0) names += i + 1 < N ? ", " : " or ";
    names += std::string("\"") + choices[i].name + "\"";
  }
  ThrowTypeError(object.Env(),
                 "Expected " + names + " for " + key + " but received " + Describe(*value));
  return std::nullopt;
}

constexpr std::array<Choice<OutputFormat>, 7> kFormats = {{
    {"bgr24", OutputFormat::kBgr24},
    {"rgb24", OutputFormat::kRgb24},
    {"gray8", OutputFormat::kGray8},
    {"nv12", OutputFormat::kNv12},
    {"i420", OutputFormat::kI420},
    {"rgb-chw", OutputFormat::kRgbChw},
    {"bgr-chw", OutputFormat::kBgrChw},
}};
constexpr std::array<Choice<FloatType>, 2> kFloatTypes = {{
    {"float32", FloatType::kFloat32},
    {"float16", FloatType::kFloat16},
}};
inline std::optional<Napi::Object> ReadObjectProperty(Napi::Object object, const char* key) {
  const auto value = ReadProperty(object, key);
  return value ? ReadObject(*value, key) : std::nullopt;
}

// Three numbers, of red, green and blue, from minimum to maximum.
template <typename T>
bool ReadColours(Napi::Object object, const char* key, double minimum, double maximum,
                 std::array<T, 3>* colours) {
  const auto list = ReadObjectProperty(object, key);
  if (!list) return false;
  for (uint32_t i = 0; i < 3; ++i) {
    const auto number = ReadNumber(*list, std::to_string(i).c_str(), minimum, maximum);
    if (!number) return false;
    (*colours)[i] = static_cast<T>(*number);
  }
  return true;
}

}  // namespace kvs_frames
