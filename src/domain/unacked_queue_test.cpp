#include "domain/unacked_queue.h"

#include <gtest/gtest.h>

namespace anser::domain {
namespace {

Outgoing words(std::string text) { return {.envelope = {}, .stamp = {}, .text = std::move(text)}; }

// Writes what waits; returns it.
std::vector<std::string> write_all(UnackedQueue& queue) {
  std::vector<std::string> written;
  while (const Outgoing* next = queue.next()) {
    written.push_back(next->text);
    queue.mark_written();
  }
  return written;
}

UnackedQueue queue_of(std::initializer_list<const char*> texts, std::uint32_t acked = 0) {
  UnackedQueue queue{acked};
  for (const char* text : texts) queue.push(words(text));
  return queue;
}

TEST(UnackedQueue, GivesWhatWaitsInOrderAndOnce) {
  UnackedQueue queue = queue_of({"a", "b"});

  EXPECT_EQ(write_all(queue), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(queue.next(), nullptr);
  EXPECT_EQ(queue.sent(), 2u);
}

TEST(UnackedQueue, ForgetsWhatIsConfirmed) {
  UnackedQueue queue = queue_of({"a", "b", "c"});
  write_all(queue);

  ASSERT_TRUE(queue.acknowledge(2));

  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.acked(), 2u);
  queue.rewind();
  EXPECT_EQ(write_all(queue), std::vector<std::string>{"c"});
}

TEST(UnackedQueue, RefusesAnAckForWhatWasNeverSent) {
  UnackedQueue queue = queue_of({"a", "b"});
  queue.mark_written();

  const auto ack = queue.acknowledge(2);  // the second waits, but was not written

  ASSERT_FALSE(ack);
  EXPECT_EQ(ack.error().code, Errc::ack_ahead);
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.acked(), 0u);
}

TEST(UnackedQueue, TakesAnAckThatGoesBackForOneThatIsFarAhead) {
  UnackedQueue queue = queue_of({"a", "b"});
  write_all(queue);
  ASSERT_TRUE(queue.acknowledge(2));

  EXPECT_EQ(queue.acknowledge(1).error().code, Errc::ack_ahead);
  EXPECT_TRUE(queue.acknowledge(2));  // the same again says nothing new
}

TEST(UnackedQueue, CountsOnAcrossTheWrap) {
  UnackedQueue queue = queue_of({"a", "b", "c"}, 0xFFFFFFFE);
  write_all(queue);
  EXPECT_EQ(queue.sent(), 1u);

  ASSERT_TRUE(queue.acknowledge(0));

  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.acknowledge(2).error().code, Errc::ack_ahead);
  EXPECT_TRUE(queue.acknowledge(1));
  EXPECT_TRUE(queue.empty());
}

TEST(UnackedQueue, TakesAnAckForWhatAnOldConnectionCarried) {
  UnackedQueue queue = queue_of({"a", "b", "c"});
  queue.mark_written();
  queue.mark_written();
  queue.rewind();

  EXPECT_FALSE(queue.may_acknowledge(3));
  EXPECT_TRUE(queue.may_acknowledge(1));
  ASSERT_TRUE(queue.acknowledge(1));

  EXPECT_EQ(write_all(queue), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(queue.sent(), 3u);
}

TEST(UnackedQueue, CountsFromWhereAcknowledgementsWereAgreedOn) {
  UnackedQueue queue = queue_of({"a", "b", "c"});
  queue.mark_written();
  ASSERT_TRUE(queue.acknowledge(queue.sent()));  // nobody will confirm it

  queue.restart();

  EXPECT_EQ(write_all(queue), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(queue.sent(), 2u);
  EXPECT_TRUE(queue.acknowledge(1));
}

TEST(UnackedQueue, GivesBackAllThatIsLeftWrittenOrNot) {
  UnackedQueue queue = queue_of({"a", "b", "c"});
  queue.mark_written();
  queue.mark_written();
  ASSERT_TRUE(queue.acknowledge(1));

  const auto left = queue.take_all();

  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].text, "b");
  EXPECT_EQ(left[1].text, "c");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(UnackedQueue, HoldsNoMemoryWhenAllIsConfirmedOrTaken) {
  UnackedQueue confirmed = queue_of({"a", "b", "c"});
  write_all(confirmed);
  ASSERT_TRUE(confirmed.acknowledge(3));

  UnackedQueue taken = queue_of({"a", "b", "c"});
  (void)taken.take_all();

  EXPECT_EQ(confirmed.entries().data(), nullptr);
  EXPECT_EQ(taken.entries().data(), nullptr);
}

TEST(UnackedQueue, KeepsCountOfItsBytes) {
  UnackedQueue queue;
  std::size_t expected = 0;
  for (int i = 0; i < 300; ++i) {
    Outgoing entry = words(std::string(static_cast<std::size_t>(i % 7 + 1), 'x'));
    expected += entry.bytes();
    queue.push(std::move(entry));
  }
  EXPECT_EQ(queue.bytes(), expected);

  write_all(queue);
  for (std::uint32_t n = 1; n <= 300; ++n) ASSERT_TRUE(queue.acknowledge(n));

  EXPECT_EQ(queue.bytes(), 0u);
  EXPECT_TRUE(queue.empty());
}

TEST(UnackedQueue, GoesOnBehindTheWrapOfTheNumbers) {
  constexpr std::uint64_t kBefore = 0xffff'fffe;
  UnackedQueue queue{kBefore};
  for (const char* text : {"a", "b", "c"}) queue.push(words(text));
  write_all(queue);

  EXPECT_FALSE(queue.may_acknowledge(2));
  ASSERT_TRUE(queue.may_acknowledge(0));
  EXPECT_EQ(queue.confirmed_by(0).size(), 2u);
  ASSERT_TRUE(queue.acknowledge(0));

  EXPECT_EQ(queue.acked(), 0u);
  EXPECT_EQ(queue.confirmed(), kBefore + 2);
  EXPECT_EQ(queue.last(), kBefore + 3);
  EXPECT_TRUE(queue.may_acknowledge(1));
  EXPECT_FALSE(queue.may_acknowledge(0xffff'ffff));
}

}  // namespace
}  // namespace anser::domain
