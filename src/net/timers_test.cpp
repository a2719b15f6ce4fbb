#include "net/timers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "net/core.h"

namespace anser::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Noted final : public Timer {
 public:
  Noted(std::vector<int>& fired, int name) : fired_(fired), name_(name) {}

 private:
  void on_time() override { fired_.push_back(name_); }
  std::vector<int>& fired_;
  int name_;
};

class TimerWheelTest : public testing::Test {
 protected:
  std::vector<int> fired;
  TimerWheel wheel;
};

TEST_F(TimerWheelTest, FiresWhenDueAndNotBefore) {
  Noted timer{fired, 1};
  wheel.arm(timer, 5);

  wheel.advance(4);
  EXPECT_THAT(fired, IsEmpty());
  wheel.advance(5);
  EXPECT_THAT(fired, ElementsAre(1));
  EXPECT_FALSE(timer.armed());
  EXPECT_TRUE(wheel.empty());
}

TEST_F(TimerWheelTest, FiresLaterThanOneTurnOfTheWheel) {
  Noted timer{fired, 1};
  const std::uint32_t due = 10 * TimerWheel::kSlots + 7;
  wheel.arm(timer, due);

  for (std::uint32_t tick = 1; tick < due; ++tick) wheel.advance(tick);
  EXPECT_THAT(fired, IsEmpty());
  wheel.advance(due);
  EXPECT_THAT(fired, ElementsAre(1));
}

TEST_F(TimerWheelTest, ALongSleepFiresAllThatIsOverdue) {
  Noted first{fired, 1}, second{fired, 2}, third{fired, 3};
  wheel.arm(first, 3);
  wheel.arm(second, 100);
  wheel.arm(third, 5000);

  wheel.advance(4999);

  EXPECT_THAT(fired, ElementsAre(1, 2));
  wheel.advance(5000);
  EXPECT_THAT(fired, ElementsAre(1, 2, 3));
}

TEST_F(TimerWheelTest, CanBeMovedBothWays) {
  Noted later{fired, 1}, sooner{fired, 2};
  wheel.arm(later, 10);
  wheel.arm(later, 20);
  wheel.arm(sooner, 30);
  wheel.arm(sooner, 15);

  wheel.advance(14);
  EXPECT_THAT(fired, IsEmpty());
  wheel.advance(15);
  EXPECT_THAT(fired, ElementsAre(2));
  wheel.advance(19);
  EXPECT_THAT(fired, ElementsAre(2));
  wheel.advance(20);
  EXPECT_THAT(fired, ElementsAre(2, 1));
}

TEST_F(TimerWheelTest, ADisarmedOrDestroyedTimerStaysSilent) {
  Noted disarmed{fired, 1};
  auto destroyed = std::make_unique<Noted>(fired, 2);
  wheel.arm(disarmed, 5);
  wheel.arm(*destroyed, 5);

  disarmed.disarm();
  destroyed.reset();
  wheel.advance(10);

  EXPECT_THAT(fired, IsEmpty());
  EXPECT_FALSE(wheel.next());
}

TEST_F(TimerWheelTest, WhoFiresMayDestroyItselfAndOthersAndArmAgain) {
  auto victim = std::make_unique<Noted>(fired, 9);
  std::unique_ptr<Alarm> alarm;
  alarm = std::make_unique<Alarm>([&] {
    fired.push_back(1);
    victim.reset();
    alarm.reset();
  });
  Alarm* again_at = nullptr;
  Alarm again{[&] {
    fired.push_back(2);
    if (fired.size() < 4) wheel.arm(*again_at, 0);  // the next tick, never this one
  }};
  again_at = &again;
  wheel.arm(*alarm, 5);
  wheel.arm(*victim, 5);
  wheel.arm(again, 6);

  wheel.advance(6);
  EXPECT_THAT(fired, ElementsAre(1, 2));
  wheel.advance(7);
  wheel.advance(8);
  EXPECT_THAT(fired, ElementsAre(1, 2, 2, 2));
  EXPECT_TRUE(wheel.empty());
}

TEST_F(TimerWheelTest, SaysWhenToLookAgain) {
  Noted timer{fired, 1}, far{fired, 2};
  EXPECT_FALSE(wheel.next());

  wheel.arm(timer, 40);
  EXPECT_EQ(wheel.next(), 40u);
  wheel.advance(40);
  wheel.arm(far, 100'000);
  EXPECT_LE(*wheel.next(), 40 + TimerWheel::kSlots);  // looks once a turn, and is moved on
  wheel.advance(*wheel.next());
  EXPECT_THAT(fired, ElementsAre(1));
}

TEST_F(TimerWheelTest, AnAlarmOfAnOwnerCallsItAndMayRingAgain) {
  AlarmOf<std::vector<int>> alarm{fired, [](std::vector<int>& owner) { owner.push_back(7); }};

  wheel.arm(alarm, 2);
  wheel.advance(2);
  wheel.arm(alarm, 3);
  wheel.advance(3);

  EXPECT_THAT(fired, ElementsAre(7, 7));
}

TEST(Timers, WakeTheLoopAndLetItSleepOtherwise) {
  Core core{0};
  const auto start = std::chrono::steady_clock::now();
  Alarm stop{[&] { core.stop(); }};
  core.timers().arm(stop, std::chrono::milliseconds{10});

  core.run();

  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds{10});
  EXPECT_FALSE(stop.armed());
  core.io().restart();
  EXPECT_EQ(core.io().poll(), 0u);
}

}  // namespace
}  // namespace anser::net
