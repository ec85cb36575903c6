// The NAL units of H.264 and H.265, as their headers tell of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "av.h"
#include "memory_io.h"

namespace kvs_frames {

// A NAL unit without start code or length. Never empty.
using NalUnit = ByteSpan;

// Bytes of the length before each NAL unit of the track's packets, from its extradata (MP4); 0:
// they have start codes (MPEG-TS).
int NalLengthBytes(const AVCodecParameters& parameters);

// The NAL units in `data`, in order. A length that reaches beyond the end is cut there.
std::vector<NalUnit> SplitNalUnits(int length_bytes, ByteSpan data);

// nal_unit_type, ITU-T H.264 table 7-1 and ITU-T H.265 table 7-1.
int NalType(AVCodecID codec, NalUnit unit);

bool IsParameterSet(AVCodecID codec, NalUnit unit);

// Whether the packet's first slice belongs to a true IDR picture: one before which nothing refers
// back and that no leading picture follows which would need more. False for what cannot be read.
bool StartsWithIdr(const AVCodecParameters& parameters, const AVPacket& packet);

// Whether other pictures may refer to a packet's.
struct PacketUse {
  // Its temporal sublayer in H.265; 0 in H.264.
  int temporal_id = 0;
  // No other picture of the same sublayer, or of a lower one, refers to it (nal_ref_idc 0, or a
  // sub-layer non-reference type). False for what cannot be read.
  bool is_disposable = false;
};
PacketUse UseOf(const AVCodecParameters& parameters, const AVPacket& packet);

}  // namespace kvs_frames
