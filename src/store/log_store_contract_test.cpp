// What every engine's LogStore promises.
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "tests/support/store_engines.h"

namespace anser::store {
namespace {

using domain::LogRecord;
using domain::RecordKind;
using domain::SessionNote;
using test::message;
using test::note;
using test::noted;
using test::record;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <class Engine>
class LogStoreContract : public ::testing::Test {
 protected:
  domain::LogStore& log() { return *engine_.stores().log; }
  void append(std::vector<LogRecord> records) { ASSERT_TRUE(log().append(records)); }
  void append_messages(std::uint64_t from, std::uint64_t to) {
    std::vector<LogRecord> records;
    for (auto sequence = from; sequence <= to; ++sequence) {
      records.push_back(
          record(sequence, message("a@x.example", "b@x.example", {.offline = true}, std::to_string(sequence))));
    }
    append(std::move(records));
  }
  std::vector<std::uint64_t> sequences() {
    std::vector<std::uint64_t> all;
    const auto records = log().read(0, 100'000);
    for (const auto& found : *records) all.push_back(found.sequence);
    return all;
  }

  Engine engine_;
};
TYPED_TEST_SUITE(LogStoreContract, test::Engines, test::EngineNames);

TYPED_TEST(LogStoreContract, BeginsEmpty) {
  EXPECT_EQ(this->log().last_sequence().value(), 0u);
  EXPECT_EQ(this->log().last_time().value(), Time{});
  EXPECT_THAT(this->sequences(), IsEmpty());
  EXPECT_THAT(this->log().fetch(std::vector<std::uint64_t>{1}).value(), IsEmpty());
}

TYPED_TEST(LogStoreContract, GivesRecordsOfEveryKindBack) {
  auto full =
      message("罗密欧@montague.example/果园", "juliet@capulet.example",
              {.sender_archive = true, .recipient_archive = true, .offline = true, .outbound = true}, "再见 😀");
  full.envelope.facts.priority = -3;
  full.envelope.origin_id = "o";
  auto alias = message("romeo@montague.example", "juliet@127.0.0.1", {.offline = true});
  alias.owner = test::jid("juliet@capulet.example");
  this->append({record(1, full), record(2, alias), record(3, note(RecordKind::offline, "juliet@capulet.example", 1)),
                record(4, note(RecordKind::delivered, "juliet@capulet.example", 2)),
                record(5, note(RecordKind::forget, "juliet@capulet.example")),
                record(6, test::released("juliet@capulet.example", {1, 2, 700}))});
  this->engine_.reopen();

  const auto records = this->log().read(1, 10);

  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 6u);
  EXPECT_EQ((*records)[0].entry.envelope, full.envelope);
  EXPECT_EQ((*records)[0].entry.references, full.references);
  EXPECT_EQ((*records)[0].entry.owner, full.owner);
  EXPECT_EQ((*records)[0].time, record(1, full).time);
  EXPECT_EQ((*records)[1].entry.owner, alias.owner);
  EXPECT_EQ((*records)[1].entry.envelope.to, alias.envelope.to);
  EXPECT_EQ((*records)[2].entry.kind, RecordKind::offline);
  EXPECT_EQ((*records)[2].entry.target, 1u);
  EXPECT_EQ((*records)[3].entry.kind, RecordKind::delivered);
  EXPECT_EQ((*records)[3].entry.target, 2u);
  EXPECT_EQ((*records)[4].entry.kind, RecordKind::forget);
  EXPECT_EQ((*records)[4].entry.owner, alias.owner);
  EXPECT_EQ((*records)[5].entry.kind, RecordKind::released);
  EXPECT_THAT((*records)[5].entry.sequences, ElementsAre(1, 2, 700));
}

TYPED_TEST(LogStoreContract, WritesOverWhatIsThereAndLeavesTheRest) {
  this->append_messages(1, 3);
  auto records = this->log().read(2, 1).value();
  const Time time = records[0].time;
  records[0].entry.envelope.inner = {};
  records[0].time = {};
  records.push_back(records[0]);
  records[1].sequence = 9;  // not there

  ASSERT_TRUE(this->log().replace(records));
  this->engine_.reopen();

  const auto found = this->log().read(1, 10).value();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(test::text_of(found[0]), "<body>1</body>");
  EXPECT_EQ(test::text_of(found[1]), "");
  EXPECT_EQ(found[1].sequence, 2u);
  EXPECT_EQ(found[1].time, time);
  EXPECT_EQ(test::text_of(found[2]), "<body>3</body>");
  EXPECT_EQ(this->log().last_sequence().value(), 3u);
}

TYPED_TEST(LogStoreContract, FindsTheFirstRecordSinceATime) {
  EXPECT_EQ(this->log().first_since(Time{}).value(), 1u);
  this->append_messages(1, 1'000);
  std::vector<std::uint64_t> gone;
  for (std::uint64_t sequence = 400; sequence < 700; ++sequence) gone.push_back(sequence);
  ASSERT_TRUE(this->log().erase(gone));
  this->engine_.reopen();
  auto& log = *this->engine_.stores().log_reader;
  const auto since = [&](std::int64_t sequence) { return log.first_since(test::at(1'700'000'000'000'000 + sequence)); };

  for (const std::int64_t sequence : {1, 2, 399, 701, 999, 1'000}) {
    EXPECT_EQ(since(sequence).value(), static_cast<std::uint64_t>(sequence));
  }
  EXPECT_EQ(since(-5).value(), 1u);
  for (const std::int64_t sequence : {400, 650, 700}) {  // anything up to the next that is there will do
    EXPECT_GT(since(sequence).value(), 399u);
    EXPECT_LE(since(sequence).value(), 700u);
  }
  EXPECT_EQ(since(1'001).value(), 1'001u);
}

TYPED_TEST(LogStoreContract, ReadsTenThousandRecordsPageByPage) {
  constexpr std::uint64_t kRecords = 10'000;
  this->append_messages(1, 4'000);
  this->append_messages(4'001, kRecords);

  std::uint64_t next = 1;
  while (next <= kRecords) {
    const auto page = this->log().read(next, 777);
    ASSERT_TRUE(page && !page->empty() && page->size() <= 777);
    for (const auto& found : *page) {
      ASSERT_EQ(found.sequence, next);
      ASSERT_EQ(test::text_of(found), "<body>" + std::to_string(next) + "</body>");
      ++next;
    }
  }

  EXPECT_THAT(this->log().read(next, 777).value(), IsEmpty());
  EXPECT_EQ(this->log().last_sequence().value(), kRecords);
  EXPECT_EQ(this->log().last_time().value(), record(kRecords, {}).time);
}

TYPED_TEST(LogStoreContract, RefusesSequencesThatDoNotAscendAndStoresNothingOfThem) {
  this->append_messages(1, 3);
  const auto entry = message("a@x.example", "b@x.example", {});

  for (const auto& batch : {std::vector{record(3, entry)}, std::vector{record(4, entry), record(4, entry)},
                            std::vector{record(5, entry), record(6, entry), record(2, entry)}}) {
    const auto refused = this->log().append(batch);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
  }

  EXPECT_THAT(this->sequences(), ElementsAre(1, 2, 3));
  this->append_messages(4, 4);
  EXPECT_EQ(this->log().last_sequence().value(), 4u);
}

TYPED_TEST(LogStoreContract, FetchesWhatIsThereInTheOrderAsked) {
  this->append_messages(1, 5);

  const auto found = this->log().fetch(std::vector<std::uint64_t>{4, 9, 1, 0});

  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].sequence, 4u);
  EXPECT_EQ((*found)[1].sequence, 1u);
}

TYPED_TEST(LogStoreContract, ErasesWhatItIsToldToAndNothingElse) {
  this->append_messages(1, 10);

  ASSERT_TRUE(this->log().erase(std::vector<std::uint64_t>{1, 2, 3, 5, 7, 8, 99}));
  ASSERT_TRUE(this->log().erase(std::vector<std::uint64_t>{2, 3}));
  ASSERT_TRUE(this->log().erase({}));

  EXPECT_THAT(this->sequences(), ElementsAre(4, 6, 9, 10));
}

TYPED_TEST(LogStoreContract, NeverGivesASequenceTwiceThoughTheLastIsErased) {
  this->append_messages(1, 3);
  const Time time = this->log().last_time().value();

  ASSERT_TRUE(this->log().erase(std::vector<std::uint64_t>{1, 2, 3}));
  this->engine_.reopen();

  EXPECT_EQ(this->log().last_sequence().value(), 3u);
  EXPECT_EQ(this->log().last_time().value(), time);
  EXPECT_FALSE(this->log().append(std::vector{record(3, message("a@x.example", "b@x.example", {}))}));
  this->append_messages(4, 5);
  EXPECT_EQ(this->log().last_sequence().value(), 5u);
}

TYPED_TEST(LogStoreContract, KeepsWhatSessionsNoteBySessionAndKey) {
  constexpr std::uint64_t kFar = ~0ull, kHalf = 1ull << 63, kLast = (1ull << 63) - 1;
  EXPECT_THAT(this->log().notes().value(), IsEmpty());
  const auto entry = message("a@x.example", "b@x.example", {.offline = true});
  this->append({record(1, noted({kFar, 9, "i"}, entry)), record(0, noted({2, 1'000, "x"})),
                record(2, noted({kFar, kLast, std::string("\0b", 2)}, entry)), record(0, noted({kFar, 0, "a"}))});
  this->append(
      {record(0, noted({2, 999, "w"})), record(0, noted({kHalf, 1, "h"})), record(0, noted({kHalf - 1, 1, "g"}))});
  this->append({record(3, noted({kFar, 10, "j"}, note(RecordKind::delivered, "b@x.example", 1))),
                record(0, noted({2, 1, ""})), record(0, noted({3, 1, ""}))});
  this->engine_.reopen();
  this->append({record(0, noted({2, 1'000, "y"}))});

  EXPECT_THAT(this->log().notes().value(),
              ElementsAre(SessionNote{2, 999, "w"}, SessionNote{2, 1'000, "y"}, SessionNote{kHalf - 1, 1, "g"},
                          SessionNote{kHalf, 1, "h"}, SessionNote{kFar, 0, "a"}, SessionNote{kFar, 9, "i"},
                          SessionNote{kFar, 10, "j"}, SessionNote{kFar, kLast, std::string("\0b", 2)}));
  EXPECT_THAT(this->sequences(), ElementsAre(1, 2, 3)) << "a note is no record";
  EXPECT_EQ(this->log().last_time().value(), record(3, {}).time);
  EXPECT_EQ(this->log().read(1, 1)->front().entry.note, nullptr);
}

TYPED_TEST(LogStoreContract, ErasesARangeOfASessionsKeysBeforeItWrites) {
  for (const std::uint64_t session : {1, 2}) {
    for (std::uint64_t key = 0; key < 10; ++key) this->append({record(0, noted({session, key, "old"}))});
  }
  this->append({record(0, noted({1, 3, "new", SessionNote::Range{2, 7}})), record(0, noted(test::erasure(3)))});
  this->engine_.reopen();

  auto notes = this->log().notes().value();
  ASSERT_EQ(notes.size(), 15u) << "the other session's are left";
  notes.resize(5);
  EXPECT_THAT(notes, ElementsAre(SessionNote{1, 0, "old"}, SessionNote{1, 1, "old"}, SessionNote{1, 3, "new"},
                                 SessionNote{1, 8, "old"}, SessionNote{1, 9, "old"}));

  this->append({record(0, noted(test::erasure(2))), record(0, noted(test::erasure(1, 9, 9))),
                record(0, noted(test::erasure(1, 3, 2))), record(0, noted(test::erasure(1, ~0ull)))});
  EXPECT_THAT(this->log().notes().value(), ElementsAre(SessionNote{1, 0, "old"}, SessionNote{1, 1, "old"},
                                                       SessionNote{1, 3, "new"}, SessionNote{1, 8, "old"}));
}

TYPED_TEST(LogStoreContract, TakesTheNotesOfOneBatchInTheirOrder) {
  this->append(
      {record(0, noted({1, 1, "lost"})), record(0, noted({1, 20, "lost"})), record(0, noted({1, 30, "stays"}))});
  this->append({record(0, noted({1, 2, "lost"})), record(0, noted({1, 3, "first"})), record(0, noted({2, 1, "lost"})),
                record(0, noted({1, 4, "then", SessionNote::Range{1, 2}})), record(0, noted({1, 3, "last"})),
                record(0, noted(test::erasure(2))), record(0, noted({2, 2, "again"})), record(0, noted({1, 9, "x"})),
                record(0, noted({1, 5, "", SessionNote::Range{3, 3}})), record(0, noted({1, 2, "back"})),
                record(0, noted(test::erasure(1, 9, 20))), record(0, noted(test::erasure(3))),
                record(0, noted(test::erasure(2, 3)))});
  this->engine_.reopen();

  EXPECT_THAT(this->log().notes().value(), ElementsAre(SessionNote{1, 2, "back"}, SessionNote{1, 4, "then"},
                                                       SessionNote{1, 30, "stays"}, SessionNote{2, 2, "again"}));
}

// However a batch is cut, the plain model says the same.
TYPED_TEST(LogStoreContract, SaysOfNotesWhatAPlainModelSays) {
  std::mt19937 random{11};
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> model;
  for (int round = 0; round < 100; ++round) {
    std::vector<LogRecord> batch;
    for (auto left = random() % 30; left > 0; --left) {
      SessionNote note{1 + random() % 3, random() % 12, random() % 4 ? std::to_string(random()) : ""};
      if (random() % 3 == 0) {
        note.erase = SessionNote::Range{random() % 12, 0};
        note.erase->through = note.erase->from + random() % 5;
        model.erase(model.lower_bound({note.session, note.erase->from}),
                    model.upper_bound({note.session, note.erase->through}));
      }
      if (!note.bytes.empty()) model[{note.session, note.key}] = note.bytes;
      batch.push_back(record(0, noted(note)));
    }
    this->append(batch);
    std::vector<SessionNote> expected;
    for (const auto& [place, bytes] : model) expected.push_back({place.first, place.second, bytes});
    ASSERT_EQ(this->log().notes().value(), expected) << round;
  }
}

TYPED_TEST(LogStoreContract, WritesNoNoteOfABatchThatIsRefused) {
  this->append({record(1, noted({1, 1, "a"}, message("a@x.example", "b@x.example", {})))});
  const auto entry = message("a@x.example", "b@x.example", {});

  EXPECT_FALSE(this->log().append(
      std::vector{record(0, noted(test::erasure(1))), record(2, noted({2, 1, "b"}, entry)), record(2, entry)}));

  EXPECT_THAT(this->log().notes().value(), ElementsAre(SessionNote{1, 1, "a"}));
  this->append({record(2, entry)});
  EXPECT_THAT(this->log().notes().value(), ElementsAre(SessionNote{1, 1, "a"}));
}

TYPED_TEST(LogStoreContract, TakesNoKeyThatNotEveryEngineCanOrder) {
  EXPECT_DEATH(this->append({record(0, noted({1, 1ull << 63, "a"}))}), "broken invariant");
  EXPECT_DEATH(this->append({record(0, noted({0, 1, "a"}))}), "broken invariant");
}

TYPED_TEST(LogStoreContract, ShowsAReaderWhatTheWriterCommitted) {
  this->append_messages(1, 2);

  const auto seen = this->engine_.stores().log_reader->read(1, 10);

  EXPECT_EQ(seen->size(), 2u);
}

}  // namespace
}  // namespace anser::store
