#include "anser/roster.h"

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "sdk/src/fake_channel.h"
#include "sdk/src/roster_cache.h"
#include "tests/support/temporary_directory.h"

namespace anser::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Subscription = RosterEntry::Subscription;

// RFC 6121 §2.2.
constexpr std::string_view kRoster =
    "<query xmlns='jabber:iq:roster' ver='ver11'>"
    "<item jid='romeo@example.net' name='Romeo' subscription='both'><group>Friends</group></item>"
    "<item jid='mercutio@example.com' name='Mercutio' subscription='from'/>"
    "<item jid='benvolio@example.net' name='Benvolio' subscription='both'/></query>";

class RosterTest : public ::testing::Test {
 protected:
  RosterTest() {
    channel->full = "juliet@example.com/balcony";
    channel->config.service_name = "example.com";
    listen(log);
  }

  void listen(std::vector<std::string>& log) {
    const auto users = [&log](const std::string& what) {
      return [&log, what](const std::vector<std::string>& all) {
        for (const auto& user : all) log.push_back(what + " " + user);
      };
    };
    roster->add_listener(
        {.loaded = [&log] { log.emplace_back("loaded"); },
         .entries_added = users("added"),
         .entries_updated = users("updated"),
         .entries_deleted = users("deleted"),
         .presence_changed =
             [&log](const Presence& p) { log.push_back(std::string{name_of(p.type())} + " " + p.from()); },
         .subscription_requested = [&log](const std::string& user) { log.push_back("asks " + user); }});
  }

  Extension& extension() { return ManagerAccess::extension(*roster); }
  void log_in() {
    extension().on_bound([] {});
  }
  void load(std::string_view query = kRoster) {
    log_in();
    channel->answer(query);
    log.clear();
  }

  IQ push_iq(std::string_view items, std::string from = {}, std::string_view ver = "ver42") {
    const auto query = fmt::format("<query xmlns='jabber:iq:roster' ver='{}'>{}</query>", ver, items);
    IQ iq{IQ::Type::set, *Element::parse(query), channel->full};
    iq.set_id("a78b4q6ha463");
    iq.set_from(std::move(from));
    return iq;
  }
  // The answer's type, or the condition of an error.
  std::string push(std::string_view items, std::string from = {}, std::string_view ver = "ver42") {
    const auto answer = extension().on_request(push_iq(items, std::move(from), ver));
    if (!answer) return "nothing";
    EXPECT_EQ(answer->id(), "a78b4q6ha463");
    return answer->type() == IQ::Type::result ? "result" : answer->error()->condition;
  }

  void presence(std::string from, Presence::Type type) {
    Presence presence{type};
    presence.set_from(std::move(from));
    extension().on_presence(presence);
  }

  Done keep() {
    return [this](Result<void> r) { result = r; };
  }

  std::shared_ptr<FakeChannel> channel = FakeChannel::make();
  ManagerAccess::Owned<Roster> roster = ManagerAccess::make<Roster>(*channel);
  std::vector<std::string> log;
  std::optional<Result<void>> result;
};

TEST_F(RosterTest, IsFetchedAtLogin) {
  log_in();
  EXPECT_EQ(channel->requests.front().iq.type(), IQ::Type::get);
  EXPECT_EQ(channel->requests.front().iq.to(), "");
  EXPECT_EQ(channel->asked(), "<query xmlns='jabber:iq:roster'/>");
  EXPECT_FALSE(roster->is_loaded());

  channel->answer(kRoster);

  EXPECT_TRUE(roster->is_loaded());
  EXPECT_THAT(log, ElementsAre("added benvolio@example.net", "added mercutio@example.com", "added romeo@example.net",
                               "loaded"));
  EXPECT_EQ(roster->entry("Romeo@Example.NET"),
            (RosterEntry{"romeo@example.net", "Romeo", {"Friends"}, Subscription::both}));
  EXPECT_THAT(roster->groups(), ElementsAre("Friends"));
  EXPECT_THAT(roster->entries_in("Friends"), SizeIs(1));
  EXPECT_THAT(roster->unfiled_entries(), SizeIs(2));
  EXPECT_FALSE(roster->contains("tybalt@example.com"));
}

