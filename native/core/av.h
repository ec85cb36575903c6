// FFmpeg's C API with owners, words for its error codes, and the few places where its releases
// from 5.1 on differ. Nothing here keeps state; every function may be called on any thread.
#pragma once

#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/error.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace kvs_frames {

struct AvDeleter {
  void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVCodecParameters* parameters) const { avcodec_parameters_free(&parameters); }
  void operator()(AVCodecParserContext* parser) const { av_parser_close(parser); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(SwsContext* context) const { sws_freeContext(context); }
  // A context around a custom read callback: its buffer is its own, its opaque is the caller's.
  void operator()(AVIOContext* io) const {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
};

using UniqueFormatContext = std::unique_ptr<AVFormatContext, AvDeleter>;
using UniqueCodecContext = std::unique_ptr<AVCodecContext, AvDeleter>;
using UniqueCodecParameters = std::unique_ptr<AVCodecParameters, AvDeleter>;
using UniqueParser = std::unique_ptr<AVCodecParserContext, AvDeleter>;
using UniquePacket = std::unique_ptr<AVPacket, AvDeleter>;
using UniqueFrame = std::unique_ptr<AVFrame, AvDeleter>;
using UniqueSws = std::unique_ptr<SwsContext, AvDeleter>;
using UniqueIo = std::unique_ptr<AVIOContext, AvDeleter>;

// These throw std::bad_alloc instead of answering null.
UniqueCodecParameters NewCodecParameters();
UniquePacket NewPacket();
UniqueFrame NewFrame();

// libav's sentence for a negative error code, e.g. "Invalid data found when processing input".
std::string ErrorText(int code);

// libav's name of the code, e.g. "AVERROR_INVALIDDATA"; for errno values "AVERROR(EINVAL)". Empty
// for 0 and for codes without a name.
std::string ErrorName(int code);

// "major.minor.micro" of a version as avcodec_version() and its kin give it.
std::string VersionText(unsigned version);

// Whether the picture is a key frame as the bitstream says.
bool IsKeyFrame(const AVFrame& frame);

// Whether the decoder had to conceal errors in the picture.
bool IsDamaged(const AVFrame& frame);

// Whether the picture consists of two fields, which may have come in two packets.
bool IsInterlaced(const AVFrame& frame);

// The way of a number from a packet to the picture decoded from it, B-frames and frame threads
// included. Call EnablePacketIds before avcodec_open2, SetPacketId right before
// avcodec_send_packet, and receive until EAGAIN before the next packet is sent.
void EnablePacketIds(AVCodecContext& context);
void SetPacketId(AVCodecContext& context, AVPacket& packet, int64_t id);
int64_t PacketIdOf(const AVFrame& frame);

}  // namespace kvs_frames
