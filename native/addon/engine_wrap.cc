#include "engine_wrap.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "engine_options.h"
#include "values.h"

namespace kvs_frames {
namespace {

// What `close` gives the thread to stop by itself, in ms. libav can't be interrupted in a picture,
// and one of 8192×8192 takes seconds; 50 ms of the promised 250 are left for the event loop.
constexpr double kCloseMs = 200;

}  // namespace

Napi::Function EngineWrap::Define(Napi::Env env) {
  return DefineClass(env, "Engine",
                     {
                         InstanceMethod<&EngineWrap::Push>("push"),
                         InstanceMethod<&EngineWrap::Finish>("finish"),
                         InstanceMethod<&EngineWrap::SetRing>("setRing"),
                         InstanceMethod<&EngineWrap::Retry>("retry"),
                         InstanceMethod<&EngineWrap::GiveUp>("giveUp"),
                         InstanceMethod<&EngineWrap::Take>("take"),
                         InstanceMethod<&EngineWrap::TakeFault>("takeFault"),
                         InstanceMethod<&EngineWrap::TakeDecoder>("takeDecoder"),
                         InstanceMethod<&EngineWrap::TakeLog>("takeLog"),
                         InstanceMethod<&EngineWrap::TakeParameterSets>("takeParameterSets"),
                         InstanceMethod<&EngineWrap::SetFloor>("setFloor"),
                         InstanceMethod<&EngineWrap::SetPeriod>("setPeriod"),
                         InstanceMethod<&EngineWrap::Wake>("wake"),
                         InstanceMethod<&EngineWrap::Stats>("stats"),
                         InstanceMethod<&EngineWrap::Close>("close"),
                     });
}

EngineWrap::EngineWrap(const Napi::CallbackInfo& info)
    : ObjectWrap(info), addon_(*info.Env().GetInstanceData<Addon>()) {
  const Napi::Env env = info.Env();
  const auto options = ReadEngineOptions(info[0]);
  if (!options) return;
  if (!info[1].IsFunction()) {
    ThrowTypeError(env, "Expected function for onWake but received " + Describe(info[1]));
    return;
  }
  const napi_status status = napi_create_threadsafe_function(
      env, nullptr, nullptr, Napi::String::New(env, "kvs-frames engine"), /*max_queue_size=*/0,
      /*initial_thread_count=*/1, nullptr, nullptr, /*context=*/this, OnNotified, &notify_);
  if (status != napi_ok) {
    Napi::Error::New(env, "cannot make a threadsafe function").ThrowAsJavaScriptException();
    return;
  }
  napi_unref_threadsafe_function(env, notify_);
  try {
    engine_ = std::make_unique<Engine>(*options, [notify = notify_] {
      napi_call_threadsafe_function(notify, nullptr, napi_tsfn_nonblocking);
    });
  } catch (const std::exception& error) {
    napi_release_threadsafe_function(notify_, napi_tsfn_abort);
    Napi::Error::New(env, std::string("cannot start the engine's thread: ") + error.what())
        .ThrowAsJavaScriptException();
    return;
  }
  // After the threadsafe function, as hooks run in reverse: it frees itself in a hook of its own,
  // and the thread must not call it then.
  napi_add_env_cleanup_hook(env, OnEnvironmentCleanup, this);
  on_wake_ = Napi::Persistent(info[1].As<Napi::Function>());
  addon_.engines.insert(this);
  Ref();
}

Napi::Value EngineWrap::Push(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!IsOpen() || engine_->finished()) {
    Napi::Error::New(env, IsOpen() ? "push after finish" : "push after close")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  auto fragment = ReadFragment(info[0]);
  if (!fragment) return env.Undefined();
  // Reading may have run a getter that closed us.
  if (!IsOpen()) return Napi::Boolean::New(env, false);
  const auto result = engine_->Push(*std::move(fragment));
  UpdateRef();
  return Napi::Boolean::New(env, result == Engine::PushResult::kQueued);
}

void EngineWrap::Finish(const Napi::CallbackInfo& /*info*/) {
  if (!IsOpen()) return;
  engine_->Finish();
  UpdateRef();
}

void EngineWrap::SetRing(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto ring = ReadRing(info[0]);
  // A close may have overtaken the answer to a `layout` record; that is nobody's mistake.
  if (!ring || !IsOpen()) return;
  switch (engine_->SetRing(*std::move(ring))) {
    case Engine::RingResult::kAccepted:
      return;
    case Engine::RingResult::kNotAsked:
      Napi::Error::New(env, "setRing without a layout record to answer")
          .ThrowAsJavaScriptException();
      return;
    case Engine::RingResult::kTooSmall:
      ThrowRangeError(env, "slotBytes is smaller than the layout record asked for");
      return;
  }
}

void EngineWrap::Retry(const Napi::CallbackInfo& info) {
  auto copy = ReadSecondCopy(info[0]);
  if (copy) AnswerTrouble("retry", std::move(copy));
}

void EngineWrap::GiveUp(const Napi::CallbackInfo& /*info*/) {
  AnswerTrouble("giveUp", std::nullopt);
}

void EngineWrap::AnswerTrouble(const char* answer, std::optional<FragmentInput> copy) {
  // A close may have overtaken the answer; that is nobody's mistake.
  if (!IsOpen()) return;
  if (engine_->AnswerTrouble(std::move(copy)) == Engine::AnswerResult::kNotAsked) {
    Napi::Error::New(Env(), std::string(answer) + " without a trouble record to answer")
        .ThrowAsJavaScriptException();
  }
}

Napi::Value EngineWrap::Take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto records = ReadTypedArray(info[0], "records", napi_float64_array, "Float64Array");
  if (!records) return env.Undefined();
  const size_t capacity = records->length / kRecordDoubles;
  if (capacity == 0) {
    ThrowRangeError(env, "Expected at least " + std::to_string(kRecordDoubles) +
                             " elements for records but received " +
                             std::to_string(records->length));
    return env.Undefined();
  }
  if (!IsOpen()) return Napi::Number::New(env, 0);
  const size_t count = engine_->Take(static_cast<Record*>(records->data), capacity);
  UpdateRef();
  return Napi::Number::New(env, static_cast<double>(count));
}

