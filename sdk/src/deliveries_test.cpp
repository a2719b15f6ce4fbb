#include "sdk/src/deliveries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::sdk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = Delivery::Outcome;

class DeliveriesTest : public testing::Test {
 protected:
  void expect(const std::string& id, const std::string& to = "juliet@example.org") {
    deliveries.expect(id, to, [this](const Delivery& delivery) { told.push_back(delivery.outcome); });
  }
  bool run(const std::function<void()>& function) {
    if (function) function();
    return static_cast<bool>(function);
  }

  Deliveries deliveries;
  std::vector<Outcome> told;
};

TEST_F(DeliveriesTest, AreStoredThenDelivered) {
  expect("1");

  run(deliveries.stored("1"));
  run(deliveries.delivered("1", "juliet@example.org/balcony"));

  EXPECT_THAT(told, ElementsAre(Outcome::stored, Outcome::delivered));
  EXPECT_TRUE(deliveries.empty());
}

TEST_F(DeliveriesTest, AreStoredWhenTheyAreDelivered) {
  expect("1");

  run(deliveries.delivered("1", "juliet@example.org/balcony"));

  EXPECT_THAT(told, ElementsAre(Outcome::stored, Outcome::delivered));
}

TEST_F(DeliveriesTest, AreStoredOnce) {
  expect("1");

  run(deliveries.stored("1"));

  EXPECT_FALSE(run(deliveries.stored("1")));
}

TEST_F(DeliveriesTest, BelieveOnlyWhomTheMessageWentTo) {
  expect("1");

  EXPECT_FALSE(run(deliveries.delivered("1", "tybalt@example.org/street")));
  EXPECT_FALSE(run(deliveries.bounced("1", "tybalt@example.org", {})));
  EXPECT_FALSE(run(deliveries.bounced("1", "evil.example", {})));
  EXPECT_THAT(told, IsEmpty());

  EXPECT_TRUE(run(deliveries.bounced("1", "example.org", {Errc::stanza, "", "service-unavailable"})));
  EXPECT_THAT(told, ElementsAre(Outcome::failed));
}

TEST_F(DeliveriesTest, KnowAnAddressHoweverItWasWritten) {
  expect("1", "Juliet@Example.ORG/balcony");
  expect("2", "Juliet@Example.ORG");

  EXPECT_TRUE(run(deliveries.delivered("1", "juliet@example.org/balcony")));
  EXPECT_TRUE(run(deliveries.bounced("2", "juliet@example.org", {})));
}

TEST_F(DeliveriesTest, EndOnceAndForAll) {
  expect("1");

  run(deliveries.ended("1", Outcome::unconfirmed, {}));

  EXPECT_FALSE(run(deliveries.stored("1")));
  EXPECT_FALSE(run(deliveries.ended("1", Outcome::failed, {})));
  EXPECT_THAT(told, ElementsAre(Outcome::unconfirmed));
}

TEST_F(DeliveriesTest, RememberTheNewestOfThoseThatAreStored) {
  for (std::size_t i = 0; i <= Deliveries::kKept; ++i) {
    expect(std::to_string(i));
    run(deliveries.stored(std::to_string(i)));
  }

  EXPECT_FALSE(deliveries.expects("0"));
  EXPECT_TRUE(deliveries.expects("1"));
}

TEST_F(DeliveriesTest, OfAnIdThatIsUsedTwiceTheSecondCounts) {
  expect("1", "tybalt@example.org");
  run(deliveries.stored("1"));
  expect("1");

  EXPECT_TRUE(run(deliveries.delivered("1", "juliet@example.org")));
}

}  // namespace
}  // namespace anser::sdk
