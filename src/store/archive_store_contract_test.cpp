// What every engine's ArchiveStore promises.
#include <gmock/gmock.h>

#include <limits>
#include <map>
#include <random>
#include <set>

#include "tests/support/store_engines.h"

namespace anser::store {
namespace {

using domain::Jid;
using domain::LogRecord;
using domain::RecordKind;
using test::jid;
using test::message;
using test::note;
using test::record;
using test::released;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Sequences = std::vector<std::uint64_t>;

constexpr const char* kRomeo = "romeo@montague.example";
constexpr const char* kJuliet = "juliet@capulet.example";
constexpr const char* kNurse = "nurse@capulet.example";
constexpr domain::References kBoth{.sender_archive = true, .recipient_archive = true};
constexpr domain::References kOffline{.offline = true};
constexpr domain::References kAll{.sender_archive = true, .recipient_archive = true, .offline = true};
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

template <class Engine>
class ArchiveStoreContract : public ::testing::Test {
 protected:
  domain::ArchiveStore& archive() { return *engine_.stores().archive; }

  Sequences place(std::vector<LogRecord> records) {
    const auto dead = archive().place(records);
    EXPECT_TRUE(dead) << dead.error().message;
    return dead.value_or(Sequences{});
  }
  // The next records, each placed in a batch of its own or all in one: it must not matter.
  Sequences place_next(std::vector<domain::LogEntry> entries, bool one_batch) {
    std::vector<LogRecord> records;
    for (auto& entry : entries) records.push_back(record(++last_, std::move(entry)));
    if (one_batch) return place(records);
    Sequences dead;
    for (const auto& each : records) {
      const auto died = place({each});
      dead.insert(dead.end(), died.begin(), died.end());
    }
    std::sort(dead.begin(), dead.end());
    return dead;
  }
  Sequences waiting(const char* owner) { return archive().offline(jid(owner), 0, kNoLimit).value(); }
  Sequences archived(const char* owner, const char* peer = nullptr) {
    return archive().archived({.owner = jid(owner), .peer = peer ? jid(peer) : Jid{}, .limit = kNoLimit}).value();
  }
  void start_again() {
    engine_.~Engine();
    new (&engine_) Engine{};
    last_ = 0;
  }

