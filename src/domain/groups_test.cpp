// Groups on several cores: who hears what, in which order, and not before it is stored; who may speak; and what is left
// of a group when its subscribers, the disk or the process go away.
#include "domain/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "domain/router.h"
#include "domain/session_journal.h"
#include "tests/support/fake_domain.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

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
    ASSERT_THAT(outcomes, SizeIs(3));
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

// ---- who hears what -------------------------------------------------------------------------------------------------

TEST_F(GroupsTest, AllSubscribersHearWhatOneSaysHimselfIncluded) {
  all_subscribe();

  say(juliet, "good night");
  settle();

  ASSERT_THAT(log().records, SizeIs(1));
  const LogRecord& record = log().records[0];
  for (FakeSession* session : {&romeo, &juliet, &nurse}) {
    ASSERT_THAT(session->heard, SizeIs(1));
    const auto& [envelope, stamp] = session->heard[0];
    EXPECT_EQ(envelope.from, juliet.jid());
    EXPECT_EQ(envelope.to.full(), group);
    EXPECT_EQ(stamp.sequence, record.sequence);
    EXPECT_EQ(stamp.time, record.time);
    EXPECT_TRUE(stamp.archived);
    EXPECT_THAT(session->bodies(), ElementsAre("good night"));
  }
}

TEST_F(GroupsTest, TheGroupHasItInItsArchiveAndNobodyElse) {
  all_subscribe();

  say(juliet, "good night");
  settle();

  const LogEntry& entry = log().records.at(0).entry;
  EXPECT_EQ(entry.owner.full(), group);
  EXPECT_EQ(entry.references, References{.recipient_archive = true});
  for (const std::string& owner : {group, juliet.jid().to_bare().full(), romeo.jid().to_bare().full()}) {
    ArchiveQuery query;
    query.owner = jid(owner);
    query.limit = query.bytes = 100;
    std::size_t found = 9;
    routers[0]->query_archive(std::move(query), [&](Result<ArchivePage> page) { found = page->records.size(); });
    settle();
    EXPECT_EQ(found, owner == group ? 1u : 0u) << owner;
  }
}

TEST_F(GroupsTest, AMessageCrossesToACoreOnceHoweverManyAreThere) {
  all_subscribe();
  login(again, on(1, "juliet"), "chamber");
  subscribe(again, group);
  settle();

  send(romeo, ephemeral(romeo, "hush"));

  EXPECT_EQ(letters<Published>(), 2u);
  settle();
  EXPECT_THAT(juliet.bodies(), ElementsAre("hush"));
  EXPECT_THAT(again.bodies(), ElementsAre("hush"));
}

TEST_F(GroupsTest, GroupsAreApart) {
  all_subscribe();
  const std::string other = on(0, "guards", "@conference.capulet.example");
  subscribe(nurse, other);
  settle();

  Envelope elsewhere = message(nurse, "who goes there?");
  elsewhere.to = jid(other);
  send(nurse, elsewhere);
  say(nurse, "sleep");
  settle();

  EXPECT_THAT(romeo.bodies(), ElementsAre("sleep"));
  EXPECT_THAT(nurse.bodies(), ElementsAre("who goes there?", "sleep"));
}

TEST_F(GroupsTest, AnAliasOfTheHostLeadsToTheSameGroup) {
  login(romeo, on(0, "romeo"), "garden");
  login(juliet, on(1, "juliet"), "balcony");
  const std::string alias = group.substr(0, group.find('@')) + "@conference.capulet.lan";
  subscribe(romeo, group);
  subscribe(juliet, alias);
  settle();

  Envelope said = message(juliet, "hark");
  said.to = jid(alias);
  send(juliet, said);
  settle();

  EXPECT_EQ(log().records.at(0).entry.owner.full(), group);
  ASSERT_THAT(romeo.heard, SizeIs(1));
  EXPECT_EQ(romeo.heard[0].first.to.full(), alias);  // as it was written
  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
}

