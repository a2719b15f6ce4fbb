// The router of one core, without a disk and without a network: what its tests share. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "domain/router.h"
#include "tests/support/fake_domain.h"

namespace anser::domain {

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router.set_iq_service(iqs);
    set_archive(false);
    for (const char* name : {"romeo@capulet.example", "juliet@capulet.example"}) accounts.states[name].exists = true;
  }

  void set_archive(bool on) {
    RouterLimits limits = router.limits();
    limits.archive = on;
    limits.offline_messages = 3;
    router.set_limits(limits);
  }

  // Lets storage and log do all that waits.
  void settle() {
    while (storage.run_one() || log.answer() || log.commit()) {
    }
  }

  void login(FakeSession& session, std::string_view address, int priority = 0) {
    bool open = false;
    router.open(session, jid(address), false, [&](Result<void> outcome) { open = outcome.has_value(); });
    settle();
    ASSERT_TRUE(open);
    if (priority == kNoPresence) return;
    be_available(session, priority);
    session.heard.clear();
  }

  void be_available(FakeSession& session, int priority) {
    Envelope presence;
    presence.kind = Kind::presence;
    presence.type = Type::available;
    presence.from = session.jid();
    presence.facts.priority = static_cast<std::int8_t>(priority);
    router.route(session, presence);
    settle();
  }

  Envelope message(const FakeSession& from, std::string_view to, std::string_view body, Type type = Type::chat) {
    Envelope envelope;
    envelope.kind = Kind::message;
    envelope.type = type;
    envelope.from = from.jid();
    envelope.to = jid(to);
    envelope.facts.has_body = true;
    envelope.facts.has_payload = true;
    envelope.inner = Bytes::copy(body);
    return envelope;
  }

  static constexpr int kNoPresence = 1000;

  Hosts hosts{{{"capulet.example", {"capulet.lan"}}}, {"192.168.8.32"}};
  FakeClock clock;
  FakeAccounts accounts;
  FakeStorage storage{accounts};
  FakeLog log;
  FakePost post;
  FakeIqs iqs;
  Router router{0, 1, hosts, storage, log, post, clock};
};

}  // namespace anser::domain