TEST_F(RosterTest, IsNotFetchedWhenNobodyWantsIt) {
  channel->config.roster_loaded_at_login = false;
  log_in();
  EXPECT_THAT(channel->requests, IsEmpty());

  roster->reload(keep());
  EXPECT_THAT(channel->requests, SizeIs(1));
  channel->answer(kRoster);
  EXPECT_TRUE(result->has_value());

  log_in();  // and once it was wanted, it is again
  EXPECT_THAT(channel->requests, SizeIs(1));
}

TEST_F(RosterTest, GivesAllWhoWaitTheSameAnswer) {
  log_in();
  roster->reload(keep());
  ASSERT_THAT(channel->requests, SizeIs(1));

  channel->refuse("item-not-found");

  EXPECT_EQ(result->error().condition, "item-not-found");
  EXPECT_FALSE(roster->is_loaded());
}

TEST_F(RosterTest, CannotBeFetchedBeforeLogin) {
  channel->authenticated = false;
  roster->reload(keep());
  EXPECT_EQ(result->error().code, Errc::wrong_state);
}

TEST_F(RosterTest, TellsWhatChangedBetweenTwoSessions) {
  load();
  log_in();
  channel->answer(
      "<query xmlns='jabber:iq:roster'><item jid='romeo@example.net' name='R.' subscription='both'/>"
      "<item jid='mercutio@example.com' name='Mercutio' subscription='from'/><item jid='nurse@example.com'/></query>");

  EXPECT_THAT(log, ElementsAre("added nurse@example.com", "updated romeo@example.net", "deleted benvolio@example.net",
                               "loaded"));
}

TEST_F(RosterTest, ForgetsItForAnotherAccount) {
  load();
  channel->full = "paris@example.com/x";
  log_in();

  EXPECT_THAT(roster->entries(), IsEmpty());
  EXPECT_THAT(log, SizeIs(3));
}

TEST_F(RosterTest, IgnoresSubscriptionsThatAreNotInTheStandard) {
  load(
      "<query xmlns='jabber:iq:roster'><item jid='a@x' subscription='maybe'/><item jid='b@x' subscription='remove'/>"
      "<item jid='c@x'/><item jid='d@x' subscription='to' ask='subscribe' approved='true'/></query>");

  EXPECT_EQ(roster->entry("a@x")->subscription, Subscription::none);
  EXPECT_EQ(roster->entry("b@x")->subscription, Subscription::none);
  EXPECT_EQ(roster->entry("c@x")->subscription, Subscription::none);
  EXPECT_TRUE(roster->entry("d@x")->subscription_pending);
  EXPECT_TRUE(roster->entry("d@x")->approved);

  EXPECT_EQ(push("<item jid='d@x' subscription='perhaps'/>"), "result");
  EXPECT_EQ(roster->entry("d@x")->subscription, Subscription::to);
}

TEST_F(RosterTest, LeavesOutItemsWithoutAnAddress) {
  load("<query xmlns='jabber:iq:roster'><item name='x'/><item jid='@'/><other/><item jid='a@x'/></query>");

  EXPECT_THAT(roster->entries(), SizeIs(1));
  EXPECT_THAT(channel->complaints, ElementsAre(HasSubstr("2 roster items")));
}

TEST_F(RosterTest, HoldsABoundedNumberOfContacts) {
  load("<query xmlns='jabber:iq:roster'/>");
  for (std::size_t i = 0; i < RosterCache::kEntries; ++i)
    ASSERT_EQ(push(fmt::format("<item jid='c{}@x'/>", i)), "result");

  EXPECT_EQ(push("<item jid='more@x'/>"), "resource-constraint");
  EXPECT_EQ(push("<item jid='c1@x' name='known'/>"), "result");
  EXPECT_EQ(roster->entry("c1@x")->name, "known");
}

