// JavaScript values → checked C++ values. A reader that finds the wrong thing throws a TypeError or
// RangeError that names it, and answers nothing; the caller then returns at once.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine.h"

namespace kvs_frames {

// The environment's words for what a value is, e.g. `"8" of type string`.
std::string Describe(Napi::Value value);

// REQUIRES: no exception is pending.
void ThrowTypeError(Napi::Env env, const std::string& message);
void ThrowRangeError(Napi::Env env, const std::string& message);

// `value` as an object whose properties can be read; `name` is for the message.
std::optional<Napi::Object> ReadObject(Napi::Value value, const char* name);

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;
// Further from 1970 than Date reaches there is no time.
constexpr double kMaxDateMs = 8.64e15;
constexpr double kMaxPeriodMs = kMaxDateMs;

// The property, or nothing if reading it threw (a getter may).
std::optional<Napi::Value> ReadProperty(Napi::Object object, const char* key);

std::optional<bool> ReadBoolean(Napi::Object object, const char* key);

// `value` as a number from `minimum` to `maximum`; `name` is for the message.
std::optional<double> CheckNumber(Napi::Value value, const char* name, double minimum,
                                  double maximum);

// The property as such a number.
std::optional<double> ReadNumber(Napi::Object object, const char* key, double minimum,
                                 double maximum);

// The property as an integer from `minimum` to `maximum`, both safe integers.
std::optional<int64_t> ReadInteger(Napi::Object object, const char* key, int64_t minimum,
                                   int64_t maximum);

// A typed array of one kind and where its memory lies. Read it last: any JavaScript that runs
// afterwards, such as a getter, could detach the memory.
struct TypedArrayView {
  void* data = nullptr;
  size_t length = 0;  // elements
};
std::optional<TypedArrayView> ReadTypedArray(Napi::Value value, const char* name,
                                             napi_typedarray_type type, const char* type_name);

// Keeps those that are objects alive until it is destroyed, on the JavaScript thread.
std::shared_ptr<void> KeepAlive(std::initializer_list<Napi::Value> values);

std::optional<FragmentInput> ReadFragment(Napi::Value value);
// The same without an id.
std::optional<FragmentInput> ReadSecondCopy(Napi::Value value);
std::optional<RingMemory> ReadRing(Napi::Value value);

Napi::Object FaultToObject(Napi::Env env, const Fault& fault);
Napi::Array LogToArray(Napi::Env env, const std::vector<LogLine>& lines);
Napi::Object OpeningToObject(Napi::Env env, const DecoderOpening& opening);
Napi::Object StatsToObject(Napi::Env env, const EngineStats& stats);

Napi::Array TimeBoundsToArray(Napi::Env env);

}  // namespace kvs_frames