Napi::Value EngineWrap::TakeFault(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto fault = IsOpen() ? engine_->TakeFault() : std::nullopt;
  if (!fault) {
    Napi::Error::New(env, "takeFault without a fault record").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return FaultToObject(env, *fault);
}

Napi::Value EngineWrap::TakeDecoder(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto opening = IsOpen() ? engine_->TakeDecoder() : std::nullopt;
  if (!opening) {
    Napi::Error::New(env, "takeDecoder without a decoder record").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return OpeningToObject(env, *opening);
}

Napi::Value EngineWrap::TakeLog(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto lines = IsOpen() ? engine_->TakeLog() : std::nullopt;
  if (!lines) {
    Napi::Error::New(env, "takeLog without a log record").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return LogToArray(env, *lines);
}

Napi::Value EngineWrap::TakeParameterSets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto data = IsOpen() ? engine_->TakeCodecData() : std::nullopt;
  if (!data) {
    Napi::Error::New(env, "takeParameterSets without an access unit with flag 4")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  auto bytes = Napi::Uint8Array::New(env, data->size());
  std::copy(data->begin(), data->end(), bytes.Data());
  return bytes;
}

void EngineWrap::SetFloor(const Napi::CallbackInfo& info) {
  // Any number is a time here, infinities included.
  if (!info[0].IsNumber() || std::isnan(info[0].As<Napi::Number>().DoubleValue())) {
    ThrowTypeError(info.Env(), "Expected number for captureMs but received " + Describe(info[0]));
    return;
  }
  if (IsOpen()) engine_->SetFloor(info[0].As<Napi::Number>().DoubleValue());
}

void EngineWrap::SetPeriod(const Napi::CallbackInfo& info) {
  const auto period_ms = CheckNumber(info[0], "periodMs", 0, kMaxPeriodMs);
  if (period_ms && IsOpen()) engine_->SetPeriod(*period_ms);
}

void EngineWrap::Wake(const Napi::CallbackInfo& /*info*/) {
  if (IsOpen()) engine_->Wake();
}

Napi::Value EngineWrap::Stats(const Napi::CallbackInfo& info) {
  return StatsToObject(info.Env(), closed_ || engine_ == nullptr ? last_stats_ : engine_->stats());
}

Napi::Value EngineWrap::Close(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto deferred = Napi::Promise::Deferred::New(env);
  if (closed_ || engine_ == nullptr) {
    deferred.Resolve(env.Undefined());
    return deferred.Promise();
  }
  closers_.push_back(deferred);
  if (!std::exchange(closing_, true)) {
    engine_->RequestStop();
    UpdateRef();
    StartCloseTimer();
  }
  return deferred.Promise();
}

void EngineWrap::OnNotified(napi_env env, napi_value /*function*/, void* context, void* /*data*/) {
  // Null while the environment is torn down or after the release: the wrap may be gone.
  if (env == nullptr) return;
  auto& self = *static_cast<EngineWrap*>(context);
  if (self.engine_ == nullptr) return;
  if (self.engine_->HasStopped()) {
    if (!self.closed_) self.SettleClose();
    self.LetGo();
    return;
  }
  if (!self.closing_ && self.engine_->TakeWake()) self.CallOnWake();
  self.UpdateRef();
}

void EngineWrap::CallOnWake() {
  const Napi::Env env = Env();
  on_wake_.Call({});
  // Node-API only prints a deprecation warning about what a threadsafe function's callback throws.
  napi_value thrown = nullptr;
  if (env.IsExceptionPending() && napi_get_and_clear_last_exception(env, &thrown) == napi_ok) {
    napi_fatal_exception(env, thrown);
  }
}

void EngineWrap::StartCloseTimer() {
  const Napi::Env env = Env();
  const auto on_time = [](const Napi::CallbackInfo& info) {
    auto& self = *static_cast<EngineWrap*>(info.Data());
    self.close_timer_.Reset();
    self.SettleClose();
  };
  const Napi::Value timer = addon_.set_timeout.Call(
      {Napi::Function::New(env, on_time, "closeTimeout", this), Napi::Number::New(env, kCloseMs)});
  // Not so only if the environment is being terminated.
  if (timer.IsObject()) close_timer_ = Napi::Persistent(timer.As<Napi::Object>());
}

void EngineWrap::StopCloseTimer() {
  if (close_timer_.IsEmpty()) return;
  addon_.clear_timeout.Call({close_timer_.Value()});
  close_timer_.Reset();
}

void EngineWrap::SettleClose() {
  StopCloseTimer();
  last_stats_ = engine_->stats();
  closed_ = true;
  on_wake_.Reset();
  UpdateRef();
  for (const Napi::Promise::Deferred& closer : std::exchange(closers_, {})) {
    closer.Resolve(Env().Undefined());
  }
}

void EngineWrap::LetGo() {
  engine_->Join();  // it has posted its last notification and only has to return
  engine_.reset();
  napi_remove_env_cleanup_hook(Env(), OnEnvironmentCleanup, this);
  napi_release_threadsafe_function(notify_, napi_tsfn_abort);
  addon_.engines.erase(this);
  Unref();  // last: the wrap may go now
}

void EngineWrap::UpdateRef() {
  const bool wanted = closing_ ? !closed_ : !engine_->IsIdle();
  if (wanted == keeps_loop_alive_) return;
  keeps_loop_alive_ = wanted;
  if (wanted) {
    napi_ref_threadsafe_function(Env(), notify_);
  } else {
    napi_unref_threadsafe_function(Env(), notify_);
  }
}

void EngineWrap::OnEnvironmentCleanup(void* self) {
  auto* const wrap = static_cast<EngineWrap*>(self);
  // All are told before any is waited for, so that the waits run side by side.
  for (EngineWrap* other : wrap->addon_.engines) other->engine_->RequestStop();
  wrap->addon_.engines.erase(wrap);
  wrap->engine_.reset();
}

}  // namespace kvs_frames