TEST_F(RosterTest, TakesPushesFromTheAccount) {
  load();
  EXPECT_EQ(push("<item jid='nurse@example.com' name='Nurse'><group>Servants</group></item>"), "result");
  EXPECT_EQ(push("<item jid='tybalt@example.org'/>", "juliet@example.com"), "result");
  EXPECT_EQ(push("<item jid='tybalt@example.org' name='T'/>", "Juliet@Example.com"), "result");
  EXPECT_EQ(push("<item jid='romeo@example.net' subscription='remove'/>", channel->full), "result");
  EXPECT_EQ(push("<item jid='nobody@example.net' subscription='remove'/>"), "result");

  EXPECT_THAT(log, ElementsAre("added nurse@example.com", "added tybalt@example.org", "updated tybalt@example.org",
                               "deleted romeo@example.net"));
  EXPECT_THAT(roster->groups(), ElementsAre("Servants"));
}

TEST_F(RosterTest, RefusesPushesFromStrangers) {
  load();
  for (const auto* stranger : {"tybalt@example.org/hall", "example.com", "juliet@example.com/chamber",
                               "juliet@example.com.evil", "romeo@example.net", "@"}) {
    EXPECT_EQ(push("<item jid='tybalt@example.org' subscription='both'/>", stranger), "service-unavailable");
  }

  EXPECT_THAT(log, IsEmpty());
  EXPECT_FALSE(roster->contains("tybalt@example.org"));
  EXPECT_THAT(channel->complaints, SizeIs(6));
}

TEST_F(RosterTest, RefusesPushesThatAreNotOneItem) {
  load();
  EXPECT_EQ(push(""), "bad-request");
  EXPECT_EQ(push("<item jid='a@x'/><item jid='b@x'/>"), "bad-request");
  EXPECT_EQ(push("<other xmlns='jabber:iq:roster'/>"), "bad-request");
  EXPECT_EQ(push("<item name='nobody'/>"), "bad-request");

  EXPECT_THAT(log, IsEmpty());
}

TEST_F(RosterTest, LeavesOtherRequestsAlone) {
  load();
  IQ get = push_iq("");
  get.set_type(IQ::Type::get);
  EXPECT_FALSE(extension().on_request(get));
  EXPECT_FALSE(extension().on_request(IQ{IQ::Type::set, Element{"query", "jabber:iq:other"}}));
}

class RosterVersionTest : public RosterTest {
 protected:
  RosterVersionTest() {
    channel->config.roster_cache = path;
    channel->stream_features = {"urn:xmpp:features:rosterver"};
  }

  void start_again() {
    roster = ManagerAccess::make<Roster>(*channel);
    log.clear();
    listen(log);
    log_in();
  }

  test::TemporaryDirectory folder;
  std::string path = folder.path() / "roster";
};

TEST_F(RosterVersionTest, AsksForWhatChangedSinceTheCachedVersion) {
  log_in();
  EXPECT_EQ(channel->asked(), "<query xmlns='jabber:iq:roster' ver=''/>");
  channel->answer(kRoster);

  start_again();
  EXPECT_EQ(channel->asked(), "<query xmlns='jabber:iq:roster' ver='ver11'/>");
  channel->answer();  // nothing changed

  EXPECT_TRUE(roster->is_loaded());
  EXPECT_THAT(roster->entries(), SizeIs(3));
}

