#include "sdk/src/listeners.h"

#include <gmock/gmock.h>

#include "sdk/src/fake_channel.h"

namespace anser::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ListenersTest : public ::testing::Test {
 protected:
  bool tell() {
    return listeners.tell(*channel, [](const auto& listener) { listener(); });
  }
  std::function<void()> says(std::string word) {
    return [this, word] { log.push_back(word); };
  }

  std::shared_ptr<FakeChannel> channel = FakeChannel::make();
  Listeners<std::function<void()>> listeners;
  std::vector<std::string> log;
};

TEST_F(ListenersTest, HearInTheOrderInWhichTheyCame) {
  listeners.add(1, says("a"));
  listeners.add(2, says("b"));

  EXPECT_TRUE(tell());

  EXPECT_THAT(log, ElementsAre("a", "b"));
}

TEST_F(ListenersTest, HearNothingOnceAnotherRemovedThem) {
  listeners.add(1, [this] { listeners.remove(2); });
  listeners.add(2, says("b"));
  listeners.add(3, says("c"));

  tell();

  EXPECT_THAT(log, ElementsAre("c"));
}

TEST_F(ListenersTest, HearOfTheNextWhenTheyWereAddedMeanwhile) {
  listeners.add(1, [this] { listeners.add(2, says("b")); });

  tell();
  EXPECT_THAT(log, IsEmpty());
  tell();
  EXPECT_THAT(log, ElementsAre("b"));
}

TEST_F(ListenersTest, MayRemoveThemselvesAndAll) {
  listeners.add(1, [this] { listeners.clear(); });
  listeners.add(2, says("b"));

  tell();
  tell();

  EXPECT_THAT(log, IsEmpty());
}

TEST_F(ListenersTest, HearNothingOfADestroyedConnection) {
  listeners.add(1, [this] { channel->destroy(); });
  listeners.add(2, says("b"));

  EXPECT_FALSE(tell());

  EXPECT_THAT(log, IsEmpty());
}

TEST_F(ListenersTest, AreBounded) {
  for (std::size_t i = 0; i < listeners.kLimit; ++i) ASSERT_TRUE(listeners.add(i + 1, says("a")));

  EXPECT_FALSE(listeners.add(20'000, says("b")));
}

TEST_F(ListenersTest, GiveBackWhatTheyHeldWhenTheyAreRemoved) {
  const auto held = std::make_shared<int>();
  listeners.add(1, [held] {});
  listeners.add(2, [this, held] { listeners.remove(2); });

  listeners.remove(1);
  EXPECT_EQ(held.use_count(), 2);
  tell();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace anser::sdk
