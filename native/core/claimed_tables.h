// What the tables of an MP4 claim to hold, looked at before libavformat believes it.
#pragma once

#include <optional>

#include "fault.h"
#include "memory_io.h"

namespace kvs_frames {

// libavformat makes an index entry for every sample that a table claims, whether there are bytes
// for it or not: 24 bytes here claim 2^32 of them, for which it takes 4 GiB. Answers a `demux`
// fault for tables of more than a million samples in all, and for compressed ones. Looks for their
// names everywhere but in the media, wherever libavformat might find them. Any thread.
std::optional<Fault> CheckClaimedTables(ByteSpan init, ByteSpan media);

}  // namespace kvs_frames
