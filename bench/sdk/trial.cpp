#include "trial.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>

namespace anser::sdk_bench {
namespace {

constexpr std::size_t kBodyBytes = 100;

// Of all threads of this process, user and system.
double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  if (!(file >> size >> resident)) give_up("/proc/self/statm cannot be read");
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto rank = std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank), values.end());
  return values[rank];
}

void report_figure(std::string_view name, double value, int decimals = 0) {
  fmt::print("{} {:.{}f}\n", name, value, decimals);
}

[[noreturn]] void end_well() {
  std::fflush(nullptr);
  _exit(0);
}

// Ten thousand connections are ten thousand descriptors.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void end_late(int) {
  constexpr std::string_view kSentence = "the trial took too long\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kSentence.data(), kSentence.size());
  _exit(1);
}

}  // namespace

void give_up(std::string_view sentence) {
  fmt::print(stderr, "{}\n", sentence);
  std::fflush(nullptr);
  _exit(1);
}

Echo::Echo(const Options& options)
    : warm_up_(options.messages / 10),
      total_(warm_up_ + options.messages),
      sending_(kBodyBytes, 'x'),
      expected_(sending_),
      sent_at_(options.in_flight) {
  latencies_ms_.reserve(options.messages);
}

void Echo::write_number(std::string& body, std::size_t number) const {
  for (std::size_t at = kDigits; at-- > 0; number /= 10) body[at] = static_cast<char>('0' + number % 10);
}

const std::string& Echo::send() {
  if (sent_ == 0 && warm_up_ == 0) {
    cpu_started_ = cpu_seconds();
    started_ = Clock::now();
  }
  write_number(sending_, sent_);
  sent_at_[sent_ % sent_at_.size()] = Clock::now();
  ++sent_;
  return sending_;
}

void Echo::came_back(std::string_view body) {
  write_number(expected_, returned_);
  if (returned_ == sent_) give_up(fmt::format("\"{}\" came back more than once", body));
  if (body != expected_) give_up(fmt::format("\"{}\" came back, where \"{}\" was the next", body, expected_));
  if (returned_ >= warm_up_) latencies_ms_.push_back(seconds_since(sent_at_[returned_ % sent_at_.size()]) * 1e3);
  ++returned_;
  if (returned_ == warm_up_) {
    cpu_started_ = cpu_seconds();
    started_ = Clock::now();
  }
  if (done()) {
    cpu_seconds_ = cpu_seconds() - cpu_started_;
    wall_seconds_ = seconds_since(started_);
  }
}

void Echo::finish() {
  const auto messages = static_cast<double>(total_ - warm_up_);
  report_figure("messages", messages);
  report_figure("cpu_s", cpu_seconds_, 4);
  report_figure("wall_s", wall_seconds_, 4);
  report_figure("per_cpu_s", messages / std::max(cpu_seconds_, 1e-6));
  report_figure("per_wall_s", messages / std::max(wall_seconds_, 1e-6));
  report_figure("latency_median_ms", percentile(latencies_ms_, 0.5), 4);
  report_figure("latency_p99_ms", percentile(latencies_ms_, 0.99), 4);
  end_well();
}

Idle::Idle(const Options& options, std::size_t most)
    : few_(std::max<std::size_t>(1, std::min(options.connections, most) / 10)),
      many_(std::max(few_ + 1, std::min(options.connections, most))),
      wanted_(few_) {}

bool Idle::proceed(const std::function<void(std::size_t)>& open) {
  while (opened_ < wanted_ && opened_ - ready_ < kAtOnce) open(opened_++);
  if (ready_ < wanted_ || Clock::now() - last_ready_ < kQuiet) return true;
  if (wanted_ == many_) {
    rss_many_ = resident_bytes();
    return false;
  }
  rss_few_ = resident_bytes();
  wanted_ = many_;
  return true;
}

void Idle::ready() {
  if (++ready_ > opened_) give_up("a connection became ready twice");
  last_ready_ = Clock::now();
}

void Idle::finish() const {
  const auto grown = static_cast<double>(rss_many_) - static_cast<double>(rss_few_);
  report_figure("connections", static_cast<double>(ready_));
  report_figure("few", static_cast<double>(few_));
  report_figure("connection_kb", grown / static_cast<double>(many_ - few_) / 1024, 2);
  end_well();
}

void Connect::ready() { milliseconds_ = seconds_since(started_) * 1e3; }

void Connect::finish() const {
  report_figure("ready_ms", milliseconds_, 3);
  end_well();
}

int run(int argc, char** argv, const Library& library) {
  CLI::App app{"Measures an XMPP client library against a server on this machine."};
  app.require_subcommand(1);
  Options options;
  app.add_option("--host", options.host)->capture_default_str();
  app.add_option("--port", options.port)->capture_default_str();
  app.add_option("--domain", options.domain)->capture_default_str();
  app.add_option("--prefix", options.prefix, "accounts are PREFIX0, PREFIX1…")->capture_default_str();
  app.add_option("--first", options.first, "number of the first account")->capture_default_str();
  app.add_option("--password", options.password, "of all accounts")->capture_default_str();
  app.add_flag("--tls", options.tls, "STARTTLS, whatever the certificate");
  app.add_flag("--acks", options.acks, "stream management");
  app.add_option("--timeout", options.timeout_s, "seconds for the whole run")->capture_default_str();
  const auto add = [&](const std::string& name, const std::string& help) {
    CLI::App* mode = app.add_subcommand(name, help);
    mode->fallthrough();
    return mode;
  };
  CLI::App* echo = add("echo", "one client that writes to itself");
  echo->add_option("--in-flight", options.in_flight)->capture_default_str()->check(CLI::Range(1, 10'000));
  echo->add_option("--messages", options.messages)->capture_default_str()->check(CLI::Range(1, 100'000'000));
  CLI::App* idle = add("idle", "memory of idle connections");
  idle->add_option("--connections", options.connections)->capture_default_str()->check(CLI::Range(2, 100'000));
  add("connect", "time from connecting to a session, with the library's defaults");
  CLI11_PARSE(app, argc, argv);

  raise_file_limit();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGALRM, end_late);
  alarm(options.timeout_s);
  if (echo->parsed()) {
    library.echo(options);
  } else if (idle->parsed()) {
    library.idle(options);
  } else {
    library.connect(options);
  }
  give_up("the trial did not come to its end");
}

}  // namespace anser::sdk_bench
