#include <gmock/gmock.h>

#include <thread>

#include "anser/archive.h"
#include "sdk/src/archive_query.h"
#include "sdk/src/dates.h"
#include "sdk/src/fake_channel.h"

namespace anser::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// XEP-0313, example 22.
constexpr std::string_view kFin =
    "<fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'>"
    "<first index='0'>23452-4534-1</first><last>390-2342-22</last><count>16</count></set></fin>";

class ArchiveTest : public ::testing::Test {
 protected:
  ArchiveTest() {
    channel->full = "juliet@capulet.lit/chamber";
    channel->account_features = {"urn:xmpp:mam:2"};
  }

  void ask(ArchiveQuery query = {}) {
    archive->query(query, [this](Result<ArchivePage> p) {
      page = std::move(p);
      ++finished;
    });
  }
  std::string queryid(std::size_t request = 0) const {
    return std::string{channel->requests.at(request).iq.payload()->attribute("queryid")};
  }
  // The query without its random id.
  std::string asked() const {
    auto xml = channel->asked();
    xml.replace(xml.find(queryid()), queryid().size(), "ID");
    return xml;
  }
  static std::string forwarded(const std::string& body) {
    return "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>"
           "<message xmlns='jabber:client' to='juliet@capulet.lit/balcony' from='romeo@montague.lit/orchard' "
           "type='chat'><body>" +
           body + "</body></message></forwarded>";
  }
  bool result(const std::string& queryid, const std::string& id, const std::string& inside,
              const std::string& from = {}) {
    return ManagerAccess::extension(*archive).on_message(message_of(
        "<message id='aeb213' to='juliet@capulet.lit/chamber'" + (from.empty() ? "" : " from='" + from + "'") +
        "><result xmlns='urn:xmpp:mam:2' queryid='" + queryid + "' id='" + id + "'>" + inside + "</result></message>"));
  }

  std::shared_ptr<FakeChannel> channel = FakeChannel::make();
  ManagerAccess::Owned<ArchiveManager> archive = ManagerAccess::make<ArchiveManager>(*channel);
  std::optional<Result<ArchivePage>> page;
  int finished = 0;
};

TEST_F(ArchiveTest, GivesAPage) {
  ask();
  EXPECT_EQ(channel->requests.front().iq.type(), IQ::Type::set);
  EXPECT_EQ(channel->requests.front().iq.to(), "");
  EXPECT_EQ(asked(),
            "<query xmlns='urn:xmpp:mam:2' queryid='ID'><set xmlns='http://jabber.org/protocol/rsm'><max>50</max></set>"
            "</query>");
  EXPECT_TRUE(result(queryid(), "28482-98726-73623", forwarded("Call me but love")));
  EXPECT_TRUE(result(queryid(), "5d398-28273-f7382", forwarded("What man art thou"), "juliet@capulet.lit"));
  EXPECT_EQ(finished, 0);
  channel->answer(kFin);

  ASSERT_TRUE(page->has_value());
  const ArchivePage& got = **page;
  ASSERT_THAT(got.messages, SizeIs(2));
  EXPECT_EQ(got.messages[0].id, "28482-98726-73623");
  EXPECT_EQ(got.messages[0].stamp, parse_date("2010-07-10T23:08:25Z"));
  EXPECT_EQ(got.messages[0].message.body(), "Call me but love");
  EXPECT_EQ(got.messages[1].message.from(), "romeo@montague.lit/orchard");
  EXPECT_TRUE(got.complete);
  EXPECT_EQ(got.first, "23452-4534-1");
  EXPECT_EQ(got.last, "390-2342-22");
  EXPECT_EQ(got.count, 16U);
  EXPECT_EQ(finished, 1);
}

TEST_F(ArchiveTest, AsksForWhatIsWanted) {
  ArchiveQuery query;
  query.with = "Juliet@Capulet.lit";
  query.start = parse_date("2010-06-07T00:00:00Z");
  query.end = parse_date("2010-07-07T13:23:54Z");
  query.page_size = 10;
  query.after = "09af3-cc343-b409f";
  ask(query);

  EXPECT_EQ(asked(),
            "<query xmlns='urn:xmpp:mam:2' queryid='ID'><x xmlns='jabber:x:data' type='submit'>"
            "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>"
            "<field var='with'><value>juliet@capulet.lit</value></field>"
            "<field var='start'><value>2010-06-07T00:00:00Z</value></field>"
            "<field var='end'><value>2010-07-07T13:23:54Z</value></field></x>"
            "<set xmlns='http://jabber.org/protocol/rsm'><max>10</max><after>09af3-cc343-b409f</after></set></query>");
}

