#include "door/login_guard.h"

#include <gtest/gtest.h>

#include <vector>

namespace anser::door {
namespace {

using boost::asio::ip::make_address;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class FakeClock final : public Clock {
 public:
  Time now() const override { return {}; }
  Tick tick() const override { return tick_; }
  void pass(Duration duration) { tick_ += duration; }

 private:
  Tick tick_ = Tick{} + std::chrono::hours{1};
};

class LoginGuardTest : public testing::Test {
 protected:
  milliseconds fail(std::string_view account, std::string_view address = "192.0.2.1") {
    return guard_.failed(make_address(address), account, clock_.tick());
  }
  std::vector<milliseconds> fail_often(std::string_view account, int times) {
    std::vector<milliseconds> waits;
    for (int i = 0; i < times; ++i) waits.push_back(fail(account));
    return waits;
  }
  bool refused(std::string_view address = "192.0.2.1") { return guard_.refuse(make_address(address), clock_.tick()); }

  FakeClock clock_;
  LoginGuard guard_{{.address_failures_per_minute = 60,
                     .address_burst = 10,
                     .free_failures = 3,
                     .slowest = seconds{5},
                     .forget = minutes{10},
                     .accounts = 4,
                     .registrations_per_hour = 2}};
};

// Accounts ----------------------------------------------------------------------------------------------------------

TEST_F(LoginGuardTest, AnswersAFewFailuresAtOnceAndThenEverSlower) {
  const std::vector<milliseconds> expected{milliseconds{0},    milliseconds{0},    milliseconds{0},
                                           milliseconds{200},  milliseconds{400},  milliseconds{800},
                                           milliseconds{1600}, milliseconds{3200}, milliseconds{5000},
                                           milliseconds{5000}, milliseconds{5000}};
  EXPECT_EQ(fail_often("romeo@localhost", 11), expected);
}

// The guard is not told whether an account exists; that what it says depends on nothing but the number of failures is
// what keeps the two alike.
TEST_F(LoginGuardTest, TreatsEveryNameAlike) {
  const auto known = fail_often("romeo@localhost", 8);

  EXPECT_EQ(fail_often("nobody@localhost", 8), known);
  EXPECT_EQ(fail_often("", 8), known);
}

TEST_F(LoginGuardTest, CountsAnAccountsFailuresFromEverywhere) {
  for (int i = 0; i < 3; ++i) fail("romeo@localhost", "198.51.100." + std::to_string(i));

  EXPECT_GT(fail("romeo@localhost", "2001:db8::1"), milliseconds{0});
  EXPECT_EQ(fail("juliet@localhost", "2001:db8::1"), milliseconds{0});
}

TEST_F(LoginGuardTest, ForgetsFailuresAfterASuccess) {
  fail_often("romeo@localhost", 6);
  fail_often("juliet@localhost", 6);

  guard_.succeeded("romeo@localhost");

  EXPECT_EQ(fail("romeo@localhost"), milliseconds{0});
  EXPECT_GT(fail("juliet@localhost"), milliseconds{0});
}

TEST_F(LoginGuardTest, ForgetsFailuresOnlyWhenNoneCameForAWhile) {
  fail_often("romeo@localhost", 4);
  clock_.pass(minutes{10});
  EXPECT_EQ(fail("romeo@localhost"), milliseconds{400});  // not yet longer than that

  clock_.pass(minutes{10} + milliseconds{1});
  EXPECT_EQ(fail("romeo@localhost"), milliseconds{0});
}

// Bounded memory: old names make room first; when all of them are new, somebody tries names by the thousand.
TEST_F(LoginGuardTest, MakesRoomByForgettingOldNames) {
  fail_often("old@localhost", 4);
  clock_.pass(minutes{11});
  for (const char* name : {"a", "b", "c"}) fail_often(name, 4);

  fail("d");  // the fifth name

  EXPECT_EQ(fail("a"), milliseconds{400});
  EXPECT_EQ(fail("old@localhost"), milliseconds{0});
}

TEST_F(LoginGuardTest, ForgetsAllNamesRatherThanGrow) {
  for (const char* name : {"a", "b", "c", "d"}) fail_often(name, 4);
  EXPECT_EQ(fail("a"), milliseconds{400});  // one that is there needs no room

  fail("e");

  EXPECT_EQ(fail("a"), milliseconds{0});
  EXPECT_EQ(fail("b"), milliseconds{0});
}

// Addresses ---------------------------------------------------------------------------------------------------------

TEST_F(LoginGuardTest, RefusesAnAddressAfterABurstOfFailures) {
  for (int i = 0; i < 9; ++i) fail("name" + std::to_string(i));
  EXPECT_FALSE(refused());

  fail("name9");

  EXPECT_TRUE(refused());
  EXPECT_FALSE(refused("192.0.2.2"));
}

TEST_F(LoginGuardTest, LetsAnAddressTryAgainAtItsRate) {
  for (int i = 0; i < 20; ++i) fail("name" + std::to_string(i));
  clock_.pass(milliseconds{999});
  EXPECT_TRUE(refused());

  clock_.pass(milliseconds{1});
  EXPECT_FALSE(refused());

  fail("name");
  EXPECT_TRUE(refused());
}

TEST_F(LoginGuardTest, CountsNothingWhileItLooks) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(refused());
}

TEST_F(LoginGuardTest, TakesACustomersIpv6AddressesForOne) {
  for (int i = 0; i < 10; ++i) fail("name", "2001:db8::" + std::to_string(i + 1));

  EXPECT_TRUE(refused("2001:db8::ffff"));
  EXPECT_FALSE(refused("2001:db8:0:1::1"));
}

TEST_F(LoginGuardTest, KeepsAnAddressRefusedThoughALoginSucceeded) {
  for (int i = 0; i < 10; ++i) fail("juliet@localhost");

  guard_.succeeded("juliet@localhost");

  EXPECT_TRUE(refused());
}

// Registrations -----------------------------------------------------------------------------------------------------

TEST_F(LoginGuardTest, LimitsRegistrationsOfAnAddress) {
  const auto register_from = [&](std::string_view address) {
    return guard_.may_register(make_address(address), clock_.tick());
  };
  EXPECT_TRUE(register_from("192.0.2.1"));
  EXPECT_TRUE(register_from("192.0.2.1"));
  EXPECT_FALSE(register_from("192.0.2.1"));
  EXPECT_TRUE(register_from("192.0.2.2"));
  EXPECT_FALSE(refused());  // it is no failure

  clock_.pass(minutes{30});
  EXPECT_TRUE(register_from("192.0.2.1"));
  EXPECT_FALSE(register_from("192.0.2.1"));
}

TEST(LoginGuard, HasNoLimitOfRegistrationsIfItIsZero) {
  LoginGuard guard{{.registrations_per_hour = 0}};

  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(guard.may_register(make_address("192.0.2.1"), Tick{}));
}

TEST_F(LoginGuardTest, LetsOneChangeOfAPasswordBeUnderWay) {
  ASSERT_TRUE(guard_.begin_password_change("romeo@localhost", clock_.tick()));
  EXPECT_FALSE(guard_.begin_password_change("romeo@localhost", clock_.tick()));
  EXPECT_TRUE(guard_.begin_password_change("juliet@localhost", clock_.tick()));

  guard_.password_change_over("romeo@localhost");

  EXPECT_TRUE(guard_.begin_password_change("romeo@localhost", clock_.tick()));
}

TEST(LoginGuard, LeavesWorkersToLoginsWhilePasswordsAreChanged) {
  LoginGuard guard{{.password_changes = 2}};
  ASSERT_TRUE(guard.begin_password_change("a@localhost", {}));
  ASSERT_TRUE(guard.begin_password_change("b@localhost", {}));

  EXPECT_FALSE(guard.begin_password_change("c@localhost", {}));
  guard.password_change_over("a@localhost");
  EXPECT_TRUE(guard.begin_password_change("c@localhost", {}));
}

TEST_F(LoginGuardTest, LimitsTheChangesOfAPassword) {
  LoginGuard guard{{.password_changes_per_minute = 1, .password_change_burst = 2}};
  const auto changes = [&] {
    const bool may = guard.begin_password_change("romeo@localhost", clock_.tick());
    if (may) guard.password_change_over("romeo@localhost");
    return may;
  };
  EXPECT_TRUE(changes());
  EXPECT_TRUE(changes());
  EXPECT_FALSE(changes());

  clock_.pass(minutes{1});

  EXPECT_TRUE(changes());
  EXPECT_FALSE(changes());
}

// Four names are remembered.
TEST_F(LoginGuardTest, ForgetsChangesOfPasswordsOnlyWhenTheyCountNoMore) {
  for (const std::string_view name : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(guard_.begin_password_change(name, clock_.tick()));
    guard_.password_change_over(name);
  }
  EXPECT_FALSE(guard_.begin_password_change("e", clock_.tick()));

  clock_.pass(minutes{1});

  EXPECT_TRUE(guard_.begin_password_change("e", clock_.tick()));
}

}  // namespace
}  // namespace anser::door