// ---- order and durability -------------------------------------------------------------------------------------------

TEST_F(GroupsTest, NobodyHearsWhatIsNotStoredYet) {
  all_subscribe();

  say(juliet, "good night");
  router_of(juliet).fence(juliet, 7);
  read_letters();
  for (FakeSession* session : {&romeo, &juliet, &nurse}) EXPECT_THAT(session->heard, IsEmpty());
  EXPECT_EQ(juliet.passed, std::nullopt);

  log().commit();
  EXPECT_THAT(romeo.bodies(), ElementsAre("good night"));
  read_letters();
  EXPECT_EQ(juliet.passed, 7u);
  EXPECT_THAT(juliet.bodies(), ElementsAre("good night"));
}

TEST_F(GroupsTest, TheFenceOfASenderAtTheGroupsHomeWaitsToo) {
  all_subscribe();

  say(romeo, "but soft");
  router_of(romeo).fence(romeo, 7);
  read_letters();
  EXPECT_EQ(romeo.passed, std::nullopt);

  log().commit();
  EXPECT_EQ(romeo.passed, 7u);
  EXPECT_EQ(letters<Published>(), 2u);  // on their way already
}

TEST_F(GroupsTest, AllHearTheOrderOfTheLog) {
  all_subscribe();

  for (int i = 0; i < 3; ++i) {
    for (FakeSession* session : {&romeo, &juliet, &nurse}) {
      say(*session, session->jid().full() + std::to_string(i));
      if (i == 1) send(*session, ephemeral(*session, "typing"));
    }
    read_letters();
    if (i == 1) log().commit();
  }
  settle();

  std::vector<std::string> logged;
  for (const LogRecord& record : log().records) logged.emplace_back(record.entry.envelope.inner.view());
  const auto first = romeo.bodies();
  EXPECT_THAT(juliet.bodies(), testing::ElementsAreArray(first));
  EXPECT_THAT(nurse.bodies(), testing::ElementsAreArray(first));
  EXPECT_THAT(first, SizeIs(12));
  std::vector<std::string> stored = first;
  std::erase(stored, "typing");
  EXPECT_THAT(stored, testing::ElementsAreArray(logged));
}

TEST_F(GroupsTest, WhatIsNotKeptIsHeardAtOnceOrBehindWhatWaits) {
  all_subscribe();
  Envelope state = message(romeo, "composing");
  state.facts.has_body = false;

  send(romeo, ephemeral(romeo, "hush"));
  send(romeo, state);
  EXPECT_THAT(romeo.heard, SizeIs(2));
  EXPECT_EQ(romeo.heard[0].second.sequence, 0u);
  EXPECT_FALSE(romeo.heard[0].second.archived);
  say(romeo, "but soft");
  send(romeo, ephemeral(romeo, "hush again"));
  EXPECT_THAT(romeo.heard, SizeIs(2));
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("hush", "composing", "but soft", "hush again"));
  EXPECT_THAT(log().records, SizeIs(1));
}

TEST_F(GroupsTest, NothingIsKeptWhereNoArchiveIsWanted) {
  all_subscribe();

  limits.archive = false;
  set_limits();
  say(romeo, "one");
  limits.archive = true;
  limits.archive_default = ArchiveDefault::never;
  set_limits();
  say(romeo, "two");
  settle();

  EXPECT_THAT(juliet.bodies(), ElementsAre("one", "two"));
  EXPECT_THAT(log().records, IsEmpty());
}

TEST_F(GroupsTest, ARetractionIsKeptWithoutABody) {
  all_subscribe();
  Envelope retraction = message(romeo, "<retract/>");
  retraction.facts.has_body = false;
  retraction.retracts = "m1";

  send(romeo, retraction);
  settle();

  EXPECT_THAT(log().records, SizeIs(1));
  EXPECT_THAT(juliet.bodies(), ElementsAre("<retract/>"));
}

