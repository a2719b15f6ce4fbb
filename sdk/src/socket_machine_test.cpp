// SocketMachine: opening and closing in any order, and the faults of the program that the client replaces.
#include <gmock/gmock.h>

#include <stdexcept>

#include "sdk/src/socket_machine_test_support.h"

namespace anser::sdk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- the seed's faults, one by one ----------------------------------------------------------------------------------

TEST_F(SocketMachineTest, ReportsOpenOnlyAfterTheHandshakeAndTheLogin) {
  machine().open({});
  EXPECT_EQ(machine().facts().status, SocketStatus::connecting);
  shakes_hands();
  EXPECT_EQ(machine().facts().status, SocketStatus::connecting);
  EXPECT_THAT(heard, IsEmpty());

  receives(auth_result(true));

  EXPECT_EQ(machine().facts().status, SocketStatus::connected);
  EXPECT_EQ(machine().facts().address, "romeo@localhost/app");
  EXPECT_THAT(heard, ElementsAre("open"));
}

TEST_F(SocketMachineTest, OneFailureIsOneAttemptHoweverLongItTakes) {
  open_it();
  ends();
  rings(SocketTimer::retry);
  EXPECT_EQ(host.attempts, 2);

  // The attempt hangs; the seed's periodic timer would ring again and open a third socket.
  EXPECT_FALSE(host.armed(SocketTimer::retry));
}

TEST_F(SocketMachineTest, AttemptsDoNotMultiply) {
  machine().open({});
  for (int round = 1; round <= 20; ++round) {
    ends({{Errc::unreachable, "nobody"}});
    EXPECT_EQ(host.attempts, round);
    rings(SocketTimer::retry);
  }
  EXPECT_EQ(host.attempts, 21);
  EXPECT_THAT(heard, SizeIs(40));  // an error and an announcement each
}

TEST_F(SocketMachineTest, TheCounterGoesOnUntilAConnectionHasHeld) {
  configuration.reconnection.settled = 10s;
  open_it();
  ends();
  rings(SocketTimer::retry);
  lets_in();
  host.clock += 9s;
  heard.clear();
  ends();
  EXPECT_THAT(heard, ElementsAre("error closed", "close 1006", "retry 2 2000"));  // opening alone resets nothing

  rings(SocketTimer::retry);
  lets_in();
  host.clock += 10s;
  heard.clear();
  ends();
  EXPECT_THAT(heard, ElementsAre("error closed", "close 1006", "retry 1 1000"));
}

TEST_F(SocketMachineTest, GivesUpAfterTheConfiguredNumberOfAttempts) {
  configuration.reconnection.attempts = 3;
  machine().open({});
  for (int i = 0; i < 3; ++i) {
    ends({{Errc::unreachable, "nobody"}});
    rings(SocketTimer::retry);
  }
  heard.clear();
  ends({{Errc::unreachable, "nobody"}});

  EXPECT_THAT(heard, ElementsAre("error unreachable", "close 1006 final"));
  EXPECT_EQ(machine().facts().status, SocketStatus::failed);
  EXPECT_THAT(host.timers, IsEmpty());
}

TEST_F(SocketMachineTest, SixtyAttemptsAreTheDefault) { EXPECT_EQ(SocketConfiguration{}.reconnection.attempts, 60); }

