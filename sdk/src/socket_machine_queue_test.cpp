// SocketMachine: messages that go, from the queue to their acknowledgement.
#include <gmock/gmock.h>

#include "sdk/src/socket_machine_test_support.h"

namespace anser::sdk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- messages that go -----------------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, AMessageIsStoredWhenItsAcknowledgementComes) {
  open_it();
  send("1");
  EXPECT_THAT(heard, IsEmpty());

  receives(ack("1"));

  EXPECT_THAT(heard, ElementsAre("stored 1"));
  EXPECT_EQ(host.waiting, 0u);
}

TEST_F(SocketMachineTest, WhatWasNotAcknowledgedIsRepeatedUnchangedAndInOrder) {
  open_it();
  for (const char* id : {"1", "2", "3"}) send(id);
  const auto before = host.written;
  receives(ack("1"));
  ends();
  send("4");
  host.written.clear();
  rings(SocketTimer::retry);
  EXPECT_THAT(host.written, IsEmpty());
  lets_in();

  EXPECT_THAT(written_ids(), ElementsAre("2", "3", "4"));
  EXPECT_EQ(host.written[0].payload, before[1].payload);
  EXPECT_EQ(host.written[1].payload, before[2].payload);
  heard.clear();
  for (const char* id : {"2", "3", "4"}) receives(ack(id));
  EXPECT_THAT(heard, ElementsAre("stored 2", "stored 3", "stored 4"));
}

TEST_F(SocketMachineTest, ManyLossesDoubleNothing) {
  open_it();
  send("1");
  for (int i = 0; i < 10; ++i) {
    ends();
    rings(SocketTimer::retry);
    host.written.clear();
    lets_in();
    EXPECT_THAT(written_ids(), ElementsAre("1"));
  }
  heard.clear();
  receives(ack("1"));
  receives(ack("1"));
  EXPECT_THAT(heard, ElementsAre("stored 1"));
}

// The server recognises the last 128 repeated messages of an account; beyond that they would be delivered twice.
TEST_F(SocketMachineTest, NeverIsMoreUnacknowledgedThanTheServerRecognises) {
  open_it();
  for (int i = 0; i < 500; ++i) send(std::to_string(i));
  EXPECT_THAT(written_ids(), SizeIs(64));
  for (int i = 0; i < 100; ++i) {
    receives(ack(std::to_string(i)));
    ASSERT_EQ(written_ids().size(), 65u + i);  // one comes, one goes
  }

  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  auto ids = written_ids();
  EXPECT_THAT(ids, SizeIs(64));
  EXPECT_EQ(ids.front(), "100");

  for (int i = 100; i < 500; ++i) {
    receives(ack(std::to_string(i)));
    ASSERT_LE(written_ids().size(), 65u + (i - 100));
  }
  ids = written_ids();
  EXPECT_THAT(ids, SizeIs(400));
  EXPECT_EQ(ids.back(), "499");
  EXPECT_EQ(host.waiting, 0u);
}

TEST_F(SocketMachineTest, ARefusedMessageMakesRoomForTheNext) {
  open_it();
  for (int i = 0; i < 65; ++i) send(std::to_string(i));
  receives(refusal("3", {}));
  EXPECT_EQ(written_ids().back(), "64");
}

TEST_F(SocketMachineTest, ARefusedMessageFailsAndTheOthersGoOn) {
  open_it();
  send("1");
  send("2");
  receives(refusal("1", {}));
  receives(ack("2"));
  EXPECT_THAT(heard, ElementsAre("failed 1", "stored 2"));

  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  EXPECT_THAT(written_ids(), IsEmpty());
}

TEST_F(SocketMachineTest, TheQueueIsBoundedInMessagesAndInBytes) {
  configuration.queue_messages = 2;
  configuration.queue_bytes = 1000;
  machine().open({});
  send("1");
  send("2", std::string(1000, 'x'));
  send("3");
  send("4");

  EXPECT_THAT(heard, ElementsAre("failed 2", "failed 4"));
}

TEST_F(SocketMachineTest, TheEndTellsWhatMayHaveArrivedFromWhatHasNot) {
  open_it();
  send("1");
  host.full = true;
  send("2");

  machine().close(1000, {});

  EXPECT_THAT(heard, ElementsAre("unconfirmed 1", "failed 2", "close 1000 final"));
}

TEST_F(SocketMachineTest, AQueueIsWrittenAsFastAsTheConnectionTakesIt) {
  open_it();
  host.full = true;
  send("1");
  EXPECT_THAT(host.written, IsEmpty());

  host.full = false;
  machine().writable();
  EXPECT_THAT(written_ids(), ElementsAre("1"));
}

TEST_F(SocketMachineTest, TwoMessagesOfOneIdAreAcknowledgedInTheirOrder) {
  open_it();
  send("####", "one");
  send("####", "two");
  receives(ack("####"));
  EXPECT_EQ(host.waiting, 1u);
  receives(ack("####"));
  EXPECT_EQ(host.waiting, 0u);
}

}  // namespace
}  // namespace anser::sdk