TEST_F(GroupsTest, WhatASessionHasSentIsNotedWithTheMessage) {
  all_subscribe();
  Envelope said = message(juliet, "good night");
  said.taken = {.session = 5, .number = 12};

  send(juliet, said);
  settle();

  const auto note = taken_notes(said);
  EXPECT_EQ(log().notes.at({note->session, note->key}), note->bytes);
  EXPECT_EQ(romeo.heard.at(0).first.taken, Taken{});
}

// ---- when the log takes nothing -------------------------------------------------------------------------------------

TEST_F(GroupsTest, AFullDiskIsToldToTheSenderAndNobodyHearsTheMessage) {
  all_subscribe();
  log().disk_full = true;
  say(juliet, "lost");
  read_letters();
  send(romeo, ephemeral(romeo, "hush"));
  router_of(juliet).fence(juliet, 7);
  read_letters();

  log().commit();
  log().disk_full = false;
  say(juliet, "kept");
  settle();

  EXPECT_THAT(errors(juliet), ElementsAre(Errc::disk_full));
  EXPECT_EQ(juliet.passed, 7u);
  EXPECT_THAT(nurse.bodies(), ElementsAre("hush", "kept"));
}

TEST_F(GroupsTest, AFullQueueOfTheLogIsToldToTheSender) {
  all_subscribe();
  log().full = true;

  say(juliet, "lost");
  read_letters();
  log().full = false;
  say(juliet, "kept");
  settle();

  EXPECT_THAT(errors(juliet), ElementsAre(Errc::resource_limit));
  EXPECT_THAT(nurse.bodies(), ElementsAre("kept"));
}

// ---- subscriptions --------------------------------------------------------------------------------------------------

TEST_F(GroupsTest, ASubscriptionIsDoneWhenTheGroupsHomeKnowsOfIt) {
  login(romeo, on(0, "romeo"), "garden");
  login(juliet, on(1, "juliet"), "balcony");
  login(again, on(1, "juliet"), "chamber");
  subscribe(romeo, group);
  EXPECT_THAT(outcomes, SizeIs(1));  // it is at home

  subscribe(juliet, group);
  subscribe(again, group);
  subscribe(juliet, group);
  EXPECT_EQ(letters<Interest>(), 1u);
  EXPECT_THAT(outcomes, SizeIs(1));
  read_letter();
  send(romeo, ephemeral(romeo, "hark"));  // the home has taken them in
  EXPECT_THAT(outcomes, SizeIs(1));
  settle();

  EXPECT_THAT(outcomes, SizeIs(4));
  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
  EXPECT_THAT(again.bodies(), ElementsAre("hark"));
  subscribe(again, group);
  EXPECT_THAT(outcomes, SizeIs(5));  // known already
}

TEST_F(GroupsTest, SubscribingTwiceIsOneSubscription) {
  all_subscribe();
  subscribe(juliet, group);
  settle();

  say(romeo, "once");
  settle();
  EXPECT_THAT(juliet.bodies(), ElementsAre("once"));

  unsubscribe(juliet, group);
  say(romeo, "never");
  settle();
  EXPECT_THAT(juliet.bodies(), IsEmpty());
}

TEST_F(GroupsTest, WhoUnsubscribesHearsNothingMoreAndMayNotSpeak) {
  all_subscribe();
  say(romeo, "one");
  log().commit();  // the letters are on their way

  unsubscribe(juliet, group);
  unsubscribe(juliet, group);
  EXPECT_THAT(outcomes, SizeIs(2));
  EXPECT_TRUE(outcomes[0] && outcomes[1]);
  say(juliet, "two");
  settle();

  EXPECT_THAT(juliet.bodies(), IsEmpty());
  EXPECT_THAT(nurse.bodies(), ElementsAre("one"));
  EXPECT_EQ(letters<Published>(), 0u);
}

