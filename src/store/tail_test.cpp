#include "store/tail.h"

#include <gmock/gmock.h>

#include "tests/support/store_engines.h"

namespace anser::store {
namespace {

using domain::LogEntry;
using domain::RecordKind;
using test::message;
using test::note;
using test::record;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kRomeo = "romeo@montague.example";
constexpr const char* kJuliet = "juliet@capulet.example";
constexpr domain::References kOffline{.offline = true};
constexpr domain::References kArchived{.recipient_archive = true};

Tail tail_of(std::vector<LogEntry> entries, std::uint64_t first = 1) {
  Tail tail;
  for (auto& entry : entries) tail.push(record(first++, std::move(entry)));
  return tail;
}

TEST(Tail, SaysWhatWaitsForEachOwner) {
  const Tail tail = tail_of({message(kRomeo, kJuliet, kOffline), message(kRomeo, kJuliet, kArchived),
                             message(kJuliet, kRomeo, kOffline), message(kRomeo, kJuliet, kOffline)});

  EXPECT_THAT(tail.view(kJuliet, 9).waiting, ElementsAre(1, 4));
  EXPECT_THAT(tail.view(kJuliet, 3).waiting, ElementsAre(1));
  EXPECT_THAT(tail.view(kRomeo, 9).waiting, ElementsAre(3));
  EXPECT_THAT(tail.view("nobody@x.example", 9).waiting, IsEmpty());
}

TEST(Tail, AppliesDeliveriesInOrder) {
  const Tail tail = tail_of({message(kRomeo, kJuliet, kOffline), message(kRomeo, kJuliet, kOffline),
                             note(RecordKind::delivered, kJuliet, 101), message(kRomeo, kJuliet, kOffline)},
                            101);

  const auto before = tail.view(kJuliet, 102), after = tail.view(kJuliet, 104);

  EXPECT_EQ(before.done_through, 0u);
  EXPECT_THAT(before.waiting, ElementsAre(101, 102));
  EXPECT_EQ(after.done_through, 101u);
  EXPECT_THAT(after.waiting, ElementsAre(102, 104));
}

TEST(Tail, BringsBackWhatCouldNotBeDeliveredIfAnythingHoldsIt) {
  const Tail tail = tail_of({message(kRomeo, kJuliet, kArchived), message(kRomeo, kJuliet, kOffline),
                             message(kRomeo, kJuliet, {}), note(RecordKind::delivered, kJuliet, 102),
                             note(RecordKind::offline, kJuliet, 101), note(RecordKind::offline, kJuliet, 102),
                             note(RecordKind::offline, kJuliet, 103), note(RecordKind::offline, kJuliet, 50),
                             note(RecordKind::offline, kJuliet, 50), note(RecordKind::offline, kJuliet, 999)},
                            101);

  const auto view = tail.view(kJuliet, 110);

  EXPECT_EQ(view.done_through, 102u);
  EXPECT_THAT(view.waiting, ElementsAre(50, 101));
}

TEST(Tail, LetsGoOfExactlyWhatIsReleased) {
  const Tail tail = tail_of(
      {message(kRomeo, kJuliet, kOffline), message(kRomeo, kJuliet, {.recipient_archive = true, .offline = true}),
       message(kRomeo, kJuliet, kOffline), test::released(kJuliet, {7, 102, 103}), test::released(kJuliet, {5}),
       note(RecordKind::offline, kJuliet, 102), note(RecordKind::offline, kJuliet, 103)},
      101);

  const auto before = tail.view(kJuliet, 103), between = tail.view(kJuliet, 105), after = tail.view(kJuliet, 107);

  EXPECT_THAT(before.waiting, ElementsAre(101, 102, 103));
  EXPECT_THAT(before.released, IsEmpty());
  EXPECT_THAT(between.waiting, ElementsAre(101));
  EXPECT_THAT(between.released, ElementsAre(5, 7, 102, 103));
  EXPECT_EQ(between.done_through, 0u);
  EXPECT_THAT(after.waiting, ElementsAre(101, 102)) << "what its archive holds comes back, what is dead does not";
  EXPECT_THAT(tail.view(kRomeo, 107).released, IsEmpty());
}

TEST(Tail, ForgetsWhatCameBeforeAnAccountWent) {
  const Tail tail = tail_of(
      {message(kRomeo, kJuliet, kOffline), note(RecordKind::forget, kJuliet), message(kRomeo, kJuliet, kOffline)}, 7);

  const auto view = tail.view(kJuliet, 99);

  EXPECT_EQ(view.done_through, 8u);
  EXPECT_THAT(view.waiting, ElementsAre(9));
}

TEST(Tail, LetsGoOfWhatIsPlaced) {
  Tail tail = tail_of({message(kRomeo, kJuliet, kOffline), note(RecordKind::delivered, kJuliet, 1),
                       message(kRomeo, kJuliet, kOffline)});
  const std::size_t all = tail.bytes();

  tail.placed(2);

  EXPECT_EQ(tail.size(), 1u);
  EXPECT_LT(tail.bytes(), all);
  EXPECT_EQ(tail.find(1), nullptr);
  ASSERT_NE(tail.find(3), nullptr);
  EXPECT_EQ(tail.view(kJuliet, 9).done_through, 0u);
  EXPECT_THAT(tail.view(kJuliet, 9).waiting, ElementsAre(3));
  ASSERT_EQ(tail.unplaced(9).size(), 1u);
  EXPECT_EQ(tail.unplaced(9).front().sequence, 3u);
  tail.placed(3);
  EXPECT_TRUE(tail.empty());
  EXPECT_EQ(tail.bytes(), 0u);
  EXPECT_TRUE(tail.unplaced(9).empty());
  EXPECT_THAT(tail.view(kJuliet, 9).waiting, IsEmpty());
}

TEST(Tail, HoldsMoreThanOneSegmentAndFindsEverything) {
  constexpr std::uint64_t kRecords = 30'000;
  Tail tail;
  const auto entry = message(kRomeo, kJuliet, kOffline);
  for (std::uint64_t sequence = 5; sequence < 5 + kRecords; ++sequence) tail.push(record(sequence, entry));

  std::uint64_t next = 5;
  while (!tail.empty()) {
    for (std::uint64_t ahead = next; ahead < 5 + kRecords; ahead += 997) ASSERT_EQ(tail.find(ahead)->sequence, ahead);
    ASSERT_EQ(tail.find(5 + kRecords), nullptr);
    ASSERT_EQ(tail.find(next - 1), nullptr);
    const auto batch = tail.unplaced(3'000);
    ASSERT_TRUE(!batch.empty() && batch.size() <= 3'000);
    ASSERT_EQ(tail.view(kJuliet, 1'000'000).waiting.size(), tail.size());
    for (const auto& each : batch) ASSERT_EQ(each.sequence, next++);
    tail.placed(next - 1);
  }

  EXPECT_EQ(next, 5 + kRecords);
}

}  // namespace
}  // namespace anser::store
