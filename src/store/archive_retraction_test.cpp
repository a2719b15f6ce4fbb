// What is taken back (XEP-0424) and what expires, in an archive.
#include <gmock/gmock.h>

#include <random>
#include <string>
#include <thread>

#include "store/burial.h"
#include "store/sqlite/chunk.h"
#include "tests/support/archive_fixture.h"

namespace anser::store {
namespace {

using namespace archive_test;
using domain::ArchiveQuery;
using domain::RecordKind;
using test::jid;
using test::message;
using test::note;
using ::testing::ElementsAre;

template <class Engine>
class ArchiveRetractionTest : public ArchiveTest<Engine> {};
TYPED_TEST_SUITE(ArchiveRetractionTest, test::Engines, test::EngineNames);

// ---- retraction -----------------------------------------------------------------------------------------------------

TYPED_TEST(ArchiveRetractionTest, ShowsATombstoneFromTheMomentOfTheRetraction) {
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

TYPED_TEST(ArchiveRetractionTest, LetsNobodyTakeBackWhatAnotherSaid) {
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
TYPED_TEST(ArchiveRetractionTest, TakesBackTheLastMessageOfAnId) {
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

TYPED_TEST(ArchiveRetractionTest, TakesBackTheRightOneOfManyThatLookAlike) {
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

TYPED_TEST(ArchiveRetractionTest, ComparesOnlySoMany) {
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

TYPED_TEST(ArchiveRetractionTest, GoesOnWithARetractionWhenTheArchiveDoes) {
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

TYPED_TEST(ArchiveRetractionTest, BuriesAtStartWhatACrashLeftUnburied) {
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

TYPED_TEST(ArchiveRetractionTest, KeepsNoMessageForLongerThanItMay) {
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
TYPED_TEST(ArchiveRetractionTest, IsExactWhereverThePlacerStands) {
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
