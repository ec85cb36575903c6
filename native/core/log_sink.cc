#include "log_sink.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "av.h"

namespace kvs_frames {
namespace {

// The sink of the thread we are on; null on threads that are not ours.
thread_local LogSink* current_sink = nullptr;

// Never destroyed: the process may exit() while an engine's thread still logs.
struct Registry {
  std::mutex mutex;
  std::vector<LogSink*> sinks;  // guarded by mutex
};

Registry& TheRegistry() {
  static auto* const registry = new Registry;
  return *registry;
}

const AVClass* ClassOf(void* context) {
  return context == nullptr ? nullptr : *static_cast<const AVClass**>(context);
}

// Whether a parser of libavformat's logs. It reads a fragment alone, so it misses the parameter
// sets that only fragments before had; what is really missing the decoder says as well.
bool IsParsers(void* context) {
  if (ClassOf(context) != avcodec_get_class()) return false;
  const auto& codec_context = *static_cast<AVCodecContext*>(context);
  return codec_context.codec == nullptr && codec_context.opaque == nullptr;
}

std::string FormatLine(void* context, const char* format, va_list arguments) {
  std::array<char, LogSink::kMaxLineBytes> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  std::string line(text.data());
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) {
    line.pop_back();
  }
  if (line.empty()) return line;
  const AVClass* const av_class = ClassOf(context);
  if (av_class != nullptr && av_class->item_name != nullptr) {
    line = std::string(av_class->item_name(context)) + ": " + line;
  }
  return RedactSecrets(line);
}

void AddTo(LogSink& sink, void* context, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING) return;
  if (level <= AV_LOG_ERROR && ClassOf(context) == avcodec_get_class()) sink.CountDecoderError();
  sink.Add({level <= AV_LOG_ERROR, FormatLine(context, format, arguments)});
}

// Adds the line to the sink that `context` names, if it is a decoder's and the sink is alive. The
// registry stays locked meanwhile, so that the sink cannot go.
bool AddToSinkOfDecoder(void* context, int level, const char* format, va_list arguments) {
  if (ClassOf(context) != avcodec_get_class()) return false;
  void* const opaque = static_cast<AVCodecContext*>(context)->opaque;
  if (opaque == nullptr) return false;
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  const auto found = std::find(registry.sinks.begin(), registry.sinks.end(), opaque);
  if (found == registry.sinks.end()) return false;
  AddTo(**found, context, level, format, arguments);
  return true;
}

bool AddToSink(void* context, int level, const char* format, va_list arguments) {
  LogSink* const sink = current_sink;
  if (sink != nullptr) {
    if (!IsParsers(context)) AddTo(*sink, context, level, format, arguments);
    return true;
  }
  // Nobody prints what is of less weight, and it is plenty.
  if (level > AV_LOG_INFO) return false;
  return AddToSinkOfDecoder(context, level, format, arguments);
}

using LogCallback = void (*)(void*, int, const char*, va_list);

// What else is told what no sink of ours wants; set before ours is the process's callback.
LogCallback next_callback = av_log_default_callback;

// libav has one callback and says of none which it is. So a copy of this addon that comes later in
// the same process, of whatever version, asks through libav's log who has it: a line of this class
// and level, whose first argument is where the answer is to go. No line of libav's has that level.
constexpr int kQuestionLevel = AV_LOG_TRACE + 8;
constexpr const char* kQuestionClass = "kvs-frames log callback";

bool IsQuestion(void* context, int level) {
  if (level != kQuestionLevel) return false;
  const AVClass* const asked = ClassOf(context);
  return asked != nullptr && std::strcmp(asked->class_name, kQuestionClass) == 0;
}

void OnLog(void* context, int level, const char* format, va_list arguments) {
  if (IsQuestion(context, level)) {
    *va_arg(arguments, LogCallback*) = OnLog;
    return;
  }
  va_list copy;
  va_copy(copy, arguments);
  bool added = false;
  try {
    added = AddToSink(context, level & 0xff, format, copy);
  } catch (...) {
    // Out of memory: the line is lost, but no exception may cross libav's frames.
    added = true;
  }
  va_end(copy);
  if (!added) next_callback(context, level, format, arguments);
}

// Takes the process's callback, and tells the copy that had it what is not ours.
void InstallCallback() {
  AVClass question_class{};
  question_class.class_name = kQuestionClass;
  question_class.item_name = av_default_item_name;
  question_class.version = LIBAVUTIL_VERSION_INT;
  const AVClass* question = &question_class;
  LogCallback before = nullptr;
  av_log(&question, kQuestionLevel, "%p", static_cast<void*>(&before));
  if (before != nullptr) next_callback = before;
  av_log_set_callback(OnLog);
}

bool EndsWithIgnoringCase(const std::string& text, size_t end, const char* suffix) {
  const std::string wanted(suffix);
  if (end < wanted.size()) return false;
  return std::equal(wanted.begin(), wanted.end(), text.data() + (end - wanted.size()),
                    [](char a, char b) {
                      return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
                    });
}

}  // namespace

LogSink::LogSink() {
  static std::once_flag installed;
  std::call_once(installed, InstallCallback);
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  registry.sinks.push_back(this);
}

LogSink::~LogSink() {
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  registry.sinks.erase(std::find(registry.sinks.begin(), registry.sinks.end(), this));
}

LogSink::Scope::Scope(LogSink& sink) : outer_(current_sink) { current_sink = &sink; }

LogSink::Scope::~Scope() { current_sink = outer_; }

void LogSink::Add(LogLine line) {
  if (line.text.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!lines_.empty() && lines_.back().text == line.text) return;
  lines_.push_back(std::move(line));
  if (lines_.size() > kMaxLines) lines_.pop_front();
}

std::vector<LogLine> LogSink::Take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<LogLine> lines(std::make_move_iterator(lines_.begin()),
                             std::make_move_iterator(lines_.end()));
  lines_.clear();
  return lines;
}

std::vector<std::string> LogSink::TakeTexts() {
  std::vector<std::string> texts;
  for (LogLine& line : Take()) texts.push_back(std::move(line.text));
  return texts;
}

void LogSink::MoveTo(LogSink& other) {
  for (LogLine& line : Take()) other.Add(std::move(line));
  other.decoder_errors_ += decoder_errors_.exchange(0);
}

std::string RedactSecrets(const std::string& text) {
  static constexpr std::array<const char*, 4> kSecretNames = {"token", "signature", "credential",
                                                              "accesskey"};
  std::string safe;
  size_t from = 0;
  for (size_t at = text.find('='); at != std::string::npos; at = text.find('=', at + 1)) {
    if (at < from) continue;
    const bool secret =
        std::any_of(kSecretNames.begin(), kSecretNames.end(),
                    [&](const char* name) { return EndsWithIgnoringCase(text, at, name); });
    if (!secret) continue;
    safe.append(text, from, at + 1 - from).append("…");
    from = std::min(text.find_first_of(" &'\"<>)]}\\\t\n", at + 1), text.size());
  }
  return safe.append(text, from, std::string::npos);
}

}  // namespace kvs_frames
