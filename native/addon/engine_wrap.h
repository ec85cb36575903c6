// The JavaScript class `Engine` around a core engine; binding.d.ts documents its methods.
//
// Everything here runs on the JavaScript thread but `Notify`. While it has a thread, the wrap holds
// itself alive; `close` ends that, or the environment does.
#pragma once

#include <napi.h>

#include <memory>
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
  Napi::Value Take(const Napi::CallbackInfo& info);
  Napi::Value TakeFault(const Napi::CallbackInfo& info);
  void Wake(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  bool IsOpen() const { return engine_ != nullptr && !closing_; }

  // What the engine's notifications come to on the JavaScript thread.
  static void OnNotified(napi_env env, napi_value function, void* context, void* data);
  void CallOnWake();
  void FinishClose();

  // Keeps the event loop alive exactly while there is work, or a close under way.
  void UpdateRef();

  // The environment ends: the thread must be gone before the threadsafe function is.
  static void OnEnvironmentCleanup(void* self);

  Addon& addon_;
  Napi::FunctionReference on_wake_;
  napi_threadsafe_function notify_ = nullptr;
  bool keeps_loop_alive_ = false;
  bool closing_ = false;
  std::vector<Napi::Promise::Deferred> closers_;
  EngineStats last_stats_;          // once engine_ is gone
  std::unique_ptr<Engine> engine_;  // null when closed, or never opened as the arguments were wrong
};

}  // namespace kvs_frames
