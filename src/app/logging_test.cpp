#include "app/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace anser::app {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// 2026-11-22T14:00:00.123456Z
constexpr Time kNoon{std::chrono::microseconds{1'795'356'000'123'456}};

std::string text_line(std::string_view message) {
  return format_log_line(LogFormat::text, kNoon, log::Level::info, "xmpp", message);
}
std::string json_line(std::string_view message) {
  return format_log_line(LogFormat::json, kNoon, log::Level::warn, "net", message);
}

TEST(Logging, WritesLinesForPeople) {
  EXPECT_EQ(text_line("romeo@localhost/x logged in"), "2026-11-22T14:00:00.123Z info xmpp romeo@localhost/x logged in");
}

TEST(Logging, WritesObjectsForMachines) {
  EXPECT_EQ(json_line("hello"), R"({"ts":"2026-11-22T14:00:00.123Z","level":"warn","area":"net","message":"hello"})");
}

TEST(Logging, RoundsTimesBeforeTheEpochDownToo) {
  const Time time{std::chrono::microseconds{-1}};

  EXPECT_EQ(format_log_line(LogFormat::text, time, log::Level::error, "app", "x"),
            "1969-12-31T23:59:59.999Z error app x");
}

TEST(Logging, NobodyForgesALine) {
  const std::string attack =
      "x\n2026-11-22T14:00:00.123Z info xmpp root@localhost logged in\r\x1b[2J\x7f\t\\n\u0085\u2028\u009b";

  for (const std::string& line : {text_line(attack), json_line(attack)}) {
    EXPECT_THAT(line, HasSubstr(R"(x\n2026-11)"));
    EXPECT_THAT(line, EndsWith(line.front() == '{' ? R"(logged in\r\u001b[2J\u007f\t\\n\u0085\u2028\u009b"})"
                                                   : R"(logged in\r\u001b[2J\u007f\t\\n\u0085\u2028\u009b)"));
  }
}

TEST(Logging, JsonGivesEveryMessageBack) {
  std::string message = "\"quoted\" \\ é 鹅 \U0001F986";
  for (char c = 0; c < 0x20; ++c) message += c;

  const auto parsed = boost::json::parse(json_line(message));

  EXPECT_EQ(std::string{parsed.at("message").as_string()}, message);
}

TEST(Logging, WhatIsNotUtf8IsReplaced) {
  EXPECT_THAT(text_line("a\xff\xc3"), EndsWith(" a\ufffd\ufffd"));
  EXPECT_THAT(text_line("\xed\xa0\x80"), EndsWith(" \ufffd\ufffd\ufffd"));  // a surrogate
  EXPECT_TRUE(boost::json::parse(json_line("\xf0\x9f")).is_object());
}

TEST(Logging, CutsMessagesThatHaveNoEnd) {
  const std::string line = text_line(std::string(1'000'000, 'x'));

  EXPECT_LT(line.size(), kMaxLogMessage + 100);
  EXPECT_THAT(line, EndsWith("x…"));
}

TEST(Logging, OneLineIsSafeOnATerminal) { EXPECT_EQ(one_line("a\nb\x1b[31m"), R"(a\nb\u001b[31m)"); }

// Runs `speak` with standard error in a file and gives the file's text.
template <class Speak>
std::string captured(Speak speak) {
  std::FILE* file = std::tmpfile();
  const int saved = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  speak();
  std::fflush(stderr);
  dup2(saved, STDERR_FILENO);
  close(saved);

  std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::fseek(file, 0, SEEK_END);
  text.resize(static_cast<std::size_t>(std::ftell(file)));
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

TEST(Logging, WritesEverythingBeforeItEnds) {
  constexpr int kThreads = 4, kLines = 500;

  const std::string text = captured([] {
    const Logging logging{Config::Log{}};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([] {
        for (int line = 0; line < kLines; ++line) log::info("test", "line {}", line);
      });
    }
    for (std::thread& thread : threads) thread.join();
  });

  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), kThreads * kLines);
}

TEST(Logging, NeverWaitsForAReaderAndAdmitsWhatItDropped) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int saved = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);

  std::string text;
  {
    std::thread reader;
    {
      const Logging logging{Config::Log{}};
      // More than the pipe and the queue hold, while nobody reads: this would hang if it waited.
      for (std::size_t i = 0; i < 3 * kLogQueue; ++i) log::info("test", "line {}", i);
      log::info("test", "the last line");
      reader = std::thread{[&] {
        char buffer[4096];
        for (ssize_t size; (size = read(ends[0], buffer, sizeof buffer)) > 0;) {
          text.append(buffer, static_cast<std::size_t>(size));
        }
      }};
    }
    dup2(saved, STDERR_FILENO);  // the last writing end of the pipe
    reader.join();
  }
  close(saved);
  close(ends[0]);

  EXPECT_THAT(text, HasSubstr(" info test the last line\n"));
  EXPECT_THAT(text, EndsWith(" log lines were dropped\n"));
}

TEST(Logging, TakesUpLevelAndFormat) {
  const std::string text = captured([] {
    const Logging logging{Config::Log{log::Level::warn, LogFormat::text}};
    log::info("test", "unheard");
    log::warn("test", "heard");
    set_logging(Config::Log{log::Level::debug, LogFormat::json});
    log::debug("test", "heard too");
  });
  set_logging(Config::Log{});

  EXPECT_THAT(text, Not(HasSubstr("unheard")));
  EXPECT_THAT(text, HasSubstr(" warn test heard\n"));
  EXPECT_THAT(text, HasSubstr(R"("level":"debug","area":"test","message":"heard too"})"));
}

}  // namespace
}  // namespace anser::app
