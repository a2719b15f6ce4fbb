#include "store/message_log.h"

#include <gmock/gmock.h>

#include <limits>
#include <random>

#include "tests/support/faulty_stores.h"
#include "tests/support/store_engines.h"
#include "tests/support/test_cores.h"

namespace anser::store {
namespace {

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
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
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
TYPED_TEST_SUITE(MessageLogTest, test::Engines, test::EngineNames);

// ---- appending ------------------------------------------------------------------------------------------------------

TYPED_TEST(MessageLogTest, NumbersWhatIsAppendedAndTellsTheCoreThatAsked) {
  this->start();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline), static_cast<CoreId>(i % 2)));

  ASSERT_TRUE(this->wait_for(3, 0) && this->wait_for(3, 1));

  for (const CoreId core : {0, 1}) {
    const auto& appended = this->heard_[core].appended;
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(appended[i].ticket, 2 * i + core + 1);
      EXPECT_EQ(appended[i].sequence, 2 * i + core + 1);
    }
  }
}

TYPED_TEST(MessageLogTest, CommitsTogetherWhatWaitsAndPostsOncePerCore) {
  this->start();
  this->log_store_->on_append.gate.close();
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  this->log_store_->on_append.gate.wait_until_somebody_waits();
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline), static_cast<CoreId>(i % 3)));
  this->log_store_->on_append.gate.open();

  ASSERT_TRUE(this->wait_for(35, 0) && this->wait_for(33, 1) && this->wait_for(33, 2));

  EXPECT_EQ(this->log_store_->on_append.calls, 2);
  EXPECT_EQ(this->heard_[0].calls, 2u);
  EXPECT_EQ(this->heard_[1].calls, 1u);
  EXPECT_EQ(this->heard_[2].calls, 1u);
}

TYPED_TEST(MessageLogTest, SaysNothingBeforeTheCommit) {
  this->start();
  this->log_store_->on_append.gate.close();
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  this->log_store_->on_append.gate.wait_until_somebody_waits();

  this->cores_.run();

  EXPECT_EQ(this->heard_[0].calls, 0u);
  this->log_store_->on_append.gate.open();
  EXPECT_TRUE(this->wait_for(1));
}

TYPED_TEST(MessageLogTest, KeepsTimeAscendingThoughTheClockGoesBack) {
  this->start();
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  ASSERT_TRUE(this->wait_for(1));
  const Time before = this->heard_[0].appended[0].time;
  EXPECT_EQ(before, this->clock_.now());

  this->clock_.microseconds -= 1'000'000;
  this->restart();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));

  if (!TypeParam::kLasting) return;
  ASSERT_TRUE(this->wait_for(4));
  Time last{};
  for (const auto& appended : this->heard_[0].appended) {
    EXPECT_GT(appended.time, last);
    last = appended.time;
  }
}

TYPED_TEST(MessageLogTest, RefusesAtOnceWhatItsQueueCannotHold) {
  const std::size_t size = bytes_of(message(kRomeo, kJuliet, kOffline));
  for (const auto& options : {MessageLogOptions{.queue_entries = 2}, MessageLogOptions{.queue_bytes = 2 * size}}) {
    this->start(options);
    this->log_store_->on_append.gate.close();
    ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
    this->log_store_->on_append.gate.wait_until_somebody_waits();
    ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
    ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));

    const auto refused = this->append(message(kRomeo, kJuliet, kOffline));

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::resource_limit);
    this->heard_[0] = {};
    this->log_store_->on_append.gate.open();
    ASSERT_TRUE(this->wait_for(3));
    EXPECT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
    this->log_->stop();
  }
}