TEST_F(GroupsTest, ACoreWithoutSubscribersGetsNoLetters) {
  all_subscribe();
  unsubscribe(juliet, group);
  routers[2]->close(nurse);
  settle();

  send(romeo, ephemeral(romeo, "alone"));

  EXPECT_EQ(letters<Published>(), 0u);
  EXPECT_THAT(romeo.bodies(), ElementsAre("alone"));
}

TEST_F(GroupsTest, SubscriptionsEndWithTheSession) {
  all_subscribe();
  login(again, on(1, "juliet"), "chamber");
  subscribe(again, group);
  settle();
  routers[1]->close(juliet);
  juliet.heard.clear();

  say(romeo, "good night");
  settle();
  EXPECT_THAT(again.bodies(), ElementsAre("good night"));
  EXPECT_THAT(juliet.heard, IsEmpty());

  FakeSession back;
  login(back, on(1, "juliet"), "balcony");
  send(back, message(back, "still there?"));
  settle();
  EXPECT_THAT(errors(back), ElementsAre(Errc::forbidden));
  routers[1]->close(back);
}

TEST_F(GroupsTest, WhoLeavesAndComesBackBeforeTheAnswerIsSubscribed) {
  login(romeo, on(0, "romeo"), "garden");
  subscribe(romeo, group);
  login(juliet, on(1, "juliet"), "balcony");
  outcomes.clear();

  subscribe(juliet, group);
  unsubscribe(juliet, group);
  subscribe(juliet, group);
  EXPECT_EQ(letters<Interest>(), 1u);
  settle();

  EXPECT_THAT(outcomes, SizeIs(3));
  say(romeo, "hark");
  settle();
  EXPECT_THAT(juliet.bodies(), ElementsAre("hark"));
}

TEST_F(GroupsTest, WhoLeavesBeforeTheAnswerIsForgotten) {
  login(romeo, on(0, "romeo"), "garden");
  subscribe(romeo, group);
  login(juliet, on(1, "juliet"), "balcony");
  outcomes.clear();

  subscribe(juliet, group);
  routers[1]->close(juliet);
  settle();

  EXPECT_THAT(outcomes, IsEmpty());  // nobody waits for it
  send(romeo, ephemeral(romeo, "alone"));
  EXPECT_EQ(letters<Published>(), 0u);
}

TEST_F(GroupsTest, WhoHearsThatItIsDoneMayLeaveAtOnce) {
  login(juliet, on(1, "juliet"), "balcony");
  login(romeo, on(0, "romeo"), "garden");
  for (FakeSession* session : {&juliet, &romeo}) {
    router_of(*session).subscribe(*session, jid(group),
                                  [this, session](Result<void>) { unsubscribe(*session, group); });
  }
  settle();

  EXPECT_THAT(outcomes, SizeIs(2));
  say(romeo, "hark");
  settle();
  EXPECT_THAT(errors(romeo), ElementsAre(Errc::forbidden));
}

TEST_F(GroupsTest, WhoLeavesOneOfManyGroupsKeepsTheOthers) {
  login(juliet, on(1, "juliet"), "balcony");
  login(again, on(1, "juliet"), "chamber");
  std::vector<std::string> names;
  for (const char* name : {"a", "b", "c", "d"}) names.push_back(on(1, name, "@conference.capulet.example"));
  for (const auto& name : names) {
    subscribe(again, name);
    subscribe(juliet, name);
  }
  unsubscribe(juliet, names[0]);
  unsubscribe(again, names[2]);
  unsubscribe(juliet, names[3]);

  for (const auto& name : names) {
    FakeSession& speaker = name == names[2] ? juliet : again;
    Envelope said = ephemeral(speaker, name);
    said.to = jid(name);
    send(speaker, said);
  }

  EXPECT_THAT(juliet.bodies(), ElementsAre(names[1], names[2]));
  EXPECT_THAT(again.bodies(), ElementsAre(names[0], names[1], names[3]));
}