TEST_F(RosterVersionTest, KnowsTheVersionOfTheLastPush) {
  load();
  push("<item jid='romeo@example.net' subscription='remove'/>", {}, "ver34");
  push("<item jid='nurse@example.org' name='Nurse' subscription='to'/>", {}, "ver72");
  extension().on_closed(true);

  start_again();
  EXPECT_EQ(channel->asked(), "<query xmlns='jabber:iq:roster' ver='ver72'/>");
  EXPECT_TRUE(roster->contains("nurse@example.org"));
  EXPECT_FALSE(roster->contains("romeo@example.net"));

  channel->answer("<query xmlns='jabber:iq:roster' ver='ver73'/>");  // all were removed
  EXPECT_THAT(roster->entries(), IsEmpty());
}

TEST_F(RosterVersionTest, GoesOnInMemoryWithoutAFile) {
  channel->config.roster_cache.clear();
  load();
  extension().on_closed(true);
  log_in();

  EXPECT_EQ(channel->asked(), "<query xmlns='jabber:iq:roster' ver='ver11'/>");
}

TEST_F(RosterVersionTest, SaysNoVersionToAServerWithoutThem) {
  load();
  channel->stream_features.clear();
  start_again();

  EXPECT_EQ(channel->asked(), "<query xmlns='jabber:iq:roster'/>");
}

TEST_F(RosterVersionTest, DoesNotUseAnothersCacheNorABrokenOne) {
  load();
  channel->full = "paris@example.com/x";
  start_again();
  EXPECT_EQ(channel->asked(), "<query xmlns='jabber:iq:roster' ver=''/>");
  EXPECT_THAT(roster->entries(), IsEmpty());
  channel->requests.clear();

  channel->full = "juliet@example.com/balcony";
  std::ofstream{path} << "nonsense";
  start_again();
  EXPECT_EQ(channel->asked(), "<query xmlns='jabber:iq:roster' ver=''/>");
  EXPECT_THAT(channel->complaints, ::testing::Contains(HasSubstr("is none")));
}

TEST_F(RosterVersionTest, LivesWithoutAFileThatCannotBeWritten) {
  channel->config.roster_cache = folder.path() / "missing" / "roster";
  load();

  EXPECT_TRUE(roster->is_loaded());
  EXPECT_THAT(channel->complaints, ::testing::Contains(HasSubstr("can't be made")));
}

TEST_F(RosterTest, AddsAContactThenAsksForItsPresence) {
  load();
  roster->create_entry("Nurse@Example.com", "Nurse", {"Servants"}, keep());
  EXPECT_EQ(channel->requests.front().iq.type(), IQ::Type::set);
  EXPECT_EQ(channel->asked(),
            "<query xmlns='jabber:iq:roster'><item jid='nurse@example.com' name='Nurse'><group>Servants</group></item>"
            "</query>");
  EXPECT_THAT(channel->sent, IsEmpty());

  channel->answer();

  EXPECT_TRUE(result->has_value());
  EXPECT_THAT(channel->sent, ElementsAre("<presence to='nurse@example.com' type='subscribe'/>"));
}

TEST_F(RosterTest, AsksNobodyWhomTheServerDidNotTake) {
  load();
  roster->create_entry("nurse@example.com", "", {}, keep());
  channel->refuse("not-acceptable");

  EXPECT_EQ(result->error().condition, "not-acceptable");
  EXPECT_THAT(channel->sent, IsEmpty());
}

TEST_F(RosterTest, DoesNotSendWhatCannotBe) {
  load();
  const auto refused = [&] {
    EXPECT_THAT(channel->requests, IsEmpty());
    return result && !*result && result->error().code == Errc::invalid_argument;
  };
  roster->create_entry("@", "", {}, keep());
  EXPECT_TRUE(refused());
  roster->create_entry("a@x", "", {""}, keep());
  EXPECT_TRUE(refused());
  roster->set_name("nobody@x", "n", keep());
  EXPECT_TRUE(refused());
  roster->set_groups("romeo@example.net", {""}, keep());
  EXPECT_TRUE(refused());
  roster->rename_group("Friends", "", keep());
  EXPECT_TRUE(refused());
  roster->remove_entry("@", keep());
  EXPECT_TRUE(refused());
}