TYPED_TEST(MessageLogTest, FinishesWhatWaitsBeforeItStopsAndTakesNothingMore) {
  this->start({.batch_entries = 7, .place_after = kNever});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  std::optional<std::size_t> seen;
  this->log_->offline(0, jid(kJuliet), {}, 1'000, SIZE_MAX, [&](auto records) { seen = records->size(); });

  this->log_->stop();

  EXPECT_EQ(this->append(message(kRomeo, kJuliet, kOffline)).error().code, Errc::closed);
  EXPECT_TRUE(this->wait_for(100));
  this->cores_.run();
  EXPECT_EQ(seen, 100u);
  EXPECT_EQ(this->engine_.stores().archive->watermark().value(), 100u);
  std::optional<Errc> refused;
  this->log_->count_offline(0, jid(kJuliet), {}, [&](auto counted) { refused = counted.error().code; });
  this->cores_.run();
  EXPECT_EQ(refused, Errc::closed);
}

TYPED_TEST(MessageLogTest, GivesWhatWaitsInPagesOfBytes) {
  this->start({.place_after = kNever});
  const std::string large(100'000, 'x');
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline, large)));
  ASSERT_TRUE(this->wait_for(200));
  EXPECT_EQ(this->offline(kJuliet, 1'000, 0, 250'000).size(), 3u);  // in the tail
  this->log_->settle();
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline, large)));
  const auto page = this->offline(kJuliet, 1'000, 0, 250'000);  // in the files
  ASSERT_EQ(page.size(), 3u);
  EXPECT_EQ(page.front().sequence, 1u);
  EXPECT_EQ(page.back().sequence, 3u);
  EXPECT_EQ(this->offline(kJuliet, 1'000, 0, 1).size(), 1u);
  EXPECT_EQ(this->offline(kJuliet).size(), 201u);
}

// ---- what waits -----------------------------------------------------------------------------------------------------

TYPED_TEST(MessageLogTest, AnswersWithEveryAppendSubmittedBefore) {
  this->start({.place_after = kNever});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline, std::to_string(i + 1))));

  const auto records = this->offline(kJuliet);

  ASSERT_EQ(records.size(), 50u);
  EXPECT_EQ(records[49].sequence, 50u);
  EXPECT_EQ(test::text_of(records[49]), "<body>50</body>");
  EXPECT_EQ(records[49].entry.envelope.from, jid(kRomeo));
}

TYPED_TEST(MessageLogTest, LeavesOutWhatWasAppendedAfterTheQuestion) {
  this->start({.place_entries = 1, .place_after = Duration{0}});
  this->log_store_->on_append.gate.close();
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  this->log_store_->on_append.gate.wait_until_somebody_waits();
  this->archive_reader_->on_offline.gate.close();
  std::optional<std::size_t> listed;
  std::optional<std::uint64_t> counted;
  this->log_->offline(0, jid(kJuliet), {}, 10, SIZE_MAX, [&](auto records) { listed = records->size(); });
  this->log_->count_offline(0, jid(kJuliet), {}, [&](auto count) { counted = *count; });
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  this->log_store_->on_append.gate.open();
  this->log_->settle();  // the archive knows both now
  this->archive_reader_->on_offline.gate.open();

  ASSERT_TRUE(this->cores_.run_until([&] { return listed && counted; }));

  EXPECT_EQ(listed, 1u);
  EXPECT_EQ(counted, 1u);
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(1, 2));
}

TYPED_TEST(MessageLogTest, JoinsWhatIsPlacedWithTheTail) {
  this->start({.place_after = kNever});
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));   // 1
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));   // 2
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kArchived)));  // 3
  ASSERT_TRUE(this->append(message(kJuliet, kRomeo, kOffline)));   // 4
  this->log_->settle();
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));     // 5
  ASSERT_TRUE(this->append(note(RecordKind::offline, kJuliet, 3)));  // 6
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(1, 2, 3, 5));
  EXPECT_EQ(this->count(kJuliet), 4u);
  EXPECT_THAT(this->waiting(kJuliet, 3), ElementsAre(1, 2, 3));

  ASSERT_TRUE(this->append(note(RecordKind::delivered, kJuliet, 2)));  // 7
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(3, 5));
  EXPECT_THAT(this->waiting(kJuliet, 1), ElementsAre(3));
  this->log_->settle();
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(3, 5));
  EXPECT_EQ(this->count(kJuliet), 2u);

  ASSERT_TRUE(this->append(note(RecordKind::forget, kJuliet)));   // 8
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));  // 9
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(9));
  EXPECT_EQ(this->count(kJuliet), 1u);
  EXPECT_THAT(this->waiting(kRomeo), ElementsAre(4));
}

