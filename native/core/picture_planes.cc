#include "picture_planes.h"

#include <algorithm>

namespace kvs_frames {

PlainFormat WithoutRange(AVPixelFormat format) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      return {AV_PIX_FMT_YUV420P, true};
    case AV_PIX_FMT_YUVJ422P:
      return {AV_PIX_FMT_YUV422P, true};
    case AV_PIX_FMT_YUVJ444P:
      return {AV_PIX_FMT_YUV444P, true};
    default:
      return {format, false};
  }
}

std::optional<SampleForm> DescribeSamples(AVPixelFormat format) {
  const AVPixFmtDescriptor* const description = av_pix_fmt_desc_get(format);
  if (description == nullptr) return std::nullopt;
  constexpr uint64_t kOther = AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                              AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_FLOAT;
  const AVComponentDescriptor& luma = description->comp[0];
  SampleForm form;
  form.bytes = luma.depth > 8 ? 2 : 1;
  if ((description->flags & kOther) != 0 || luma.depth < 8 || luma.depth > 16 || luma.plane != 0 ||
      luma.offset != 0 || luma.step != form.bytes) {
    return std::nullopt;
  }
  // Of 16 bits the lowest two are left out: the arithmetic has room for 15.
  const int kept = std::min(luma.depth, 14);
  form.depth = kept;
  form.right_shift = luma.shift + luma.depth - kept;
  form.has_chroma = description->nb_components >= 3;
  if (!form.has_chroma) {
    return description->nb_components == 1 ? std::optional(form) : std::nullopt;
  }
  const AVComponentDescriptor& u = description->comp[1];
  const AVComponentDescriptor& v = description->comp[2];
  form.paired = v.plane == 1;
  form.chroma_shift_x = description->log2_chroma_w;
  form.chroma_shift_y = description->log2_chroma_h;
  const int step = form.paired ? 2 * form.bytes : form.bytes;
  const bool in_place = u.plane == 1 && u.offset == 0 && u.step == step && v.step == step &&
                        (form.paired ? v.offset == form.bytes : v.plane == 2 && v.offset == 0);
  if (!in_place || u.depth != luma.depth || u.shift != luma.shift || form.chroma_shift_x > 1 ||
      form.chroma_shift_y > 1) {
    return std::nullopt;
  }
  return form;
}

PicturePlanes PlanesOf(const AVFrame& picture) {
  PicturePlanes planes;
  for (size_t i = 0; i < planes.data.size(); ++i) {
    planes.data[i] = picture.data[i];
    planes.stride[i] = picture.linesize[i];
  }
  return planes;
}

}  // namespace kvs_frames
