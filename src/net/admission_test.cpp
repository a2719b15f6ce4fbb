#include "net/admission.h"

#include <gtest/gtest.h>

#include <vector>

namespace anser::net {
namespace {

using boost::asio::ip::make_address;

const auto kHome = make_address("192.0.2.1");

TEST(Gate, RefusesMoreConnectionsThanAllowedUntilOneLeaves) {
  const auto gate = std::make_shared<Gate>(Gate::Limits{.connections = 2, .strangers_per_address = 0});
  auto first = gate->enter(kHome);
  auto second = gate->enter(make_address("192.0.2.2"));
  ASSERT_TRUE(first && second);

  const auto third = gate->enter(kHome);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::resource_limit);

  *first = Admission{};
  EXPECT_EQ(gate->connections(), 1u);
  EXPECT_TRUE(gate->enter(kHome));
}

TEST(Gate, CountsStrangersPerAddressUntilTheyLogIn) {
  const auto gate = std::make_shared<Gate>(Gate::Limits{.connections = 100, .strangers_per_address = 2});
  std::vector<Admission> inside;
  inside.push_back(*gate->enter(kHome));
  inside.push_back(*gate->enter(kHome));
  EXPECT_FALSE(gate->enter(kHome));
  EXPECT_TRUE(gate->enter(make_address("192.0.2.2")));

  inside.front().admitted();
  inside.front().admitted();

  auto another = gate->enter(kHome);
  EXPECT_TRUE(another);
  EXPECT_FALSE(gate->enter(kHome));
}

TEST(Gate, ARefusedConnectionLeavesNoTrace) {
  const auto gate = std::make_shared<Gate>(Gate::Limits{.connections = 100, .strangers_per_address = 1});
  auto first = gate->enter(kHome);
  EXPECT_FALSE(gate->enter(kHome));

  *first = Admission{};

  EXPECT_EQ(gate->connections(), 0u);
  EXPECT_TRUE(gate->enter(kHome));
}

TEST(Admission, MovesWithItsPlace) {
  const auto gate = std::make_shared<Gate>(Gate::Limits{.connections = 1});
  Admission kept;
  {
    auto first = gate->enter(kHome);
    kept = std::move(*first);
  }
  EXPECT_EQ(gate->connections(), 1u);

  kept = Admission{};
  EXPECT_EQ(gate->connections(), 0u);
}

}  // namespace
}  // namespace anser::net