  Engine engine_;
  std::uint64_t last_ = 0;
};
TYPED_TEST_SUITE(ArchiveStoreContract, test::Engines, test::EngineNames);

TYPED_TEST(ArchiveStoreContract, BeginsEmpty) {
  EXPECT_EQ(this->archive().watermark().value(), 0u);
  EXPECT_THAT(this->archive().dead().value(), IsEmpty());
  EXPECT_THAT(this->waiting(kRomeo), IsEmpty());
  EXPECT_THAT(this->archived(kRomeo), IsEmpty());
}

TYPED_TEST(ArchiveStoreContract, PutsAMessageIntoTheArchivesThatItsReferencesName) {
  const auto dead =
      this->place_next({message(kRomeo, kJuliet, kBoth), message(kJuliet, kRomeo, {.sender_archive = true}),
                        message(kNurse, kJuliet, {.recipient_archive = true})},
                       true);
  this->engine_.reopen();

  EXPECT_THAT(dead, IsEmpty());
  EXPECT_THAT(this->archived(kRomeo), ElementsAre(1));
  EXPECT_THAT(this->archived(kJuliet), ElementsAre(1, 2, 3));
  EXPECT_THAT(this->archived(kJuliet, kRomeo), ElementsAre(1, 2));
  EXPECT_THAT(this->archived(kJuliet, kNurse), ElementsAre(3));
  EXPECT_THAT(this->archived(kJuliet, "juliet@capulet.example"), IsEmpty());
  EXPECT_THAT(this->archived(kNurse), IsEmpty());
  EXPECT_THAT(this->archived("stranger@x.example"), IsEmpty());
  EXPECT_THAT(this->archived(kJuliet, "stranger@x.example"), IsEmpty());
  EXPECT_EQ(this->archive().watermark().value(), 3u);
}

TYPED_TEST(ArchiveStoreContract, PutsAMessageToAnAliasIntoTheAccountItLeadsTo) {
  auto entry = message(kRomeo, "juliet@192.0.2.1", kAll);
  entry.owner = jid(kJuliet);
  auto own = message("romeo@montague.example/orchard", kRomeo, kBoth);
  own.envelope.to = {};  // to the own account
  this->place_next({entry, own}, true);

  EXPECT_THAT(this->archived(kJuliet, kRomeo), ElementsAre(1));
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(1));
  EXPECT_THAT(this->archived(kRomeo, kJuliet), ElementsAre(1));  // one conversation, whatever she is called
  EXPECT_THAT(this->archived(kRomeo, kRomeo), ElementsAre(2));
}

TYPED_TEST(ArchiveStoreContract, KeepsAMessageToOneselfOnce) {
  this->place_next({message(kRomeo, kRomeo, kBoth), note(RecordKind::forget, kRomeo)}, false);

  EXPECT_THAT(this->archived(kRomeo), IsEmpty());
  this->start_again();
  this->place_next({message(kRomeo, kRomeo, kBoth)}, true);
  EXPECT_THAT(this->archived(kRomeo), ElementsAre(1));
  EXPECT_THAT(this->place_next({note(RecordKind::forget, kRomeo)}, true), ElementsAre(1, 2));
}

TYPED_TEST(ArchiveStoreContract, LetsARecordWithoutReferencesDieAtOnce) {
  EXPECT_THAT(this->place_next({message(kRomeo, kJuliet, {}), message(kRomeo, kJuliet, {.outbound = true})}, true),
              ElementsAre(1));
}

TYPED_TEST(ArchiveStoreContract, KeepsOfflineMessagesUntilTheyAreDelivered) {
  for (const bool one_batch : {true, false}) {
    this->start_again();
    this->place_next({message(kRomeo, kJuliet, kOffline), message(kNurse, kRomeo, kOffline),
                      message(kRomeo, kJuliet, kOffline), message(kRomeo, kJuliet, kAll)},
                     one_batch);
    EXPECT_THAT(this->waiting(kJuliet), ElementsAre(1, 3, 4));

    const auto dead = this->place_next({note(RecordKind::delivered, kJuliet, 3)}, one_batch);

    EXPECT_THAT(dead, ElementsAre(1, 3, 5));
    EXPECT_THAT(this->waiting(kJuliet), ElementsAre(4));
    EXPECT_THAT(this->waiting(kRomeo), ElementsAre(2));
    EXPECT_THAT(this->place_next({note(RecordKind::delivered, kJuliet, 4)}, one_batch), ElementsAre(6));
    EXPECT_THAT(this->archived(kJuliet), ElementsAre(4));
  }
}

TYPED_TEST(ArchiveStoreContract, TakesBackWithinOneBatchWhatTheBatchBrought) {
  const auto dead = this->place_next(
      {message(kRomeo, kJuliet, kOffline), note(RecordKind::delivered, kJuliet, 1), message(kRomeo, kJuliet, kOffline)},
      true);

  EXPECT_THAT(dead, ElementsAre(1, 2));
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(3));
}

