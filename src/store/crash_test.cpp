// kill -9: a process that appends as fast as it can is killed at a moment nobody chose. What it had been told is stored
// must be there afterwards, and what a session noted with it.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "store/message_log.h"
#include "tests/support/store_engines.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_cores.h"

namespace anser::store {
namespace {

using domain::Appended;
using domain::LogRecord;
using test::jid;
using test::message;
using test::note;

constexpr const char* kRomeo = "romeo@montague.example";
constexpr const char* kJuliet = "juliet@capulet.example";
constexpr int kKills = 6;
constexpr std::uint64_t kWindow = 500;          // appends in flight
constexpr std::uint64_t kDeliverEvery = 1'000;  // then everything older is done

MessageLogOptions busy() {
  MessageLogOptions options;
  options.place_entries = 100;
  options.place_after = Duration{0};
  return options;
}

constexpr std::uint64_t kSession = ~0ull;

std::string text(std::uint64_t sequence) { return "message " + std::to_string(sequence); }

// The child: every sequence below `written` is acknowledged before the pipe hears of it. Each message says its own
// number, each record comes with a note of it; that of a `delivered` erases those before.
[[noreturn]] void append_until_killed(const std::filesystem::path& directory, int pipe) {
  test::TestCores cores;
  SystemClock clock;
  auto stores = open_sqlite(directory);
  if (!stores) _exit(2);
  auto log = MessageLog::open(
      **stores, clock, 1, cores.post(), [](const Error&) { _exit(3); }, busy());
  if (!log) _exit(4);
  std::uint64_t next = (*stores)->log_reader->last_sequence().value() + 1, acknowledged = next - 1;
  (*log)->on_appended(0, [&](Result<std::span<const Appended>> batch) {
    if (!batch) _exit(5);
    acknowledged = batch->back().sequence;
    if (::write(pipe, &acknowledged, sizeof acknowledged) != sizeof acknowledged) _exit(6);
  });
  for (;;) {
    for (; next <= acknowledged + kWindow; ++next) {
      const bool deliver = next % kDeliverEvery == 0;
      auto entry = deliver ? note(domain::RecordKind::delivered, kJuliet, next - kDeliverEvery)
                           : message(kRomeo, kJuliet, {.offline = true}, text(next));
      domain::SessionNote noted{kSession, next, text(next)};
      if (deliver) noted.erase = {0, next - 1};
      if (!(*log)->append(0, next, test::noted(std::move(noted), std::move(entry)))) _exit(7);
    }
    cores.run_until([&, before = acknowledged] { return acknowledged > before; });
  }
}

class CrashTest : public ::testing::Test {
 protected:
  // Runs a child, kills it after it has acknowledged `enough` more, gives the last sequence that it acknowledged.
  std::uint64_t crash(std::uint64_t enough) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) append_until_killed(directory_.path(), ends[1]);
    ::close(ends[1]);

    std::uint64_t heard = 0, first = 0, next = 0;
    while (::read(ends[0], &next, sizeof next) == sizeof next) {
      heard = next;
      if (first == 0) first = heard;
      if (heard >= first + enough) ::kill(child, SIGKILL);  // what it still wrote is read to the end
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "exit code " << WEXITSTATUS(status);
    ::close(ends[0]);
    return heard;
  }

  test::TemporaryDirectory directory_;
};

TEST_F(CrashTest, LosesNothingThatWasAcknowledged) {
  std::mt19937 random{std::random_device{}()};
  std::uint64_t before = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    const std::uint64_t acknowledged = crash(1 + random() % 4'000);
    ASSERT_GT(acknowledged, before);
    before = acknowledged;

    test::TestCores cores;
    SystemClock clock;
    auto stores = open_sqlite(directory_.path());
    ASSERT_TRUE(stores) << stores.error().message;
    const std::uint64_t last = (*stores)->log->last_sequence().value();
    ASSERT_GE(last, acknowledged);
    auto log = MessageLog::open(
        **stores, clock, 1, cores.post(), [](const Error&) { FAIL(); }, busy());
    ASSERT_TRUE(log) << log.error().message;
    std::optional<Result<std::vector<LogRecord>>> waiting;
    (*log)->offline(0, jid(kJuliet), {}, 1'000'000, SIZE_MAX, [&](auto records) { waiting = std::move(records); });
    ASSERT_TRUE(cores.run_until([&] { return waiting.has_value(); }));

    // Everything after the last note of delivery's target waits, in order and whole; nothing before it does.
    const std::uint64_t notes = last / kDeliverEvery;
    std::uint64_t expected = notes == 0 ? 0 : (notes - 1) * kDeliverEvery;
    ASSERT_TRUE(*waiting);
    for (const auto& record : **waiting) {
      if (++expected % kDeliverEvery == 0) ++expected;
      ASSERT_EQ(record.sequence, expected);
      ASSERT_EQ(test::text_of(record), "<body>" + text(expected) + "</body>");
    }
    EXPECT_EQ(expected + (last % kDeliverEvery == 0 ? 1 : 0), last);

    // The notes go exactly as far as the records.
    std::vector<domain::SessionNote> noted;
    for (auto next = std::max<std::uint64_t>(1, last - last % kDeliverEvery); next <= last; ++next)
      noted.push_back({kSession, next, text(next)});
    EXPECT_EQ((*log)->take_notes(), noted);

    (*log)->settle();
    EXPECT_EQ((*stores)->archive->watermark().value(), last);
    const auto kept = (*stores)->log->read(0, 1'000'000);
    EXPECT_EQ(kept->size(), (*waiting)->size()) << "what is done is erased, also what the crash had left";
  }
}

}  // namespace
}  // namespace anser::store
