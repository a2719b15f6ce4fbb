// The message log as its users have it: appending, asking, fetching.
#include <random>

#include "tests/support/message_log_fixture.h"

namespace anser::store {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

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

}  // namespace
}  // namespace anser::store