TYPED_TEST(ArchiveStoreContract, ReleasesExactlyWhatItIsTold) {
  for (const bool one_batch : {true, false}) {
    this->start_again();
    const auto dead =
        this->place_next({message(kRomeo, kJuliet, kOffline), message(kRomeo, kJuliet, kAll),
                          message(kRomeo, kJuliet, kOffline), message(kRomeo, kNurse, kOffline),
                          released(kJuliet, {2, 3, 4, 5, 4'000'000'000'000}), released("stranger@x.example", {1})},
                         one_batch);

    EXPECT_THAT(dead, ElementsAre(3, 5, 6));
    EXPECT_THAT(this->waiting(kJuliet), ElementsAre(1));
    EXPECT_THAT(this->waiting(kNurse), ElementsAre(4)) << "not hers to release";
    EXPECT_THAT(this->archived(kJuliet), ElementsAre(2));
    EXPECT_THAT(this->place_next({released(kJuliet, {}), released(kJuliet, {3})}, one_batch), ElementsAre(7, 8));
    EXPECT_THAT(this->place_next({note(RecordKind::offline, kJuliet, 2), note(RecordKind::offline, kJuliet, 3),
                                  released(kJuliet, {1})},
                                 one_batch),
                ElementsAre(1, 9, 10, 11));
    EXPECT_THAT(this->waiting(kJuliet), ElementsAre(2)) << "what its archive holds can wait again";
    EXPECT_THAT(this->place_next({released(kJuliet, {2}), note(RecordKind::delivered, kJuliet, 12)}, one_batch),
                ElementsAre(12, 13));
    EXPECT_THAT(this->waiting(kJuliet), IsEmpty());
    EXPECT_THAT(this->archived(kJuliet), ElementsAre(2));
  }
}

TYPED_TEST(ArchiveStoreContract, KeepsForLaterWhatCouldNotBeDelivered) {
  for (const bool one_batch : {true, false}) {
    this->start_again();
    const auto dead = this->place_next({message(kRomeo, kJuliet, kBoth), message(kRomeo, kJuliet, kOffline),
                                        note(RecordKind::offline, kJuliet, 1), note(RecordKind::offline, kJuliet, 1)},
                                       one_batch);

    EXPECT_THAT(dead, ElementsAre(3, 4));
    EXPECT_THAT(this->waiting(kJuliet), ElementsAre(1, 2));
    EXPECT_THAT(this->place_next({note(RecordKind::delivered, kJuliet, 2)}, one_batch), ElementsAre(2, 5));
    EXPECT_THAT(this->waiting(kJuliet), IsEmpty());
    EXPECT_THAT(this->archived(kJuliet), ElementsAre(1));
  }
}

TYPED_TEST(ArchiveStoreContract, DoesNotBringBackWhatIsDeadOrNeverWas) {
  for (const bool one_batch : {true, false}) {
    this->start_again();
    this->place_next(
        {message(kRomeo, kJuliet, kOffline), note(RecordKind::delivered, kJuliet, 1),
         note(RecordKind::offline, kJuliet, 1), note(RecordKind::offline, kJuliet, 4'000'000'000'000),
         message(kRomeo, kJuliet, {}), note(RecordKind::offline, kJuliet, 5), note(RecordKind::offline, kJuliet, 0)},
        one_batch);

    EXPECT_THAT(this->waiting(kJuliet), IsEmpty());
  }
}

TYPED_TEST(ArchiveStoreContract, ForgetsAnAccountButNotItsPeersCopies) {
  for (const bool one_batch : {true, false}) {
    this->start_again();
    const auto dead =
        this->place_next({message(kRomeo, kJuliet, kAll), message(kJuliet, kRomeo, {.sender_archive = true}),
                          message(kNurse, kJuliet, kOffline), message(kJuliet, kNurse, kAll),
                          note(RecordKind::forget, kJuliet), message(kRomeo, kJuliet, kAll)},
                         one_batch);

    EXPECT_THAT(dead, ElementsAre(2, 3, 5));
    EXPECT_THAT(this->archived(kJuliet), ElementsAre(6));
    EXPECT_THAT(this->archived(kJuliet, kRomeo), ElementsAre(6));
    EXPECT_THAT(this->waiting(kJuliet), ElementsAre(6));
    EXPECT_THAT(this->archived(kRomeo), ElementsAre(1, 6));
    EXPECT_THAT(this->archived(kNurse), ElementsAre(4));
    EXPECT_THAT(this->waiting(kNurse), ElementsAre(4));
    EXPECT_THAT(this->place_next({note(RecordKind::forget, kRomeo)}, one_batch), ElementsAre(1, 7));
  }
}

