#include "fragment_demuxer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <string>
#include <utility>

#include "claimed_tables.h"
#include "claimed_units.h"
#include "nal.h"

namespace kvs_frames {
namespace {

// H.264 and H.265 allow at most 16 pictures of reordering (H.264 A.3, max_num_reorder_frames).
constexpr int kMaxReorderDepth = 16;

// Stream type of H.264 under SAMPLE-AES (Apple, "MPEG-2 Stream Encryption Format for HLS").
constexpr uint32_t kSampleAesStreamType = 0xdb;

// How far the MPEG-TS demuxer looks for its tables before it hands out what it has.
constexpr int64_t kTransportProbeBytes = int64_t{32} * 1024;

int RefuseOpen(AVFormatContext* /*context*/, AVIOContext** /*io*/, const char* /*url*/,
               int /*flags*/, AVDictionary** /*options*/) {
  return AVERROR(EPERM);
}

int IsCancelled(void* opaque) {
  return static_cast<const std::atomic<bool>*>(opaque)->load(std::memory_order_relaxed) ? 1 : 0;
}

Fault LibavFault(Stage stage, const std::string& what, int code) {
  return Fault{stage, code, what + ": " + ErrorText(code)};
}

std::optional<Fault> Open(bool transport_stream, AVIOContext* io,
                          const std::atomic<bool>& cancelled, UniqueFormatContext* opened) {
  const char* const name = transport_stream ? "mpegts" : "mov";
  const AVInputFormat* const format = av_find_input_format(name);
  if (format == nullptr) {
    return Fault{Stage::kOpen, AVERROR_DEMUXER_NOT_FOUND,
                 std::string("this libavformat was built without the ") + name + " demuxer"};
  }
  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr) throw std::bad_alloc();
  context->pb = io;
  context->io_open = RefuseOpen;
  context->interrupt_callback = {IsCancelled, const_cast<std::atomic<bool>*>(&cancelled)};
  AVDictionary* options = nullptr;
  av_dict_set(&options, "format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2,mpegts", 0);
  av_dict_set(&options, "codec_whitelist", "h264,hevc", 0);
  if (transport_stream) av_dict_set_int(&options, "probesize", kTransportProbeBytes, 0);
  const int code = avformat_open_input(&context, "", format, &options);
  av_dict_free(&options);
  if (code < 0) {
    return LibavFault(Stage::kOpen,
                      transport_stream ? "cannot open the MPEG-TS fragment"
                                       : "cannot open the init section with the fragment",
                      code);
  }
  opened->reset(context);
  return std::nullopt;
}

bool IsSupported(const AVStream& track) {
  return track.codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
         (track.disposition & AV_DISPOSITION_ATTACHED_PIC) == 0 &&
         (track.codecpar->codec_id == AV_CODEC_ID_H264 ||
          track.codecpar->codec_id == AV_CODEC_ID_HEVC);
}

// The supported video track with the largest picture, the first of equals; null if there is none.
// All others are discarded.
AVStream* ChooseTrack(AVFormatContext& context) {
  AVStream* best = nullptr;
  const auto area = [](const AVStream& track) {
    return static_cast<int64_t>(track.codecpar->width) * track.codecpar->height;
  };
  for (unsigned i = 0; i < context.nb_streams; ++i) {
    AVStream* const track = context.streams[i];
    track->discard = AVDISCARD_ALL;
    if (IsSupported(*track) && (best == nullptr || area(*track) > area(*best))) best = track;
  }
  if (best != nullptr) best->discard = AVDISCARD_DEFAULT;
  return best;
}

Fault NoVideoTrack(const AVFormatContext& context) {
  std::string found;
  for (unsigned i = 0; i < context.nb_streams; ++i) {
    const AVCodecParameters& parameters = *context.streams[i]->codecpar;
    const char* const type = av_get_media_type_string(parameters.codec_type);
    if (!found.empty()) found += ", ";
    found += std::string(type == nullptr ? "unknown" : type) + " " +
             avcodec_get_name(parameters.codec_id);
  }
  return Fault{Stage::kOpen, 0,
               "no H.264 or H.265 video track in the fragment (found: " +
                   (found.empty() ? std::string("no track") : found) + ")"};
}

// Looks for the sample entry of Common Encryption (ISO/IEC 23001-7) anywhere in the init section.
bool HasEncryptedSampleEntry(ByteSpan init) {
  constexpr std::array<uint8_t, 4> kType = {'e', 'n', 'c', 'v'};
  const uint8_t* const end = init.data + init.size;
  return std::search(init.data, end, kType.begin(), kType.end()) != end;
}

bool IsEncrypted(const AVStream& track, const AVPacket& packet) {
  return av_packet_get_side_data(&packet, AV_PKT_DATA_ENCRYPTION_INFO, nullptr) != nullptr ||
         track.codecpar->codec_tag == kSampleAesStreamType;
}

// Timestamps as they come from the demuxer, in ticks.
struct Timing {
  int64_t pts;
  int64_t dts;
  int64_t duration;
};

// Times beyond that count as missing, and durations as that long: sums and differences of what
// remains do not overflow. A clock of nanoseconds since 1970 gets there in 2043.
constexpr int64_t kLastTime = int64_t{1} << 61;
constexpr int64_t kLongestDuration = int64_t{1} << 40;

int64_t TimeOf(int64_t ticks) {
  return ticks < -kLastTime || ticks > kLastTime ? AV_NOPTS_VALUE : ticks;
}

Timing TimingOf(const AVPacket& packet) {
  return {TimeOf(packet.pts), TimeOf(packet.dts),
          std::clamp<int64_t>(packet.duration, 0, kLongestDuration)};
}

// Undoes wraps of the container's PTS counter inside the fragment: every PTS becomes the one that
// is nearest to the first. (libav has its own correction, but it turns the time before a near
// wrap negative, and the times of the fragment before would not fit.)
void UnwrapPts(int wrap_bits, std::vector<Timing>* timings) {
  if (wrap_bits <= 0 || wrap_bits >= 63) return;
  const int64_t period = int64_t{1} << wrap_bits;
  int64_t first = AV_NOPTS_VALUE;
  for (Timing& timing : *timings) {
    if (timing.pts == AV_NOPTS_VALUE) continue;
    const int64_t wrapped = timing.pts & (period - 1);
    if (first == AV_NOPTS_VALUE) first = wrapped;
    int64_t delta = (wrapped - first) & (period - 1);
    if (delta >= period / 2) delta -= period;
    timing.pts = first + delta;
    if (timing.dts == AV_NOPTS_VALUE) continue;
    // Decoded before it is shown, by far less than the counter's period.
    timing.dts = timing.pts - ((timing.pts - timing.dts) & (period - 1));
  }
}

// Makes every duration the time to the next picture, so that a picture that is missing leaves a
// hole of its exact length. The last picture keeps its packet's; MPEG-TS has none (what libav gives
// there is the bitstream's claim), so there it is the mean of the others. A picture without PTS
// continues the one decoded before it: the two share the time to the next.
void FillDurations(bool transport_stream, std::vector<Timing>* timings) {
  struct Presented {
    Timing* timing;
    std::vector<Timing*> continued_by;
  };
  std::vector<Presented> presented;
  for (Timing& timing : *timings) {
    if (timing.pts != AV_NOPTS_VALUE) {
      presented.push_back({&timing, {}});
    } else if (!presented.empty()) {
      presented.back().continued_by.push_back(&timing);
    }
  }
  if (presented.empty()) return;
  std::stable_sort(presented.begin(), presented.end(), [](const Presented& a, const Presented& b) {
    return a.timing->pts < b.timing->pts;
  });
  const int64_t span = presented.back().timing->pts - presented.front().timing->pts;
  int64_t steps = 0;  // from the first picture to the last with a PTS
  for (size_t i = 0; i < presented.size(); ++i) {
    Timing& timing = *presented[i].timing;
    const auto sharers = static_cast<int64_t>(presented[i].continued_by.size()) + 1;
    if (i + 1 < presented.size()) {
      timing.duration = (presented[i + 1].timing->pts - timing.pts) / sharers;
      steps += sharers;
    } else if (transport_stream || timing.duration <= 0) {
      timing.duration = steps == 0 ? 0 : (span + steps / 2) / steps;
    }
    for (Timing* other : presented[i].continued_by) other->duration = timing.duration;
  }
}

// The most pictures that are decoded before, but presented after, one and the same picture.
int ReorderDepth(const std::vector<Timing>& timings) {
  std::array<int64_t, kMaxReorderDepth> latest{};  // the largest PTS so far, descending
  size_t count = 0;
  int depth = 0;
  for (const Timing& timing : timings) {
    if (timing.pts == AV_NOPTS_VALUE) continue;
    size_t place = 0;
    while (place < count && latest[place] > timing.pts) ++place;
    depth = std::max(depth, static_cast<int>(place));
    if (place == latest.size()) continue;
    count = std::min(count + 1, latest.size());
    for (size_t i = count - 1; i > place; --i) latest[i] = latest[i - 1];
    latest[place] = timing.pts;
  }
  return depth;
}

// `timings`: those of the packets, and of what was cut off behind them.
void FillInfos(int64_t fragment_id, bool transport_stream, const AVStream& track,
               std::vector<Timing> timings, DemuxedFragment* fragment) {
  UnwrapPts(track.pts_wrap_bits, &timings);
  FillDurations(transport_stream, &timings);
  fragment->parameters->video_delay =
      std::max(fragment->parameters->video_delay, ReorderDepth(timings));

  int64_t first = INT64_MAX;
  int64_t end = INT64_MIN;
  int64_t without_pts = 0;
  for (const Timing& timing : timings) {
    if (timing.pts == AV_NOPTS_VALUE) {
      without_pts += std::max<int64_t>(timing.duration, 0);
      continue;
    }
    first = std::min(first, timing.pts);
    end = std::max(end, timing.pts + std::max<int64_t>(timing.duration, 0));
  }
  if (first == INT64_MAX) {
    first = 0;
    end = without_pts;
  }
  const double ms_per_tick = 1000.0 * av_q2d(fragment->time_base);
  fragment->duration_ms = static_cast<double>(end - first) * ms_per_tick;
  for (size_t i = 0; i < fragment->packets.size(); ++i) {
    const bool has_pts = timings[i].pts != AV_NOPTS_VALUE;
    const int64_t pts = has_pts ? timings[i].pts : first;
    const int64_t dts = timings[i].dts == AV_NOPTS_VALUE ? pts : timings[i].dts;
    PacketInfo& info = fragment->packets[i].info;
    info.fragment_id = fragment_id;
    info.pts_ms = static_cast<double>(pts) * ms_per_tick;
    info.dts_ms = static_cast<double>(dts) * ms_per_tick;
    info.offset_ms = static_cast<double>(pts - first) * ms_per_tick;
    info.duration_ms = static_cast<double>(std::max<int64_t>(timings[i].duration, 0)) * ms_per_tick;
    info.has_pts = has_pts;
  }
}

// What is read of a fragment beside its packets.
struct Reading {
  AVStream* track = nullptr;
  std::vector<Timing> timings;  // of all packets, also those that are one too many
  bool encrypted = false;
};

Fault TooManyFrames(size_t found, size_t max_frames) {
  return Fault{Stage::kLimit, 0,
               "the fragment has " + std::to_string(found) + " pictures, more than the limit of " +
                   std::to_string(max_frames) +
                   ": what is behind them was cut off; raise limits.maxFramesPerFragment"};
}

// Reads to the end. An error ends the reading and is left in `fragment->fault`. `bytes`: of the
// fragment and its init section.
Reading ReadPackets(AVFormatContext& context, size_t max_frames, size_t bytes,
                    DemuxedFragment* fragment) {
  Reading reading{ChooseTrack(context), {}, false};
  AVStream*& track = reading.track;
  size_t packet_bytes = 0;
  int damaged = 0;
  std::string why;
  while (true) {
    UniquePacket packet = NewPacket();
    int code = av_read_frame(&context, packet.get());
    if (code == AVERROR_EOF) break;
    // What the MPEG-TS demuxer answers where it finds no packet; asking again would not help.
    if (code == AVERROR(EAGAIN)) code = AVERROR_INVALIDDATA;
    if (code < 0) {
      fragment->fault = LibavFault(
          Stage::kDemux,
          "cannot read packet " + std::to_string(reading.timings.size() + damaged + 1), code);
      return reading;
    }
    // MPEG-TS may announce its tracks only now.
    if (track == nullptr) track = ChooseTrack(context);
    if (track == nullptr || packet->stream_index != track->index || packet->size == 0) continue;
    if (IsEncrypted(*track, *packet)) {
      reading.encrypted = true;
      return reading;
    }
    // Samples may lie over one another, and so be larger than the memory of the host.
    packet_bytes += static_cast<size_t>(packet->size);
    if (packet_bytes > bytes) {
      fragment->fault = Fault{Stage::kDemux, AVERROR_INVALIDDATA,
                              "the fragment's packets have more bytes than it has itself"};
      return reading;
    }
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) != 0) {
      ++damaged;
      continue;
    }
    if (const auto reason = WhyUndecodable(*track->codecpar, *packet)) {
      ++damaged;
      why = " (one has " + *reason + ")";
      continue;
    }
    reading.timings.push_back(TimingOf(*packet));
    if (reading.timings.size() > max_frames) continue;
    // Set where an edit list or an overlap hides the sample from players; here every picture
    // counts.
    packet->flags &= ~AV_PKT_FLAG_DISCARD;
    fragment->packets.push_back({std::move(packet), {}});
  }
  if (damaged > 0) {
    fragment->fault =
        Fault{Stage::kDemux, AVERROR_INVALIDDATA,
              std::to_string(damaged) + " of " + std::to_string(damaged + reading.timings.size()) +
                  " packets are cut off or damaged and were left out" + why};
  }
  if (reading.timings.size() > max_frames) {
    fragment->fault = TooManyFrames(reading.timings.size(), max_frames);
  }
  return reading;
}

}  // namespace

