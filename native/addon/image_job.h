// The JavaScript function `encodeImage`; binding.d.ts documents it.
#pragma once

#include <napi.h>

namespace kvs_frames {

// Encodes on libuv's pool: a job of some 10 to 100 ms that somebody asked for and waits for. It
// holds on to the pixels' memory until it is done, be that after the environment began to end.
Napi::Value EncodeImageJob(const Napi::CallbackInfo& info);

}  // namespace kvs_frames