TYPED_TEST(ArchiveStoreContract, IgnoresWhatIsSaidOfAccountsItNeverSaw) {
  EXPECT_THAT(this->place_next({note(RecordKind::delivered, kJuliet, 9), note(RecordKind::forget, kNurse)}, true),
              ElementsAre(1, 2));
}

TYPED_TEST(ArchiveStoreContract, PlacesABatchOnlyOnce) {
  const std::vector<LogRecord> batch{record(1, message(kRomeo, kJuliet, kAll)),
                                     record(2, message(kRomeo, kJuliet, kOffline)),
                                     record(3, note(RecordKind::delivered, kJuliet, 1))};
  EXPECT_THAT(this->place(batch), ElementsAre(1 + 2));

  EXPECT_THAT(this->place(batch), IsEmpty());
  EXPECT_THAT(this->place({batch[1], batch[2], record(4, message(kRomeo, kJuliet, kAll))}), IsEmpty());
  EXPECT_THAT(this->place({}), IsEmpty());

  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(2, 4));
  EXPECT_THAT(this->archived(kJuliet), ElementsAre(1, 4));
  EXPECT_THAT(this->archived(kRomeo), ElementsAre(1, 4));
  EXPECT_EQ(this->archive().watermark().value(), 4u);
}

TYPED_TEST(ArchiveStoreContract, RemembersTheDeadUntilTheNextPlacing) {
  this->place_next({message(kRomeo, kJuliet, {}), message(kRomeo, kJuliet, kOffline), message(kRomeo, kJuliet, {})},
                   true);
  this->engine_.reopen();
  EXPECT_THAT(this->archive().dead().value(), ElementsAre(1, 3));
  EXPECT_THAT(this->archive().dead().value(), ElementsAre(1, 3));

  this->place_next({message(kRomeo, kJuliet, {})}, true);

  EXPECT_THAT(this->archive().dead().value(), ElementsAre(4));
  this->place_next({message(kRomeo, kJuliet, kOffline)}, true);
  EXPECT_THAT(this->archive().dead().value(), IsEmpty());
}

TYPED_TEST(ArchiveStoreContract, PagesThroughTenThousandMessages) {
  constexpr std::uint64_t kMessages = 10'000;
  std::vector<LogRecord> batch;
  Sequences with_nurse, waiting;
  for (std::uint64_t sequence = 1; sequence <= kMessages; ++sequence) {
    const bool nurse = sequence % 97 == 0;
    batch.push_back(record(sequence, message(nurse ? kNurse : kRomeo, kJuliet, sequence % 3 ? kBoth : kAll)));
    if (nurse) with_nurse.push_back(sequence);
    if (sequence % 3 == 0) waiting.push_back(sequence);
    if (batch.size() == 613) this->place(std::exchange(batch, {}));
  }
  this->place(batch);
  this->engine_.reopen();

  const auto pages = [&](auto page_after) {
    Sequences all;
    for (std::uint64_t after = 0;;) {
      const Sequences page = page_after(after).value();
      if (page.empty()) return all;
      EXPECT_LE(page.size(), 50u);
      all.insert(all.end(), page.begin(), page.end());
      after = page.back();
    }
  };
  auto& archive = *this->engine_.stores().archive_reader;
  const Sequences all =
      pages([&](auto after) { return archive.archived({.owner = jid(kJuliet), .after = after, .limit = 50}); });
  ASSERT_EQ(all.size(), kMessages);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_EQ(std::set<std::uint64_t>(all.begin(), all.end()).size(), kMessages);
  EXPECT_EQ(pages([&](auto after) {
              return archive.archived({.owner = jid(kJuliet), .peer = jid(kNurse), .after = after, .limit = 50});
            }),
            with_nurse);
  EXPECT_EQ(pages([&](auto after) { return archive.offline(jid(kJuliet), after, 50); }), waiting);
  EXPECT_EQ(this->archived(kNurse), with_nurse);
}