TEST_F(RosterTest, ChangesANameOrTheGroupsAndLeavesTheRest) {
  load();
  roster->set_name("romeo@example.net", "My <love>", keep());
  EXPECT_EQ(channel->asked(),
            "<query xmlns='jabber:iq:roster'><item jid='romeo@example.net' name='My &lt;love&gt;'>"
            "<group>Friends</group></item></query>");
  channel->answer();
  roster->set_groups("romeo@example.net", {"A", "B"}, keep());
  EXPECT_EQ(channel->asked(),
            "<query xmlns='jabber:iq:roster'><item jid='romeo@example.net' name='Romeo'><group>A</group>"
            "<group>B</group></item></query>");
  channel->answer();

  EXPECT_TRUE(result->has_value());
}

TEST_F(RosterTest, RenamesAGroupContactByContactAndTellsTheFirstError) {
  load(
      "<query xmlns='jabber:iq:roster'><item jid='a@x'><group>G</group><group>H</group></item>"
      "<item jid='b@x'><group>G</group></item><item jid='c@x'><group>G</group></item></query>");
  roster->rename_group("G", "N", keep());
  ASSERT_THAT(channel->requests, SizeIs(1));
  channel->answer();
  EXPECT_FALSE(result);
  ASSERT_THAT(channel->requests, SizeIs(1));
  channel->refuse("not-acceptable");
  ASSERT_THAT(channel->requests, SizeIs(1));
  EXPECT_EQ(channel->asked(),
            "<query xmlns='jabber:iq:roster'><item jid='a@x'><group>H</group><group>N</group></item></query>");
  channel->refuse("conflict");

  EXPECT_EQ(result->error().condition, "not-acceptable");
}

TEST_F(RosterTest, HasNothingToDoForAGroupOfNobody) {
  load();
  roster->rename_group("Nobody", "N", keep());
  EXPECT_TRUE(result->has_value());
  roster->rename_group("Friends", "Friends", keep());
  EXPECT_THAT(channel->requests, IsEmpty());
}

TEST_F(RosterTest, RemovesAContact) {
  load();
  roster->remove_entry("romeo@example.net", keep());
  EXPECT_EQ(channel->asked(),
            "<query xmlns='jabber:iq:roster'><item jid='romeo@example.net' subscription='remove'/></query>");
  channel->answer();
  EXPECT_TRUE(result->has_value());
  EXPECT_TRUE(roster->contains("romeo@example.net"));  // until the server's push
}

TEST_F(RosterTest, MustNotBeWaitedForOnTheLoop) {
  EXPECT_EQ(roster->reload().error().code, Errc::would_block);
  EXPECT_EQ(roster->remove_entry("a@x").error().code, Errc::would_block);
}

TEST_F(RosterTest, LetsThreadsGoWhenTheConnectionIsDestroyed) {
  Result<void> got;
  std::thread caller{[&] { got = roster->reload(); }};
  channel->run_until([&] { return !channel->requests.empty(); });
  channel->destroy();
  // What still waits inside goes with the manager, which the thread no longer uses.
  roster.reset();
  caller.join();

  EXPECT_EQ(got.error().code, Errc::closed);
}

TEST_F(RosterTest, TellsWhoOfTheContactsComesAndGoes) {
  load();
  presence("romeo@example.net/orchard", Presence::Type::available);
  presence("romeo@example.net/orchard", Presence::Type::unavailable);
  presence("stranger@example.net/x", Presence::Type::available);

  EXPECT_THAT(log, ElementsAre("available romeo@example.net/orchard", "unavailable romeo@example.net/orchard"));
  EXPECT_TRUE(roster->presence("stranger@example.net").is_available());
  EXPECT_TRUE(roster->presence_of_resource("Stranger@example.net/x").is_available());
  EXPECT_THAT(roster->presences("romeo@example.net"), IsEmpty());
}

