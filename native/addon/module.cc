// The module object: `Engine`, `encodeImage`, `versions`, `recordDoubles`, `timeBounds`.
#include <napi.h>

#include "addon.h"
#include "av.h"
#include "engine.h"
#include "engine_wrap.h"
#include "image_job.h"
#include "libyuv_bridge.h"
#include "values.h"
#include "yuv_to_bgr.h"

namespace kvs_frames {
namespace {

Napi::Object Versions(Napi::Env env) {
  Napi::Object versions = Napi::Object::New(env);
  versions.Set("ffmpeg", av_version_info());
  versions.Set("license", avcodec_license());
  versions.Set("avformat", VersionText(avformat_version()));
  versions.Set("avcodec", VersionText(avcodec_version()));
  versions.Set("avutil", VersionText(avutil_version()));
  versions.Set("swscale", VersionText(swscale_version()));
  const auto libyuv = LibyuvVersion();
  versions.Set("libyuv", libyuv ? Napi::Value(Napi::String::New(env, *libyuv)) : env.Null());
  versions.Set("simd", BestKernels().name);
  return versions;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* const addon = new Addon;
  addon->set_timeout = Napi::Persistent(env.Global().Get("setTimeout").As<Napi::Function>());
  addon->clear_timeout = Napi::Persistent(env.Global().Get("clearTimeout").As<Napi::Function>());
  env.SetInstanceData(addon);
  exports.Set("Engine", EngineWrap::Define(env));
  exports.Set("encodeImage", Napi::Function::New<EncodeImageJob>(env, "encodeImage"));
  exports.Set("versions", Versions(env));
  exports.Set("recordDoubles", Napi::Number::New(env, static_cast<double>(kRecordDoubles)));
  exports.Set("timeBounds", TimeBoundsToArray(env));
  return exports;
}

}  // namespace
}  // namespace kvs_frames

static Napi::Object InitModule(Napi::Env env, Napi::Object exports) {
  return kvs_frames::Init(env, exports);
}

NODE_API_MODULE(kvs_frames, InitModule)
