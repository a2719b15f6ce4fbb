#include <gmock/gmock.h>

#include <thread>

#include "anser/carbons.h"
#include "sdk/src/fake_channel.h"

namespace anser::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kEnable = "<enable xmlns='urn:xmpp:carbons:2'/>";

// XEP-0280, example 10, with this inside.
std::string copy_of(const std::string& direction, const std::string& inside) {
  return "<" + direction + " xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" + inside +
         "</forwarded></" + direction + ">";
}
const std::string kInside =
    "<message xmlns='jabber:client' from='juliet@capulet.example/balcony' to='romeo@montague.example/garden' "
    "type='chat'><body>What man art thou?</body><thread>0e3141cd</thread></message>";

class CarbonTest : public ::testing::Test {
 protected:
  CarbonTest() {
    channel->full = "romeo@montague.example/home";
    channel->server_features = {"urn:xmpp:carbons:2"};
    make();
  }

  void make() {
    carbons = ManagerAccess::make<CarbonManager>(*channel);
    carbons->add_listener([this](CarbonManager::Direction direction, const Message& message) {
      const bool sent = direction == CarbonManager::Direction::sent;
      log.push_back((sent ? "to " + message.to() : "from " + message.from()) + ": " + message.body());
      last = message;
    });
  }
  Extension& extension() { return ManagerAccess::extension(*carbons); }
  bool hear(const std::string& from, const std::string& inner) {
    return extension().on_message(message_of("<message from='" + from + "' type='chat'>" + inner + "</message>"));
  }
  Done keep() {
    return [this](Result<void> r) { result = r; };
  }

  std::shared_ptr<FakeChannel> channel = FakeChannel::make();
  ManagerAccess::Owned<CarbonManager> carbons;
  std::vector<std::string> log;
  Message last;
  std::optional<Result<void>> result;
};

TEST_F(CarbonTest, AreEnabledByLogin) {
  extension().on_session(false);
  EXPECT_EQ(channel->asked(), kEnable);
  EXPECT_EQ(channel->requests.front().iq.to(), "");
  EXPECT_FALSE(carbons->is_enabled());
  channel->answer();
  EXPECT_TRUE(carbons->is_enabled());

  extension().on_closed(false);
  extension().on_session(true);
  EXPECT_TRUE(carbons->is_enabled());
  EXPECT_THAT(channel->requests, IsEmpty());

  extension().on_closed(true);
  EXPECT_FALSE(carbons->is_enabled());
  extension().on_session(false);
  EXPECT_THAT(channel->requests, SizeIs(1));
}

TEST_F(CarbonTest, AreOfferedByTheAccountToo) {
  channel->server_features.clear();
  extension().on_session(false);
  EXPECT_THAT(channel->requests, IsEmpty());

  channel->account_features = {"urn:xmpp:carbons:2"};
  extension().on_session(false);
  EXPECT_THAT(channel->requests, SizeIs(1));
}

TEST_F(CarbonTest, AreNotEnabledTwiceNorUnwanted) {
  channel->bound = {"urn:xmpp:carbons:2"};
  extension().on_session(false);
  EXPECT_TRUE(carbons->is_enabled());

  channel->bound.clear();
  channel->config.carbons_enabled = false;
  make();
  extension().on_session(false);
  EXPECT_FALSE(carbons->is_enabled());
  EXPECT_THAT(channel->requests, IsEmpty());
}

TEST_F(CarbonTest, StayAsTheApplicationLastWantedThem) {
  carbons->disable(keep());
  EXPECT_EQ(channel->asked(), "<disable xmlns='urn:xmpp:carbons:2'/>");
  channel->answer();
  EXPECT_TRUE(result->has_value());
  extension().on_session(false);
  EXPECT_THAT(channel->requests, IsEmpty());

  carbons->enable(keep());
  channel->refuse("forbidden");
  EXPECT_EQ(result->error().condition, "forbidden");
  EXPECT_FALSE(carbons->is_enabled());
}

TEST_F(CarbonTest, NeedALoginAndAnotherThreadToWait) {
  EXPECT_EQ(carbons->enable().error().code, Errc::would_block);
  channel->authenticated = false;
  carbons->enable(keep());
  EXPECT_EQ(result->error().code, Errc::wrong_state);
}

