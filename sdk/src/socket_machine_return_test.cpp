// SocketMachine: when it comes back after a loss, and what counts as one.
#include <gmock/gmock.h>

#include "sdk/src/socket_machine_test_support.h"

namespace anser::sdk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// ---- when to come back ----------------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, WaitsARandomPartOfATimeThatDoublesUpToACap) {
  machine().open({});
  std::vector<std::uint64_t> limits;
  drawn = [&](std::uint64_t most) {
    limits.push_back(most);
    return most / 3;
  };
  for (int i = 0; i < 7; ++i) {
    ends({{Errc::unreachable, "nobody"}});
    EXPECT_EQ(host.left(SocketTimer::retry), milliseconds{limits.back() / 3});
    rings(SocketTimer::retry);
  }
  EXPECT_THAT(limits, ElementsAre(1000, 2000, 4000, 8000, 16000, 16000, 16000));
}

TEST_F(SocketMachineTest, TheCloseCodeSaysWhetherToComeBack) {
  for (const std::uint16_t code : {1000, 1002, 1003, 1007, 1008, 1009, 1010, 4401, 4409}) {
    open_it();
    server_closes(code);
    EXPECT_THAT(host.timers, IsEmpty()) << code;
    EXPECT_EQ(machine().facts().status, code == 1000 ? SocketStatus::closed : SocketStatus::failed) << code;
  }
  for (const std::uint16_t code : {1001, 1005, 1006, 1011, 1012, 1013, 4408, 4429}) {
    open_it();
    server_closes(code);
    EXPECT_TRUE(host.armed(SocketTimer::retry)) << code;
    machine().close(1000, {});
  }
}

TEST_F(SocketMachineTest, ToAServerThatStopsClientsComeBackSpreadOverTheWholeTime) {
  for (const std::uint16_t code : {1001, 1011, 1012, 1013, 4429}) {
    open_it();
    server_closes(code);
    EXPECT_EQ(host.left(SocketTimer::retry), 16s) << code;
    machine().close(1000, {});
  }
}

TEST_F(SocketMachineTest, TheHandshakesStatusSaysWhetherToComeBack) {
  for (const unsigned status : {200u, 301u, 400u, 401u, 403u, 404u, 426u}) {
    machine().open({});
    ends({{status == 401 ? Errc::authentication : Errc::unsupported, "no"}, 1006, {}, status});
    EXPECT_THAT(host.timers, IsEmpty()) << status;
  }
  for (const unsigned status : {408u, 429u, 500u, 502u, 503u}) {
    machine().open({});
    ends({{Errc::unreachable, "no"}, 1006, {}, status});
    EXPECT_TRUE(host.armed(SocketTimer::retry)) << status;
    machine().close(1000, {});
  }
}

TEST_F(SocketMachineTest, WaitsAsLongAsTheServerAsksForWithinReason) {
  machine().open({});
  ends({{Errc::unreachable, "no"}, 1006, {}, 503, 60s});
  EXPECT_EQ(host.left(SocketTimer::retry), 60s);

  rings(SocketTimer::retry);
  ends({{Errc::unreachable, "no"}, 1006, {}, 503, 24h});
  EXPECT_EQ(host.left(SocketTimer::retry), 10min);
}

TEST_F(SocketMachineTest, WhatOnlyTheApplicationCanChangeIsNotTriedAgain) {
  for (const Errc code : {Errc::invalid_argument, Errc::insecure, Errc::unsupported}) {
    machine().open({});
    ends({{code, "no"}});
    EXPECT_THAT(host.timers, IsEmpty()) << name_of(code);
  }
}

TEST_F(SocketMachineTest, WithoutReconnectionItEndsAtOnce) {
  configuration.reconnection.allowed = false;
  open_it();
  ends();
  EXPECT_THAT(heard, ElementsAre("error closed", "close 1006 final"));
}

TEST_F(SocketMachineTest, ALoginThatIsRefusedIsNotTriedAgain) {
  machine().open({});
  shakes_hands();
  receives(auth_result(false, "not-authorized"));
  server_closes(4401);

  EXPECT_THAT(heard, ElementsAre("error authentication", "close 4401 final"));
  EXPECT_EQ(machine().facts().last_error->condition, "not-authorized");
}

TEST_F(SocketMachineTest, WhatWaitsOutlivesATokenThatHasExpired) {
  configuration.credentials = {.token = "old"};
  open_it();
  send("1");
  server_closes(4401);
  EXPECT_THAT(heard, ElementsAre("error stream", "close 4401 final"));
  EXPECT_EQ(host.waiting, 1u);
  send("2");
  EXPECT_EQ(heard.back(), "failed 2");  // it takes no more meanwhile

  machine().set_credentials({.token = "older"});
  machine().open({});
  ends({{Errc::authentication, "no"}, 1006, {}, 401});
  EXPECT_EQ(host.waiting, 1u);

  machine().set_credentials({.token = "fresh"});
  machine().open({});
  host.written.clear();
  lets_in();
  EXPECT_THAT(written_ids(), ElementsAre("1"));
  receives(ack("1"));
  EXPECT_EQ(heard.back(), "stored 1");
}