TYPED_TEST(MessageLogTest, ErasesWhatNothingRefersTo) {
  this->start({.place_after = kNever});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, i % 2 ? kOffline : kArchived)));
  ASSERT_TRUE(this->append(note(RecordKind::delivered, kJuliet, 10)));

  this->log_->settle();

  EXPECT_THAT(this->in_log(), ElementsAre(1, 3, 5, 7, 9));
  EXPECT_THAT(this->waiting(kJuliet), IsEmpty());
}

TYPED_TEST(MessageLogTest, ReleasesSingleMessagesWhereverTheyAre) {
  this->start({.place_after = kNever});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));  // 1 to 4
  this->log_->settle();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));  // 5, 6
  ASSERT_TRUE(this->append(released(kJuliet, {1, 3, 5})));                                    // 7

  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(2, 4, 6));
  EXPECT_THAT(this->waiting(kJuliet, 2), ElementsAre(2, 4)) << "a page is full though some of it is released";
  EXPECT_EQ(this->count(kJuliet), 3u);
  this->log_->settle();
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(2, 4, 6));
  EXPECT_THAT(this->in_log(), ElementsAre(2, 4, 6));

  ASSERT_TRUE(this->append(released(kJuliet, {2, 4, 6})));
  this->log_->settle();
  EXPECT_EQ(this->count(kJuliet), 0u);
  EXPECT_THAT(this->in_log(), IsEmpty());
}

TYPED_TEST(MessageLogTest, LeavesOutWhatIsNotAskedForAndFillsThePage) {
  this->start({.place_after = kNever});
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));  // 1 to 200
  this->log_->settle();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));  // 201 to 400
  ASSERT_TRUE(this->append(released(kJuliet, {2, 202})));

  Sequences odd;  // and things that do not wait
  for (std::uint64_t sequence = 1; sequence < 1'000; sequence += 2) odd.push_back(sequence);

  for (const bool placed : {false, true}) {
    if (placed) this->log_->settle();
    EXPECT_THAT(this->waiting_except(kJuliet, odd, 3), ElementsAre(4, 6, 8));
    Sequences expected;
    for (std::uint64_t sequence = 4; sequence <= 400; sequence += 2) {
      if (sequence != 202) expected.push_back(sequence);
    }
    EXPECT_EQ(this->waiting_except(kJuliet, odd), expected);
    expected.resize(150);  // half of them from either side
    EXPECT_EQ(this->waiting_except(kJuliet, odd, 150), expected);
    EXPECT_THAT(this->waiting_except(kJuliet, {1, 3, 4}, 2), ElementsAre(5, 6));
  }
}

TYPED_TEST(MessageLogTest, FetchesFromTheTailAndFromTheFileInTheOrderAsked) {
  this->start({.place_after = kNever});
  std::uint64_t text = 0;
  const auto say = [&](domain::References references) {
    ASSERT_TRUE(this->append(message(kRomeo, kJuliet, references, std::to_string(++text))));
  };
  for (int i = 0; i < 300; ++i) say(i % 2 ? kOffline : kArchived);
  this->log_->settle();
  ASSERT_TRUE(this->append(released(kJuliet, {2})));
  ++text;
  this->log_->settle();
  for (int i = 0; i < 300; ++i) say(kArchived);

  Sequences asked, expected;
  for (std::uint64_t low = 1, high = text; low < 300; ++low, --high) {
    for (const auto sequence : {high, low}) asked.push_back(sequence);
    for (const auto sequence : {high, low}) {
      if (sequence != 2) expected.push_back(sequence);
    }
  }
  EXPECT_EQ(this->fetched(asked), expected);
  EXPECT_THAT(this->fetched({300, 700, 3, 0, 302, 3}), ElementsAre(300, 3, 302, 3));
  EXPECT_THAT(this->fetched({}), IsEmpty());
  this->log_->settle();
  EXPECT_EQ(this->fetched(asked), expected);
}

