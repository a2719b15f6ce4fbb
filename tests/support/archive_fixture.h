// An archive of any engine, and what the tests ask it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "store/archive_reader.h"
#include "store/message_log.h"
#include "tests/support/faulty_stores.h"
#include "tests/support/store_engines.h"
#include "tests/support/test_cores.h"

namespace anser::store::archive_test {

using domain::ArchivePage;
using domain::ArchiveQuery;
using test::jid;
using Sequences = std::vector<std::uint64_t>;

inline constexpr const char* kRomeo = "romeo@montague.example";
inline constexpr const char* kJuliet = "juliet@capulet.example";
inline constexpr const char* kNurse = "nurse@capulet.example";
inline constexpr domain::References kBoth{.sender_archive = true, .recipient_archive = true};
inline constexpr Duration kNever = std::chrono::hours{1};

class StepClock final : public Clock {
 public:
  Time now() const override { return Time{Duration{microseconds.load()}}; }
  Tick tick() const override { return {}; }
  std::atomic<std::int64_t> microseconds{1'700'000'000'000'000};
};

inline ArchiveQuery query(const char* owner, std::size_t limit = 50) {
  return {.owner = jid(owner), .with = {}, .named = {}, .limit = limit, .bytes = 1 << 20};
}

inline Sequences sequences_of(const ArchivePage& page) {
  Sequences sequences;
  for (const auto& record : page.records) sequences.push_back(record.sequence);
  return sequences;
}

template <class Engine>
class ArchiveTest : public ::testing::Test {
 protected:
  void start(MessageLogOptions options) {
    log_.reset();
    reader_ = std::make_shared<test::FaultyArchiveStore>(engine_.stores().archive_reader);
    Stores stores = engine_.stores();
    stores.archive_reader = reader_;
    log_ = std::move(
        MessageLog::open(
            stores, clock_, 1, cores_.post(), [](const Error& error) { ADD_FAILURE() << error.message; }, options)
            .value());
  }
  void append(domain::LogEntry entry) {
    ++sequence_;
    ASSERT_TRUE(log_->append(0, sequence_, std::move(entry)));
  }
  Result<ArchivePage> ask(ArchiveQuery query) {
    std::optional<Result<ArchivePage>> answer;
    log_->query_archive(0, std::move(query), [&](auto page) { answer = std::move(page); });
    if (!cores_.run_until([&] { return answer.has_value(); })) return fail(Errc::timeout, "no answer");
    return std::move(*answer);
  }
  Sequences page(ArchiveQuery query) {
    const auto found = ask(std::move(query));
    EXPECT_TRUE(found) << found.error().message;
    return found ? sequences_of(*found) : Sequences{};
  }

  Engine engine_;
  StepClock clock_;
  test::TestCores cores_;
  std::uint64_t sequence_ = 0;
  std::shared_ptr<test::FaultyArchiveStore> reader_;
  std::unique_ptr<MessageLog> log_;
};

}  // namespace anser::store::archive_test
