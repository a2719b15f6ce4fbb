// SocketMachine: questions and their answers, groups and presence, and the other forms of the protocol.
#include <gmock/gmock.h>

#include "sdk/src/socket_machine_test_support.h"

namespace anser::sdk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- requests, groups, presence -------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, AnswersFindTheirQuestions) {
  open_it();
  std::vector<std::string> told;
  machine().request({}, &frames::roster_request, [&](const auto& reply) { told.push_back(reply ? "a" : "no a"); });
  const std::string first = last_request();
  machine().request({}, &frames::roster_request, [&](const auto& reply) { told.push_back(reply ? "b" : "no b"); });

  receives(done(last_request()));
  receives(done("4711"));
  receives(refusal({}, first));

  EXPECT_THAT(told, ElementsAre("b", "no a"));
  EXPECT_FALSE(host.armed(SocketTimer::request));
}

TEST_F(SocketMachineTest, AnAnswerThatDoesNotComeIsATimeout) {
  open_it();
  std::vector<Errc> told;
  const auto note = [&](const Result<SocketReply>& reply) { told.push_back(reply.error().code); };
  machine().request({}, &frames::roster_request, note);
  host.clock += 4s;
  machine().request({}, &frames::roster_request, note);

  rings(SocketTimer::request);
  EXPECT_THAT(told, ElementsAre(Errc::timeout));
  EXPECT_EQ(host.left(SocketTimer::request), 4s);
  ends();
  EXPECT_THAT(told, ElementsAre(Errc::timeout, Errc::closed));
}

TEST_F(SocketMachineTest, AQuestionWithoutAConnectionIsRefused) {
  machine().open({});
  std::optional<Errc> told;
  machine().request({}, &frames::roster_request, [&](const auto& reply) { told = reply.error().code; });
  EXPECT_EQ(told, Errc::wrong_state);
}

TEST_F(SocketMachineTest, QuestionsAreBounded) {
  open_it();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < SocketMachine::kRequests + 5; ++i)
    machine().request({}, &frames::roster_request, [&](const auto&) { ++refused; });
  EXPECT_EQ(refused, 5u);
}

TEST_F(SocketMachineTest, AQuestionThatTheServerWouldNotTakeIsNotAsked) {
  open_it();
  std::vector<Errc> told;
  const auto note = [&](const Result<SocketReply>& reply) { told.push_back(reply.error().code); };
  SocketContact large{"juliet@localhost"};
  large.name = std::string(frames::kOtherBytes, 'x');
  machine().request(
      {}, [&](std::string id) { return frames::set_contact(std::move(id), large); }, note);
  host.full = true;
  machine().request({}, &frames::roster_request, note);

  EXPECT_THAT(told, ElementsAre(Errc::invalid_argument, Errc::queue_full));
  EXPECT_THAT(host.written, IsEmpty());
  EXPECT_FALSE(host.armed(SocketTimer::request));
}

TEST_F(SocketMachineTest, AGroupThatCannotBeAskedForIsForgotten) {
  open_it();
  std::optional<Errc> told;
  machine().subscribe(std::string(frames::kOtherBytes, 'x'),
                      [&](const Result<void>& result) { told = result.error().code; });
  EXPECT_EQ(told, Errc::invalid_argument);
  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  heard.clear();
  lets_in();
  EXPECT_THAT(heard, ElementsAre("open"));
}

TEST_F(SocketMachineTest, AnAcknowledgementThatWouldBeTheEndIsLeftToTheNext) {
  open_it();
  receives(message(std::string(frames::kOtherBytes, 'x'), "hello"));
  EXPECT_THAT(heard, ElementsAre("message hello"));
  EXPECT_THAT(host.written, IsEmpty());
}

TEST_F(SocketMachineTest, ATokenThatNoFrameTakesIsNotSent) {
  configuration.credentials = {.token = std::string(frames::kOtherBytes, 'x'),
                               .place = SocketCredentials::Place::first_frame};
  machine().open({});
  shakes_hands();
  EXPECT_THAT(host.written, IsEmpty());
  ends();
  EXPECT_THAT(heard, ElementsAre("error invalid_argument", "close 1006 final"));
}

TEST_F(SocketMachineTest, GroupsAreAskedForAgainOnEachConnectionBeforeAnyMessage) {
  machine().open({});
  std::string told;
  machine().subscribe("verona", [&](const Result<void>& result) { told = result ? "in" : result.error().message; });
  send("1");
  lets_in();
  EXPECT_THAT(written_types(), ElementsAre(22, 11));
  EXPECT_EQ(told, "");
  proto::Subscribe asked;
  ASSERT_TRUE(asked.ParseFromString(host.written[0].payload.substr(2)));
  receives(done(asked.request()));
  EXPECT_EQ(told, "in");

  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  EXPECT_THAT(written_types(), ElementsAre(22, 11));

  machine().unsubscribe("verona", {});
  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  EXPECT_THAT(written_types(), ElementsAre(11));
}

TEST_F(SocketMachineTest, AGroupThatIsRefusedIsNotAskedForAgain) {
  open_it();
  std::string told;
  machine().subscribe("verona", [&](const Result<void>& result) { told = result ? "in" : result.error().condition; });
  receives(refusal({}, last_request(), "not-found"));
  EXPECT_EQ(told, "not-found");
  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  EXPECT_THAT(host.written, IsEmpty());
}