TYPED_TEST(MessageLogTest, FetchesWhatWasAppendedBefore) {
  this->start({.place_after = kNever});
  this->log_store_->on_append.gate.close();
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline, "1"), 2));
  std::optional<std::size_t> found;
  this->log_->fetch(2, {1}, [&](auto records) { found = records->size(); });
  this->log_store_->on_append.gate.wait_until_somebody_waits();
  this->cores_.run();
  EXPECT_FALSE(found);

  this->log_store_->on_append.gate.open();

  ASSERT_TRUE(this->cores_.run_until([&] { return found.has_value(); }));
  EXPECT_EQ(found, 1u);
}

TYPED_TEST(MessageLogTest, RefusesToFetchTooMuchAtOnce) {
  const auto entry = message(kRomeo, kJuliet, kArchived);
  this->start({.fetch_bytes = 3 * entry.envelope.bytes(), .place_after = kNever});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(this->append(entry));

  for (const bool placed : {false, true}) {
    if (placed) this->log_->settle();
    EXPECT_EQ(this->fetch({1, 2, 3, 4}).error().code, Errc::resource_limit) << "part of them would be a lie";
    EXPECT_EQ(this->fetch({1, 2, 3, 9}).value().size(), 3u);
  }
  EXPECT_EQ(this->fetch(Sequences(MessageLog::kFetch, 9)).value().size(), 0u);
  EXPECT_EQ(this->fetch(Sequences(MessageLog::kFetch + 1, 9)).error().code, Errc::resource_limit);
}

// Whatever the placer does meanwhile, every answer is what a plain model says.
TYPED_TEST(MessageLogTest, IsExactWhereverThePlacerStands) {
  this->start({.place_entries = 5, .place_after = Duration{0}});
  std::mt19937 random{7};
  const std::array people{kRomeo, kJuliet, "nurse@capulet.example"};
  std::map<std::string, std::set<std::uint64_t>> model;
  std::uint64_t sequence = 0;
  std::size_t wrong = 0, asked = 0, answered = 0;

  for (int i = 0; i < 1'200; ++i) {
    const char* owner = people[random() % 3];
    auto& waits = model[owner];
    const auto what = random() % 10;
    if (what < 6) {
      ASSERT_TRUE(this->append(message(kRomeo, owner, kOffline)));
      waits.insert(++sequence);
    } else if (what < 7) {
      const std::uint64_t target = sequence - std::min<std::uint64_t>(sequence, random() % 20);
      ASSERT_TRUE(this->append(note(RecordKind::delivered, owner, target)));
      waits.erase(waits.begin(), waits.upper_bound(target));
      ++sequence;
    } else if (what < 8) {
      std::set<std::uint64_t> some;
      for (int n = 0; n < 5 && sequence > 0; ++n)
        some.insert(sequence - random() % std::min<std::uint64_t>(sequence, 30));
      ASSERT_TRUE(this->append(released(owner, {some.begin(), some.end()})));
      for (const auto each : some) waits.erase(each);
      ++sequence;
    } else {
      // Asked by the core that appends, answered before what it appends next is acted upon by anybody else.
      ++asked;
      const std::vector<std::uint64_t> expected(waits.begin(), waits.end());
      this->log_->count_offline(0, jid(owner), {}, [&, expected](Result<std::uint64_t> count) {
        ++answered;
        if (!count || *count != expected.size()) ++wrong;
      });
      ASSERT_TRUE(this->cores_.run_until([&] { return answered == asked; }));
      ASSERT_EQ(this->waiting(owner, 10'000), expected);
    }
  }

  EXPECT_EQ(wrong, 0u);
}

// ---- starting again -------------------------------------------------------------------------------------------------

TYPED_TEST(MessageLogTest, BuildsTheTailAgainFromTheLog) {
  if (!TypeParam::kLasting) GTEST_SKIP() << "nothing is left to start from";
  this->start({.place_after = kNever, .retry_after = kNever});
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline, "first")));
  this->log_->settle();
  this->archive_store_->on_place.set(Errc::disk_full);  // so that not even the stop places
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline, "再见")));
  ASSERT_TRUE(this->append(note(RecordKind::delivered, kJuliet, 1)));
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline, "third")));
  ASSERT_TRUE(this->wait_for(4));
  this->log_->stop();
  ASSERT_EQ(this->engine_.stores().archive->watermark().value(), 1u);

  this->restart({.place_after = kNever});

  const auto records = this->offline(kJuliet);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(test::text_of(records[0]), "<body>再见</body>");
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(2, 4, 5));
}