TEST_F(GroupsTest, AnAddressThatIsNoGroupsCannotBeSubscribedTo) {
  login(romeo, on(0, "romeo"), "garden");

  for (const char* address : {"juliet@capulet.example", "conference.capulet.example", "a@conference.verona.example",
                              "a@conference.capulet.example/romeo"}) {
    subscribe(romeo, address);
    unsubscribe(romeo, address);
  }

  ASSERT_THAT(outcomes, SizeIs(8));
  for (const auto& outcome : outcomes) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::not_found);
    EXPECT_FALSE(outcome.error().message.empty());
  }
}

// ---- limits ---------------------------------------------------------------------------------------------------------

TEST_F(GroupsTest, ASessionMaySubscribeToSoManyGroups) {
  limits.groups_per_session = 2;
  set_limits();
  login(romeo, on(0, "romeo"), "garden");

  for (const char* name : {"a", "b", "c"}) subscribe(romeo, on(0, name, "@conference.capulet.example"));
  ASSERT_THAT(outcomes, SizeIs(3));
  EXPECT_TRUE(outcomes[0] && outcomes[1]);
  ASSERT_FALSE(outcomes[2]);
  EXPECT_EQ(outcomes[2].error().code, Errc::resource_limit);

  unsubscribe(romeo, on(0, "a", "@conference.capulet.example"));
  subscribe(romeo, on(0, "c", "@conference.capulet.example"));
  EXPECT_TRUE(outcomes.back());
}

TEST_F(GroupsTest, ACoreHasRoomForTheSubscribersOfSoManyGroups) {
  limits.groups = 2;
  set_limits();
  login(juliet, on(1, "juliet"), "balcony");
  const std::vector<std::string> names{on(0, "a", "@conference.capulet.example"),
                                       on(2, "b", "@conference.capulet.example"),
                                       on(1, "c", "@conference.capulet.example")};

  for (const auto& name : names) subscribe(juliet, name);
  settle();
  ASSERT_THAT(outcomes, SizeIs(3));
  ASSERT_FALSE(outcomes[0]);  // at once
  EXPECT_EQ(outcomes[0].error().code, Errc::resource_limit);
  EXPECT_TRUE(outcomes[1] && outcomes[2]);

  unsubscribe(juliet, names[0]);
  subscribe(juliet, names[2]);
  EXPECT_TRUE(outcomes.back());
}

TEST_F(GroupsTest, AHomeHasRoomForSoManyGroups) {
  limits.groups = 1;
  set_limits();
  login(romeo, on(0, "romeo"), "garden");
  login(juliet, on(1, "juliet"), "balcony");
  subscribe(romeo, on(0, "taken", "@conference.capulet.example"));
  outcomes.clear();

  subscribe(juliet, group);
  say(juliet, "hark");  // it cannot know yet
  settle();
  ASSERT_THAT(outcomes, SizeIs(1));
  ASSERT_FALSE(outcomes[0]);
  EXPECT_EQ(outcomes[0].error().code, Errc::resource_limit);
  EXPECT_THAT(errors(juliet), ElementsAre(Errc::resource_limit));

  say(juliet, "hark");
  settle();
  EXPECT_THAT(errors(juliet), ElementsAre(Errc::resource_limit, Errc::forbidden));
  routers[0]->close(romeo);
  subscribe(juliet, group);
  settle();
  EXPECT_TRUE(outcomes.back());
}

// ---- who may speak --------------------------------------------------------------------------------------------------

TEST_F(GroupsTest, OnlyASessionThatIsSubscribedMaySpeak) {
  all_subscribe();
  login(again, on(1, "juliet"), "chamber");  // another device of a subscriber

  send(again, message(again, "let me in"));
  settle();

  EXPECT_THAT(errors(again), ElementsAre(Errc::forbidden));
  EXPECT_THAT(romeo.heard, IsEmpty());
  EXPECT_THAT(log().records, IsEmpty());
}