TYPED_TEST(ArchiveStoreContract, FindsWhatARetractionMayMean) {
  const auto said = [](const char* from, const char* to, const char* id, const char* origin = "") {
    auto entry = message(from, to, kBoth);
    entry.envelope.id = id;
    entry.envelope.origin_id = origin;
    return entry;
  };
  const auto taken_back = [&](const char* from, const char* to, const char* id, domain::References references = kBoth) {
    auto entry = said(from, to, "r");
    entry.references = references;
    entry.envelope.retracts = id;
    return entry;
  };
  this->place_next({said(kRomeo, kJuliet, "a", "b"),  // 1
                    said(kJuliet, kRomeo, "a"),       // 2: hers
                    said(kRomeo, kNurse, "a"),        // 3: elsewhere
                    said(kRomeo, kRomeo, "self")},    // 4
                   true);
  EXPECT_THAT(this->archive().retractions().value(), IsEmpty());

  this->place_next({taken_back(kRomeo, kJuliet, "a"),                               // 5
                    said(kRomeo, kJuliet, "c"),                                     // 6: of the same batch
                    taken_back(kRomeo, kJuliet, "b"),                               // 7: by the origin-id
                    taken_back(kRomeo, kJuliet, "c", {.recipient_archive = true}),  // 8
                    taken_back(kRomeo, kJuliet, "unknown"),                         // 9
                    taken_back(kRomeo, kRomeo, "self"),                             // 10
                    taken_back(kNurse, kJuliet, "a"),                               // 11: not hers
                    taken_back(kRomeo, kJuliet, "a", {.offline = true})},           // 12: not kept itself
                   true);
  this->engine_.reopen();

  EXPECT_THAT(this->engine_.stores().archive->retractions().value(), ElementsAre(5, 7, 8, 9, 10, 11));
  EXPECT_TRUE(this->engine_.stores().archive->place({}));
  EXPECT_THAT(this->engine_.stores().archive->retractions().value(), ElementsAre(5, 7, 8, 9, 10, 11));
  const auto sought = [&](const char* from, const char* to, const char* id, std::uint64_t before, bool sent = true) {
    std::size_t work = 10;
    return this->engine_.stores()
        .archive
        ->may_bear(
            {.owner = jid(sent ? from : to), .peer = jid(sent ? to : from), .sent = sent, .id = id, .before = before},
            work)
        .value();
  };
  for (const bool sent : {true, false}) {
    EXPECT_THAT(sought(kRomeo, kJuliet, "a", 5, sent), ElementsAre(1));
    EXPECT_THAT(sought(kRomeo, kJuliet, "a", 1, sent), IsEmpty());
    EXPECT_THAT(sought(kRomeo, kJuliet, "b", 7, sent), ElementsAre(1)) << "by the origin-id";
    EXPECT_THAT(sought(kRomeo, kJuliet, "c", 8, sent), ElementsAre(6));
    EXPECT_THAT(sought(kRomeo, kJuliet, "unknown", 9, sent), IsEmpty());
    EXPECT_THAT(sought(kRomeo, kRomeo, "self", 10, sent), ElementsAre(4));
    EXPECT_THAT(sought(kNurse, kJuliet, "a", 11, sent), IsEmpty()) << "not hers";
  }
  this->place_next({said(kRomeo, kJuliet, "d")}, true);
  EXPECT_THAT(this->archive().retractions().value(), IsEmpty());
}