TYPED_TEST(MessageLogTest, ErasesAtStartWhatACrashLeftDead) {
  if (!TypeParam::kLasting) GTEST_SKIP() << "nothing is left to start from";
  this->start({.place_after = kNever, .retry_after = kNever});
  this->log_store_->on_erase.set(Errc::disk_full);
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, {})));
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  this->log_->stop();
  ASSERT_THAT(this->in_log(), ElementsAre(1, 2));

  this->restart();

  EXPECT_THAT(this->in_log(), ElementsAre(2));
}

TYPED_TEST(MessageLogTest, GoesOnBehindTheArchiveIfTheLogIsAnOlderCopy) {
  this->start({.place_after = kNever});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  this->log_->stop();
  const auto empty = open_memory();
  Stores stores = this->engine_.stores();
  stores.log = empty->log;
  stores.log_reader = empty->log_reader;

  auto log = MessageLog::open(stores, this->clock_, 1, this->cores_.post(), [](const Error&) {});
  ASSERT_TRUE(log);
  std::uint64_t sequence = 0;
  (*log)->on_appended(0, [&](Result<std::span<const Appended>> batch) { sequence = batch->front().sequence; });
  ASSERT_TRUE((*log)->append(0, 1, message(kRomeo, kJuliet, kOffline)));

  ASSERT_TRUE(this->cores_.run_until([&] { return sequence != 0; }));
  EXPECT_EQ(sequence, 4u);
}

// ---- notes of sessions ----------------------------------------------------------------------------------------------

TYPED_TEST(MessageLogTest, CommitsANoteWithItsBatchAndTellsItsTicket) {
  this->start({.place_after = kNever});
  this->log_store_->on_append.gate.close();
  ASSERT_TRUE(this->append(noted({7, 1, "a"}), 1));
  this->log_store_->on_append.gate.wait_until_somebody_waits();
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  ASSERT_TRUE(this->append(noted({7, 2, "b"}, message(kRomeo, kJuliet, kOffline))));
  ASSERT_TRUE(this->append(noted({7, 3, "c"})));
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  this->log_store_->on_append.gate.open();

  ASSERT_TRUE(this->wait_for(1, 1) && this->wait_for(4, 0));

  const auto& alone = this->heard_[1].appended[0];
  EXPECT_EQ(alone.ticket, 1u);
  EXPECT_EQ(alone.sequence, 1u) << "there is no record yet, and 0 would mean refused";
  EXPECT_EQ(alone.time, this->clock_.now());
  Sequences tickets, sequences;
  for (const auto& appended : this->heard_[0].appended) {
    tickets.push_back(appended.ticket);
    sequences.push_back(appended.sequence);
  }
  EXPECT_THAT(tickets, ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(sequences, ElementsAre(1, 2, 2, 3));
  EXPECT_EQ(this->log_store_->on_append.calls, 2);
  EXPECT_THAT(this->notes(), ElementsAre(SessionNote{7, 1, "a"}, SessionNote{7, 2, "b"}, SessionNote{7, 3, "c"}));
  EXPECT_THAT(this->in_log(), ElementsAre(1, 2, 3));
  const auto records = this->offline(kJuliet);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1].entry.note, nullptr);
}

