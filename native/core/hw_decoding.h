// One decoder's work on a device: its pictures come back to memory in NV12, or P010 for 10 bits.
#pragma once

#include <memory>
#include <string>

#include "av.h"
#include "hw_device.h"
#include "log_sink.h"

namespace kvs_frames {

// One thread. Where it fails, whoever owns it must go on in software: the pictures are the same.
class HwDecoding {
 public:
  // On the first device that is `wanted` and can be had; null, and why in `*reason`, without one.
  // `log` gets what libav says as long as the device has not failed; may be null.
  static std::unique_ptr<HwDecoding> Find(HwAccel wanted, const AVCodec& codec, HwDevices& devices,
                                          LogSink* log, std::string* reason);

  HwAccel type() const { return type_; }

  // Makes the context use the device; call it before avcodec_open2, and keep this at its place
  // while the context lives.
  void Prepare(AVCodecContext* context);

  // As avcodec_send_packet and avcodec_receive_frame, with the picture in memory. If `failure` says
  // something after the call, the device is why it went wrong, not the packet.
  int Send(AVCodecContext* context, const AVPacket* packet);
  int Receive(AVCodecContext* context, AVFrame* picture);

  // Why the device can't go on, or "".
  const std::string& failure() const { return failure_; }

 private:
  HwDecoding(HwAccel type, AVPixelFormat format, UniqueBuffer device, HwPlatform& platform,
             LogSink* log);

  static AVPixelFormat GetFormat(AVCodecContext* context, const AVPixelFormat* offered);

  // Copies surface_ to memory and gives out a reference to that.
  int Download(AVFrame* picture);

  // Notes a failure if the answer is one of the device's, else passes on what was logged.
  void Judge(int code, const char* what);

  const HwAccel type_;
  const AVPixelFormat format_;  // of pictures on the device
  const UniqueBuffer device_;
  HwPlatform& platform_;
  LogSink* const passed_on_;
  LogSink log_;  // what a device's failure makes libav say is no sign of damaged media
  UniqueFrame surface_;
  UniqueFrame memory_;  // used again once the picture given out last was let go
  bool refused_ = false;
  std::string failure_;
};

}  // namespace kvs_frames