TYPED_TEST(ArchiveStoreContract, LooksForAnIdInPieces) {
  constexpr std::uint64_t kMessages = 1'000;
  std::vector<domain::LogEntry> entries;
  for (std::uint64_t i = 1; i <= kMessages; ++i) {
    entries.push_back(message(kRomeo, kJuliet, kBoth));
    entries.back().envelope.id = i % 10 ? "other" + std::to_string(i) : "same";
  }
  this->place_next(std::move(entries), true);

  domain::Sought sought{
      .owner = jid(kRomeo), .peer = jid(kJuliet), .sent = true, .id = "same", .before = kMessages + 1};
  Sequences found;
  std::size_t work = 100;
  for (;;) {
    const auto more = this->archive().may_bear(sought, work).value();
    if (more.empty()) break;
    EXPECT_LE(more.size(), 64u);
    found.insert(found.end(), more.begin(), more.end());
    sought.before = more.back();
  }
  std::erase_if(found, [](auto sequence) { return sequence % 10 != 0; });  // false alarms

  ASSERT_EQ(found.size(), kMessages / 10);
  EXPECT_TRUE(std::is_sorted(found.rbegin(), found.rend()));
  EXPECT_GT(work, 50u);
  sought.before = kMessages + 1;
  sought.id = "nowhere at all";
  work = 3;
  EXPECT_THAT(this->archive().may_bear(sought, work).value(), IsEmpty());
  EXPECT_EQ(work, 0u);
}

TYPED_TEST(ArchiveStoreContract, LetsTheOldestGo) {
  std::vector<LogRecord> batch;
  for (std::uint64_t sequence = 1; sequence <= 500; ++sequence) {
    batch.push_back(record(sequence, message(sequence % 5 ? kRomeo : kNurse, kJuliet,
                                             sequence == 3  ? kAll
                                             : sequence % 2 ? kBoth
                                                            : domain::References{.recipient_archive = true})));
  }
  this->place(batch);
  domain::Expiry expiry{.before = batch[200].time, .work = 2};  // 201 stays

  std::set<std::uint64_t> dead;
  for (bool more = true; more;) {
    const auto expired = this->archive().expire(expiry);
    ASSERT_TRUE(expired);
    more = expired->more;
    dead.insert(expired->dead.begin(), expired->dead.end());
  }
  this->engine_.reopen();

  const Sequences left = this->archived(kJuliet);
  ASSERT_EQ(left.size(), 300u);
  EXPECT_EQ(left.front(), 201u);  // no holes
  EXPECT_EQ(left.back(), 500u);
  EXPECT_GE(this->archived(kRomeo).front(), 201u);
  EXPECT_EQ(this->archived(kJuliet, kNurse).front(), 205u);
  EXPECT_EQ(this->archived(kJuliet, kNurse).size(), 60u);
  EXPECT_EQ(this->archived(kNurse).size(), 30u);
  EXPECT_EQ(dead.size(), 199u);
  EXPECT_FALSE(dead.contains(3));  // it waits still
  EXPECT_THAT(this->waiting(kJuliet), ElementsAre(3));
  EXPECT_EQ(this->place_next({}, true).size(), 0u);
  this->last_ = 500;
  this->place_next({message(kRomeo, kJuliet, kBoth)}, true);  // and the archive goes on
  EXPECT_EQ(this->archived(kJuliet).size(), 301u);
  EXPECT_EQ(this->archived(kJuliet, kRomeo).back(), 501u);
}

