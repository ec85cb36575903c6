// The options of an engine, from JavaScript; see values.h.
#pragma once

#include <napi.h>

#include <optional>

#include "engine.h"

namespace kvs_frames {

std::optional<EngineOptions> ReadEngineOptions(Napi::Value value);

}  // namespace kvs_frames
