// Pages of an archive, wherever the placer stands.
#include <gmock/gmock.h>

#include <string>

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
using ::testing::IsEmpty;

template <class Engine>
class ArchiveQueryTest : public ArchiveTest<Engine> {};
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

}  // namespace
}  // namespace anser::store