TYPED_TEST(MessageLogTest, KeepsNotesAwayFromTheTailAndThePlacer) {
  this->start({.queue_entries = 100, .tail_entries = 1, .place_after = kNever});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(this->append(noted({1, 3, "x"})));
  ASSERT_TRUE(this->wait_for(50));  // a tail with room for one was not filled

  this->log_->settle();

  EXPECT_EQ(this->archive_store_->on_place.calls, 0);
  EXPECT_EQ(this->engine_.stores().archive->watermark().value(), 0u);
  EXPECT_THAT(this->notes(), ElementsAre(SessionNote{1, 3, "x"}));
}

TYPED_TEST(MessageLogTest, RefusesNotesWithTheirBatch) {
  this->start({.place_after = kNever});
  for (const Errc why : {Errc::disk_full, Errc::timeout}) {
    this->heard_[0] = {};
    this->log_store_->on_append.set(why);
    ASSERT_TRUE(this->append(noted({7, 1, "lost"}, message(kRomeo, kJuliet, kOffline))));
    ASSERT_TRUE(this->append(noted({7, 2, "lost"})));
    ASSERT_TRUE(this->wait_for(2));
    EXPECT_EQ(this->heard_[0].appended[0].sequence, 0u);
    EXPECT_EQ(this->heard_[0].appended[1].sequence, 0u);
  }
  this->log_store_->on_append.set({});
  ASSERT_TRUE(this->append(noted({7, 3, "kept"})));
  ASSERT_TRUE(this->wait_for(3));

  EXPECT_EQ(this->heard_[0].appended[2].sequence, 1u);
  EXPECT_THAT(this->notes(), ElementsAre(SessionNote{7, 3, "kept"}));
  EXPECT_THAT(this->waiting(kJuliet), IsEmpty());
}

TYPED_TEST(MessageLogTest, GivesOutOnceWhatTheSessionsOfBeforeNoted) {
  if (!TypeParam::kLasting) GTEST_SKIP() << "nothing is left to start from";
  this->start();
  EXPECT_THAT(this->log_->take_notes(), IsEmpty());
  ASSERT_TRUE(this->append(noted({9, 0, "opened"})));
  ASSERT_TRUE(this->append(noted({9, 1, "counted"}, message(kRomeo, kJuliet, kOffline))));
  ASSERT_TRUE(this->append(noted({3, 0, "opened"})));
  ASSERT_TRUE(this->append(noted(test::erasure(3))));
  ASSERT_TRUE(this->append(noted({5, 0, "opened"})));
  ASSERT_TRUE(this->wait_for(5));

  this->restart();

  EXPECT_THAT(this->log_->take_notes(),
              ElementsAre(SessionNote{5, 0, "opened"}, SessionNote{9, 0, "opened"}, SessionNote{9, 1, "counted"}));
  EXPECT_THAT(this->log_->take_notes(), IsEmpty());
  this->heard_[0] = {};
  ASSERT_TRUE(this->append(noted({9, 2, "again"})));
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  ASSERT_TRUE(this->wait_for(2));
  EXPECT_EQ(this->heard_[0].appended[0].sequence, 1u);
  EXPECT_EQ(this->heard_[0].appended[1].sequence, 2u);
}

TYPED_TEST(MessageLogTest, DoesNotOpenWithoutTheNotes) {
  this->start();
  this->log_->stop();
  this->log_store_->on_notes.set(Errc::storage_failed);
  Stores stores = this->engine_.stores();
  stores.log = this->log_store_;

  const auto log = MessageLog::open(stores, this->clock_, 1, this->cores_.post(), [](const Error&) {});

  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Errc::storage_failed);
}

