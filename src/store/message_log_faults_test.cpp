// The message log that starts again, keeps notes of sessions, meets faults, and serves many cores at once.
#include "tests/support/message_log_fixture.h"

namespace anser::store {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <class Engine>
class MessageLogFaultsTest : public MessageLogTest<Engine> {};
TYPED_TEST_SUITE(MessageLogFaultsTest, test::Engines, test::EngineNames);

// ---- starting again -------------------------------------------------------------------------------------------------

TYPED_TEST(MessageLogFaultsTest, BuildsTheTailAgainFromTheLog) {
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

TYPED_TEST(MessageLogFaultsTest, ErasesAtStartWhatACrashLeftDead) {
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

TYPED_TEST(MessageLogFaultsTest, GoesOnBehindTheArchiveIfTheLogIsAnOlderCopy) {
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

TYPED_TEST(MessageLogFaultsTest, CommitsANoteWithItsBatchAndTellsItsTicket) {
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

TYPED_TEST(MessageLogFaultsTest, KeepsNotesAwayFromTheTailAndThePlacer) {
  this->start({.queue_entries = 100, .tail_entries = 1, .place_after = kNever});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(this->append(noted({1, 3, "x"})));
  ASSERT_TRUE(this->wait_for(50));  // a tail with room for one was not filled

  this->log_->settle();

  EXPECT_EQ(this->archive_store_->on_place.calls, 0);
  EXPECT_EQ(this->engine_.stores().archive->watermark().value(), 0u);
  EXPECT_THAT(this->notes(), ElementsAre(SessionNote{1, 3, "x"}));
}

TYPED_TEST(MessageLogFaultsTest, RefusesNotesWithTheirBatch) {
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

TYPED_TEST(MessageLogFaultsTest, GivesOutOnceWhatTheSessionsOfBeforeNoted) {
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

TYPED_TEST(MessageLogFaultsTest, DoesNotOpenWithoutTheNotes) {
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

TYPED_TEST(MessageLogFaultsTest, RefusesABatchThatFindsTheDiskFullOrTheLogLockedAndGoesOn) {
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

TYPED_TEST(MessageLogFaultsTest, AcknowledgesNothingAfterACommitThatFailed) {
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

TYPED_TEST(MessageLogFaultsTest, EndsWhenThePlacerOrTheEraserFails) {
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

TYPED_TEST(MessageLogFaultsTest, PlacesLaterWhatTheDiskHadNoRoomForOrALockKeptOut) {
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

TYPED_TEST(MessageLogFaultsTest, SlowsAppendsDownWhileTheTailIsFull) {
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

TYPED_TEST(MessageLogFaultsTest, TellsWhoAskedThatReadingFailed) {
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
TYPED_TEST(MessageLogFaultsTest, ServesManyCoresAtOnce) {
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