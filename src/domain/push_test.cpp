#include "domain/push.h"

#include <gtest/gtest.h>

namespace anser::domain {
namespace {

using std::chrono::seconds;

Jid jid(std::string_view text) { return Jid::parse(text).value(); }

Envelope message(std::string_view id = "m") {
  Envelope envelope;
  envelope.type = Type::chat;
  envelope.facts.has_body = true;
  envelope.from = jid("romeo@montague.example/orchard");
  envelope.to = jid("juliet@capulet.example");
  envelope.id = id;
  return envelope;
}

class PushRegistrationTest : public testing::Test {
 protected:
  Tick now{seconds{1000}};
  PushRegistration push{{jid("push.example.com"), "node", "", ""}};
};

TEST_F(PushRegistrationTest, HasOneUnderWayAndPutsTheRestIntoTheNext) {
  ASSERT_TRUE(push.news(message("1"), now));
  push.begin(7, now);
  EXPECT_EQ(push.count(), 1u);

  EXPECT_FALSE(push.news(message("2"), now));
  EXPECT_FALSE(push.news(message("3"), now));

  ASSERT_TRUE(push.under_way(7));
  ASSERT_TRUE(push.taken(now));
  push.begin(8, now);
  EXPECT_EQ(push.count(), 2u);
  EXPECT_EQ(push.last().id, "3");
  EXPECT_FALSE(push.under_way(7));
  EXPECT_FALSE(push.taken(now));
}

TEST_F(PushRegistrationTest, LeavesAServiceThatIsNotThereAloneForEverLonger) {
  push.news(message(), now);
  push.begin(1, now);
  push.failed(now);
  EXPECT_FALSE(push.news(message(), now + seconds{9}));
  EXPECT_TRUE(push.news(message(), now + seconds{10}));

  push.begin(2, now + seconds{10});
  EXPECT_EQ(push.count(), 3u);  // nothing is forgotten
  push.failed(now + seconds{10});
  EXPECT_FALSE(push.news(message(), now + seconds{29}));
  EXPECT_TRUE(push.news(message(), now + seconds{30}));

  for (int i = 0; i < 100; ++i) push.failed(now);
  EXPECT_FALSE(push.news(message(), now + seconds{3599}));
  EXPECT_TRUE(push.news(message(), now + seconds{3600}));
}

TEST_F(PushRegistrationTest, StartsAfreshWhenTheServiceAnswers) {
  push.failed(now);
  push.failed(now);
  ASSERT_TRUE(push.news(message(), now + seconds{20}));
  push.begin(1, now + seconds{20});
  push.taken(now + seconds{20});

  push.failed(now + seconds{20});

  EXPECT_TRUE(push.news(message(), now + seconds{30}));
}

TEST_F(PushRegistrationTest, TakesSilenceForAFailure) {
  push.news(message(), now);
  push.begin(1, now);
  EXPECT_FALSE(push.news(message(), now + seconds{59}));

  EXPECT_FALSE(push.news(message(), now + seconds{60}));
  EXPECT_FALSE(push.under_way(1));
  EXPECT_TRUE(push.news(message(), now + seconds{70}));
}

TEST(Push, IsForWhatPeopleSay) {
  const Jid juliet = jid("juliet@capulet.example");
  EXPECT_TRUE(worth_a_push(message(), juliet));

  Envelope other = message();
  other.facts.has_body = false;
  EXPECT_FALSE(worth_a_push(other, juliet));
  for (const Type type : {Type::headline, Type::groupchat, Type::error}) {
    other = message();
    other.type = type;
    EXPECT_FALSE(worth_a_push(other, juliet));
  }
  other = message();
  other.from = jid("juliet@capulet.example/desk");
  EXPECT_FALSE(worth_a_push(other, juliet));
}

}  // namespace
}  // namespace anser::domain
