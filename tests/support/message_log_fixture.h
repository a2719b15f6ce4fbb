// A message log over either engine, with stores that fail when told to, and the cores that it reports to.
#pragma once

#include <gmock/gmock.h>

#include "store/message_log.h"
#include "tests/support/faulty_stores.h"
#include "tests/support/store_engines.h"
#include "tests/support/test_cores.h"

namespace anser::store {

using domain::Appended;
using domain::CoreId;
using domain::LogRecord;
using domain::RecordKind;
using domain::SessionNote;
using test::jid;
using test::message;
using test::note;
using test::noted;
using test::released;
using Sequences = std::vector<std::uint64_t>;

constexpr const char* kRomeo = "romeo@montague.example";
constexpr const char* kJuliet = "juliet@capulet.example";
constexpr domain::References kOffline{.offline = true};
constexpr domain::References kArchived{.recipient_archive = true};
constexpr unsigned kCores = 3;
constexpr Duration kNever = std::chrono::hours{1};

class TestClock final : public Clock {
 public:
  Time now() const override { return Time{Duration{microseconds.load()}}; }
  Tick tick() const override { return {}; }
  std::atomic<std::int64_t> microseconds{1'700'000'000'000'000};
};

// What a core has been told of its appends.
struct Heard {
  std::vector<Appended> appended;
  std::vector<Errc> errors;
  std::size_t calls = 0;
};

template <class Engine>
class MessageLogTest : public ::testing::Test {
 protected:
  void start(MessageLogOptions options = {}) {
    Stores stores = engine_.stores();
    log_store_ = std::make_shared<test::FaultyLogStore>(stores.log);
    archive_store_ = std::make_shared<test::FaultyArchiveStore>(stores.archive);
    log_reader_ = std::make_shared<test::FaultyLogStore>(stores.log_reader);
    archive_reader_ = std::make_shared<test::FaultyArchiveStore>(stores.archive_reader);
    stores.log = log_store_;
    stores.archive = archive_store_;
    stores.log_reader = log_reader_;
    stores.archive_reader = archive_reader_;
    auto opened = MessageLog::open(
        stores, clock_, kCores, cores_.post(), [this](const Error& error) { fatal_.push_back(error.code); }, options);
    ASSERT_TRUE(opened) << opened.error().message;
    log_ = std::move(*opened);
    for (CoreId core = 0; core < kCores; ++core) {
      log_->on_appended(core, [this, core](Result<std::span<const Appended>> batch) {
        EXPECT_EQ(cores_.current(), core);
        ++heard_[core].calls;
        if (batch)
          heard_[core].appended.insert(heard_[core].appended.end(), batch->begin(), batch->end());
        else
          heard_[core].errors.push_back(batch.error().code);
      });
    }
  }
  // As a start after a stop or a crash: only what is in the files comes back.
  void restart(MessageLogOptions options = {}) {
    log_.reset();
    drop_stores();
    engine_.reopen();
    start(options);
  }
  void drop_stores() {
    log_store_.reset();
    archive_store_.reset();
    log_reader_.reset();
    archive_reader_.reset();
  }

  Result<void> append(domain::LogEntry entry, CoreId core = 0) {
    return log_->append(core, ++ticket_, std::move(entry));
  }
  bool wait_for(std::size_t count, CoreId core = 0) {
    return cores_.run_until([&] { return heard_[core].appended.size() >= count; });
  }
  std::vector<LogRecord> offline(const char* owner, std::size_t limit = 1'000, CoreId core = 0,
                                 std::size_t bytes = SIZE_MAX) {
    std::optional<Result<std::vector<LogRecord>>> result;
    log_->offline(core, jid(owner), {}, limit, bytes, [&](auto records) { result = std::move(records); });
    if (!cores_.run_until([&] { return result.has_value(); }) || !*result) {
      ADD_FAILURE() << (result ? result->error().message : "no answer");
      return {};
    }
    return **result;
  }
  Sequences waiting_except(const char* owner, Sequences except, std::size_t limit = 1'000) {
    std::optional<Sequences> found;
    log_->offline(0, jid(owner), std::move(except), limit, SIZE_MAX, [&](auto records) {
      found.emplace();
      for (const auto& record : records.value()) found->push_back(record.sequence);
    });
    EXPECT_TRUE(cores_.run_until([&] { return found.has_value(); }));
    return found.value_or(Sequences{});
  }
  Sequences waiting(const char* owner, std::size_t limit = 1'000) {
    Sequences sequences;
    for (const auto& record : offline(owner, limit)) sequences.push_back(record.sequence);
    return sequences;
  }
  std::uint64_t count(const char* owner) {
    std::optional<Result<std::uint64_t>> result;
    log_->count_offline(1, jid(owner), {}, [&](auto counted) { result = std::move(counted); });
    EXPECT_TRUE(cores_.run_until([&] { return result.has_value(); }));
    return result->value();
  }
  Result<std::vector<LogRecord>> fetch(Sequences sequences) {
    std::optional<Result<std::vector<LogRecord>>> result;
    log_->fetch(2, std::move(sequences), [&](auto records) { result = std::move(records); });
    if (!cores_.run_until([&] { return result.has_value(); })) return fail(Errc::timeout, "no answer");
    return *result;
  }
  Sequences fetched(Sequences sequences) {
    const auto records = fetch(std::move(sequences));
    EXPECT_TRUE(records) << records.error().message;
    Sequences found;
    for (const auto& record : records.value_or(std::vector<LogRecord>{})) {
      found.push_back(record.sequence);
      EXPECT_EQ(test::text_of(record), "<body>" + std::to_string(record.sequence) + "</body>");
    }
    return found;
  }
  std::vector<SessionNote> notes() { return engine_.stores().log->notes().value(); }
  Sequences in_log() {
    const auto records = engine_.stores().log->read(0, 1'000'000);
    Sequences sequences;
    for (const auto& record : *records) sequences.push_back(record.sequence);
    return sequences;
  }

  Engine engine_;
  TestClock clock_;
  test::TestCores cores_;
  std::array<Heard, kCores> heard_;
  std::vector<Errc> fatal_;
  std::uint64_t ticket_ = 0;
  std::shared_ptr<test::FaultyLogStore> log_store_, log_reader_;
  std::shared_ptr<test::FaultyArchiveStore> archive_store_, archive_reader_;
  std::unique_ptr<MessageLog> log_;  // last: its threads end first
};

}  // namespace anser::store
