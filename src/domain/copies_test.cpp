// What the devices of an account see of each other's conversations (XEP-0280): each message once on each device, in the
// order of the log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/router_fixture.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class CopiesTest : public RouterTest {
 protected:
  void login(FakeSession& session, std::string_view address, int priority = 0, bool carbons = true) {
    router.open(session, jid(address), false, [](Result<void> outcome) { ASSERT_TRUE(outcome); });
    settle();
    session.set_carbons(carbons);
    if (priority != kNoPresence) be_available(session, priority);
    session.heard.clear();
  }
  void say(FakeSession& from, std::string_view to, std::string_view body) {
    router.route(from, message(from, to, body));
    settle();
  }

  // What came, each with how: "sent:", "received:", "error:" or nothing for the message itself.
  static std::vector<std::string> seen(FakeSession& session) {
    std::vector<std::string> found;
    for (const auto& [envelope, stamp] : std::exchange(session.heard, {})) {
      if (envelope.kind != Kind::message) continue;
      std::string how = stamp.copy == Copy::sent ? "sent:" : stamp.copy == Copy::received ? "received:" : "";
      found.push_back(how + (envelope.type == Type::error ? "error" : std::string{envelope.inner.view()}));
    }
    return found;
  }

  FakeSession romeo, phone, desk;
};

TEST_F(CopiesTest, GoToTheRecipientsOtherDevices) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", -1);
  login(desk, "juliet@capulet.example/desk", 5);

  say(romeo, "juliet@capulet.example", "to all");
  say(romeo, "juliet@capulet.example/phone", "to one");

  EXPECT_THAT(seen(desk), ElementsAre("to all", "received:to one"));
  EXPECT_THAT(seen(phone), ElementsAre("received:to all", "to one"));
}

TEST_F(CopiesTest, GoOnlyToThoseWhoAskedForThem) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", 0, false);
  login(desk, "juliet@capulet.example/desk", 5);

  say(romeo, "juliet@capulet.example", "hark");

  EXPECT_THAT(seen(phone), IsEmpty());
  phone.set_carbons(true);
  desk.set_carbons(false);
  say(phone, "romeo@capulet.example", "who calls");
  EXPECT_THAT(seen(desk), ElementsAre("hark"));
}

TEST_F(CopiesTest, GoToDevicesThatAreNotAvailableToo) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", kNoPresence);
  login(desk, "juliet@capulet.example/desk");

  say(romeo, "juliet@capulet.example", "hark");

  EXPECT_THAT(seen(phone), ElementsAre("received:hark"));
}

TEST_F(CopiesTest, OfWhatOneDeviceSendsGoToTheOthers) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", 0, false);  // asks for none itself
  login(desk, "juliet@capulet.example/desk", kNoPresence);

  say(phone, "romeo@capulet.example", "ay me");

  EXPECT_THAT(seen(romeo), ElementsAre("ay me"));
  EXPECT_THAT(seen(desk), ElementsAre("sent:ay me"));
  EXPECT_THAT(seen(phone), IsEmpty());
}

TEST_F(CopiesTest, OfALoggedMessageComeWhenItIsDurableAndBearItsNumber) {
  set_archive(true);
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone");
  login(desk, "juliet@capulet.example/desk");

  router.route(phone, message(phone, "romeo@capulet.example", "ay me"));
  EXPECT_THAT(desk.heard, IsEmpty());
  log.commit();

  ASSERT_THAT(desk.heard, SizeIs(1));
  EXPECT_EQ(desk.heard[0].second.sequence, 1u);
  EXPECT_EQ(desk.heard[0].second.copy, Copy::sent);
  EXPECT_FALSE(log.records[0].entry.envelope.facts.tell_sender);
  EXPECT_FALSE(desk.heard[0].first.facts.tell_sender);
}

TEST_F(CopiesTest, OfAMessageThatIsKeptComeOnce) {
  login(phone, "juliet@capulet.example/phone");
  login(desk, "juliet@capulet.example/desk");

  say(phone, "romeo@capulet.example", "art thou there");

  EXPECT_THAT(seen(desk), ElementsAre("sent:art thou there"));
}

TEST_F(CopiesTest, OfWhatIsKeptGoToThoseWhoWouldNeverBeGivenIt) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", -1);
  login(desk, "juliet@capulet.example/desk", kNoPresence);

  say(romeo, "juliet@capulet.example", "hark");
  EXPECT_THAT(seen(phone), ElementsAre("received:hark"));
  EXPECT_THAT(seen(desk), IsEmpty());

  be_available(desk, 0);
  EXPECT_THAT(seen(desk), ElementsAre("hark"));
}

TEST_F(CopiesTest, OfARefusedMessageAreFollowedByTheRefusal) {
  login(phone, "juliet@capulet.example/phone");
  login(desk, "juliet@capulet.example/desk");

  say(phone, "nobody@capulet.example", "hello?");
  say(phone, "paris@verona.example", "far away");
  say(phone, "capulet.example", "to the house");

  EXPECT_THAT(seen(desk), ElementsAre("sent:hello?", "received:error", "sent:far away", "received:error",
                                      "sent:to the house", "received:error"));
  EXPECT_THAT(seen(phone), ElementsAre("error", "error", "error"));
}

