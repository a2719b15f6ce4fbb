#include "sdk/src/requests.h"

#include <gtest/gtest.h>

#include "net/core.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;

class RequestsTest : public testing::Test {
 protected:
  bool ask(const std::string& to) {
    return requests.add(
        "1", to, [](const Result<IQ>&) {}, 10s);
  }
  bool answered_by(const std::string& from) {
    IQ answer{IQ::Type::result};
    answer.set_id("1");
    answer.set_from(from);
    return static_cast<bool>(requests.take(answer, "romeo@example.org/orchard", "example.org"));
  }

  net::Core core{0};
  int late = 0;
  Requests requests{core.timers(), [this](const Requests::Done&, Error error) {
                      EXPECT_EQ(error.code, Errc::timeout);
                      ++late;
                      core.stop();
                    }};
};

TEST_F(RequestsTest, AreAnsweredByWhomWasAskedAndByNobodyElse) {
  ASSERT_TRUE(ask("juliet@example.org/balcony"));

  EXPECT_FALSE(answered_by("tybalt@example.org/street"));
  EXPECT_FALSE(answered_by("juliet@example.org"));
  EXPECT_FALSE(answered_by(""));
  EXPECT_FALSE(answered_by("example.org"));
  EXPECT_TRUE(answered_by("Juliet@Example.org/balcony"));
  EXPECT_FALSE(answered_by("juliet@example.org/balcony"));  // once
}

TEST_F(RequestsTest, OfTheAccountAreAnsweredByItsServerInAnyOfItsNames) {
  for (const char* to : {"", "romeo@example.org"}) {
    for (const char* from : {"", "romeo@example.org", "romeo@example.org/orchard", "example.org"}) {
      ASSERT_TRUE(ask(to));
      EXPECT_TRUE(answered_by(from)) << to << " " << from;
    }
    ASSERT_TRUE(ask(to));
    EXPECT_FALSE(answered_by("romeo@example.org/other"));
    EXPECT_FALSE(answered_by("tybalt@example.org"));
    EXPECT_TRUE(answered_by(""));
  }
}

TEST_F(RequestsTest, OfTheServerAreAnsweredByItOnly) {
  ASSERT_TRUE(ask("example.org"));

  EXPECT_FALSE(answered_by("romeo@example.org"));
  EXPECT_TRUE(answered_by("example.org"));
}

TEST_F(RequestsTest, TheSameIdWaitsOnce) {
  EXPECT_TRUE(ask(""));
  EXPECT_FALSE(ask(""));
}

TEST_F(RequestsTest, EndWhenTheirTimeIsOver) {
  requests.add(
      "1", "juliet@example.org", [](const Result<IQ>&) {}, 1ms);

  core.run();

  EXPECT_EQ(late, 1);
  EXPECT_EQ(requests.size(), 0u);
  EXPECT_FALSE(answered_by("juliet@example.org"));
}

}  // namespace
}  // namespace anser::sdk