TEST_F(RosterTest, KeepsPresencesOverAGapButNotOverALostSession) {
  load();
  presence("romeo@example.net/orchard", Presence::Type::available);
  log.clear();

  extension().on_closed(false);
  extension().on_session(true);
  EXPECT_TRUE(roster->presence("romeo@example.net").is_available());
  EXPECT_THAT(channel->requests, IsEmpty());
  EXPECT_TRUE(roster->is_loaded());

  extension().on_closed(true);
  EXPECT_FALSE(roster->presence("romeo@example.net").is_available());
  EXPECT_THAT(log, ElementsAre("unavailable romeo@example.net/orchard"));
  EXPECT_THAT(roster->entries(), SizeIs(3));
}

TEST_F(RosterTest, KnowsThePresenceOfWhoBecameAContactLater) {
  load();
  presence("nurse@example.com/x", Presence::Type::available);
  push("<item jid='nurse@example.com' subscription='both'/>");
  log.clear();
  extension().on_closed(true);

  EXPECT_THAT(log, ElementsAre("unavailable nurse@example.com/x"));
}

TEST_F(RosterTest, AcceptsSubscriptionsUnlessToldOtherwise) {
  load();
  presence("nurse@example.com/kitchen", Presence::Type::subscribe);
  roster->set_subscription_mode(SubscriptionMode::reject_all);
  presence("nurse@example.com", Presence::Type::subscribe);
  roster->set_subscription_mode(SubscriptionMode::manual);
  presence("nurse@example.com", Presence::Type::subscribe);

  EXPECT_THAT(channel->sent, ElementsAre("<presence to='nurse@example.com' type='subscribed'/>",
                                         "<presence to='nurse@example.com' type='unsubscribed'/>"));
  EXPECT_THAT(log, ElementsAre("asks nurse@example.com"));
  EXPECT_EQ(roster->subscription_mode(), SubscriptionMode::manual);
}

TEST_F(RosterTest, AnswersNothingElseAboutSubscriptions) {
  load();
  for (const auto type :
       {Presence::Type::subscribed, Presence::Type::unsubscribe, Presence::Type::unsubscribed, Presence::Type::probe})
    presence("romeo@example.net", type);
  presence("", Presence::Type::subscribe);
  presence("@", Presence::Type::available);

  EXPECT_THAT(channel->sent, IsEmpty());
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(RosterTest, GoesOnAfterAListenerThatThrowsAndOneThatRemovesItself) {
  ListenerId own = 0;
  int told = 0;
  roster->add_listener({.loaded = [] { throw std::runtime_error("oops"); }});
  own = roster->add_listener({.loaded = [&] {
    ++told;
    roster->remove_listener(own);
  }});
  std::vector<std::string> last;
  listen(last);
  load();
  log_in();
  channel->answer(kRoster);

  EXPECT_EQ(told, 1);
  EXPECT_THAT(channel->thrown, ElementsAre("oops", "oops"));
  EXPECT_THAT(last, ::testing::Contains("loaded").Times(2));
}

TEST_F(RosterTest, TellsNobodyAnyMoreOnceAListenerDestroyedTheConnection) {
  roster->add_listener({.entries_added = [&](const auto&) { channel->destroy(); }});
  std::vector<std::string> later;
  listen(later);
  log_in();
  roster->reload(keep());

  channel->answer(kRoster);

  EXPECT_THAT(later, IsEmpty());
  EXPECT_FALSE(result);
}

TEST_F(RosterTest, SurvivesDestructionInEachListener) {
  load();
  presence("romeo@example.net/a", Presence::Type::available);
  presence("benvolio@example.net/b", Presence::Type::available);
  roster->add_listener({.presence_changed = [&](const auto&) { channel->destroy(); }});
  log.clear();

  extension().on_closed(true);

  EXPECT_THAT(log, SizeIs(1));
}

}  // namespace
}  // namespace anser::sdk
