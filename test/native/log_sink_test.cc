#include "log_sink.h"

#include <cstdarg>
#include <cstdio>
#include <string>
#include <thread>

#include "av.h"
#include "check.h"

namespace kvs_frames {
namespace {

using LogCallback = void (*)(void*, int, const char*, va_list);

// The question that copies of the addon ask each other, as all versions of it must understand it.
constexpr int kQuestionLevel = AV_LOG_TRACE + 8;
constexpr const char* kQuestionClass = "kvs-frames log callback";

std::string told_another;  // its last line

// The log callback of a copy that was there before this one.
void AnotherCopy(void* /*context*/, int level, const char* format, va_list arguments) {
  if (level == kQuestionLevel) {
    *va_arg(arguments, LogCallback*) = AnotherCopy;
    return;
  }
  char line[100];
  std::vsnprintf(line, sizeof line, format, arguments);
  told_another = line;
}

// Before any test makes a sink, which installs the callback of this copy.
const bool is_installed = [] {
  av_log_set_callback(AnotherCopy);
  return true;
}();

TEST(WhatNoSinkWantsGoesToTheCopyThatWasThereBefore) {
  REQUIRE(is_installed);
  LogSink sink;
  av_log(nullptr, AV_LOG_ERROR, "of a thread of another copy");
  CHECK_EQ(told_another, "of a thread of another copy");
  CHECK(sink.Take().empty());
  told_another.clear();
  {
    const LogSink::Scope scope(sink);
    av_log(nullptr, AV_LOG_ERROR, "ours");
  }
  CHECK(told_another.empty());
}

TEST(ACopyThatComesLaterLearnsOfThisOnesCallback) {
  const LogSink sink;
  AVClass question_class{};
  question_class.class_name = kQuestionClass;
  question_class.item_name = av_default_item_name;
  question_class.version = LIBAVUTIL_VERSION_INT;
  const AVClass* question = &question_class;
  LogCallback answer = nullptr;
  av_log(&question, kQuestionLevel, "%p", static_cast<void*>(&answer));
  CHECK(answer != nullptr && answer != AnotherCopy);
}

TEST(LesserWordsOfADecodersOwnThreadsAreNobodys) {
  LogSink sink;
  const UniqueCodecContext context(avcodec_alloc_context3(nullptr));
  context->opaque = &sink;
  told_another.clear();
  std::thread([&context] { av_log(context.get(), AV_LOG_INFO, "concealing\n"); }).join();
  CHECK(sink.Take().empty());
  CHECK(told_another.empty());
}

TEST(WarningsOfThisThreadAreKeptAndLesserWordsAreNot) {
  LogSink sink;
  const LogSink::Scope scope(sink);
  av_log(nullptr, AV_LOG_WARNING, "first %d\n", 1);
  av_log(nullptr, AV_LOG_INFO, "chatter\n");
  av_log(nullptr, AV_LOG_ERROR, "second\n");
  av_log(nullptr, AV_LOG_FATAL, "third\n");
  const auto lines = sink.Take();
  REQUIRE(lines.size() == 3);
  CHECK_EQ(lines[0].text, "first 1");
  CHECK(!lines[0].is_error);
  CHECK_EQ(lines[1].text, "second");
  CHECK(lines[1].is_error);
  CHECK_EQ(lines[2].text, "third");
  CHECK(lines[2].is_error);
  CHECK(sink.Take().empty());
}

TEST(OnlyTheLastLinesAreKeptAndARepeatedLineOnce) {
  LogSink sink;
  const LogSink::Scope scope(sink);
  for (int i = 0; i < 40; ++i) {
    av_log(nullptr, AV_LOG_ERROR, "line %d\n", i);
    av_log(nullptr, AV_LOG_ERROR, "line %d\n", i);
  }
  const auto lines = sink.TakeTexts();
  REQUIRE(lines.size() == LogSink::kMaxLines);
  CHECK_EQ(lines.front(), "line 24");
  CHECK_EQ(lines.back(), "line 39");
}

TEST(TwoThreadsDoNotSeeEachOthersLines) {
  LogSink mine;
  LogSink theirs;
  const LogSink::Scope scope(mine);
  std::thread([&theirs] {
    const LogSink::Scope their_scope(theirs);
    av_log(nullptr, AV_LOG_ERROR, "theirs\n");
  }).join();
  CHECK(mine.TakeTexts().empty());
  CHECK_EQ(theirs.TakeTexts().size(), size_t{1});
}

TEST(ADecodersOwnThreadsLogToTheSinkItNames) {
  LogSink sink;
  const UniqueCodecContext context(avcodec_alloc_context3(nullptr));
  context->opaque = &sink;
  std::thread([&context] { av_log(context.get(), AV_LOG_ERROR, "from a worker\n"); }).join();
  const auto lines = sink.TakeTexts();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("from a worker") != std::string::npos);
}

TEST(ErrorsOfDecodersAreCountedOnWhateverThread) {
  LogSink sink;
  const LogSink::Scope scope(sink);
  const UniqueCodecContext context(avcodec_alloc_context3(nullptr));
  context->opaque = &sink;
  av_log(context.get(), AV_LOG_ERROR, "the same\n");
  av_log(context.get(), AV_LOG_ERROR, "the same\n");
  av_log(context.get(), AV_LOG_WARNING, "a warning\n");
  av_log(nullptr, AV_LOG_ERROR, "of no decoder\n");
  CHECK_EQ(sink.decoder_errors(), 2);
  std::thread([&context] { av_log(context.get(), AV_LOG_ERROR, "from a worker\n"); }).join();
  CHECK_EQ(sink.decoder_errors(), 3);
}

TEST(WhatAParserMissesIsNotKept) {
  LogSink sink;
  const LogSink::Scope scope(sink);
  const UniqueCodecContext parsers(avcodec_alloc_context3(nullptr));
  av_log(parsers.get(), AV_LOG_ERROR, "non-existing PPS 0 referenced\n");
  CHECK(sink.Take().empty());
  CHECK_EQ(sink.decoder_errors(), 0);
}

TEST(LinesAreHandedOverWithTheirLevels) {
  LogSink from;
  LogSink to;
  from.Add({true, "wrong"});
  from.Add({false, "odd"});
  from.MoveTo(to);
  CHECK(from.Take().empty());
  const auto lines = to.Take();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].is_error && lines[0].text == "wrong");
  CHECK(!lines[1].is_error && lines[1].text == "odd");
}

TEST(SecretsAreTakenOut) {
  CHECK_EQ(RedactSecrets("open https://h/x.m3u8?SessionToken=CiAabc&x=1 now"),
           "open https://h/x.m3u8?SessionToken=…&x=1 now");
  CHECK_EQ(RedactSecrets("X-Amz-Signature=0a1b X-Amz-Credential=AKIA/2026"),
           "X-Amz-Signature=… X-Amz-Credential=…");
  CHECK_EQ(RedactSecrets("token="), "token=…");
  CHECK_EQ(RedactSecrets("width=3 height=4"), "width=3 height=4");
}

}  // namespace
}  // namespace kvs_frames