TEST_F(SocketMachineTest, WhatWaitsForCredentialsIsToldOfTheClose) {
  open_it();
  send("1");
  host.full = true;
  send("2");
  server_closes(4401);
  heard.clear();

  machine().close(1000, {});

  EXPECT_THAT(heard, ElementsAre("unconfirmed 1", "failed 2"));
  EXPECT_EQ(host.waiting, 0u);
  EXPECT_EQ(machine().facts().status, SocketStatus::closed);
}

TEST_F(SocketMachineTest, WhatWaitsForCredentialsEndsWithAnotherEnd) {
  open_it();
  send("1");
  server_closes(4401);
  machine().open({});
  lets_in();
  heard.clear();

  server_closes(4409);

  EXPECT_THAT(heard, testing::Contains("unconfirmed 1"));
  EXPECT_EQ(host.waiting, 0u);
}

TEST_F(SocketMachineTest, ALoginThatIsRefusedCountsEvenIfTheCloseFrameIsLost) {
  machine().open({});
  shakes_hands();
  receives(auth_result(false, "not-authorized"));
  ends();

  EXPECT_EQ(machine().facts().close_code, 4401);
  EXPECT_THAT(host.timers, IsEmpty());
}

TEST_F(SocketMachineTest, TooManySessionsMeansLater) {
  machine().open({});
  shakes_hands();
  receives(auth_result(false, "resource-limit"));
  server_closes(4429);

  EXPECT_TRUE(host.armed(SocketTimer::retry));
}

TEST_F(SocketMachineTest, ANewNetworkIsTriedAtOnce) {
  machine().open({});
  ends();
  machine().network_changed();
  EXPECT_EQ(host.attempts, 2);
  EXPECT_FALSE(host.armed(SocketTimer::retry));

  lets_in();
  host.written.clear();
  machine().network_changed();
  EXPECT_THAT(written_types(), ElementsAre(0));  // a heartbeat asks whether it stands
  EXPECT_TRUE(host.armed(SocketTimer::answer));
}

// ---- time limits ----------------------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, AServerThatNeverAnswersTheHandshakeIsGivenUp) {
  machine().open({});
  rings(SocketTimer::limit);
  EXPECT_TRUE(host.gave_up);
  ends();
  EXPECT_THAT(heard, ElementsAre("error timeout", "retry 1 1000"));
}

TEST_F(SocketMachineTest, AServerThatNeverSaysWhetherWeAreSignedInIsGivenUp) {
  machine().open({});
  shakes_hands();
  rings(SocketTimer::limit);
  EXPECT_TRUE(host.gave_up);
}

TEST_F(SocketMachineTest, HeartbeatsGoOutAtTheirInterval) {
  configuration.heartbeat_interval = 3s;
  open_it();
  for (int i = 1; i <= 3; ++i) {
    rings(SocketTimer::heartbeat);
    EXPECT_EQ(host.left(SocketTimer::heartbeat), 3s);
    EXPECT_THAT(host.written, SizeIs(i));
    EXPECT_TRUE(host.written.back().text);
    EXPECT_THAT(host.written.back().payload, HasSubstr(R"("module":"HEART_CHECK")"));
  }
}

TEST_F(SocketMachineTest, SilenceAfterAHeartbeatMeansThatNobodyIsThere) {
  open_it();
  rings(SocketTimer::heartbeat);
  rings(SocketTimer::answer);
  EXPECT_TRUE(host.gave_up);
  ends();
  EXPECT_THAT(heard, ElementsAre("error timeout", "close 1006", "retry 1 1000"));
}

TEST_F(SocketMachineTest, WhateverComesAnswersAHeartbeat) {
  open_it();
  rings(SocketTimer::heartbeat);
  receives(R"({"module":"HEART_CHECK","message":"x"})", true);
  EXPECT_FALSE(host.armed(SocketTimer::answer));

  rings(SocketTimer::heartbeat);
  host.bytes += 10;  // of a message that takes long, or a pong
  rings(SocketTimer::answer);
  EXPECT_FALSE(host.gave_up);
}

TEST_F(SocketMachineTest, AnotherHeartbeatDoesNotPutTheAnswersLimitOff) {
  configuration.heartbeat_interval = 1s;
  configuration.heartbeat_answer = 5s;
  open_it();
  rings(SocketTimer::heartbeat);
  rings(SocketTimer::heartbeat);
  EXPECT_EQ(host.left(SocketTimer::answer), 4s);
}

TEST_F(SocketMachineTest, WithoutAnIntervalThereAreNoHeartbeats) {
  configuration.heartbeat_interval = 0ms;
  open_it();
  EXPECT_THAT(host.timers, IsEmpty());
}

}  // namespace
}  // namespace anser::sdk