TEST_F(SocketMachineTest, WhoWaitsForAGroupWaitsAcrossALossAndIsToldOfTheEnd) {
  open_it();
  std::string told;
  machine().subscribe("verona",
                      [&](const Result<void>& result) { told = result ? "in" : name_of(result.error().code); });
  ends();
  EXPECT_EQ(told, "");
  machine().close(1000, {});
  EXPECT_EQ(told, "closed");
}

TEST_F(SocketMachineTest, PresenceAndContactsComeBackWithTheConnection) {
  open_it();
  SocketPresence away;
  away.show = "away";
  machine().send(away);
  std::size_t contacts = 0;
  machine().ask_contacts([&](const auto& all) { contacts = all->size(); });
  proto::Roster roster;
  roster.set_request(last_request());
  roster.add_contacts()->set_address("juliet@localhost");
  receives(frame(16, roster));
  EXPECT_EQ(contacts, 1u);

  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  EXPECT_THAT(written_types(), ElementsAre(15, 16));
  heard.clear();
  roster.set_request(last_request());
  receives(frame(16, roster));
  roster.clear_request();
  receives(frame(16, roster));
  EXPECT_THAT(heard, ElementsAre("contacts 1", "changes 1"));
}

TEST_F(SocketMachineTest, AnErrorAboutNothingOfOursIsTold) {
  open_it();
  receives(refusal("unknown", {}));
  EXPECT_THAT(heard, ElementsAre("error stanza"));
}

// ---- the other forms ------------------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, TheBareFormIsOpenWithTheHandshakeAndHasMessages) {
  configuration.protocol = SocketProtocol::bare;
  machine().open({});
  shakes_hands();
  EXPECT_EQ(machine().facts().status, SocketStatus::connected);
  send("1");
  send("2");
  receives(ack("1"));
  proto::Message refused;
  refused.set_type("system");
  refused.set_eventid("2");
  refused.set_body("not allowed");
  receives(frame(11, refused));

  EXPECT_THAT(heard, ElementsAre("open", "stored 1", "failed 2"));
  EXPECT_THAT(written_types(), ElementsAre(11, 11));
  std::optional<Errc> told;
  machine().request({}, &frames::roster_request, [&](const auto& reply) { told = reply.error().code; });
  EXPECT_EQ(told, Errc::unsupported);
}

TEST_F(SocketMachineTest, CredentialsCanStandInTheFirstFrame) {
  configuration.credentials = {.user = "romeo", .password = "secret", .place = SocketCredentials::Place::first_frame};
  machine().open({});
  shakes_hands();
  ASSERT_THAT(written_types(), ElementsAre(12));
  proto::Auth auth;
  ASSERT_TRUE(auth.ParseFromString(host.written[0].payload.substr(2)));
  EXPECT_EQ(auth.user(), "romeo");
  EXPECT_EQ(auth.password(), "secret");
  EXPECT_TRUE(auth.acknowledges());

  ends();
  machine().set_credentials({.token = "fresh", .place = SocketCredentials::Place::first_frame});
  rings(SocketTimer::retry);
  host.written.clear();
  shakes_hands();
  ASSERT_TRUE(auth.ParseFromString(host.written[0].payload.substr(2)));
  EXPECT_EQ(auth.token(), "fresh");
}

// What was checked is what is said: a password that is set meanwhile might be one for the clear.
TEST_F(SocketMachineTest, CredentialsDoNotChangeDuringAnAttempt) {
  configuration.protocol = SocketProtocol::bare;
  configuration.credentials = {.token = "old"};
  machine().open({});
  machine().set_credentials({.user = "romeo", .password = "s", .place = SocketCredentials::Place::first_frame});
  EXPECT_EQ(machine().credentials().token, "old");
  EXPECT_FALSE(machine().wants_auth_result());
  shakes_hands();
  EXPECT_THAT(host.written, IsEmpty());
  EXPECT_EQ(machine().facts().status, SocketStatus::connected);

  ends();
  rings(SocketTimer::retry);
  EXPECT_EQ(machine().credentials().user, "romeo");
  EXPECT_TRUE(machine().wants_auth_result());
}

TEST_F(SocketMachineTest, TheServerIsToldOfAcknowledgementsWhoeverSendsThem) {
  configuration.acknowledge = false;
  configuration.credentials = {.token = "t", .place = SocketCredentials::Place::first_frame};
  machine().open({});
  shakes_hands();
  proto::Auth auth;
  ASSERT_TRUE(auth.ParseFromString(host.written.at(0).payload.substr(2)));
  EXPECT_TRUE(auth.acknowledges());
}

TEST_F(SocketMachineTest, RawFramesComeAndGoAsTheyAre) {
  configuration.protocol = SocketProtocol::raw;
  machine().open({});
  shakes_hands();
  receives("hi", true);
  receives("\x01\x02");
  machine().write_now("yo", true);

  EXPECT_THAT(heard, ElementsAre("open", "text hi", "binary \x01\x02"));
  ASSERT_THAT(host.written, SizeIs(1));
  EXPECT_EQ(host.written[0].payload, "yo");
}

}  // namespace
}  // namespace anser::sdk
