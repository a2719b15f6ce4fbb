// What storing costs: appends, appends with offline placements, archive placements, and queries, per CPU-second of the
// whole process (all threads). The cores are played by the main thread, which submits and hears of the outcome.
//
//   store_bench [DIRECTORY]        default: a fresh directory under the system's temporary one
#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "store/message_log.h"
#include "store/open.h"

namespace {

using namespace anser;
using domain::Appended;
using domain::CoreId;

constexpr std::uint64_t kMessages = 400'000;
constexpr std::uint64_t kInFlight = 30'000;
constexpr std::size_t kEnvelopeBytes = 200;
constexpr unsigned kAccounts = 2'000;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Measure {
  double cpu = cpu_seconds();
  std::chrono::steady_clock::time_point wall = std::chrono::steady_clock::now();

  void print(const char* what, std::uint64_t count) const {
    const double used = cpu_seconds() - cpu;
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count();
    fmt::print("{:<44} {:>9} in {:6.2f} s wall, {:6.2f} s CPU: {:>9.0f} per CPU-second, {:5.2f} us each\n", what, count,
               took, used, static_cast<double>(count) / used, 1e6 * used / static_cast<double>(count));
  }
};

class Bench {
 public:
  explicit Bench(const std::filesystem::path& directory) {
    for (unsigned i = 0; i < kAccounts; ++i) {
      accounts_.push_back(domain::Jid::parse(fmt::format("user{}@bench.example", i)).value());
    }
    std::filesystem::remove_all(directory);
    stores_ = std::move(store::open_sqlite(directory).value());
  }

  void append_only(domain::References references, const char* what) {
    store::MessageLogOptions options;
    options.place_after = std::chrono::hours{1};
    options.place_entries = options.tail_entries = 2 * kMessages;
    options.tail_bytes = std::size_t{4} << 30;
    open(options);
    const Measure measure;
    append(references);
    measure.print(what, kMessages);
    const Measure placing;
    log_->settle();
    placing.print("  then placing them", kMessages);
    log_.reset();
  }

  void append_and_place(domain::References references, const char* what) {
    open({});
    const Measure measure;
    append(references);
    log_->settle();
    measure.print(what, kMessages);
    log_.reset();
  }

  void query() {
    open({});
    const Measure measure;
    std::atomic<unsigned> answered = 0;
    std::uint64_t records = 0;
    for (const auto& account : accounts_) {
      log_->offline(0, account, 1'000, SIZE_MAX, [&](auto found) {
        records += found->size();
        ++answered;
        answered.notify_one();
      });
    }
    for (unsigned done = 0; (done = answered) < kAccounts;) answered.wait(done);
    measure.print("offline messages read back", records);
    log_.reset();
  }

  // All of them delivered: the notes, the references taken back, the records erased.
  void deliver() {
    open({});
    const Measure measure;
    for (const auto& account : accounts_) {
      domain::LogEntry entry;
      entry.kind = domain::RecordKind::delivered;
      entry.owner = account;
      entry.target = last_;
      static_cast<void>(log_->append(0, 0, std::move(entry)));
    }
    log_->settle();
    measure.print("taken back and erased", kMessages);
    log_.reset();
  }

 private:
  void open(const store::MessageLogOptions& options) {
    const auto here = [](CoreId, std::function<void()> function) { function(); };
    log_ = std::move(store::MessageLog::open(
                         *stores_, clock_, 1, here, [](const Error&) { std::abort(); }, options)
                         .value());
    log_->on_appended(0, [this](Result<std::span<const Appended>> batch) {
      if (!batch || batch->back().sequence == 0) std::abort();
      last_ = batch->back().sequence;
      committed_ += batch->size();
      committed_.notify_one();
    });
  }

  domain::LogEntry message(std::uint64_t number, domain::References references) const {
    const auto& to = accounts_[number * 7'919 % kAccounts];
    domain::LogEntry entry;
    entry.references = references;
    entry.owner = to;
    entry.envelope.type = domain::Type::chat;
    entry.envelope.from = accounts_[number * 104'729 % kAccounts];
    entry.envelope.to = to;
    entry.envelope.id = "m-000001";
    entry.envelope.inner = inner_;
    return entry;
  }

  void append(domain::References references) {
    committed_ = 0;
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      for (std::uint64_t done = committed_; i - done >= kInFlight; done = committed_) committed_.wait(done);
      if (!log_->append(0, i, message(i, references))) std::abort();
    }
    for (std::uint64_t done = committed_; done < kMessages; done = committed_) committed_.wait(done);
  }

  std::vector<domain::Jid> accounts_;
  domain::Bytes inner_ = domain::Bytes::copy("<body>" + std::string(kEnvelopeBytes - 80, 'x') + "</body>");
  SystemClock clock_;
  std::unique_ptr<store::Stores> stores_;
  std::atomic<std::uint64_t> committed_ = 0, last_ = 0;
  std::unique_ptr<store::MessageLog> log_;
};

}  // namespace

int main(int count, char** arguments) {
  const std::filesystem::path directory =
      count > 1 ? arguments[1] : std::filesystem::temp_directory_path() / "anser-store-bench";
  Bench bench{directory};
  bench.append_only({.sender_archive = true, .recipient_archive = true}, "append");
  bench.append_and_place({.sender_archive = true, .recipient_archive = true}, "append and place in two archives");
  bench.append_and_place({.offline = true}, "append and place offline");
  bench.query();
  bench.deliver();
  std::filesystem::remove_all(directory);
}