std::optional<Fault> DemuxFragment(ByteSpan init, ByteSpan media, int64_t fragment_id,
                                   const std::atomic<bool>& cancelled, DemuxedFragment* fragment,
                                   size_t max_frames) {
  if (auto fault = CheckClaimedTables(init, media)) return fault;
  if (init.size == 0) {
    if (auto fault = CheckClaimedUnits(media, max_frames)) return fault;
  }
  MemoryIo io(init, media, cancelled);
  UniqueFormatContext context;
  if (auto fault = Open(init.size == 0, io.context(), cancelled, &context)) {
    // libav stumbles over some tracks' encryption boxes, and its error does not say why.
    if (HasEncryptedSampleEntry(init)) fault->message += " (the video track is encrypted)";
    return fault;
  }

  *fragment = DemuxedFragment();
  Reading reading = ReadPackets(*context, max_frames, init.size + media.size, fragment);
  const AVStream* const track = reading.track;
  if (track == nullptr) return NoVideoTrack(*context);
  if (reading.encrypted) {
    return Fault{Stage::kDemux, 0,
                 "the video track is encrypted (DRM or SAMPLE-AES); such media cannot be decoded"};
  }
  if (fragment->packets.empty()) {
    if (fragment->fault) return fragment->fault;
    return Fault{Stage::kDemux, 0, "the fragment has no packet of its video track"};
  }

  fragment->parameters = NewCodecParameters();
  const int code = avcodec_parameters_copy(fragment->parameters.get(), track->codecpar);
  if (code < 0) return LibavFault(Stage::kDemux, "cannot copy the track's parameters", code);
  fragment->time_base = track->time_base;
  fragment->starts_with_idr =
      StartsWithIdr(*fragment->parameters, *fragment->packets.front().packet);
  FillInfos(fragment_id, init.size == 0, *track, std::move(reading.timings), fragment);
  return std::nullopt;
}

}  // namespace kvs_frames
