// What the NAL units of a fragment claim, looked at before libav splits them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "av.h"
#include "fault.h"
#include "memory_io.h"

namespace kvs_frames {

// Libavformat's parsers and libavcodec split a picture's data into a table of its NAL units, of
// some 4.3 KB each where they have start codes: 5 bytes of media claim that much. A fragment of
// more than 100,000 start codes, or 10 for each of `max_frames` if that is more, is a `demux`
// fault. All bytes are looked at as they lie, wherever the demuxer might find packets in them; what
// that misses, start codes that go on in the next packet, is one in 188 bytes at most. Any thread.
std::optional<Fault> CheckClaimedUnits(ByteSpan transport_stream, size_t max_frames);

// Why a packet should not be decoded, in words: more than 4096 NAL units, or more than 1 MiB of
// supplemental enhancement information (SEI), of whose messages libavcodec keeps up to twenty times
// their bytes. Nothing for all others. Any thread.
std::optional<std::string> WhyUndecodable(const AVCodecParameters& parameters,
                                          const AVPacket& packet);

}  // namespace kvs_frames
