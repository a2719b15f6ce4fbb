// Groups on several cores: who hears what, in which order, and not before it is stored.
#include "domain/session_journal.h"
#include "tests/support/groups_fixture.h"

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

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

}  // namespace
}  // namespace anser::domain
