// A track's parameter sets, and the records of ISO/IEC 14496-15 that hold them.
#pragma once

#include <cstdint>
#include <vector>

#include "av.h"
#include "memory_io.h"
#include "nal.h"

namespace kvs_frames {

using NalBytes = std::vector<uint8_t>;

// The parameter sets in extradata: of an `avcC` or `hvcC` record, or with start codes. What cannot
// be read is left out.
std::vector<NalBytes> ParameterSetsOf(const AVCodecParameters& parameters);

// An `avcC` or `hvcC` record of these sets, for units with lengths of 4 bytes. Empty if there is no
// SPS to make it of.
std::vector<uint8_t> CodecRecord(AVCodecID codec, const std::vector<NalBytes>& sets);

}  // namespace kvs_frames
