// Pages of an archive, wherever the placer stands.
#include <gmock/gmock.h>

#include <random>
#include <string>
#include <thread>

#include "store/archive_reader.h"
#include "store/burial.h"
#include "store/message_log.h"
#include "store/sqlite/chunk.h"
#include "tests/support/faulty_stores.h"
#include "tests/support/store_engines.h"
#include "tests/support/test_cores.h"

namespace anser::store {
namespace {

using domain::ArchivePage;
using domain::ArchiveQuery;
using domain::Jid;
using domain::LogRecord;
using domain::RecordKind;
using test::jid;
using test::message;
using test::note;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Sequences = std::vector<std::uint64_t>;

constexpr const char* kRomeo = "romeo@montague.example";
constexpr const char* kJuliet = "juliet@capulet.example";
constexpr const char* kNurse = "nurse@capulet.example";
constexpr domain::References kBoth{.sender_archive = true, .recipient_archive = true};
constexpr Duration kNever = std::chrono::hours{1};

class StepClock final : public Clock {
 public:
  Time now() const override { return Time{Duration{microseconds.load()}}; }
  Tick tick() const override { return {}; }
  std::atomic<std::int64_t> microseconds{1'700'000'000'000'000};
};

ArchiveQuery query(const char* owner, std::size_t limit = 50) {
  return {.owner = jid(owner), .with = {}, .named = {}, .limit = limit, .bytes = 1 << 20};
}

Sequences sequences_of(const ArchivePage& page) {
  Sequences sequences;
  for (const auto& record : page.records) sequences.push_back(record.sequence);
  return sequences;
}

template <class Engine>
class ArchiveQueryTest : public ::testing::Test {
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
TYPED_TEST_SUITE(ArchiveQueryTest, test::Engines, test::EngineNames);

TYPED_TEST(ArchiveQueryTest, PagesForwardsAndBackwardsAcrossThePlacersMark) {
  this->start({.place_after = kNever});
  for (int i = 0; i < 100; ++i) this->append(message(kRomeo, kJuliet, kBoth));
  this->log_->settle();
  for (int i = 0; i < 100; ++i) this->append(message(kJuliet, kRomeo, kBoth));

  for (const char* owner : {kRomeo, kJuliet}) {
    Sequences forwards, backwards;
    for (ArchiveQuery next = query(owner, 30);;) {
      const auto found = this->ask(next);
      ASSERT_TRUE(found);
      const auto part = sequences_of(*found);
      forwards.insert(forwards.end(), part.begin(), part.end());
      EXPECT_EQ(found->complete, forwards.size() == 200) << forwards.size();
      if (found->complete) break;
      next.after = forwards.back();
    }
    for (ArchiveQuery next = query(owner, 30);;) {
      next.backwards = true;
      const auto found = this->ask(next);
      ASSERT_TRUE(found);
      const auto part = sequences_of(*found);
      backwards.insert(backwards.begin(), part.begin(), part.end());
      EXPECT_EQ(found->complete, backwards.size() == 200);
      if (found->complete) break;
      next.before = backwards.front();
    }
    EXPECT_EQ(forwards.size(), 200u);
    EXPECT_TRUE(std::is_sorted(forwards.begin(), forwards.end()));
    EXPECT_EQ(forwards, backwards);
  }
  const auto first = this->ask(query(kRomeo, 1));
  EXPECT_EQ(first->records[0].entry.envelope.from, jid(kRomeo));
  EXPECT_EQ(first->records[0].time, this->clock_.now());
}

TYPED_TEST(ArchiveQueryTest, KnowsWithWhomAndWithWhichResource) {
  for (const bool place : {false, true}) {
    this->start({.place_after = kNever});
    const auto base = this->sequence_;
    this->append(message("juliet@capulet.example/balcony", "romeo@montague.example/orchard", kBoth));
    this->append(message("romeo@montague.example/garden", kJuliet, kBoth));
    this->append(message("nurse@capulet.example/room", kJuliet, kBoth));
    this->append(message("juliet@capulet.example/balcony", "juliet@capulet.example/diary", kBoth));
    if (place) this->log_->settle();
    const auto with = [&](const char* whom) {
      ArchiveQuery asked = query(kJuliet);
      asked.with = jid(whom);
      asked.after = base;
      Sequences found = this->page(asked);
      for (auto& sequence : found) sequence -= base;
      return found;
    };

    EXPECT_THAT(with(kRomeo), ElementsAre(1, 2));
    EXPECT_THAT(with("romeo@montague.example/orchard"), ElementsAre(1));
    EXPECT_THAT(with("romeo@montague.example/garden"), ElementsAre(2));
    EXPECT_THAT(with("romeo@montague.example/elsewhere"), IsEmpty());
    EXPECT_THAT(with(kNurse), ElementsAre(3));
    EXPECT_THAT(with(kJuliet), ElementsAre(4));  // to herself, not all that is hers
    EXPECT_THAT(with("juliet@capulet.example/diary"), ElementsAre(4));
    EXPECT_THAT(with("juliet@capulet.example/attic"), IsEmpty());
    EXPECT_THAT(with("stranger@x.example"), IsEmpty());
  }
}

TYPED_TEST(ArchiveQueryTest, KnowsWhen) {
  const std::int64_t start = this->clock_.microseconds;
  for (const bool place : {false, true}) {
    this->start({.place_after = kNever});
    const auto base = this->sequence_;
    const std::int64_t begin = this->clock_.microseconds;
    for (int i = 0; i < 10; ++i) {
      this->append(message(kRomeo, kJuliet, kBoth));
      this->page(query(kJuliet, 1));  // committed, so that the next has its own time
      this->clock_.microseconds += 1'000'000;
    }
    if (place) this->log_->settle();
    const auto between = [&](std::optional<int> since, std::optional<int> until, bool backwards) {
      ArchiveQuery asked = query(kJuliet);
      asked.after = base;
      asked.backwards = backwards;
      if (since) asked.since = Time{Duration{begin + *since * 1'000'000LL}};
      if (until) asked.until = Time{Duration{begin + *until * 1'000'000LL}};
      Sequences found = this->page(asked);
      for (auto& sequence : found) sequence -= base;
      return found;
    };
    for (const bool backwards : {false, true}) {
      EXPECT_THAT(between(7, {}, backwards), ElementsAre(8, 9, 10));
      EXPECT_THAT(between({}, 2, backwards), ElementsAre(1, 2));
      EXPECT_THAT(between(3, 5, backwards), ElementsAre(4, 5));
      EXPECT_THAT(between(5, 3, backwards), IsEmpty());
      EXPECT_THAT(between(100, {}, backwards), IsEmpty());
      EXPECT_EQ(between({}, 100, backwards).size(), 10u);
    }
  }
  EXPECT_GT(this->clock_.microseconds, start);
}

TYPED_TEST(ArchiveQueryTest, GivesNamedMessagesAndRefusesThoseThatAreNotThere) {
  this->start({.place_after = kNever});
  this->append(message(kRomeo, kJuliet, kBoth));                     // 1
  this->append(message(kRomeo, kNurse, kBoth));                      // 2: not hers
  this->append(message(kRomeo, kJuliet, {.offline = true}));         // 3: in no archive
  this->append(message(kRomeo, kJuliet, {.sender_archive = true}));  // 4: his alone
  this->log_->settle();
  this->append(message(kNurse, kJuliet, kBoth));  // 5
  this->append(message(kRomeo, kNurse, kBoth));   // 6: not hers
  const auto named = [&](Sequences which, bool only = true) {
    ArchiveQuery asked = query(kJuliet);
    asked.named = std::move(which);
    asked.only_named = only;
    return this->ask(asked);
  };

  EXPECT_THAT(sequences_of(*named({5, 1, 5})), ElementsAre(1, 5));
  EXPECT_THAT(sequences_of(*named({5})), ElementsAre(5));
  EXPECT_THAT(sequences_of(*named({5, 1}, false)), ElementsAre(1, 5));
  for (const std::uint64_t absent : {std::uint64_t{0}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{4},
                                     std::uint64_t{6}, std::uint64_t{7}, domain::kBehindAll}) {
    for (const bool only : {false, true}) {
      const auto refused = named({1, absent}, only);
      ASSERT_FALSE(refused) << absent;
      EXPECT_EQ(refused.error().code, Errc::not_found);
    }
  }
}

TYPED_TEST(ArchiveQueryTest, EndsAPageBeforeItGrowsTooLarge) {
  for (const bool place : {false, true}) {
    this->start({.place_after = kNever});
    const auto base = this->sequence_;
    for (int i = 0; i < 20; ++i) this->append(message(kRomeo, kJuliet, kBoth, std::string(100'000, 'x')));
    if (place) this->log_->settle();
    ArchiveQuery asked = query(kJuliet);
    asked.after = base;
    asked.bytes = 250'000;

    const auto found = this->ask(asked);
    asked.backwards = true;
    const auto last = this->ask(asked);

    EXPECT_THAT(sequences_of(*found), ElementsAre(base + 1, base + 2, base + 3));
    EXPECT_THAT(sequences_of(*last), ElementsAre(base + 18, base + 19, base + 20));
    EXPECT_FALSE(found->complete || last->complete);
  }
}

TYPED_TEST(ArchiveQueryTest, GivesUpALongSearchForAResourceThatIsNotThere) {
  this->start({.place_after = kNever});
  this->append(message("romeo@montague.example/orchard", kJuliet, kBoth));
  for (std::size_t i = 0; i < 2 * kLooked; ++i) this->append(message("romeo@montague.example/garden", kJuliet, kBoth));
  this->append(message("romeo@montague.example/tomb", kJuliet, kBoth));
  this->log_->settle();
  ArchiveQuery asked = query(kJuliet);
  asked.with = jid("romeo@montague.example/nowhere");

  const auto found = this->ask(asked);
  asked.backwards = true;
  const auto last = this->ask(asked);
  asked.with = jid("romeo@montague.example/tomb");
  const auto tomb = this->ask(asked);

  EXPECT_THAT(sequences_of(*found), IsEmpty());
  EXPECT_FALSE(found->complete);
  EXPECT_FALSE(last->complete);
  EXPECT_THAT(sequences_of(*tomb), ElementsAre(2 * kLooked + 2));
  EXPECT_FALSE(tomb->complete);
  EXPECT_EQ(found->reached, kLooked);
  EXPECT_EQ(last->reached, kLooked + 3);
  EXPECT_EQ(tomb->reached, kLooked + 3);
}

TYPED_TEST(ArchiveQueryTest, GoesOnWhereALongSearchGaveUp) {
  this->start({.place_after = kNever});
  this->append(message("romeo@montague.example/orchard", kJuliet, kBoth));
  for (std::size_t i = 0; i < 3 * kLooked; ++i) {
    this->append(message("romeo@montague.example/garden", kJuliet, kBoth));
    if (i == 2 * kLooked) this->log_->settle();
  }
  this->append(message("romeo@montague.example/tomb", kJuliet, kBoth));
  const auto search = [&](const char* with, bool backwards) {
    ArchiveQuery asked = query(kJuliet, 1);
    asked.with = jid(with);
    asked.backwards = backwards;
    Sequences found;
    for (int pages = 0; pages < 10; ++pages) {
      const auto page = this->ask(asked);
      const auto here = sequences_of(*page);
      found.insert(found.end(), here.begin(), here.end());
      if (page->complete) return found;
      (backwards ? asked.before : asked.after) = page->reached;
    }
    ADD_FAILURE() << "no end";
    return found;
  };

  for (const bool settled : {false, true}) {
    if (settled) this->log_->settle();
    for (const bool backwards : {false, true}) {
      EXPECT_THAT(search("romeo@montague.example/orchard", backwards), ElementsAre(1));
      EXPECT_THAT(search("romeo@montague.example/tomb", backwards), ElementsAre(3 * kLooked + 2));
      EXPECT_THAT(search("romeo@montague.example/nowhere", backwards), IsEmpty());
    }
  }
}

TYPED_TEST(ArchiveQueryTest, ShowsNothingOfBeforeAnAccountWasForgotten) {
  for (const bool place : {false, true}) {
    this->start({.place_after = kNever});
    this->append(message(kRomeo, kJuliet, kBoth));
    const auto old = this->sequence_;
    if (place) this->log_->settle();
    this->append(note(RecordKind::forget, kJuliet));
    this->append(message(kRomeo, kJuliet, kBoth));
    ArchiveQuery asked = query(kJuliet);

    EXPECT_THAT(this->page(asked), ElementsAre(this->sequence_));
    asked.named = {old};
    EXPECT_EQ(this->ask(asked).error().code, Errc::not_found);
    this->log_->settle();
    EXPECT_THAT(this->page(query(kJuliet)), ElementsAre(this->sequence_));
  }
}

TYPED_TEST(ArchiveQueryTest, LeavesOutWhatWasAppendedAfterTheQuestion) {
  this->start({.place_entries = 1, .place_after = Duration{0}});
  this->append(message(kRomeo, kJuliet, kBoth));
  this->reader_->on_archived.gate.close();
  std::optional<Sequences> seen;
  this->log_->query_archive(0, query(kJuliet), [&](auto page) { seen = sequences_of(*page); });
  this->append(message(kRomeo, kJuliet, kBoth));
  this->log_->settle();  // the archive knows both now
  this->reader_->on_archived.gate.open();

  ASSERT_TRUE(this->cores_.run_until([&] { return seen.has_value(); }));

  EXPECT_THAT(*seen, ElementsAre(1));
}

TYPED_TEST(ArchiveQueryTest, SaysThatStorageFailed) {
  this->start({.place_after = kNever});
  this->reader_->on_archived.set(Errc::storage_failed);

  const auto failed = this->ask(query(kJuliet));
  this->log_->stop();
  const auto closed = this->ask(query(kJuliet));

  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::storage_failed);
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, Errc::closed);
}

// ---- retraction -----------------------------------------------------------------------------------------------------

TYPED_TEST(ArchiveQueryTest, ShowsATombstoneFromTheMomentOfTheRetraction) {
  auto words = message("romeo@montague.example/orchard", kJuliet, kBoth, "I swear by the moon");
  words.envelope.id = "vow";
  words.envelope.extra = " x='moon'";
  auto taken_back = message("romeo@montague.example/garden", kJuliet, kBoth, "/me took it back");
  taken_back.envelope.id = "r1";
  taken_back.envelope.retracts = "vow";
  auto hers = message(kJuliet, kRomeo, kBoth, "do not swear at all");
  hers.envelope.id = "vow";
  for (const bool place_first : {true, false}) {
    this->start({.place_after = kNever});
    const auto base = this->sequence_;
    this->append(words);
    this->append(hers);
    if (place_first) this->log_->settle();
    this->append(taken_back);

    const auto check = [&](const char* owner) {
      ArchiveQuery asked = query(owner);
      asked.after = base;
      const auto found = this->ask(asked);
      ASSERT_EQ(found->records.size(), 3u);
      const auto& tombstone = found->records[0].entry.envelope;
      EXPECT_EQ(tombstone.inner.view(), "");
      EXPECT_EQ(tombstone.extra, "");
      EXPECT_FALSE(tombstone.facts.has_body);
      EXPECT_EQ(tombstone.retracts, "r1");
      EXPECT_EQ(tombstone.retracted, found->records[2].time);
      EXPECT_EQ(tombstone.id, "vow");
      EXPECT_EQ(tombstone.from, words.envelope.from);
      EXPECT_EQ(test::text_of(found->records[1]), "<body>do not swear at all</body>");
      EXPECT_EQ(test::text_of(found->records[2]), "<body>/me took it back</body>");
    };
    for (const char* owner : {kRomeo, kJuliet}) check(owner);  // from the tail
    this->log_->settle();
    for (const char* owner : {kRomeo, kJuliet}) check(owner);  // written over
    const auto stored = this->engine_.stores().log->read(base + 1, 1).value();
    EXPECT_EQ(test::text_of(stored[0]), "");
    this->log_->stop();
    this->log_.reset();
  }
}

TYPED_TEST(ArchiveQueryTest, LetsNobodyTakeBackWhatAnotherSaid) {
  this->start({.place_after = kNever});
  auto words = message(kRomeo, kJuliet, kBoth);
  words.envelope.id = "vow";
  auto forged = message(kJuliet, kRomeo, kBoth);
  forged.envelope.retracts = "vow";
  auto elsewhere = message(kRomeo, kNurse, kBoth);
  elsewhere.envelope.retracts = "vow";
  auto again = message(kRomeo, kJuliet, kBoth);
  again.envelope.id = "r";
  again.envelope.retracts = "r";  // itself
  this->append(words);
  this->append(forged);
  this->append(elsewhere);
  this->append(again);

  for (const bool settled : {false, true}) {
    if (settled) this->log_->settle();
    for (const char* owner : {kRomeo, kJuliet}) {
      const auto found = this->ask(query(owner));
      for (const auto& record : found->records) EXPECT_EQ(record.entry.envelope.retracted, Time{}) << record.sequence;
    }
  }
}

// Programs that give every message the same id lose the last of them, not all.
TYPED_TEST(ArchiveQueryTest, TakesBackTheLastMessageOfAnId) {
  this->start({.place_after = kNever});
  for (int i = 0; i < 10; ++i) this->append(message(kRomeo, kJuliet, kBoth));  // all of them "m1"
  this->log_->settle();
  auto taken_back = message(kRomeo, kJuliet, kBoth);
  taken_back.envelope.id = "r";
  taken_back.envelope.retracts = "m1";
  this->append(taken_back);
  this->log_->settle();

  const auto found = this->ask(query(kJuliet));

  for (const auto& record : found->records) {
    EXPECT_EQ(record.entry.envelope.retracted != Time{}, record.sequence == 10) << record.sequence;
  }
}

// So many ids, each another one, that the archive cannot tell from `id`.
std::vector<std::string> like(const std::string& id, std::size_t count) {
  domain::Envelope envelope;
  std::vector<std::string> ids;
  for (std::uint64_t i = 0; ids.size() < count; ++i) {
    envelope.id = "x" + std::to_string(i);
    if (may_be_named(message_hash(envelope), id)) ids.push_back(envelope.id);
  }
  return ids;
}

domain::LogEntry taken_back(const char* id) {
  auto entry = message(kRomeo, kJuliet, kBoth);
  entry.envelope.id = "r";
  entry.envelope.retracts = id;
  return entry;
}

TYPED_TEST(ArchiveQueryTest, TakesBackTheRightOneOfManyThatLookAlike) {
  const auto alike = like("vow", 200);
  for (const std::size_t right : {0, 100, 200}) {
    for (const std::string_view placed : {"none", "the messages", "each"}) {
      for (const domain::References kept : {kBoth, domain::References{.recipient_archive = true}}) {
        this->start({.place_after = kNever});
        const auto base = this->sequence_;
        for (std::size_t i = 0; i <= alike.size(); ++i) {
          auto words = message(kRomeo, kJuliet, kept);
          words.envelope.id = i == right ? "vow" : alike[i - (i > right)];
          this->append(words);
          if (placed == "each" && i % 50 == 0) this->log_->settle();
        }
        if (placed != "none") this->log_->settle();
        this->append(taken_back("vow"));
        this->log_->settle();

        const auto found = this->ask(query(kJuliet, 1'000));

        std::size_t seen = 0;
        for (const auto& record : found->records) {
          ++seen;
          EXPECT_EQ(record.entry.envelope.retracted != Time{}, record.sequence == base + right + 1)
              << record.sequence - base << " of " << right << ", placed: " << placed;
        }
        EXPECT_EQ(seen, alike.size() + 2);
        for (const char* owner : {kRomeo, kJuliet}) this->append(note(RecordKind::forget, owner));
        this->log_->settle();
      }
    }
  }
}

TYPED_TEST(ArchiveQueryTest, ComparesOnlySoMany) {
  this->start({.place_after = kNever});
  auto words = message(kRomeo, kJuliet, kBoth);
  words.envelope.id = "vow";
  this->append(words);
  for (const auto& id : like("vow", Burial::kCompared)) {
    words.envelope.id = id;
    this->append(words);
  }
  this->append(taken_back("vow"));
  this->log_->settle();
  EXPECT_EQ(this->ask(query(kJuliet))->records.front().entry.envelope.retracted, Time{});

  for (std::uint64_t i = 0; i < 2 * Burial::kOfSender / Burial::kCompared; ++i) this->append(taken_back("vow"));
  words = message(kJuliet, kRomeo, kBoth);
  words.envelope.id = "hers";
  this->append(words);
  auto hers = taken_back("hers");
  hers.owner = jid(kRomeo);
  std::swap(hers.envelope.from, hers.envelope.to);
  this->append(hers);
  this->log_->settle();

  EXPECT_EQ(test::text_of(this->engine_.stores().log->read(this->sequence_ - 1, 1).value()[0]), "")
      << "somebody else's are none the worse for it";
}

TYPED_TEST(ArchiveQueryTest, GoesOnWithARetractionWhenTheArchiveDoes) {
  const auto alike = like("vow", 3);
  auto archive = std::make_shared<test::FaultyArchiveStore>(this->engine_.stores().archive);
  Stores stores = this->engine_.stores();
  stores.archive = archive;
  this->log_ = std::move(
      MessageLog::open(stores, this->clock_, 1, this->cores_.post(),
                       [](const Error& error) { ADD_FAILURE() << error.message; },
                       {.place_entries = 1, .place_after = Duration{0}, .retry_after = std::chrono::milliseconds{1}})
          .value());
  auto words = message(kRomeo, kJuliet, kBoth);
  words.envelope.id = "vow";
  this->append(words);
  words.envelope.id = alike[0];
  this->append(words);
  archive->on_may_bear.set(Errc::timeout);
  this->append(taken_back("vow"));
  while (archive->on_may_bear.calls < 2) std::this_thread::yield();
  archive->on_may_bear.set(std::nullopt);

  this->log_->settle();

  EXPECT_EQ(test::text_of(this->engine_.stores().log->read(1, 1).value()[0]), "");
  EXPECT_NE(test::text_of(this->engine_.stores().log->read(2, 1).value()[0]), "");
  this->log_.reset();
}

TYPED_TEST(ArchiveQueryTest, BuriesAtStartWhatACrashLeftUnburied) {
  if (!TypeParam::kLasting) GTEST_SKIP() << "nothing is left to start from";
  this->start({.place_after = kNever});
  this->append(message(kRomeo, kJuliet, kBoth));
  for (const auto& id : like("m1", 100)) {
    auto other = message(kRomeo, kJuliet, kBoth);
    other.envelope.id = id;
    this->append(other);
  }
  this->append(taken_back("m1"));
  const auto records = [&] {
    this->page(query(kJuliet));  // all are committed
    this->log_.reset();
    return this->engine_.stores().log->read(1, 10).value();
  }();
  // As if it had died between placing and writing over: the words are back.
  auto original = records[0];
  original.entry.envelope = message(kRomeo, kJuliet, kBoth).envelope;
  ASSERT_TRUE(this->engine_.stores().log->replace(std::vector{original}));
  this->reader_.reset();
  this->engine_.reopen();

  this->start({.place_after = kNever});

  const auto after = this->engine_.stores().log->read(1, 1'000).value();
  ASSERT_EQ(after.size(), 102u);
  for (const auto& record : after) EXPECT_EQ(test::text_of(record).empty(), record.sequence == 1) << record.sequence;
}

// ---- expiry ---------------------------------------------------------------------------------------------------------

TYPED_TEST(ArchiveQueryTest, KeepsNoMessageForLongerThanItMay) {
  this->start({.place_after = kNever, .keep_for = std::chrono::hours{24}});
  for (int i = 0; i < 100; ++i) this->append(message(kRomeo, kJuliet, kBoth));
  this->log_->settle();
  EXPECT_EQ(this->page(query(kJuliet, 250)).size(), 100u);
  this->clock_.microseconds += 25 * 3'600'000'000LL;
  this->append(message(kRomeo, kJuliet, kBoth));

  this->log_->settle();

  EXPECT_THAT(this->page(query(kJuliet)), ElementsAre(101));
  ArchiveQuery asked = query(kJuliet);
  asked.named = {100};
  EXPECT_EQ(this->ask(asked).error().code, Errc::not_found);
  const auto left = this->engine_.stores().log->read(1, 1'000).value();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].sequence, 101u);  // and no sequence is given twice
}

// Whatever the placer does meanwhile, every page is what a plain list says.
TYPED_TEST(ArchiveQueryTest, IsExactWhereverThePlacerStands) {
  this->start({.place_entries = 5, .place_after = Duration{0}});
  std::mt19937 random{11};
  const auto roll = [&](std::uint32_t sides) { return random() % sides; };
  const std::array people{kRomeo, kJuliet, kNurse};
  struct Kept {
    std::uint64_t sequence;
    std::string peer;
  };
  std::map<std::string, std::vector<Kept>> model;

  for (int i = 0; i < 1'500; ++i) {
    const char* owner = people[roll(3)];
    const auto what = roll(100);
    if (what < 60) {
      const char* from = people[roll(3)];
      const domain::References references{.sender_archive = roll(4) != 0, .recipient_archive = roll(4) != 0};
      this->append(message(from, owner, references));
      if (references.sender_archive) model[from].push_back({this->sequence_, owner});
      if (references.recipient_archive && (owner != from || !references.sender_archive)) {
        model[owner].push_back({this->sequence_, from});
      }
      continue;
    }
    if (what < 61) {
      this->append(note(RecordKind::forget, owner));
      model[owner].clear();
      continue;
    }
    ArchiveQuery asked = query(owner, roll(20) + 1);
    if (roll(2) == 0) asked.with = jid(people[roll(3)]);
    if (roll(2) == 0) asked.after = roll(static_cast<std::uint32_t>(this->sequence_ + 1));
    if (roll(2) == 0) asked.before = roll(static_cast<std::uint32_t>(this->sequence_ + 2));
    asked.backwards = roll(2) == 0;
    Sequences expected;
    for (const auto& kept : model[owner]) {
      const bool with = asked.with.empty() || kept.peer == asked.with.full();
      if (with && kept.sequence > asked.after && kept.sequence < asked.before) expected.push_back(kept.sequence);
    }
    const bool complete = expected.size() <= asked.limit;
    if (!complete && asked.backwards) expected.erase(expected.begin(), expected.end() - static_cast<long>(asked.limit));
    if (!complete) expected.resize(asked.limit);

    const auto found = this->ask(asked);

    ASSERT_TRUE(found);
    ASSERT_EQ(sequences_of(*found), expected) << i;
    ASSERT_EQ(found->complete, complete) << i;
    if (!complete) {
      ASSERT_EQ(found->reached, asked.backwards ? expected.front() : expected.back()) << i;
    }
  }
}

}  // namespace
}  // namespace anser::store
