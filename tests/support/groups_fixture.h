// Groups on several cores, without a disk and without a network: what their tests share. For tests only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "domain/groups.h"
#include "domain/router.h"
#include "tests/support/fake_domain.h"

namespace anser::domain {

using Outcomes = std::vector<Result<void>>;

class GroupsTest : public testing::Test {
 protected:
  GroupsTest() { run(3); }

  void run(unsigned cores) {
    routers.clear();
    logs.resize(cores);
    post.letters.clear();
    for (unsigned core = 0; core < cores; ++core) {
      if (!logs[core]) logs[core] = std::make_unique<FakeLog>();
      routers.push_back(
          std::make_unique<Router>(static_cast<CoreId>(core), cores, hosts, storage, *logs[core], post, clock));
      routers.back()->set_iq_service(iqs);
      routers.back()->set_limits(limits);
    }
    group = on(0, "friends", "@conference.capulet.example");
  }
  void set_limits() {
    for (auto& router : routers) router->set_limits(limits);
  }

  // An address that lives on this core.
  std::string on(CoreId core, std::string name, std::string_view domain = "@capulet.example") {
    const auto cores = static_cast<unsigned>(routers.size());
    while (core_of(name + std::string{domain}, cores) != core) name += 'o';
    return name + std::string{domain};
  }
  Router& router_of(std::string_view address) {
    return *routers[core_of(jid(address).bare(), static_cast<unsigned>(routers.size()))];
  }
  Router& router_of(const FakeSession& session) { return router_of(session.jid().full()); }
  FakeLog& log() { return *logs[0]; }  // of the group's home

  bool read_letter() {
    if (post.letters.empty()) return false;
    auto [core, letter] = std::move(post.letters.front());
    post.letters.pop_front();
    routers[core]->receive(std::move(letter));
    return true;
  }
  // Everything but what the disk has to do.
  void read_letters() {
    while (storage.run_one() || read_letter()) {
    }
  }
  void settle() {
    const auto each = [&](auto act) {
      bool any = false;
      for (auto& log : logs) any |= act(*log);
      return any;
    };
    while (storage.run_one() || read_letter() || each([](FakeLog& log) { return log.answer(); }) ||
           each([](FakeLog& log) { return log.commit(); })) {
    }
  }
  template <class Letter>
  std::size_t letters() const {
    return static_cast<std::size_t>(std::count_if(post.letters.begin(), post.letters.end(), [](const auto& letter) {
      return std::holds_alternative<Letter>(letter.second);
    }));
  }

  void login(FakeSession& session, const std::string& account, std::string_view resource) {
    accounts.states[account].exists = true;
    const Jid full = jid(account + "/" + std::string{resource});
    router_of(account).open(session, full, false, [](Result<void> outcome) { ASSERT_TRUE(outcome); });
    settle();
  }
  void subscribe(FakeSession& session, std::string_view to) {
    router_of(session).subscribe(session, jid(to), [this](Result<void> outcome) { outcomes.push_back(outcome); });
  }
  void unsubscribe(FakeSession& session, std::string_view from) {
    router_of(session).unsubscribe(session, jid(from), [this](Result<void> outcome) { outcomes.push_back(outcome); });
  }
  Envelope message(const FakeSession& from, std::string_view body, std::string_view origin = {}) {
    Envelope envelope;
    envelope.type = Type::groupchat;
    envelope.from = from.jid();
    envelope.to = jid(group);
    envelope.id = "m" + std::to_string(++ids);
    envelope.origin_id = origin;
    envelope.facts.has_body = envelope.facts.has_payload = true;
    envelope.inner = Bytes::copy(body);
    return envelope;
  }
  Envelope ephemeral(const FakeSession& from, std::string_view body) {
    Envelope envelope = message(from, body);
    envelope.facts.no_store = true;
    return envelope;
  }
  void send(FakeSession& from, Envelope envelope) { router_of(from).route(from, std::move(envelope)); }
  void say(FakeSession& from, std::string_view body) { send(from, message(from, body)); }
  std::vector<Errc> errors(const FakeSession& session) {
    std::vector<Errc> found;
    for (const auto& [envelope, stamp] : session.heard) {
      if (envelope.type == Type::error && envelope.failure) found.push_back(envelope.failure->code);
    }
    return found;
  }
  // The group lives on core 0; Romeo does too, Juliet and the Nurse on cores of their own. All are subscribed.
  void all_subscribe() {
    login(romeo, on(0, "romeo"), "garden");
    login(juliet, on(1, "juliet"), "balcony");
    login(nurse, on(2, "nurse"), "hall");
    for (FakeSession* session : {&romeo, &juliet, &nurse}) subscribe(*session, group);
    settle();
    ASSERT_THAT(outcomes, testing::SizeIs(3));
    for (const auto& outcome : outcomes) ASSERT_TRUE(outcome);
    outcomes.clear();
  }

  Hosts hosts{{{"capulet.example", {"capulet.lan"}}}, {}};
  FakeClock clock;
  FakeAccounts accounts;
  FakeStorage storage{accounts};
  FakePost post;
  FakeIqs iqs;
  RouterLimits limits;
  std::vector<std::unique_ptr<FakeLog>> logs;
  FakeSession romeo, again, juliet, nurse;  // outlive the routers, as doors do
  std::vector<std::unique_ptr<Router>> routers;
  std::string group;
  Outcomes outcomes;  // of subscribe and unsubscribe
  int ids = 0;
};

}  // namespace anser::domain
