// One fragment's bytes → the packets of its video track.
//
// Each fragment is opened on its own, from memory, and read to its end at once: no demuxer state
// can go stale, a bad fragment cannot hurt the next, and the smallest PTS, the durations and the
// reorder depth are known before the first packet is decoded.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "av.h"
#include "fault.h"
#include "frame_selector.h"
#include "memory_io.h"

namespace kvs_frames {

// What identifies a picture, found again when the decoder gives it out. Times in ms.
struct PacketInfo {
  int64_t fragment_id = 0;
  double pts_ms = 0;     // as the container carries it
  double dts_ms = 0;     // likewise; pts_ms where it carries none
  double offset_ms = 0;  // pts_ms minus the smallest of the fragment
  // To the next PTS of the fragment, or for the last picture to the fragment's end: its packet's
  // duration, or where there is none (MPEG-TS), the mean spacing of the PTSs.
  double duration_ms = 0;
  bool has_pts = true;  // false: the times must be continued from the picture before
  // Filled in by FragmentPlan.
  int64_t sequence = 0;  // of its fragment, or copy of one, among those that were begun
  double start_ms = 0;   // when the first picture of the fragment was taken
  // The stretch of the fragment's time line that it accounts for: its own; but of the nth access
  // unit in decoding order that of the nth picture in presentation order.
  double place_ms = 0;
  double place_duration_ms = 0;
  Fate fate = Fate::kWanted;
};

struct DemuxedPacket {
  UniquePacket packet;
  PacketInfo info;
};

struct DemuxedFragment {
  // Of the video track; `video_delay` is at least the reorder depth seen in the packets, because
  // a stream may lack the field (VUI) that tells it, and then its first pictures would come out of
  // order.
  UniqueCodecParameters parameters;
  AVRational time_base{0, 1};
  std::vector<DemuxedPacket> packets;  // in decoding order; no empty one
  double duration_ms = 0;              // end of the last picture minus the smallest PTS
  // Whether the first picture is a true IDR, before which nothing refers back and nothing leads
  // (H.264 NAL type 5; H.265 IDR_W_RADL, IDR_N_LP; not CRA, not a recovery point).
  bool starts_with_idr = false;
  // What kept the rest of the fragment from being read, if something did; the packets are good.
  std::optional<Fault> fault;
};

// Demuxes `init` ‖ `media` as fragmented MP4, or `media` alone as MPEG-TS where `init` is empty.
// Reads `max_frames` packets at most, of which `fragment->fault` tells then; the times are those of
// all. Answers a fault, and leaves `*fragment` unspecified, if there is no packet to decode. Does
// not keep the spans. Blocks for the time of the work (0.1 ms for 2 s of 1080p); returns early with
// a fault once `cancelled` is true. Any thread.
std::optional<Fault> DemuxFragment(ByteSpan init, ByteSpan media, int64_t fragment_id,
                                   const std::atomic<bool>& cancelled, DemuxedFragment* fragment,
                                   size_t max_frames = 10'000);

}  // namespace kvs_frames
