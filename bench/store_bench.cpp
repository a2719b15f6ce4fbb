// What storing costs: appends, appends that sessions note, appends with offline placements, archive placements, and
// queries, per CPU-second of the whole process (all threads). The cores are played by the main thread, which submits
// and hears of the outcome.
//
//   store_bench [DIRECTORY]              default: a fresh directory under the system's temporary one
//   store_bench DIRECTORY archive COUNT  pages of 50 out of one archive of COUNT messages, milliseconds each
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "store/message_log.h"
#include "store/open.h"

namespace {

using namespace anser;
using domain::Appended;
using domain::CoreId;

constexpr std::uint64_t kMessages = 400'000;
constexpr std::uint64_t kInFlight = 30'000;
constexpr std::size_t kEnvelopeBytes = 200;
constexpr std::size_t kNoteBytes = 12;
constexpr std::uint64_t kConfirmed = 16;  // messages at once
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

  enum class Notes { none, put, put_and_erased };

  void append_only(domain::References references, const char* what, Notes notes = Notes::none) {
    notes_ = notes;
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
    notes_ = Notes::none;
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
      log_->offline(0, account, {}, 1'000, SIZE_MAX, [&](auto found) {
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

  // One person's archive, with a friend who writes every tenth message and a stranger who wrote two, in the middle.
  void fill_archive(std::uint64_t count) {
    open({});
    const Measure measure;
    const auto owner = accounts_[0], stranger = accounts_[1], friendly = accounts_[2];
    append(count, [&](std::uint64_t i) {
      domain::LogEntry entry = message(i, {.sender_archive = true, .recipient_archive = true});
      entry.owner = entry.envelope.to = owner;
      entry.envelope.from = i % 10 == 0 ? friendly : accounts_[3 + i % (kAccounts - 3)];
      if (i / 2 == count / 4) entry.envelope.from = stranger;
      return entry;
    });
    log_->settle();
    measure.print("an archive of so many, placed", count);
  }

  void pages(std::uint64_t count) {
    const auto ask = [&](const char* what, domain::ArchiveQuery query) {
      constexpr int kRounds = 100;
      query.owner = accounts_[0];
      query.limit = 50;
      query.bytes = std::size_t{1} << 20;
      std::vector<double> took;
      std::size_t found = 0;
      for (int i = 0; i < kRounds; ++i) {
        // Another place each time, so that no page is in a cache because it was just read.
        domain::ArchiveQuery here = query;
        const std::uint64_t step = static_cast<std::uint64_t>(i) * (count / (4 * kRounds));
        if (here.after > 1) here.after += step;
        if (here.since) *here.since += Duration{static_cast<std::int64_t>(step)};
        const auto start = std::chrono::steady_clock::now();
        std::atomic<bool> done = false;
        log_->query_archive(0, here, [&](Result<domain::ArchivePage> page) {
          found = page->records.size();
          done = true;
          done.notify_one();
        });
        done.wait(false);
        took.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
      }
      std::sort(took.begin(), took.end());
      fmt::print("{:<44} {:>4} messages, ms: median {:6.3f}, 99th {:6.3f}, worst {:6.3f}\n", what, found,
                 took[kRounds / 2], took[kRounds * 99 / 100], took.back());
    };
    const std::uint64_t middle = last_ - count / 2;
    ask("first page", {});
    ask("last page", {.backwards = true});
    ask("in the middle", {.after = middle});
    ask("in the middle, backwards", {.after = 1, .before = middle, .backwards = true});
    ask("with a friend, first", {.with = accounts_[2]});
    ask("with a friend, last", {.with = accounts_[2], .backwards = true});
    ask("with a friend, in the middle", {.with = accounts_[2], .after = middle});
    ask("with a stranger", {.with = accounts_[1]});
    ask("with nobody that is known", {.with = domain::Jid::parse("nobody@bench.example").value()});
    ask("since a time", {.since = time_ - (time_ - first_time_) / 2});
    ask("until a time, backwards", {.until = time_ - (time_ - first_time_) / 2, .backwards = true});
    ask("with a friend since a time", {.with = accounts_[2], .since = time_ - (time_ - first_time_) / 2});
    ask("with a resource that is not there (gives up)", {.with = accounts_[2].with_resource("nowhere").value()});
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
      if (first_time_ == Time{}) first_time_ = batch->front().time;
      time_ = batch->back().time;
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
    if (notes_ != Notes::none) entry.note = note(number);
    return entry;
  }

  // Of the recipient's session: that the message is on its way, and now and then that those before have arrived.
  std::shared_ptr<const domain::SessionNote> note(std::uint64_t number) const {
    domain::SessionNote note;
    note.session = (number * 7'919 % kAccounts + 1) * 0x9e3779b97f4a7c15;
    note.key = number / kAccounts;
    note.bytes.assign(kNoteBytes, 'n');
    if (notes_ == Notes::put_and_erased && note.key > 0 && note.key % kConfirmed == 0)
      note.erase = {note.key - kConfirmed, note.key - 1};
    return std::make_shared<const domain::SessionNote>(std::move(note));
  }

  void append(domain::References references) {
    append(kMessages, [&](std::uint64_t i) { return message(i, references); });
  }

  template <class Make>
  void append(std::uint64_t count, Make make) {
    committed_ = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      for (std::uint64_t done = committed_; i - done >= kInFlight; done = committed_) committed_.wait(done);
      if (!log_->append(0, i, make(i))) std::abort();
    }
    for (std::uint64_t done = committed_; done < count; done = committed_) committed_.wait(done);
  }

  std::vector<domain::Jid> accounts_;
  domain::Bytes inner_ = domain::Bytes::copy("<body>" + std::string(kEnvelopeBytes - 80, 'x') + "</body>");
  SystemClock clock_;
  std::unique_ptr<store::Stores> stores_;
  Notes notes_ = Notes::none;
  std::atomic<std::uint64_t> committed_ = 0, last_ = 0;
  Time first_time_{}, time_{};  // read once nothing is under way
  std::unique_ptr<store::MessageLog> log_;
};

}  // namespace

int main(int count, char** arguments) {
  const std::filesystem::path directory =
      count > 1 ? arguments[1] : std::filesystem::temp_directory_path() / "anser-store-bench";
  Bench bench{directory};
  if (count > 3 && std::string_view{arguments[2]} == "archive") {
    const std::uint64_t messages = std::strtoull(arguments[3], nullptr, 10);
    bench.fill_archive(messages);
    bench.pages(messages);
    std::filesystem::remove_all(directory);
    return 0;
  }
  const domain::References archives{.sender_archive = true, .recipient_archive = true};
  bench.append_only(archives, "append");
  bench.append_only(archives, "append with notes, erased in sixteens", Bench::Notes::put_and_erased);
  bench.append_only(archives, "append with a session's note", Bench::Notes::put);
  bench.append_and_place(archives, "append and place in two archives");
  bench.append_and_place({.offline = true}, "append and place offline");
  bench.query();
  bench.deliver();
  std::filesystem::remove_all(directory);
}