TEST_F(CopiesTest, OfARefusalReachTheOthersWhenTheSenderHasGone) {
  set_archive(true);
  login(phone, "juliet@capulet.example/phone");
  login(desk, "juliet@capulet.example/desk");
  login(romeo, "romeo@capulet.example/garden");

  log.disk_full = true;
  router.route(phone, message(phone, "romeo@capulet.example", "ay me"));
  router.close(phone);
  settle();

  EXPECT_THAT(seen(desk), ElementsAre("sent:ay me", "received:error"));
}

TEST_F(CopiesTest, OfNotesToOneselfLeaveEachDeviceWithOne) {
  login(phone, "juliet@capulet.example/phone", 1);
  login(desk, "juliet@capulet.example/desk", 5);
  FakeSession tablet;
  login(tablet, "juliet@capulet.example/tablet", 1);

  for (const char* to : {"juliet@capulet.example", "juliet@capulet.lan", "juliet@capulet.example/desk"}) {
    say(phone, to, "buy poison");
    EXPECT_THAT(seen(desk), ElementsAre("buy poison")) << to;
    EXPECT_THAT(seen(tablet), ElementsAre("received:buy poison")) << to;
    EXPECT_THAT(seen(phone), IsEmpty()) << to;
  }
}

TEST_F(CopiesTest, ADeviceThatHasACopyIsNotGivenTheMessageAgain) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", 0);
  login(desk, "juliet@capulet.example/desk", 5);
  say(romeo, "juliet@capulet.example", "hark");
  const auto [unread, stamp] = desk.heard.at(0);
  EXPECT_THAT(seen(phone), ElementsAre("received:hark"));

  router.close(desk);
  router.undelivered(desk, unread, stamp);
  settle();

  EXPECT_THAT(seen(phone), IsEmpty());
}

TEST_F(CopiesTest, ADeviceThatAskedLaterIsGivenTheMessage) {
  login(romeo, "romeo@capulet.example/garden");
  FakeSession tablet;
  login(tablet, "juliet@capulet.example/tablet", 0, false);
  login(phone, "juliet@capulet.example/phone", -1);
  login(desk, "juliet@capulet.example/desk", 5);
  say(romeo, "juliet@capulet.example/desk", "hark");
  const auto [unread, stamp] = desk.heard.at(0);

  router.close(phone);
  tablet.set_carbons(true);
  router.close(desk);
  router.undelivered(desk, unread, stamp);
  settle();

  EXPECT_THAT(seen(tablet), ElementsAre("hark"));
}

TEST_F(CopiesTest, TheLastCopyOfAMessageWaitsAsTheMessage) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", 0);
  login(desk, "juliet@capulet.example/desk", 5);
  phone.heard.clear();
  say(romeo, "juliet@capulet.example", "hark");
  const auto [unread, stamp] = desk.heard.at(0);
  const auto [copy, copy_stamp] = phone.heard.at(0);

  router.close(desk);
  router.undelivered(desk, unread, stamp);
  router.close(phone);
  router.undelivered(phone, copy, copy_stamp);
  settle();

  FakeSession later;
  login(later, "juliet@capulet.example/later", kNoPresence);
  be_available(later, 0);
  EXPECT_THAT(seen(later), ElementsAre("hark"));
}

TEST_F(CopiesTest, ACopyThatCannotBeWrittenIsForgottenWhileAnotherHasTheMessage) {
  login(romeo, "romeo@capulet.example/garden");
  login(phone, "juliet@capulet.example/phone", 0);
  login(desk, "juliet@capulet.example/desk", 5);
  phone.heard.clear();
  say(romeo, "juliet@capulet.example", "hark");
  say(desk, "romeo@capulet.example", "what sayest thou");
  const auto copies = phone.heard;
  ASSERT_THAT(copies, SizeIs(2));
  desk.heard.clear();

  router.close(phone);
  for (const auto& [envelope, stamp] : copies) router.undelivered(phone, envelope, stamp);
  settle();

  EXPECT_THAT(seen(desk), IsEmpty());
  EXPECT_THAT(seen(romeo), ElementsAre("what sayest thou"));  // and no error
}

TEST_F(CopiesTest, ToAnotherCoreTravelAsALetter) {
  CoreId other = 0;
  std::string name = "juliet";
  while ((other = core_of(name + "@capulet.example", 2)) == core_of("romeo@capulet.example", 2)) name += "x";
  const CoreId home = core_of("romeo@capulet.example", 2);
  FakeLog far_log;
  Router near{home, 2, hosts, storage, log, post, clock}, far{other, 2, hosts, storage, far_log, post, clock};
  accounts.states[name + "@capulet.example"].exists = true;
  const auto enter = [&](Router& at, FakeSession& session, const std::string& address) {
    at.open(session, jid(address), false, [](Result<void> outcome) { ASSERT_TRUE(outcome); });
    while (storage.run_one() || log.answer() || far_log.answer()) {
    }
    session.set_carbons(true);
  };
  enter(near, romeo, "romeo@capulet.example/garden");
  enter(near, phone, "romeo@capulet.example/phone");

  near.route(romeo, message(romeo, name + "@capulet.example", "hark"));
  while (!post.letters.empty() || far_log.commit() || storage.run_one() || far_log.answer()) {
    if (post.letters.empty()) continue;
    auto [core, letter] = std::move(post.letters.front());
    post.letters.pop_front();
    (core == home ? near : far).receive(std::move(letter));
  }

  EXPECT_THAT(seen(phone), ElementsAre("sent:hark"));
  EXPECT_EQ(far_log.records.size(), 1u);
}

}  // namespace
}  // namespace anser::domain
