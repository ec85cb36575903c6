#include "values.h"

#include <array>
#include <cmath>
#include <memory>
#include <utility>

namespace kvs_frames {
namespace {

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;

constexpr int64_t kMaxDecoderThreads = 16;
constexpr int64_t kMaxQueuedFragments = 1024;
constexpr int64_t kMaxSlots = 65536;
// libavcodec's max_pixels; a side is at most 65535 in H.264 and H.265 headers, 8192 in ours.
constexpr int64_t kMaxPixels = int64_t{65535} * 65535;

const char* TypeName(napi_valuetype type) {
  constexpr std::array<const char*, 10> kNames = {"undefined", "null",   "boolean", "number",
                                                  "string",    "symbol", "object",  "function",
                                                  "external",  "bigint"};
  const auto index = static_cast<size_t>(type);
  return index < kNames.size() ? kNames[index] : "unknown";
}

// The property, or nothing if reading it threw (a getter may).
std::optional<Napi::Value> ReadProperty(Napi::Object object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (object.Env().IsExceptionPending()) return std::nullopt;
  return value;
}

bool Overlaps(const TypedArrayView& a, size_t a_bytes, const TypedArrayView& b, size_t b_bytes) {
  const auto a_start = reinterpret_cast<uintptr_t>(a.data);
  const auto b_start = reinterpret_cast<uintptr_t>(b.data);
  return a_start < b_start + b_bytes && b_start < a_start + a_bytes;
}

}  // namespace

std::string Describe(Napi::Value value) {
  const napi_valuetype type = value.Type();
  switch (type) {
    case napi_undefined:
    case napi_null:
      return TypeName(type);
    case napi_boolean:
      return std::string(value.As<Napi::Boolean>().Value() ? "true" : "false") + " of type boolean";
    case napi_number:
      return value.ToString().Utf8Value() + " of type number";
    case napi_string:
      return "\"" + value.As<Napi::String>().Utf8Value().substr(0, 64) + "\" of type string";
    default:
      return std::string("a value of type ") + TypeName(type);
  }
}

void ThrowTypeError(Napi::Env env, const std::string& message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
}

void ThrowRangeError(Napi::Env env, const std::string& message) {
  Napi::RangeError::New(env, message).ThrowAsJavaScriptException();
}

std::optional<Napi::Object> ReadObject(Napi::Value value, const char* name) {
  if (value.IsObject()) return value.As<Napi::Object>();
  ThrowTypeError(value.Env(),
                 std::string("Expected object for ") + name + " but received " + Describe(value));
  return std::nullopt;
}

std::optional<int64_t> ReadInteger(Napi::Object object, const char* key, int64_t minimum,
                                   int64_t maximum) {
  const auto value = ReadProperty(object, key);
  if (!value) return std::nullopt;
  const std::string expected = "Expected integer from " + std::to_string(minimum) + " to " +
                               std::to_string(maximum) + " for " + key + " but received ";
  if (!value->IsNumber()) {
    ThrowTypeError(object.Env(), expected + Describe(*value));
    return std::nullopt;
  }
  const double number = value->As<Napi::Number>().DoubleValue();
  if (std::trunc(number) != number || number < static_cast<double>(minimum) ||
      number > static_cast<double>(maximum)) {
    ThrowRangeError(object.Env(), expected + Describe(*value));
    return std::nullopt;
  }
  return static_cast<int64_t>(number);
}

std::optional<TypedArrayView> ReadTypedArray(Napi::Value value, const char* name,
                                             napi_typedarray_type type, const char* type_name) {
  const Napi::Env env = value.Env();
  TypedArrayView view;
  napi_typedarray_type actual = napi_int8_array;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(env, value, &actual, &view.length, &view.data, nullptr, nullptr) !=
          napi_ok ||
      actual != type) {
    ThrowTypeError(env, std::string("Expected ") + type_name + " for " + name + " but received " +
                            Describe(value));
    return std::nullopt;
  }
  return view;
}

