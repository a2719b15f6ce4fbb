// What the programs of `script/bench sdk` share, so that they differ only in the library that they measure: the command
// line, the bookkeeping of each trial and the figures, one `name value` line each. One thread. A trial ends with the
// program, before anything takes its leave of the server; one that cannot be measured, or takes longer than it was told
// to, ends it with a sentence on standard error.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace anser::sdk_bench {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string host = "127.0.0.1";
  int port = 5222;
  std::string domain = "localhost";
  std::string prefix = "m";  // accounts are PREFIX0, PREFIX1…
  std::size_t first = 0;     // number of the first one that the trial uses
  std::string password = "secret";
  bool tls = false;   // STARTTLS, whatever the certificate
  bool acks = false;  // stream management, where the library lets one choose
  std::size_t in_flight = 16;
  std::size_t messages = 20'000;
  std::size_t connections = 1'000;
  unsigned timeout_s = 120;

  std::string username(std::size_t i) const { return prefix + std::to_string(first + i); }
  std::string account(std::size_t i) const { return username(i) + '@' + domain; }
};

// Ends the program, at once: nothing that it holds outlives it.
[[noreturn]] void give_up(std::string_view sentence);

// One client writes to its own full address, and has so many messages under way. Each must come back once and in order.
// The first tenth is sent before the clocks start.
class Echo {
 public:
  explicit Echo(const Options& options);

  bool may_send() const { return sent_ < total_ && sent_ - returned_ < sent_at_.size(); }
  // The next message's body, 100 bytes with its number in front; valid until the next call. Only when may_send().
  const std::string& send();
  // The stanza's id that goes with it, as clients write one: its number.
  std::string id() const { return sending_.substr(0, kDigits); }
  void came_back(std::string_view body);
  bool done() const { return returned_ == total_; }
  [[noreturn]] void finish();

 private:
  static constexpr std::size_t kDigits = 12;

  void write_number(std::string& body, std::size_t number) const;

  std::size_t warm_up_;
  std::size_t total_;
  std::size_t sent_ = 0;
  std::size_t returned_ = 0;
  std::string sending_;
  std::string expected_;
  std::vector<Clock::time_point> sent_at_;  // of what is under way
  std::vector<double> latencies_ms_;
  double cpu_started_ = 0;
  double cpu_seconds_ = 0;
  Clock::time_point started_;
  double wall_seconds_ = 0;
};

// So many connections in this process, of an account each: first a tenth of them, then all. Memory is read when each of
// them has been ready, and then nothing new for a while.
class Idle {
 public:
  // `most` is what the library can hold.
  Idle(const Options& options, std::size_t most);

  // Once in every turn of the loop: calls `open` with the numbers of those that are to connect now; false when all is
  // measured.
  bool proceed(const std::function<void(std::size_t)>& open);
  void ready();
  std::size_t connections() const { return many_; }
  [[noreturn]] void finish() const;

 private:
  static constexpr std::size_t kAtOnce = 32;  // that connect at a time
  static constexpr std::chrono::milliseconds kQuiet{500};

  std::size_t few_;
  std::size_t many_;
  std::size_t wanted_;
  std::size_t opened_ = 0;
  std::size_t ready_ = 0;
  Clock::time_point last_ready_;
  std::size_t rss_few_ = 0;
  std::size_t rss_many_ = 0;
};

// The time from asking for a connection to a session that can send.
class Connect {
 public:
  void ready();
  bool done() const { return milliseconds_ > 0; }
  [[noreturn]] void finish() const;

 private:
  Clock::time_point started_ = Clock::now();
  double milliseconds_ = 0;
};

// What each program implements with its library: each ends with its trial's finish(). `connect` is with the library's
// own defaults.
struct Library {
  std::function<void(const Options&)> echo;
  std::function<void(const Options&)> idle;
  std::function<void(const Options&)> connect;
};

int run(int argc, char** argv, const Library& library);

// A process that waits with select() cannot watch descriptors from 1024 on.
constexpr std::size_t kMostWithSelect = 1'000;

}  // namespace anser::sdk_bench