TEST_F(SocketMachineTest, HandlersAreReplacedNotStackedAndSurviveReconnections) {
  int first = 0, second = 0;
  machine().handlers.message = handler<const SocketMessage&>([&](const auto&) { ++first; });
  machine().handlers.message = handler<const SocketMessage&>([&](const auto&) { ++second; });
  for (int i = 0; i < 5; ++i) {
    i == 0 ? machine().open({}) : rings(SocketTimer::retry);
    lets_in();
    ends();
  }
  rings(SocketTimer::retry);
  lets_in();

  receives(message("1", "hello"));

  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

TEST_F(SocketMachineTest, ClosingFromTheErrorHandlerEndsIt) {
  machine().handlers.error = handler<const Error&>([this](const Error&) { machine().close(1000, {}); });
  open_it();

  ends();

  EXPECT_THAT(host.timers, IsEmpty());
  EXPECT_EQ(host.attempts, 1);
  EXPECT_EQ(machine().facts().status, SocketStatus::closed);
  EXPECT_THAT(heard, testing::Contains("close 1000 final"));
}

TEST_F(SocketMachineTest, OpeningFromTheErrorHandlerAddsNothing) {
  machine().handlers.error = handler<const Error&>([this](const Error&) { machine().open({}); });
  open_it();

  ends();

  EXPECT_EQ(host.attempts, 1);  // the planned one comes, no other
  rings(SocketTimer::retry);
  EXPECT_EQ(host.attempts, 2);
}

TEST_F(SocketMachineTest, NoTimerSurvivesTheClose) {
  open_it();
  machine().request({}, &frames::roster_request, [](const auto&) {});
  rings(SocketTimer::heartbeat);
  EXPECT_THAT(host.timers, SizeIs(3));  // the next heartbeat, the answer to this one, the request's

  machine().close(1000, "bye");

  ASSERT_THAT(host.timers, SizeIs(1));
  EXPECT_TRUE(host.armed(SocketTimer::goodbye));
  server_closes(1000);
  EXPECT_THAT(host.timers, IsEmpty());
  EXPECT_EQ(host.attempts, 1);
}

TEST_F(SocketMachineTest, NothingIsDroppedInSilenceWhenItIsClosed) {
  send("1");
  open_it();
  machine().close(1000, {});
  send("2");

  EXPECT_THAT(heard, testing::Contains("failed 2"));
}

// ---- open and close in any order ------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, OpeningTwiceIsOpeningOnce) {
  std::vector<std::string> told;
  machine().open([&](const Result<void>& result) { told.push_back(result ? "first" : "no"); });
  machine().open([&](const Result<void>& result) { told.push_back(result ? "second" : "no"); });
  EXPECT_EQ(host.attempts, 1);

  lets_in();
  machine().open([&](const Result<void>& result) { told.push_back(result ? "third" : "no"); });

  EXPECT_EQ(host.attempts, 1);
  EXPECT_THAT(told, ElementsAre("first", "second", "third"));
}

TEST_F(SocketMachineTest, CloseWhileConnectingStopsTheAttempt) {
  std::string told;
  machine().open([&](const Result<void>& result) { told = result ? "open" : name_of(result.error().code); });

  machine().close(1000, {});

  EXPECT_TRUE(host.gave_up);
  EXPECT_EQ(told, "closed");
  EXPECT_THAT(heard, ElementsAre("close 1000 final"));
  shakes_hands();  // too late
  ends();
  EXPECT_THAT(heard, SizeIs(1));
  EXPECT_EQ(machine().facts().status, SocketStatus::closed);
  EXPECT_THAT(host.timers, IsEmpty());
}

TEST_F(SocketMachineTest, CloseWhileWaitingCancelsTheNextAttempt) {
  machine().open({});
  ends();

  machine().close(1000, {});

  EXPECT_THAT(host.timers, IsEmpty());
  EXPECT_EQ(machine().facts().status, SocketStatus::closed);
}

TEST_F(SocketMachineTest, ASocketThatIsOpenedAgainWaitsUntilTheOldOneIsGone) {
  open_it();
  machine().close(4000, "later");
  EXPECT_EQ(host.said->first, 4000);

  machine().open({});
  machine().open({});
  EXPECT_EQ(host.attempts, 1);
  EXPECT_EQ(machine().facts().status, SocketStatus::connecting);

  rings(SocketTimer::goodbye);
  EXPECT_TRUE(host.gave_up);
  ends();
  EXPECT_EQ(host.attempts, 2);
  lets_in();
  EXPECT_EQ(machine().facts().status, SocketStatus::connected);
}

TEST_F(SocketMachineTest, CloseAfterReopeningIsFinalToo) {
  open_it();
  machine().close(1000, {});
  std::string told;
  machine().open([&](const Result<void>& result) { told = result ? "open" : name_of(result.error().code); });
  machine().close(1000, {});

  EXPECT_EQ(told, "closed");
  server_closes(1000);
  EXPECT_EQ(host.attempts, 1);
  EXPECT_EQ(machine().facts().status, SocketStatus::closed);
  EXPECT_THAT(host.timers, IsEmpty());
}

