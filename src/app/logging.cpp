#include "app/logging.h"

#include <fmt/chrono.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <csignal>
#include <memory>

#include "base/assert.h"
#include "core/text.h"

namespace anser::app {
namespace {

using std::string_view;

const char* level_name(log::Level level) {
  switch (level) {
    case log::Level::debug:
      return "debug";
    case log::Level::info:
      return "info";
    case log::Level::warn:
      return "warn";
    case log::Level::error:
      return "error";
  }
  return "error";
}

// Bytes of the UTF-8 character that `text` begins with; 0 if it does not begin with one.
std::size_t character_size(string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return size <= text.size() && core::is_utf8(text.substr(0, size)) ? size : 0;
}

// C0, DEL, C1 and the two separators that some viewers break lines at: U+0080..U+009F, U+2028, U+2029.
bool is_control(string_view character) {
  const auto byte = [character](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (character.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  return character == "\u2028" || character == "\u2029";
}

unsigned code_of(string_view control) {
  const auto byte = [control](std::size_t i) { return static_cast<unsigned char>(control[i]); };
  return control.size() == 1 ? byte(0) : control.size() == 2 ? byte(1) : 0x2000u + byte(2) - 0x80u;
}

// Escapes are JSON's. In text a backslash is doubled too, so that what was escaped can be told from what was written.
void append_escaped(std::string& out, string_view text, LogFormat format) {
  const bool cut = text.size() > kMaxLogMessage;
  text = text.substr(0, kMaxLogMessage);
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) {
      out += "\ufffd";
      text.remove_prefix(1);
      continue;
    }
    const string_view character = text.substr(0, size);
    if (character == "\n") {
      out += "\\n";
    } else if (character == "\r") {
      out += "\\r";
    } else if (character == "\t") {
      out += "\\t";
    } else if (character == "\\" || (format == LogFormat::json && character == "\"")) {
      out += '\\';
      out += character;
    } else if (is_control(character)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", code_of(character));
    } else {
      out += character;
    }
    text.remove_prefix(size);
  }
  if (cut) out += "…";
}

// The thread that writes is older than the server and takes no signals: one that came while the server is starting,
// stopping or reading its configuration would find nobody else and kill the process.
std::shared_ptr<spdlog::details::thread_pool> make_pool() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto pool = std::make_shared<spdlog::details::thread_pool>(kLogQueue, 1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pool;
}

struct Behind {
  Behind()
      : pool(make_pool()),
        logger(std::make_shared<spdlog::async_logger>("anser", std::make_shared<spdlog::sinks::stderr_sink_mt>(), pool,
                                                      spdlog::async_overflow_policy::overrun_oldest)) {
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);  // base/log.h has asked already
  }

  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
  std::atomic<std::size_t> told{0};  // dropped lines that were admitted to
};

std::unique_ptr<Behind> behind;
std::atomic<LogFormat> current_format{LogFormat::text};

std::string dropped_text(std::size_t count) { return fmt::format("{} log lines were dropped", count); }

void to_spdlog(log::Level level, string_view area, string_view message) {
  const auto write = [](log::Level as, string_view from, string_view text) {
    const Time now = SystemClock{}.now();
    behind->logger->log(spdlog::level::info, format_log_line(current_format, now, as, from, text));
  };
  // Admitted once there is room again: while there is none, saying so would push out yet more lines.
  const std::size_t dropped = behind->pool->overrun_counter();
  if (dropped > behind->told && behind->pool->queue_size() < kLogQueue / 2) {
    const std::size_t told = behind->told.exchange(dropped);
    if (dropped > told) write(log::Level::warn, "app", dropped_text(dropped - told));
  }
  write(level, area, message);
}

// Nobody is to log any more, but if somebody does the line is not lost.
void to_standard_error(log::Level level, string_view area, string_view message) {
  const Time now = SystemClock{}.now();
  fmt::print(stderr, "{}\n", format_log_line(current_format, now, level, area, message));
}

}  // namespace

std::string format_log_line(LogFormat format, Time time, log::Level level, string_view area, string_view message) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(since - seconds).count();
  const std::string stamp =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::time_t{seconds.count()}), millis);

  std::string line;
  line.reserve(message.size() + 64);
  if (format == LogFormat::text) {
    line = fmt::format("{} {} {} ", stamp, level_name(level), area);
    append_escaped(line, message, format);
  } else {
    line = fmt::format(R"({{"ts":"{}","level":"{}","area":"{}","message":")", stamp, level_name(level), area);
    append_escaped(line, message, format);
    line += "\"}";
  }
  return line;
}

std::string one_line(string_view text) {
  std::string line;
  append_escaped(line, text, LogFormat::text);
  return line;
}

Logging::Logging(const Config::Log& config) {
  ANSER_ASSERT(!behind);
  behind = std::make_unique<Behind>();
  set_logging(config);
  log::set_sink(&to_spdlog);
}

Logging::~Logging() {
  log::set_sink(&to_standard_error);
  const std::size_t dropped = behind->pool->overrun_counter() - behind->told;
  behind.reset();  // the pool's thread writes what waits before it ends
  if (dropped > 0) log::warn("app", "{}", dropped_text(dropped));
}

void set_logging(const Config::Log& config) {
  current_format = config.format;
  log::set_level(config.level);
}

}  // namespace anser::app