// ---- faults ---------------------------------------------------------------------------------------------------------

TYPED_TEST(MessageLogTest, RefusesABatchThatFindsTheDiskFullOrTheLogLockedAndGoesOn) {
  this->start();
  std::size_t refused = 0;
  for (const Errc why : {Errc::disk_full, Errc::timeout}) {
    this->log_store_->on_append.set(why);
    ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
    ASSERT_TRUE(this->wait_for(++refused));
    EXPECT_EQ(this->heard_[0].appended.back().sequence, 0u);
    EXPECT_EQ(this->heard_[0].appended.back().ticket, refused);
    EXPECT_THAT(this->waiting(kJuliet), IsEmpty());
  }

  this->log_store_->on_append.set({});
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));

  ASSERT_TRUE(this->wait_for(3));
  EXPECT_EQ(this->heard_[0].appended[2].sequence, 1u);
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(1));
  EXPECT_THAT(this->fatal_, IsEmpty());
}

TYPED_TEST(MessageLogTest, AcknowledgesNothingAfterACommitThatFailed) {
  this->start({.batch_entries = 1});
  this->log_store_->on_append.gate.close();
  this->log_store_->on_append.set(Errc::storage_failed);
  std::optional<Errc> question;
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline), 0));
  this->log_store_->on_append.gate.wait_until_somebody_waits();
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline), 1));
  this->log_->offline(2, jid(kJuliet), {}, 10, SIZE_MAX, [&](auto records) { question = records.error().code; });
  this->log_store_->on_append.gate.open();

  ASSERT_TRUE(this->cores_.run_until([&] { return question && !this->heard_[1].errors.empty(); }));

  EXPECT_THAT(this->heard_[0].errors, ElementsAre(Errc::storage_failed));
  EXPECT_THAT(this->heard_[1].errors, ElementsAre(Errc::storage_failed));
  EXPECT_EQ(question, Errc::storage_failed);
  this->log_store_->on_append.set({});  // it would go again, but is not tried
  EXPECT_EQ(this->append(message(kRomeo, kJuliet, kOffline)).error().code, Errc::storage_failed);
  this->log_->settle();
  this->log_->stop();
  this->cores_.run();
  EXPECT_THAT(this->fatal_, ElementsAre(Errc::storage_failed));
  EXPECT_EQ(this->log_store_->on_append.calls, 1);
  EXPECT_THAT(this->heard_[0].appended, IsEmpty());
  EXPECT_THAT(this->in_log(), IsEmpty());
}

TYPED_TEST(MessageLogTest, EndsWhenThePlacerOrTheEraserFails) {
  for (const bool placer : {true, false}) {
    this->fatal_.clear();
    this->start({.place_after = Duration{0}});
    (placer ? this->archive_store_->on_place : this->log_store_->on_erase).set(Errc::storage_failed);
    // The second time something is left from the first, so it may have failed already.
    EXPECT_TRUE(this->append(message(kRomeo, kJuliet, {})) || !placer);

    this->log_->settle();
    this->log_->stop();

    EXPECT_THAT(this->fatal_, ElementsAre(Errc::storage_failed));
    EXPECT_EQ(this->append(message(kRomeo, kJuliet, kOffline)).error().code, Errc::storage_failed);
    this->cores_.run();
  }
}

TYPED_TEST(MessageLogTest, PlacesLaterWhatTheDiskHadNoRoomForOrALockKeptOut) {
  this->start({.place_after = Duration{0}, .retry_after = Duration{1}});
  this->archive_store_->on_place.set(Errc::disk_full);
  this->log_store_->on_erase.set(Errc::timeout);
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, {})));
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(1));
  while (this->archive_store_->on_place.calls < 3) std::this_thread::yield();
  this->archive_store_->on_place.set(Errc::timeout);
  while (this->archive_store_->on_place.calls < 6) std::this_thread::yield();
  this->archive_store_->on_place.set({});
  while (this->log_store_->on_erase.calls < 3) std::this_thread::yield();
  this->log_store_->on_erase.set({});

  this->log_->settle();

  EXPECT_THAT(this->in_log(), ElementsAre(1));
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(1));
  EXPECT_THAT(this->fatal_, IsEmpty());
}