TEST_F(CarbonTest, AreToldWithTheirDirection) {
  EXPECT_TRUE(hear("romeo@montague.example", copy_of("received", kInside)));
  EXPECT_TRUE(hear("Romeo@Montague.example", copy_of("sent", kInside)));
  EXPECT_FALSE(hear("romeo@montague.example", "<body>to myself</body>"));
  EXPECT_FALSE(hear("romeo@montague.example", "<body>quiet</body><private xmlns='urn:xmpp:carbons:2'/>"));

  EXPECT_THAT(log, ElementsAre("from juliet@capulet.example/balcony: What man art thou?",
                               "to romeo@montague.example/garden: What man art thou?"));
  EXPECT_EQ(last.thread(), "0e3141cd");
  EXPECT_EQ(last.type(), Message::Type::chat);
}

// Example 11: CVE-2017-5589.
TEST_F(CarbonTest, AreNotTakenFromAnybodyElse) {
  for (const auto* from : {"tybalt@capulet.example/home", "montague.example", "romeo@montague.example/garden",
                           "romeo@montague.example/home", "romeo@montague.example.evil", "", "@"}) {
    EXPECT_TRUE(hear(from, copy_of("received", kInside) + "<body>x</body>")) << from;
    EXPECT_TRUE(hear(from, copy_of("sent", kInside))) << from;
  }

  EXPECT_THAT(log, IsEmpty());
  EXPECT_THAT(channel->complaints, SizeIs(14));
}

TEST_F(CarbonTest, AreIgnoredWhenTheyAreNotOneMessage) {
  const std::string own = "romeo@montague.example";
  const std::string other = "<presence xmlns='jabber:client'/>";
  for (const auto& bad :
       {copy_of("sent", ""), copy_of("sent", kInside + kInside), copy_of("received", other),
        copy_of("received", "<message xmlns='urn:other'/>"), copy_of("sent", kInside) + copy_of("received", kInside),
        std::string{"<sent xmlns='urn:xmpp:carbons:2'/>"}, "<sent xmlns='urn:xmpp:carbons:2'>" + kInside + "</sent>"}) {
    EXPECT_TRUE(hear(own, bad));
  }

  EXPECT_THAT(log, IsEmpty());
  EXPECT_THAT(channel->complaints, SizeIs(7));
}

TEST_F(CarbonTest, KeepTheTimeAtWhichTheyWereKept) {
  const std::string delay = "<delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>";
  hear("romeo@montague.example", copy_of("sent", delay + kInside));
  const auto outer = last.delay();
  ASSERT_TRUE(outer);

  const std::string inside =
      "<message xmlns='jabber:client'><body>b</body><delay xmlns='urn:xmpp:delay' "
      "stamp='2002-09-10T23:08:25Z'/></message>";
  hear("romeo@montague.example", copy_of("sent", delay + inside));
  EXPECT_LT(*last.delay(), *outer);
}

TEST_F(CarbonTest, GoOnAfterAListenerThatThrowsButNotAfterOneThatDestroysTheConnection) {
  carbons->add_listener([](auto, const auto&) { throw std::runtime_error("oops"); });
  carbons->add_listener([this](auto, const auto&) { channel->destroy(); });
  carbons->add_listener([this](auto, const auto&) { log.emplace_back("never"); });

  EXPECT_TRUE(hear("romeo@montague.example", copy_of("received", kInside)));

  EXPECT_THAT(channel->thrown, ElementsAre("oops"));
  EXPECT_THAT(log, SizeIs(1));
}

TEST_F(CarbonTest, AreNotToldToAListenerThatWasRemoved) {
  ListenerId once = 0;
  once = carbons->add_listener([&](auto, const auto&) {
    log.emplace_back("once");
    carbons->remove_listener(once);
  });
  hear("romeo@montague.example", copy_of("received", kInside));
  hear("romeo@montague.example", copy_of("received", kInside));

  EXPECT_THAT(log, SizeIs(3));
}

}  // namespace
}  // namespace anser::sdk
