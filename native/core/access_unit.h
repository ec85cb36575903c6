// Coded pictures as a host's own decoder takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "av.h"
#include "codec_data.h"
#include "fragment_demuxer.h"
#include "nal.h"

namespace kvs_frames {

enum class Framing {
  kNone,    // no access units: pictures
  kAnnexB,  // each NAL unit behind a start code of 4 bytes; key frames begin with the parameter
            // sets
  kAvcc,    // each behind its length of 4 bytes
};

// Packets → access units. The NAL units are those of the packet, whatever tells them apart there;
// in Annex B those of the parameter sets are put before a key frame that lacks them. One thread.
class AccessUnits {
 public:
  explicit AccessUnits(Framing framing) : framing_(framing) {}

  // Reads a packet of the fragment. REQUIRES: the fragment's packets are read in order.
  void Read(const DemuxedFragment& fragment, const AVPacket& packet);

  // Of the packet that was read last, as access unit:
  size_t bytes() const { return bytes_; }
  void Write(uint8_t* to) const;
  bool is_key() const { return is_key_; }
  // The parameter sets are others than before; also with the first one.
  bool is_new() const { return is_new_; }

  // The parameter sets in use: in Annex B, or as `avcC` or `hvcC` record. Empty before there were
  // any.
  std::vector<uint8_t> CodecData() const;
  int width() const { return width_; }
  int height() const { return height_; }

 private:
  // Both answer whether the parameter sets are others than before.
  bool UseExtradata(const AVCodecParameters& parameters);
  bool UseSetsInside();
  void InsertSets();

  const Framing framing_;
  std::vector<uint8_t> extradata_;  // of the fragment read last
  AVCodecID codec_ = AV_CODEC_ID_NONE;
  std::vector<NalBytes> sets_;
  int width_ = 0;
  int height_ = 0;
  // Of the packet read last:
  std::vector<NalUnit> units_;  // in the packet, and in sets_
  size_t bytes_ = 0;
  bool is_key_ = false;
  bool is_new_ = false;
};

}  // namespace kvs_frames
