// Who is handed the messages that have waited, page by page, when an account's devices come, go and lose their
// connections, and when the log cannot be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/router_fixture.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kJuliet = "juliet@capulet.example";

class WaitingTest : public RouterTest {
 protected:
  WaitingTest() {
    RouterLimits limits;
    limits.offline_page_messages = 1;
    router.set_limits(limits);
    for (FakeSession* device : {&phone, &tablet, &desk}) device->set_confirms();
    login(romeo, "romeo@capulet.example/garden");
  }

  void send(std::string_view to, std::string_view body) {
    router.route(romeo, message(romeo, to, body));
    settle();
  }
  // And it hears what waits.
  void comes(FakeSession& session, std::string_view resource) {
    login(session, std::string{kJuliet}.append("/").append(resource), kNoPresence);
    be_available(session, 0);
  }
  void loses_connection(FakeSession& session) {
    session.connected = false;
    router.detached(session);
    settle();
  }
  // Without a word about what it was given.
  void leaves(FakeSession& session) {
    router.close(session);
    for (auto& entry : session.queue.take_all()) router.undelivered(session, std::move(entry.envelope), entry.stamp);
    settle();
  }
  void confirms_page(FakeSession& session) {
    if (session.confirms()) session.acknowledge(router, static_cast<std::uint32_t>(session.queue.last()));
    router.confirmed(session, *session.asked);
    settle();
  }
  void route(FakeSession& from, Type type, std::string_view to = {}) {
    Envelope presence;
    presence.kind = Kind::presence;
    presence.type = type;
    presence.from = from.jid();
    if (!to.empty()) presence.to = jid(to);
    router.route(from, std::move(presence));
  }

  FakeSession romeo, phone, tablet, desk;
};

TEST_F(WaitingTest, WhatALostDeviceHasNotConfirmedGoesToOneThatIsHere) {
  send(kJuliet, "a");
  send(kJuliet, "b");
  comes(phone, "phone");
  comes(desk, "desk");
  EXPECT_THAT(phone.bodies(), ElementsAre("a"));
  EXPECT_THAT(desk.bodies(), IsEmpty());

  loses_connection(phone);
  EXPECT_THAT(desk.bodies(), ElementsAre("a"));
  confirms_page(desk);
  EXPECT_THAT(desk.bodies(), ElementsAre("b"));
}

TEST_F(WaitingTest, WhoLosesItsConnectionWhileAPageIsReadIsNotHandedIt) {
  send(kJuliet, "a");
  login(phone, "juliet@capulet.example/phone", kNoPresence);
  login(desk, "juliet@capulet.example/desk", kNoPresence);
  route(phone, Type::available);
  phone.connected = false;
  router.detached(phone);
  route(desk, Type::available);
  settle();

  EXPECT_THAT(phone.bodies(), IsEmpty());
  EXPECT_THAT(desk.bodies(), ElementsAre("a"));
}

TEST_F(WaitingTest, ALostDeviceIsHandedNothingWhileAnotherIsHere) {
  for (const bool leaves : {true, false}) {
    send(kJuliet, "a");
    send(kJuliet, "b");
    comes(phone, "phone");
    comes(tablet, "tablet");
    comes(desk, "desk");
    loses_connection(tablet);
    for (auto* device : {&phone, &tablet, &desk}) device->heard.clear();

    if (leaves) {
      router.close(phone);
      settle();
    } else {
      route(phone, Type::unavailable);
      confirms_page(phone);
    }
    EXPECT_THAT(tablet.bodies(), IsEmpty()) << leaves;
    EXPECT_THAT(desk.bodies(), ElementsAre(leaves ? "a" : "b"));

    confirms_page(desk);
    if (leaves) confirms_page(desk);
    for (auto* device : {&phone, &tablet, &desk}) {
      router.close(*device);
      device->queue.take_all();
      device->connected = true;
    }
    settle();
  }
}