TYPED_TEST(MessageLogTest, SlowsAppendsDownWhileTheTailIsFull) {
  this->start({.queue_entries = 20, .batch_entries = 1, .tail_entries = 10, .place_after = Duration{0}});
  this->archive_store_->on_place.gate.close();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  ASSERT_TRUE(this->wait_for(10));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  EXPECT_EQ(this->append(message(kRomeo, kJuliet, kOffline)).error().code, Errc::resource_limit);
  this->cores_.run();
  EXPECT_EQ(this->heard_[0].appended.size(), 10u);

  this->archive_store_->on_place.gate.open();

  EXPECT_TRUE(this->wait_for(30));
  EXPECT_EQ(this->count(kJuliet), 30u);
}

TYPED_TEST(MessageLogTest, TellsWhoAskedThatReadingFailed) {
  this->start({.place_after = kNever});
  ASSERT_TRUE(this->append(message(kRomeo, kJuliet, kOffline)));
  this->log_->settle();
  std::vector<Errc> errors;

  this->archive_reader_->on_offline.set(Errc::storage_failed);
  this->log_->offline(0, jid(kJuliet), {}, 10, SIZE_MAX, [&](auto records) { errors.push_back(records.error().code); });
  this->log_->count_offline(0, jid(kJuliet), {}, [&](auto count) { errors.push_back(count.error().code); });
  ASSERT_TRUE(this->cores_.run_until([&] { return errors.size() == 2; }));
  this->archive_reader_->on_offline.set({});
  this->log_reader_->on_fetch.set(Errc::storage_failed);
  this->log_->offline(0, jid(kJuliet), {}, 10, SIZE_MAX, [&](auto records) { errors.push_back(records.error().code); });
  this->log_->fetch(0, {1}, [&](auto records) { errors.push_back(records.error().code); });
  ASSERT_TRUE(this->cores_.run_until([&] { return errors.size() == 4; }));

  EXPECT_THAT(errors, Each(Errc::storage_failed));
  this->log_reader_->on_fetch.set({});
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(1));
}

// Several cores at once, a placer that never rests: nothing is lost, nothing comes twice, order holds for each core.
TYPED_TEST(MessageLogTest, ServesManyCoresAtOnce) {
  constexpr std::uint64_t kEach = 4'000;
  this->start({.queue_entries = 1'000, .place_entries = 64, .place_after = Duration{0}});
  std::vector<std::thread> threads;
  for (CoreId core = 0; core < kCores; ++core) {
    threads.emplace_back([this, core] {
      for (std::uint64_t ticket = 1; ticket <= kEach; ++ticket) {
        while (!this->log_->append(core, ticket, message(kRomeo, kJuliet, kOffline))) std::this_thread::yield();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (CoreId core = 0; core < kCores; ++core) ASSERT_TRUE(this->wait_for(kEach, core));

  std::set<std::uint64_t> sequences;
  for (const auto& heard : this->heard_) {
    ASSERT_EQ(heard.appended.size(), kEach);
    for (std::uint64_t i = 0; i < kEach; ++i) {
      ASSERT_EQ(heard.appended[i].ticket, i + 1);
      ASSERT_TRUE(i == 0 || heard.appended[i].sequence > heard.appended[i - 1].sequence);
      sequences.insert(heard.appended[i].sequence);
    }
  }
  EXPECT_EQ(sequences.size(), kCores * kEach);
  EXPECT_EQ(this->count(kJuliet), kCores * kEach);
}

}  // namespace
}  // namespace anser::store