TEST_F(SocketMachineTest, CodeAndReasonOfTheEndCanBeRead) {
  open_it();
  machine().close(4001, "enough");
  EXPECT_EQ(machine().facts().close_code, 4001);
  EXPECT_EQ(machine().facts().close_reason, "enough");

  server_closes(4001);
  open_it();
  server_closes(4409, "replaced");
  EXPECT_EQ(machine().facts().close_code, 4409);
  EXPECT_EQ(machine().facts().close_reason, "replaced");
}

TEST_F(SocketMachineTest, ACodeThatNobodyMaySayIsNotSaid) {
  open_it();
  machine().close(1006, {});
  EXPECT_EQ(host.said->first, 1000);
}

TEST_F(SocketMachineTest, CallsFromWithinHandlersAreCarriedOutAfterwards) {
  machine().handlers.message = handler<const SocketMessage&>([this](const SocketMessage& message) {
    send("answer");
    machine().close(1000, {});
    machine().open({});
    heard.push_back("heard " + message.body);
  });
  open_it();

  receives(message("1", "one"));

  EXPECT_THAT(heard, ElementsAre("heard one", "unconfirmed answer", "close 1000 final"));
  EXPECT_THAT(written_types(), ElementsAre(11));  // the message was not acknowledged: the connection was closed
  server_closes(1000);
  EXPECT_EQ(host.attempts, 2);
}

TEST_F(SocketMachineTest, NothingIsToldOnceItIsDestroyed) {
  machine().handlers.message = handler<const SocketMessage&>([this](const auto&) { host.alive = false; });
  open_it();
  send("1");

  receives(message("1", "one"));
  machine().forget_all();
  ends();

  EXPECT_THAT(heard, IsEmpty());
  EXPECT_THAT(host.timers, IsEmpty());
}

TEST_F(SocketMachineTest, AHandlerThatThrowsHarmsNobody) {
  machine().handlers.message = handler<const SocketMessage&>([](const auto&) { throw std::runtime_error{"ouch"}; });
  open_it();

  receives(message("1", "one"));

  EXPECT_THAT(host.exceptions, ElementsAre("ouch"));
  EXPECT_EQ(machine().facts().status, SocketStatus::connected);
}

// Whatever is called in whatever order: one socket, and in the end none and no timer. FakeHost watches.
TEST_F(SocketMachineTest, AnyOrderOfEventsLeavesOneSocketAndOneTimerOfAKind) {
  std::uint64_t state = 1;
  const auto random = [&](std::uint64_t most) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % most;
  };
  int number = 0;
  for (int step = 0; step < 20'000; ++step) {
    heard.clear();
    host.written.clear();
    switch (random(10)) {
      case 0:
        machine().open({});
        break;
      case 1:
        machine().close(1000, {});
        break;
      case 2:
        if (host.running) shakes_hands();
        break;
      case 3:
        if (host.running) receives(auth_result(random(4) != 0));
        break;
      case 4:
        if (host.running) ends();
        break;
      case 5:
        if (host.running) server_closes(random(2) ? 1001 : 4409);
        break;
      case 6:
        if (!host.timers.empty()) rings(std::next(host.timers.begin(), random(host.timers.size()))->first);
        break;
      case 7:
        machine().network_changed();
        break;
      case 8:
        send(std::to_string(++number));
        break;
      default:
        if (host.running) receives(random(8) ? ack(std::to_string(number)) : "x");
    }
    const auto status = machine().facts().status;
    ASSERT_TRUE(status != SocketStatus::connected || host.running) << step;
    ASSERT_FALSE(host.armed(SocketTimer::retry) && host.running) << step;
    ASSERT_LE(host.waiting, configuration.queue_messages);
  }
  machine().close(1000, {});
  if (host.running) ends();
  EXPECT_FALSE(host.running);
  EXPECT_THAT(host.timers, IsEmpty());
  EXPECT_EQ(host.waiting, 0u);
}

}  // namespace
}  // namespace anser::sdk