TEST_F(GroupsTest, WhoHasBlockedTheGroupsAddressDoesNotWriteToIt) {
  all_subscribe();
  Account* account = routers[1]->find(juliet.jid().bare());
  routers[1]->block(*account, {jid(group)}, [](Result<void> outcome) { EXPECT_TRUE(outcome); });
  settle();

  say(juliet, "hark");
  settle();

  EXPECT_THAT(errors(juliet), ElementsAre(Errc::blocked));
  EXPECT_THAT(romeo.heard, IsEmpty());
}

TEST_F(GroupsTest, WhatWasSaidLastIsHeardThoughTheSpeakerHasGone) {
  all_subscribe();

  say(juliet, "farewell");
  routers[1]->close(juliet);
  settle();

  EXPECT_THAT(romeo.bodies(), ElementsAre("farewell"));
}

TEST_F(GroupsTest, WhatWasSaidLastIsKeptThoughAllHaveGone) {
  login(juliet, on(1, "juliet"), "balcony");
  subscribe(juliet, group);
  settle();

  say(juliet, "farewell");
  routers[1]->close(juliet);
  settle();

  EXPECT_THAT(log().records, SizeIs(1));
  EXPECT_THAT(errors(juliet), IsEmpty());
}

TEST_F(GroupsTest, WhatWaitsForARetryIsHeardThoughTheSpeakerHasGone) {
  all_subscribe();

  send(juliet, message(juliet, "farewell", "1"));  // the group's archive is asked first
  routers[1]->close(juliet);
  settle();

  EXPECT_THAT(romeo.bodies(), ElementsAre("farewell"));
}

// What is not a message to all is answered, and asks no account after the group.
TEST_F(GroupsTest, WhatElseIsSentThereIsAnswered) {
  struct Case {
    Kind kind;
    Type type;
    std::string to;
    std::optional<Errc> error;
  };
  const std::string domain = "conference.capulet.example";
  const std::vector<Case> cases{
      {Kind::message, Type::chat, group, Errc::bad_request},
      {Kind::message, Type::normal, group + "/romeo", Errc::bad_request},
      {Kind::message, Type::groupchat, group + "/romeo", Errc::bad_request},
      {Kind::message, Type::groupchat, domain, Errc::unavailable},
      {Kind::message, Type::chat, domain, Errc::unavailable},
      {Kind::message, Type::headline, group, std::nullopt},
      {Kind::message, Type::error, group, std::nullopt},
      {Kind::iq, Type::get, domain, Errc::unavailable},
      {Kind::iq, Type::set, group, Errc::unavailable},
      {Kind::iq, Type::get, group + "/romeo", Errc::unavailable},
      {Kind::iq, Type::result, group, std::nullopt},
      {Kind::presence, Type::available, group + "/romeo", Errc::unavailable},
      {Kind::presence, Type::subscribe, group, Errc::unavailable},
      {Kind::presence, Type::probe, group, Errc::unavailable},
      {Kind::presence, Type::unavailable, group + "/romeo", std::nullopt},
      {Kind::presence, Type::unsubscribed, group, std::nullopt},
  };
  all_subscribe();
  for (const Case& one : cases) {
    Envelope envelope = message(juliet, "");
    envelope.kind = one.kind;
    envelope.type = one.type;
    envelope.to = jid(one.to);
    juliet.heard.clear();

    send(juliet, envelope);
    settle();

    const auto found = errors(juliet);
    EXPECT_THAT(found, SizeIs(one.error ? 1 : 0)) << one.to << " " << static_cast<int>(one.type);
    if (one.error && !found.empty()) {
      EXPECT_EQ(found[0], *one.error) << one.to;
      EXPECT_EQ(juliet.heard[0].first.from.full(), one.to);
      EXPECT_EQ(juliet.heard[0].first.kind, one.kind);
    }
  }
  EXPECT_THAT(romeo.heard, IsEmpty());
  EXPECT_THAT(iqs.served, IsEmpty());
  for (auto& router : routers) EXPECT_EQ(router->find(group), nullptr);
  EXPECT_TRUE(router_of(juliet).find(juliet.jid().bare())->contacts().empty());
}

