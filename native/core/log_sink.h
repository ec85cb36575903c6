// What libav logs while one engine works: the last few warnings and errors, without secrets.
//
// libav has one log callback per process. Ours hands a line to the sink of the thread it is
// logged on, or to the sink of the decoder it is logged by (decoder threads are libav's own), and
// passes everything else on: to another copy of the addon that had the callback before, and at last
// to libav's default callback, which other users of libav in the process expect.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace kvs_frames {

struct LogLine {
  bool is_error;  // else a warning
  std::string text;
};

class LogSink {
 public:
  static constexpr size_t kMaxLines = 16;
  static constexpr size_t kMaxLineBytes = 512;

  // Registers the sink, and installs the process's log callback the first time.
  LogSink();
  ~LogSink();
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  // While it lives, what libav logs on this thread goes to `sink`, and not to that of a scope
  // around.
  class Scope {
   public:
    explicit Scope(LogSink& sink);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    LogSink* const outer_;
  };

  // Keeps a line, dropping the oldest beyond kMaxLines; a repeated line is kept once. Any thread.
  void Add(LogLine line);

  // Errors that decoders logged to this sink so far. Any thread.
  int64_t decoder_errors() const { return decoder_errors_.load(std::memory_order_relaxed); }
  void CountDecoderError() { decoder_errors_.fetch_add(1, std::memory_order_relaxed); }

  // The lines since they were taken last, oldest first. Any thread.
  std::vector<LogLine> Take();
  std::vector<std::string> TakeTexts();

  // Hands over lines and errors. Any thread.
  void MoveTo(LogSink& other);

 private:
  std::atomic<int64_t> decoder_errors_{0};
  std::mutex mutex_;
  std::deque<LogLine> lines_;  // guarded by mutex_
};

// The text without the values of anything that looks like a token, signature or credential.
std::string RedactSecrets(const std::string& text);

}  // namespace kvs_frames
