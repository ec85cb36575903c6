#include "image_job.h"

#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "choices.h"
#include "image_encoder.h"
#include "image_shrinker.h"
#include "output_layout.h"
#include "values.h"
#include "yuv_matrix.h"

namespace kvs_frames {
namespace {

constexpr int kMaxSide = 8192;

constexpr std::array<Choice<ImageType>, 2> kImageTypes = {{
    {"jpeg", ImageType::kJpeg},
    {"png", ImageType::kPng},
}};

struct Request {
  Image image;
  ImageType type = ImageType::kJpeg;
  int quality = 0;
  int width = 0;  // of the file
  int height = 0;
  std::shared_ptr<void> owner;  // of the pixels
};

bool ReadYuv(Napi::Object object, Image* image) {
  const auto matrix = ReadInteger(object, "matrix", 0, std::numeric_limits<uint8_t>::max());
  if (!matrix) return false;
  const auto full_range = ReadBoolean(object, "fullRange");
  if (!full_range) return false;
  const auto weights = WeightsOf(static_cast<AVColorSpace>(*matrix));
  if (!weights) {
    ThrowRangeError(object.Env(),
                    "Expected a matrix of weights of red and blue for matrix but "
                    "received " +
                        std::to_string(*matrix));
    return false;
  }
  image->kr = weights->kr;
  image->kb = weights->kb;
  image->full_range = *full_range;
  return true;
}

std::optional<Request> ReadRequest(Napi::Value value) {
  const auto object = ReadObject(value, "request");
  if (!object) return std::nullopt;
  Request request;
  Image& image = request.image;
  const auto type = ReadChoice(*object, "type", kImageTypes);
  if (!type) return std::nullopt;
  const auto quality = ReadInteger(*object, "quality", 1, 100);
  if (!quality) return std::nullopt;
  const auto width = ReadInteger(*object, "width", 1, kMaxSide);
  if (!width) return std::nullopt;
  const auto height = ReadInteger(*object, "height", 1, kMaxSide);
  if (!height) return std::nullopt;
  const auto image_width = ReadInteger(*object, "imageWidth", 1, *width);
  if (!image_width) return std::nullopt;
  const auto image_height = ReadInteger(*object, "imageHeight", 1, *height);
  if (!image_height) return std::nullopt;
  const auto format = ReadChoice(*object, "format", kFormats);
  if (!format) return std::nullopt;
  const auto float_type = ReadChoice(*object, "dataType", kFloatTypes);
  if (!float_type) return std::nullopt;
  if (!ReadColours(*object, "factor", -kMaxFloat, kMaxFloat, &image.factor) ||
      !ReadColours(*object, "offset", -kMaxFloat, kMaxFloat, &image.offset) ||
      !ReadYuv(*object, &image)) {
    return std::nullopt;
  }
  const auto pixels_value = ReadProperty(*object, "pixels");
  if (!pixels_value) return std::nullopt;
  const auto pixels = ReadTypedArray(*pixels_value, "pixels", napi_uint8_array, "Uint8Array");
  if (!pixels) return std::nullopt;
  image.width = static_cast<int>(*width);
  image.height = static_cast<int>(*height);
  image.format = *format;
  image.float_type = *float_type;
  OutputOptions form;
  form.format = image.format;
  form.float_type = image.float_type;
  OutputLayout layout;
  LayOut(form, image.width, image.height, &layout);
  if (pixels->length != layout.bytes) {
    ThrowRangeError(value.Env(), "Expected " + std::to_string(layout.bytes) +
                                     " bytes for pixels but received " +
                                     std::to_string(pixels->length));
    return std::nullopt;
  }
  image.pixels = static_cast<const uint8_t*>(pixels->data);
  request.type = *type;
  request.quality = static_cast<int>(*quality);
  request.width = static_cast<int>(*image_width);
  request.height = static_cast<int>(*image_height);
  request.owner = KeepAlive({*pixels_value});
  return request;
}

class ImageJob : public Napi::AsyncWorker {
 public:
  ImageJob(Napi::Env env, Request request)
      : AsyncWorker(env, "kvs-frames image"),
        request_(std::move(request)),
        deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      std::string error;
      std::vector<uint8_t> pixels;
      const Image image = ShrinkImage(request_.image, request_.width, request_.height, &pixels);
      file_ = EncodeImage(image, request_.type, request_.quality, &error);
      if (file_ == nullptr) SetError(error);
    } catch (const std::exception& error) {
      SetError(error.what());
    }
  }

  void OnOK() override {
    AVPacket* const file = file_.release();
    const auto let_go = [](Napi::Env /*env*/, uint8_t* /*data*/, AVPacket* packet) {
      av_packet_free(&packet);
    };
    deferred_.Resolve(Napi::Buffer<uint8_t>::NewOrCopy(
        Env(), file->data, static_cast<size_t>(file->size), let_go, file));
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  const Request request_;
  const Napi::Promise::Deferred deferred_;
  UniquePacket file_;
};

}  // namespace

Napi::Value EncodeImageJob(const Napi::CallbackInfo& info) {
  auto request = ReadRequest(info[0]);
  if (!request) return info.Env().Undefined();
  auto* const job = new ImageJob(info.Env(), *std::move(request));
  const Napi::Promise promise = job->promise();
  job->Queue();  // deletes itself when it is done
  return promise;
}

}  // namespace kvs_frames