TEST_F(GroupsTest, WhatASessionLeavesUnreadIsNeitherPassedOnNorRefused) {
  all_subscribe();
  login(again, on(1, "juliet"), "chamber");
  say(romeo, "good night");
  settle();
  ASSERT_THAT(juliet.heard, SizeIs(1));
  auto [envelope, stamp] = juliet.heard[0];

  routers[1]->close(juliet);
  routers[1]->undelivered(juliet, envelope, stamp);
  settle();

  EXPECT_THAT(again.heard, IsEmpty());
  EXPECT_THAT(errors(romeo), IsEmpty());
  EXPECT_THAT(log().records, SizeIs(1));
}

// ---- retries --------------------------------------------------------------------------------------------------------

TEST_F(GroupsTest, ARetryIsHeardOnce) {
  all_subscribe();

  for (int i = 0; i < 3; ++i) send(juliet, message(juliet, "hark", "1"));
  send(juliet, message(juliet, "hush", "1"));
  router_of(juliet).fence(juliet, 7);
  settle();

  EXPECT_THAT(romeo.bodies(), ElementsAre("hark", "hush"));
  EXPECT_EQ(juliet.passed, 7u);
  EXPECT_THAT(errors(juliet), IsEmpty());
}

TEST_F(GroupsTest, ARetryWaitsForTheFirstOne) {
  all_subscribe();
  send(juliet, message(juliet, "before", "0"));
  settle();
  send(juliet, message(juliet, "hark", "1"));

  send(juliet, message(juliet, "hark", "1"));
  router_of(juliet).fence(juliet, 7);
  read_letters();

  EXPECT_EQ(juliet.passed, std::nullopt);
  settle();
  EXPECT_EQ(juliet.passed, 7u);
  EXPECT_THAT(romeo.bodies(), ElementsAre("before", "hark"));
}

TEST_F(GroupsTest, WhatWasRefusedIsNoRetry) {
  all_subscribe();
  send(juliet, message(juliet, "before", "0"));
  settle();
  log().disk_full = true;
  send(juliet, message(juliet, "hark", "1"));
  settle();
  log().disk_full = false;

  send(juliet, message(juliet, "hark", "1"));
  settle();

  EXPECT_THAT(errors(juliet), ElementsAre(Errc::disk_full));
  EXPECT_THAT(romeo.bodies(), ElementsAre("before", "hark"));
}

TEST_F(GroupsTest, ARetryIsKnownAfterARestartFromTheGroupsArchive) {
  run(1);
  login(romeo, on(0, "romeo"), "garden");
  subscribe(romeo, group);
  send(romeo, message(romeo, "hark", "1"));
  settle();
  ASSERT_THAT(romeo.bodies(), ElementsAre("hark"));
  FakeSession later;
  run(1);
  login(later, on(0, "romeo"), "garden");
  subscribe(later, group);

  send(later, message(later, "hark", "1"));
  routers[0]->fence(later, 7);
  send(later, message(later, "hush", "2"));
  settle();

  EXPECT_THAT(later.bodies(), ElementsAre("hush"));
  EXPECT_EQ(later.passed, 7u);
  EXPECT_THAT(log().records, SizeIs(2));
  routers[0]->close(later);
}

TEST_F(GroupsTest, AnArchiveThatCannotBeReadIsToldToTheSender) {
  all_subscribe();
  logs[1]->unreadable = true;

  send(juliet, message(juliet, "hark", "1"));
  settle();
  logs[1]->unreadable = false;
  send(juliet, message(juliet, "hark", "1"));
  settle();

  EXPECT_THAT(errors(juliet), ElementsAre(Errc::resource_limit));
  EXPECT_THAT(romeo.bodies(), ElementsAre("hark"));
}

}  // namespace
}  // namespace anser::domain
