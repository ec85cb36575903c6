#include "values.h"

#include <array>
#include <cmath>
#include <memory>
#include <sstream>
#include <utility>

namespace kvs_frames {
namespace {

constexpr int64_t kMaxSlots = 65536;
constexpr int64_t kMaxWriter = 65535;
// Of a cursor, beside one for each block.
constexpr size_t kCursorElements = 2;

const char* TypeName(napi_valuetype type) {
  constexpr std::array<const char*, 10> kNames = {"undefined", "null",   "boolean", "number",
                                                  "string",    "symbol", "object",  "function",
                                                  "external",  "bigint"};
  const auto index = static_cast<size_t>(type);
  return index < kNames.size() ? kNames[index] : "unknown";
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

std::optional<Napi::Value> ReadProperty(Napi::Object object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (object.Env().IsExceptionPending()) return std::nullopt;
  return value;
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

std::optional<bool> ReadBoolean(Napi::Object object, const char* key) {
  const auto value = ReadProperty(object, key);
  if (!value) return std::nullopt;
  if (value->IsBoolean()) return value->As<Napi::Boolean>().Value();
  ThrowTypeError(object.Env(),
                 std::string("Expected boolean for ") + key + " but received " + Describe(*value));
  return std::nullopt;
}

std::optional<double> CheckNumber(Napi::Value value, const char* name, double minimum,
                                  double maximum) {
  std::ostringstream expected;
  expected << "Expected number from " << minimum << " to " << maximum << " for " << name
           << " but received " << Describe(value);
  if (!value.IsNumber()) {
    ThrowTypeError(value.Env(), expected.str());
    return std::nullopt;
  }
  const double number = value.As<Napi::Number>().DoubleValue();
  // Not so for NaN either.
  if (!(number >= minimum && number <= maximum)) {
    ThrowRangeError(value.Env(), expected.str());
    return std::nullopt;
  }
  return number;
}

std::optional<double> ReadNumber(Napi::Object object, const char* key, double minimum,
                                 double maximum) {
  const auto value = ReadProperty(object, key);
  return value ? CheckNumber(*value, key, minimum, maximum) : std::nullopt;
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

std::shared_ptr<void> KeepAlive(std::initializer_list<Napi::Value> values) {
  auto kept = std::make_shared<std::vector<Napi::Reference<Napi::Value>>>();
  for (const Napi::Value& value : values) {
    if (value.IsObject()) kept->push_back(Napi::Reference<Napi::Value>::New(value, 1));
  }
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
  fragment.owner = KeepAlive({*media_value, *init_value});
  return fragment;
}

}  // namespace

std::optional<FragmentInput> ReadFragment(Napi::Value value) {
  const auto object = ReadObject(value, "fragment");
  if (!object) return std::nullopt;
  const auto id = ReadInteger(*object, "id", -kMaxSafeInteger, kMaxSafeInteger);
  if (!id) return std::nullopt;
  const auto start_ms = ReadNumber(*object, "startMs", -kMaxDateMs, kMaxDateMs);
  if (!start_ms) return std::nullopt;
  const auto is_dated = ReadBoolean(*object, "isDated");
  if (!is_dated) return std::nullopt;
  auto fragment = ReadBytes(*object);
  if (!fragment) return std::nullopt;
  fragment->id = *id;
  fragment->start_ms = *start_ms;
  fragment->is_dated = *is_dated;
  return fragment;
}

std::optional<FragmentInput> ReadSecondCopy(Napi::Value value) {
  const auto object = ReadObject(value, "copy");
  return object ? ReadBytes(*object) : std::nullopt;
}

namespace {

// The ring's writer, 0 where it has none.
std::optional<int64_t> ReadWriter(Napi::Object ring) {
  const auto writer = ReadProperty(ring, "writer");
  if (!writer) return std::nullopt;
  return writer->IsUndefined() ? 0 : ReadInteger(ring, "writer", 0, kMaxWriter);
}

}  // namespace

std::optional<RingMemory> ReadRing(Napi::Value value) {
  const auto object = ReadObject(value, "ring");
  if (!object) return std::nullopt;
  const auto id = ReadInteger(*object, "id", -kMaxSafeInteger, kMaxSafeInteger);
  if (!id) return std::nullopt;
  const auto slot_bytes = ReadInteger(*object, "slotBytes", 1, kMaxSafeInteger);
  if (!slot_bytes) return std::nullopt;
  const auto block_slots = ReadInteger(*object, "blockSlots", 0, kMaxSlots);
  if (!block_slots) return std::nullopt;
  const auto writer = ReadWriter(*object);
  if (!writer) return std::nullopt;
  const auto cursor_value = ReadProperty(*object, "cursor");
  if (!cursor_value) return std::nullopt;
  const auto pixels_value = ReadProperty(*object, "pixels");
  if (!pixels_value) return std::nullopt;
  const auto states_value = ReadProperty(*object, "states");
  if (!states_value) return std::nullopt;

  const auto pixels = ReadTypedArray(*pixels_value, "pixels", napi_uint8_array, "Uint8Array");
  if (!pixels) return std::nullopt;
  const auto states = ReadTypedArray(*states_value, "states", napi_int32_array, "Int32Array");
  if (!states) return std::nullopt;
  const Napi::Env env = value.Env();
  TypedArrayView cursor;
  if (*block_slots > 0) {
    const auto view = ReadTypedArray(*cursor_value, "cursor", napi_int32_array, "Int32Array");
    if (!view) return std::nullopt;
    cursor = *view;
  }
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
  if (*block_slots > 0 && states->length % static_cast<size_t>(*block_slots) != 0) {
    ThrowRangeError(env, "Expected a divisor of " + std::to_string(states->length) +
                             " for blockSlots but received " + std::to_string(*block_slots));
    return std::nullopt;
  }
  const size_t cursor_elements =
      kCursorElements + (*block_slots > 0 ? states->length / static_cast<size_t>(*block_slots) : 0);
  if (*block_slots > 0 &&
      (cursor.length < cursor_elements ||
       Overlaps(*pixels, pixels->length, cursor, cursor.length * sizeof(int32_t)) ||
       Overlaps(*states, states->length * sizeof(int32_t), cursor,
                cursor.length * sizeof(int32_t)))) {
    ThrowRangeError(env, "Expected at least " + std::to_string(cursor_elements) +
                             " elements apart from pixels and states for cursor but received " +
                             std::to_string(cursor.length));
    return std::nullopt;
  }
  RingMemory ring;
  ring.id = *id;
  ring.pixels = static_cast<uint8_t*>(pixels->data);
  ring.slot_bytes = static_cast<size_t>(*slot_bytes);
  ring.states = static_cast<int32_t*>(states->data);
  ring.slot_count = static_cast<int>(states->length);
  ring.block_slots = static_cast<int>(*block_slots);
  ring.cursor = static_cast<int32_t*>(cursor.data);
  ring.writer = static_cast<int>(*writer);
  ring.owner = KeepAlive({*pixels_value, *states_value, *cursor_value});
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

Napi::Array LogToArray(Napi::Env env, const std::vector<LogLine>& lines) {
  Napi::Array array = Napi::Array::New(env, lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("level", lines[i].is_error ? "error" : "warn");
    object.Set("message", lines[i].text);
    array.Set(static_cast<uint32_t>(i), object);
  }
  return array;
}

Napi::Object OpeningToObject(Napi::Env env, const DecoderOpening& opening) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("hwaccel", HwAccelName(opening.hwaccel));
  object.Set("fallbackReason", opening.fallback_reason);
  return object;
}

namespace {

template <typename Numbers>
Napi::Array NumbersToArray(Napi::Env env, const Numbers& numbers) {
  Napi::Array array = Napi::Array::New(env, numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    array.Set(static_cast<uint32_t>(i), static_cast<double>(numbers[i]));
  }
  return array;
}

Napi::Object TimesToObject(Napi::Env env, const TimeCounts& times) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("counts", NumbersToArray(env, times.counts));
  object.Set("sum", times.sum);
  return object;
}

}  // namespace

Napi::Array TimeBoundsToArray(Napi::Env env) { return NumbersToArray(env, kTimeBounds); }

Napi::Object StatsToObject(Napi::Env env, const EngineStats& stats) {
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&object](const char* key, auto value) {
    object.Set(key, static_cast<double>(value));
  };
  set("fragments", stats.fragments);
  set("packets", stats.packets);
  set("pictures", stats.pictures);
  set("frames", stats.frames);
  set("unselected", stats.unselected);
  set("late", stats.late);
  set("skippedPackets", stats.skipped_packets);
  set("faults", stats.faults);
  set("decoderOpens", stats.decoder_opens);
  set("idleDrains", stats.idle_drains);
  set("wakes", stats.wakes);
  set("queuedFragments", stats.queued_fragments);
  set("queuedBytes", stats.queued_bytes);
  set("demuxCpuSeconds", stats.demux_cpu_seconds);
  set("decodeCpuSeconds", stats.decode_cpu_seconds);
  set("convertCpuSeconds", stats.convert_cpu_seconds);
  object.Set("decodeTimes", TimesToObject(env, stats.decode_times));
  object.Set("convertTimes", TimesToObject(env, stats.convert_times));
  set("pictureBytes", stats.picture_bytes);
  set("libavCalls", stats.libav_calls);
  return object;
}

}  // namespace kvs_frames
