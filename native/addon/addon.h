// What the addon keeps per JavaScript environment (main thread, each worker). There are no globals.
#pragma once

#include <set>

namespace kvs_frames {

class EngineWrap;

struct Addon {
  std::set<EngineWrap*> engines;  // those with a thread; JavaScript thread only
};

}  // namespace kvs_frames