TEST_F(WaitingTest, ALostDeviceIsHandedItIfNoOtherIsHere) {
  send(kJuliet, "a");
  send(kJuliet, "b");
  comes(phone, "phone");
  loses_connection(phone);
  confirms_page(phone);  // it had come back
  EXPECT_THAT(phone.bodies(), ElementsAre("a", "b"));
}

TEST_F(WaitingTest, WhatTwoHadAndNeitherConfirmedWaitsOn) {
  send(kJuliet, "a");
  comes(phone, "phone");
  comes(desk, "desk");
  loses_connection(phone);
  EXPECT_THAT(desk.bodies(), ElementsAre("a"));

  leaves(desk);
  leaves(phone);
  comes(tablet, "tablet");
  EXPECT_THAT(tablet.bodies(), ElementsAre("a"));
}

TEST_F(WaitingTest, WhatAnotherHasConfirmedDoesNotWaitWhenTheLostDeviceEnds) {
  for (const bool confirms : {true, false}) {
    FakeSession other;
    if (confirms) other.set_confirms();
    send(kJuliet, "a");
    comes(phone, "phone");
    comes(other, "other");
    loses_connection(phone);
    EXPECT_THAT(other.bodies(), ElementsAre("a"));
    confirms_page(other);

    leaves(phone);
    EXPECT_EQ(router.find(kJuliet)->waiting_messages(), 0u) << confirms;
    leaves(other);
    phone.connected = true;
    phone.heard.clear();
  }
}

TEST_F(WaitingTest, WhatIsStoredBesideAPageComesBeforeWhatIsSentLater) {
  send(kJuliet, "a");
  comes(phone, "phone");
  route(phone, Type::unavailable);
  send(kJuliet, "b");
  route(phone, Type::available);
  send(kJuliet, "c");
  EXPECT_THAT(phone.bodies(), ElementsAre("a"));

  confirms_page(phone);
  EXPECT_THAT(phone.bodies(), ElementsAre("b"));
  confirms_page(phone);
  EXPECT_THAT(phone.bodies(), ElementsAre("c"));
}

TEST_F(WaitingTest, WhatCouldNotBeReadComesBeforeTheNextMessage) {
  send(kJuliet, "a");
  log.unreadable = true;
  comes(phone, "phone");
  EXPECT_THAT(phone.bodies(), IsEmpty());

  log.unreadable = false;
  send(kJuliet, "b");
  EXPECT_THAT(phone.bodies(), ElementsAre("a", "b"));
}

TEST_F(WaitingTest, WhatCouldNotBeReadComesWithTheNextPresence) {
  send(kJuliet, "a");
  log.unreadable = true;
  comes(phone, "phone");
  be_available(phone, 0);
  EXPECT_THAT(phone.bodies(), IsEmpty());

  log.unreadable = false;
  be_available(phone, 0);
  EXPECT_THAT(phone.bodies(), ElementsAre("a"));
  be_available(phone, 0);
  EXPECT_THAT(phone.bodies(), IsEmpty());
}

// A page may be full of what is about to be given to another device.
TEST_F(WaitingTest, WhatWaitsBehindWhatIsOnItsWayIsNotForgotten) {
  login(phone, "juliet@capulet.example/phone", kNoPresence);
  login(desk, "juliet@capulet.example/desk", kNoPresence);
  route(romeo, Type::subscribe, kJuliet);  // which storage has not taken yet: nothing may overtake it
  router.route(romeo, message(romeo, "juliet@capulet.example/phone", "for the phone"));
  log.commit();
  router.route(romeo, message(romeo, kJuliet, "for all"));
  log.commit();
  route(desk, Type::available);
  while (log.answer() || log.commit()) {
  }
  settle();

  EXPECT_THAT(phone.bodies(), ElementsAre("for the phone"));
  EXPECT_THAT(desk.bodies(), ElementsAre("for all"));
}

}  // namespace
}  // namespace anser::domain