std::optional<EngineOptions> ReadEngineOptions(Napi::Value value) {
  const auto object = ReadObject(value, "options");
  if (!object) return std::nullopt;
  EngineOptions options;
  const auto matrix = ReadProperty(*object, "matrix");
  if (!matrix) return std::nullopt;
  const std::string name = matrix->IsString() ? matrix->As<Napi::String>().Utf8Value() : "";
  if (name == "auto") {
    options.matrix = Matrix::kAuto;
  } else if (name == "bt601") {
    options.matrix = Matrix::kBt601;
  } else if (name == "bt709") {
    options.matrix = Matrix::kBt709;
  } else {
    ThrowTypeError(
        value.Env(),
        "Expected \"auto\", \"bt601\" or \"bt709\" for matrix but received " + Describe(*matrix));
    return std::nullopt;
  }
  const auto threads = ReadInteger(*object, "decoderThreads", 1, kMaxDecoderThreads);
  if (!threads) return std::nullopt;
  const auto fragments = ReadInteger(*object, "maxQueuedFragments", 1, kMaxQueuedFragments);
  if (!fragments) return std::nullopt;
  const auto bytes = ReadInteger(*object, "maxQueuedBytes", 1, kMaxSafeInteger);
  if (!bytes) return std::nullopt;
  const auto pixels = ReadInteger(*object, "maxPixels", 1, kMaxPixels);
  if (!pixels) return std::nullopt;
  const auto hold = ReadProperty(*object, "holdOnTrouble");
  if (!hold) return std::nullopt;
  if (!hold->IsBoolean() && !hold->IsUndefined()) {
    ThrowTypeError(value.Env(),
                   "Expected boolean for holdOnTrouble but received " + Describe(*hold));
    return std::nullopt;
  }
  options.hold_on_trouble = hold->ToBoolean();
  options.decoder_threads = static_cast<int>(*threads);
  options.max_queued_fragments = static_cast<size_t>(*fragments);
  options.max_queued_bytes = static_cast<size_t>(*bytes);
  options.max_pixels = *pixels;
  return options;
}

std::shared_ptr<void> KeepAlive(Napi::Value first, Napi::Value second) {
  struct Kept {
    Napi::Reference<Napi::Value> first;
    Napi::Reference<Napi::Value> second;
  };
  auto kept = std::make_shared<Kept>();
  kept->first = Napi::Reference<Napi::Value>::New(first, 1);
  if (second.IsObject()) kept->second = Napi::Reference<Napi::Value>::New(second, 1);
  return kept;
}

namespace {

std::optional<FragmentInput> ReadBytes(Napi::Object object) {
  const auto init_value = ReadProperty(object, "init");
  if (!init_value) return std::nullopt;
  const auto media_value = ReadProperty(object, "media");
  if (!media_value) return std::nullopt;

  const auto media = ReadTypedArray(*media_value, "media", napi_uint8_array, "Uint8Array");
  if (!media) return std::nullopt;
  FragmentInput fragment;
  fragment.media = {static_cast<const uint8_t*>(media->data), media->length};
  if (!init_value->IsNull()) {
    const auto init = ReadTypedArray(*init_value, "init", napi_uint8_array, "Uint8Array or null");
    if (!init) return std::nullopt;
    if (init->length == 0) {
      ThrowRangeError(object.Env(),
                      "Expected null or at least one byte for init but received none");
      return std::nullopt;
    }
    fragment.init = {static_cast<const uint8_t*>(init->data), init->length};
  }
  fragment.owner = KeepAlive(*media_value, *init_value);
  return fragment;
}

}  // namespace

std::optional<FragmentInput> ReadFragment(Napi::Value value) {
  const auto object = ReadObject(value, "fragment");
  if (!object) return std::nullopt;
  const auto id = ReadInteger(*object, "id", -kMaxSafeInteger, kMaxSafeInteger);
  if (!id) return std::nullopt;
  auto fragment = ReadBytes(*object);
  if (fragment) fragment->id = *id;
  return fragment;
}