TEST_F(ArchiveTest, PagesBackwardsFromAnIdOrTheEnd) {
  ask({.before = "28482"});
  EXPECT_THAT(channel->asked(), HasSubstr("<max>50</max><before>28482</before>"));
  channel->requests.clear();
  ask({.last_page = true});
  EXPECT_THAT(channel->asked(), HasSubstr("<max>50</max><before/>"));
}

TEST_F(ArchiveTest, RefusesWhatCannotBeAsked) {
  const auto refused = [&](ArchiveQuery query) {
    ask(std::move(query));
    EXPECT_THAT(channel->requests, IsEmpty());
    return page->error().code;
  };
  EXPECT_EQ(refused({.after = "a", .before = "b"}), Errc::invalid_argument);
  EXPECT_EQ(refused({.before = "b", .last_page = true}), Errc::invalid_argument);
  EXPECT_EQ(refused({.with = "@"}), Errc::invalid_argument);
  EXPECT_EQ(refused({.archive = "@"}), Errc::invalid_argument);
  channel->account_features.clear();
  EXPECT_EQ(refused({}), Errc::unsupported);
  channel->authenticated = false;
  EXPECT_EQ(refused({}), Errc::wrong_state);
  EXPECT_EQ(archive->query({}).error().code, Errc::would_block);
}

TEST_F(ArchiveTest, TellsTheServersError) {
  ask({.after = "gone"});
  channel->refuse("item-not-found");
  EXPECT_EQ(page->error().condition, "item-not-found");
}

TEST_F(ArchiveTest, DoesNotTakeAnAnswerWithoutAnEndForAPage) {
  ask();
  channel->answer();
  EXPECT_EQ(page->error().code, Errc::protocol);
}

TEST_F(ArchiveTest, ReadsAnEndThatSaysLittle) {
  ask();
  channel->answer(
      "<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><count>x</count></set></fin>");

  ASSERT_TRUE(page->has_value());
  EXPECT_FALSE((*page)->complete);
  EXPECT_EQ((*page)->count, std::nullopt);
  EXPECT_EQ((*page)->last, "");
}

TEST_F(ArchiveTest, TakesResultsOfItsOwnQueriesOnly) {
  EXPECT_TRUE(result("f27", "1", forwarded("forged")));
  ask();
  EXPECT_TRUE(result("f27", "1", forwarded("forged")));
  EXPECT_TRUE(result("", "1", forwarded("forged")));
  for (const auto* from :
       {"tybalt@capulet.lit", "capulet.lit", "juliet@capulet.lit/chamber", "juliet@capulet.lit.evil"})
    EXPECT_TRUE(result(queryid(), "1", forwarded("forged"), from));
  const auto id = queryid();
  channel->answer(kFin);
  EXPECT_TRUE(result(id, "1", forwarded("late")));

  EXPECT_THAT((*page)->messages, IsEmpty());
  EXPECT_THAT(channel->complaints, SizeIs(8));
}

TEST_F(ArchiveTest, LeavesOtherMessagesAlone) {
  EXPECT_FALSE(ManagerAccess::extension(*archive).on_message(message_of("<message><body>hi</body></message>")));
}

TEST_F(ArchiveTest, TakesARoomsResultsFromTheRoom) {
  channel->account_features.clear();
  ask({.archive = "Coven@chat.shakespeare.lit"});
  EXPECT_EQ(channel->requests.front().iq.to(), "coven@chat.shakespeare.lit");
  result(queryid(), "1", forwarded("a"), "coven@chat.shakespeare.lit");
  result(queryid(), "2", forwarded("b"), "coven@chat.shakespeare.lit/firstwitch");
  result(queryid(), "3", forwarded("c"));
  result(queryid(), "4", forwarded("d"), "juliet@capulet.lit");
  channel->answer(kFin);

  ASSERT_THAT((*page)->messages, SizeIs(1));
  EXPECT_EQ((*page)->messages[0].id, "1");
}

TEST_F(ArchiveTest, KnowsTheOwnArchiveByItsAddress) {
  ask({.archive = "juliet@capulet.lit"});
  EXPECT_EQ(channel->requests.front().iq.to(), "");
  result(queryid(), "1", forwarded("a"));
  channel->answer(kFin);

  EXPECT_THAT((*page)->messages, SizeIs(1));
}

