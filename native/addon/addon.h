// What the addon keeps per JavaScript environment (main thread, each worker). There are no globals.
#pragma once

#include <napi.h>

#include <set>

namespace kvs_frames {

class EngineWrap;

struct Addon {
  std::set<EngineWrap*> engines;  // those with a thread; JavaScript thread only
  // As they were when the addon was loaded, whatever a test puts in their place later.
  Napi::FunctionReference set_timeout;
  Napi::FunctionReference clear_timeout;
};

}  // namespace kvs_frames