std::optional<FragmentInput> ReadSecondCopy(Napi::Value value) {
  const auto object = ReadObject(value, "copy");
  return object ? ReadBytes(*object) : std::nullopt;
}

std::optional<RingMemory> ReadRing(Napi::Value value) {
  const auto object = ReadObject(value, "ring");
  if (!object) return std::nullopt;
  const auto id = ReadInteger(*object, "id", -kMaxSafeInteger, kMaxSafeInteger);
  if (!id) return std::nullopt;
  const auto slot_bytes = ReadInteger(*object, "slotBytes", 1, kMaxSafeInteger);
  if (!slot_bytes) return std::nullopt;
  const auto pixels_value = ReadProperty(*object, "pixels");
  if (!pixels_value) return std::nullopt;
  const auto states_value = ReadProperty(*object, "states");
  if (!states_value) return std::nullopt;

  const auto pixels = ReadTypedArray(*pixels_value, "pixels", napi_uint8_array, "Uint8Array");
  if (!pixels) return std::nullopt;
  const auto states = ReadTypedArray(*states_value, "states", napi_int32_array, "Int32Array");
  if (!states) return std::nullopt;
  const Napi::Env env = value.Env();
  if (states->length < 1 || states->length > static_cast<size_t>(kMaxSlots)) {
    ThrowRangeError(env, "Expected 1 to " + std::to_string(kMaxSlots) +
                             " elements for states but received " + std::to_string(states->length));
    return std::nullopt;
  }
  // Divided, as the product may not fit.
  if (pixels->length / states->length < static_cast<size_t>(*slot_bytes)) {
    ThrowRangeError(env, "Expected at least " + std::to_string(states->length) + " × " +
                             std::to_string(*slot_bytes) + " bytes for pixels but received " +
                             std::to_string(pixels->length));
    return std::nullopt;
  }
  if (Overlaps(*pixels, pixels->length, *states, states->length * sizeof(int32_t))) {
    ThrowRangeError(env, "Expected states outside pixels but received overlapping views");
    return std::nullopt;
  }
  RingMemory ring;
  ring.id = *id;
  ring.pixels = static_cast<uint8_t*>(pixels->data);
  ring.slot_bytes = static_cast<size_t>(*slot_bytes);
  ring.states = static_cast<int32_t*>(states->data);
  ring.slot_count = static_cast<int>(states->length);
  ring.owner = KeepAlive(*pixels_value, *states_value);
  return ring;
}

Napi::Object FaultToObject(Napi::Env env, const Fault& fault) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("stage", StageName(fault.stage));
  object.Set("fragmentId", static_cast<double>(fault.fragment_id));
  object.Set("code", fault.code);
  object.Set("codeName", ErrorName(fault.code));
  object.Set("message", fault.message);
  Napi::Array log = Napi::Array::New(env, fault.log.size());
  for (size_t i = 0; i < fault.log.size(); ++i) {
    log.Set(static_cast<uint32_t>(i), fault.log[i]);
  }
  object.Set("log", log);
  return object;
}

Napi::Object StatsToObject(Napi::Env env, const EngineStats& stats) {
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&object](const char* key, auto value) {
    object.Set(key, static_cast<double>(value));
  };
  set("fragments", stats.fragments);
  set("packets", stats.packets);
  set("pictures", stats.pictures);
  set("frames", stats.frames);
  set("faults", stats.faults);
  set("decoderOpens", stats.decoder_opens);
  set("idleDrains", stats.idle_drains);
  set("wakes", stats.wakes);
  set("queuedFragments", stats.queued_fragments);
  set("queuedBytes", stats.queued_bytes);
  set("demuxCpuSeconds", stats.demux_cpu_seconds);
  set("decodeCpuSeconds", stats.decode_cpu_seconds);
  set("convertCpuSeconds", stats.convert_cpu_seconds);
  return object;
}

}  // namespace kvs_frames