TEST_F(ArchiveTest, AsksManyThingsAtOnce) {
  std::map<int, std::string> bodies;
  for (int i = 0; i < 100; ++i) {
    archive->query({}, [&bodies, i](const Result<ArchivePage>& p) { bodies[i] = p->messages.at(0).message.body(); });
  }
  ask();
  EXPECT_EQ(page->error().code, Errc::queue_full);
  for (std::size_t i = 100; i-- > 0;) result(queryid(i), "1", forwarded(std::to_string(i)));
  while (!channel->requests.empty()) channel->answer(kFin);

  ASSERT_THAT(bodies, SizeIs(100));
  EXPECT_EQ(bodies[0], "0");
  EXPECT_EQ(bodies[99], "99");
}

TEST_F(ArchiveTest, HoldsNoMoreThanWasAskedFor) {
  ask({.page_size = 2});
  for (int i = 0; i < 5; ++i) result(queryid(), std::to_string(i), forwarded("x"));
  channel->answer(kFin);
  EXPECT_THAT((*page)->messages, SizeIs(2));
  EXPECT_THAT(channel->complaints, ElementsAre(HasSubstr("more than the 2")));

  ask({.page_size = 5'000});
  EXPECT_THAT(channel->asked(), HasSubstr("<max>1000</max>"));
  for (int i = 0; i < 1'001; ++i) result(queryid(), std::to_string(i), forwarded("x"));
  channel->answer(kFin);
  EXPECT_THAT((*page)->messages, SizeIs(1'000));
}

TEST_F(ArchiveTest, HoldsABoundedNumberOfBytes) {
  ArchivePageReader reader{"", 1'000};
  const auto result = Element::parse("<result xmlns='urn:xmpp:mam:2' id='1'>" + forwarded("x") + "</result>");
  const Stanza::Extension large{"result", "urn:xmpp:mam:2", std::string(ArchivePageReader::kBytes / 2, ' ')};

  EXPECT_TRUE(reader.add(large, *result));
  EXPECT_TRUE(reader.add(large, *result));
  EXPECT_EQ(reader.add(large, *result).error().code, Errc::protocol);
}

TEST_F(ArchiveTest, LeavesOutWhatIsNoMessage) {
  ask();
  result(queryid(), "gone",
         "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
         "stamp='2010-07-10T23:08:25Z'/></forwarded>");
  result(queryid(), "none", "");
  result(queryid(), "iq", "<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='get'/></forwarded>");
  result(queryid(), "two", forwarded("a") + forwarded("b"));
  result(queryid(), "good", forwarded("good"));
  channel->answer(kFin);

  ASSERT_THAT((*page)->messages, SizeIs(1));
  EXPECT_THAT(channel->complaints, SizeIs(1));  // once a page; what was taken out is no mistake
}

TEST_F(ArchiveTest, ForgetsAQueryThatFailed) {
  ask();
  const auto id = queryid();
  channel->answer(fail(Errc::timeout, "no answer"));
  EXPECT_EQ(page->error().code, Errc::timeout);
  result(id, "1", forwarded("late"));

  EXPECT_THAT(channel->complaints, SizeIs(1));
  EXPECT_EQ(finished, 1);
}

TEST_F(ArchiveTest, SurvivesAResultThatThrowsOrAsksOnOrDestroysTheConnection) {
  archive->query({}, [](const auto&) { throw std::runtime_error("oops"); });
  channel->answer(kFin);
  archive->query({}, [this](const Result<ArchivePage>& p) { ask({.after = p->last}); });
  channel->answer(kFin);
  EXPECT_THAT(channel->asked(), HasSubstr("<after>390-2342-22</after>"));
  archive->query({}, [this](const auto&) { channel->destroy(); });
  channel->answer(kFin);
  channel->answer(kFin);

  EXPECT_THAT(channel->thrown, ElementsAre("oops"));
}

TEST_F(ArchiveTest, LetsAThreadGoWhenTheConnectionIsDestroyed) {
  std::optional<Result<ArchivePage>> got;
  std::thread caller{[&] { got = archive->query({}); }};
  channel->run_until([&] { return !channel->requests.empty(); });
  channel->destroy();
  caller.join();

  EXPECT_EQ(got->error().code, Errc::closed);
}

}  // namespace
}  // namespace anser::sdk
