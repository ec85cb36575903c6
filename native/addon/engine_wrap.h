// The JavaScript class `Engine` around a core engine; binding.d.ts documents its methods.
//
// Everything here runs on the JavaScript thread. While it has a thread, the wrap holds itself
// alive, and with it the ring and the fragments: until the thread has ended after `close`, which
// may be later than the promise says so, or until the environment ends.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <vector>

#include "addon.h"
#include "engine.h"

namespace kvs_frames {

class EngineWrap : public Napi::ObjectWrap<EngineWrap> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit EngineWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value Push(const Napi::CallbackInfo& info);
  void Finish(const Napi::CallbackInfo& info);
  void SetRing(const Napi::CallbackInfo& info);
  void Retry(const Napi::CallbackInfo& info);
  void GiveUp(const Napi::CallbackInfo& info);
  Napi::Value Take(const Napi::CallbackInfo& info);
  Napi::Value TakeFault(const Napi::CallbackInfo& info);
  Napi::Value TakeDecoder(const Napi::CallbackInfo& info);
  Napi::Value TakeLog(const Napi::CallbackInfo& info);
  Napi::Value TakeParameterSets(const Napi::CallbackInfo& info);
  void SetFloor(const Napi::CallbackInfo& info);
  void SetPeriod(const Napi::CallbackInfo& info);
  void Wake(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  bool IsOpen() const { return engine_ != nullptr && !closing_; }

  void AnswerTrouble(const char* answer, std::optional<FragmentInput> copy);

  // What the engine's notifications come to on the JavaScript thread.
  static void OnNotified(napi_env env, napi_value function, void* context, void* data);
  void CallOnWake();

  // Settles the promises of Close, when the thread has stopped or has had its time to.
  void SettleClose();
  void StartCloseTimer();
  void StopCloseTimer();

  // Lets go of the thread and of all it used. REQUIRES: it has stopped, and SettleClose was called.
  void LetGo();

  // Keeps the event loop alive exactly while there is work or a record to take, or a close under
  // way. Called after each change that JavaScript makes; the thread notifies of those it makes.
  void UpdateRef();

  // The environment ends: the thread must be gone before the threadsafe function is.
  static void OnEnvironmentCleanup(void* self);

  Addon& addon_;
  Napi::FunctionReference on_wake_;
  napi_threadsafe_function notify_ = nullptr;
  bool keeps_loop_alive_ = false;
  bool closing_ = false;
  bool closed_ = false;  // the promises of Close are settled; the thread may still be there
  std::vector<Napi::Promise::Deferred> closers_;
  Napi::ObjectReference close_timer_;  // empty while none runs
  EngineStats last_stats_;             // once closed_
  std::unique_ptr<Engine> engine_;     // null without thread, or when never constructed
};

}  // namespace kvs_frames