TYPED_TEST(ArchiveStoreContract, KeepsAsManyAsItIsToldOrALittleMore) {
  std::vector<LogRecord> batch;
  for (std::uint64_t sequence = 1; sequence <= 1'000; ++sequence) {
    batch.push_back(record(sequence, message(sequence % 10 ? kRomeo : kNurse, kJuliet, kBoth)));
  }
  this->place(batch);

  for (int round = 0; round < 100; ++round) {
    const auto expired = this->archive().expire({.keep = 200, .work = 3});
    ASSERT_TRUE(expired);
    if (!expired->more) break;
  }

  for (const auto& [owner, most] : {std::pair{kJuliet, 200u + 128u}, std::pair{kRomeo, 200u + 128u}}) {
    const Sequences left = this->archived(owner);
    EXPECT_GE(left.size(), 200u);
    EXPECT_LE(left.size(), most);
    EXPECT_EQ(left.back(), owner == kJuliet ? 1'000u : 999u);
  }
  EXPECT_EQ(this->archived(kNurse).size(), 100u);
}

// What is expired is remembered as dead until the log has erased it.
TYPED_TEST(ArchiveStoreContract, RemembersTheDeadOfAnExpiry) {
  this->place_next({message(kRomeo, kJuliet, kBoth), message(kRomeo, kJuliet, kBoth)}, true);

  const auto expired = this->archive().expire({.before = test::at(1'700'000'000'000'002), .work = 10});
  ASSERT_TRUE(expired);
  EXPECT_THAT(expired->dead, ElementsAre(1));
  this->engine_.reopen();

  EXPECT_THAT(this->archive().dead().value(), ElementsAre(1));
  EXPECT_THAT(this->archived(kJuliet), ElementsAre(2));
}

// Two engines of which one is obviously right: whatever happens, in whatever batches, they say the same.
TYPED_TEST(ArchiveStoreContract, SaysWhatThePlainEngineSays) {
  constexpr std::array kPeople{kRomeo, kJuliet, kNurse, "tybalt@capulet.example"};
  std::mt19937 random{20'260'101};
  const auto roll = [&](std::uint32_t sides) { return random() % sides; };
  const auto plain = open_memory();
  std::uint64_t sequence = 0;
  std::map<std::uint64_t, const char*> recipients;
  std::set<std::uint64_t> dead, plain_dead;

  for (int round = 0; round < 150; ++round) {
    std::vector<LogRecord> batch;
    for (auto size = roll(40) + 1; size > 0; --size) {
      const char* owner = kPeople[roll(4)];
      const auto what = roll(100);
      domain::LogEntry entry;
      if (what < 70) {
        recipients[sequence + 1] = owner;
        entry = message(kPeople[roll(4)], owner,
                        {.sender_archive = roll(2) == 0, .recipient_archive = roll(2) == 0, .offline = roll(3) == 0});
      } else if (what < 80) {
        std::set<std::uint64_t> some;
        for (auto more = roll(6); more > 0; --more)
          some.insert(sequence + 1 - std::min<std::uint64_t>(sequence, roll(60)));
        entry = released(owner, {some.begin(), some.end()});
      } else if (what < 90) {
        entry = note(RecordKind::delivered, owner, sequence - std::min<std::uint64_t>(sequence, roll(50)));
      } else if (what < 99) {
        const std::uint64_t target = sequence == 0 ? 0 : roll(static_cast<std::uint32_t>(sequence)) + 1;
        entry = note(RecordKind::offline, recipients.contains(target) ? recipients[target] : owner, target);
      } else {
        entry = note(RecordKind::forget, owner);
      }
      batch.push_back(record(++sequence, entry));
    }
    for (const auto died : this->place(batch)) dead.insert(died);
    const Sequences plain_died = plain->archive->place(batch).value();
    plain_dead.insert(plain_died.begin(), plain_died.end());
  }

  EXPECT_EQ(dead, plain_dead);
  for (const char* owner : kPeople) {
    EXPECT_EQ(this->waiting(owner), plain->archive->offline(jid(owner), 0, kNoLimit).value()) << owner;
    EXPECT_EQ(this->archived(owner), plain->archive->archived({.owner = jid(owner), .limit = kNoLimit}).value())
        << owner;
    for (const char* peer : kPeople) {
      for (int i = 0; i < 40; ++i) {
        const domain::ArchiveRange range{.owner = jid(owner),
                                         .peer = roll(2) == 0 ? jid(peer) : Jid{},
                                         .after = roll(3) == 0 ? 0 : roll(static_cast<std::uint32_t>(sequence)),
                                         .before = roll(3) == 0 ? domain::kBehindAll : roll(2'000),
                                         .backwards = roll(2) == 0,
                                         .limit = roll(100) + 1};
        EXPECT_EQ(this->archive().archived(range).value(), plain->archive->archived(range).value())
            << owner << range.peer.full() << range.after << " " << range.before << range.backwards << range.limit;
      }
    }
  }
}

}  // namespace
}  // namespace anser::store
