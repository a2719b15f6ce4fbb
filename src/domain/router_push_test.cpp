// When push services are told of an account's news (XEP-0357), and what the router makes of their answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/router_fixture.h"

namespace anser::domain {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class FakeWriter final : public PushWriter {
 public:
  Bytes notification(const PushNotice& notice) const override {
    return Bytes::copy(fmt::format("{} {}", notice.target.node, notice.count));
  }
  bool refuses(const Envelope& error) const override { return error.inner.view() != "wait"; }
};

class RouterPushTest : public RouterTest {
 protected:
  RouterPushTest() {
    router.set_push_writer(writer);
    RouterLimits limits = router.limits();
    limits.push_registrations = 2;
    router.set_limits(limits);
    accounts.states["push@capulet.example"].exists = true;
    login(romeo, "romeo@capulet.example/garden");
    login(service, "push@capulet.example/app");
  }

  Result<void> enable(FakeSession& session, std::string_view to, std::string_view node = "n") {
    Result<void> outcome = fail(Errc::internal, "not answered");
    router.enable_push(*router.find(session.jid().bare()),
                       {jid(to), std::string{node}, "", std::string{session.jid().resource()}},
                       [&](Result<void> done) { outcome = std::move(done); });
    settle();
    return outcome;
  }
  void say(std::string_view to) {
    router.route(romeo, message(romeo, to, "hark"));
    settle();
  }
  // What the service has been told since the last look; each still without an answer.
  std::vector<Envelope> told() {
    auto found = service.of(Kind::iq, Type::set);
    service.heard.clear();
    return found;
  }
  void answer(const Envelope& notification, Type type, std::string_view inner = {}) {
    Envelope reply;
    reply.kind = Kind::iq;
    reply.type = type;
    reply.from = service.jid();
    reply.to = notification.from;
    reply.id = notification.id;
    reply.inner = Bytes::copy(inner);
    router.route(service, reply);
    settle();
  }

  FakeWriter writer;
  FakeSession romeo, juliet, service;
};

TEST_F(RouterPushTest, TellsASessionOfTheServiceWhenAMessageIsKept) {
  login(juliet, "juliet@capulet.example/phone");
  ASSERT_TRUE(enable(juliet, "push@capulet.example"));
  router.close(juliet);

  say("juliet@capulet.example");

  const auto notices = told();
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].from.full(), "juliet@capulet.example");
  EXPECT_EQ(notices[0].to.full(), "push@capulet.example");
  EXPECT_EQ(notices[0].inner.view(), "n 1");
}

TEST_F(RouterPushTest, TellsWhatCameMeanwhileWhenTheServiceHasAnswered) {
  login(juliet, "juliet@capulet.example/phone");
  ASSERT_TRUE(enable(juliet, "push@capulet.example/app"));
  router.close(juliet);
  for (int i = 0; i < 3; ++i) say("juliet@capulet.example");
  const auto first = told();
  ASSERT_THAT(first, SizeIs(1));

  answer(first[0], Type::result);

  const auto second = told();
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].inner.view(), "n 3");
  answer(second[0], Type::result);
  answer(second[0], Type::result);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(RouterPushTest, EndsWhatTheServiceRefusesAndKeepsWhatMustWait) {
  login(juliet, "juliet@capulet.example/phone");
  ASSERT_TRUE(enable(juliet, "push@capulet.example"));
  router.close(juliet);
  say("juliet@capulet.example");
  answer(told().at(0), Type::error, "wait");
  EXPECT_THAT(accounts.states["juliet@capulet.example"].push, SizeIs(1));
  clock.ticks += PushRegistration::kFirstPause;
  say("juliet@capulet.example");

  answer(told().at(0), Type::error, "cancel");

  EXPECT_THAT(accounts.states["juliet@capulet.example"].push, IsEmpty());
  say("juliet@capulet.example");
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(RouterPushTest, WakesADeviceThatDoesNotLook) {
  login(juliet, "juliet@capulet.example/phone");
  ASSERT_TRUE(enable(juliet, "push@capulet.example"));
  say("juliet@capulet.example");
  EXPECT_THAT(told(), IsEmpty());

  juliet.looking = false;
  say("juliet@capulet.example");

  EXPECT_THAT(told(), SizeIs(1));
}

TEST_F(RouterPushTest, LeavesDevicesThatHaveNothingAloneWhileSomebodyReads) {
  FakeSession desk;
  login(juliet, "juliet@capulet.example/phone");
  login(desk, "juliet@capulet.example/desk");
  ASSERT_TRUE(enable(juliet, "push@capulet.example"));
  juliet.looking = false;

  say("juliet@capulet.example/desk");
  EXPECT_THAT(told(), IsEmpty());

  juliet.set_carbons(true);
  say("juliet@capulet.example/desk");
  EXPECT_THAT(told(), SizeIs(1));
}

TEST_F(RouterPushTest, ForgetsNothingOverAServiceThatIsNotThere) {
  login(juliet, "juliet@capulet.example/phone");
  ASSERT_TRUE(enable(juliet, "push@capulet.example/other"));
  router.close(juliet);

  say("juliet@capulet.example");

  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(accounts.states["juliet@capulet.example"].push, SizeIs(1));
  EXPECT_THAT(romeo.heard, IsEmpty());
}

TEST_F(RouterPushTest, HasALimit) {
  login(juliet, "juliet@capulet.example/phone");
  ASSERT_TRUE(enable(juliet, "push@capulet.example", "1"));
  ASSERT_TRUE(enable(juliet, "push@capulet.example", "2"));
  ASSERT_TRUE(enable(juliet, "push@capulet.example", "2"));

  EXPECT_EQ(enable(juliet, "push@capulet.example", "3").error().code, Errc::resource_limit);
}

}  // namespace
}  // namespace anser::domain
