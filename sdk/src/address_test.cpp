#include "anser/address.h"

#include <gtest/gtest.h>

namespace anser::sdk {
namespace {

TEST(Address, IsTakenApartAsRfc7622Says) {
  // The first '/' begins the resource, whatever stands in it.
  EXPECT_EQ(bare_of("romeo@example.org/a@b/c"), "romeo@example.org");
  EXPECT_EQ(local_of("romeo@example.org/a@b/c"), "romeo");
  EXPECT_EQ(domain_of("romeo@example.org/a@b/c"), "example.org");
  EXPECT_EQ(resource_of("romeo@example.org/a@b/c"), "a@b/c");

  EXPECT_EQ(bare_of("example.org/a@b"), "example.org");
  EXPECT_EQ(local_of("example.org/a@b"), "");
  EXPECT_EQ(domain_of("example.org/a@b"), "example.org");
  EXPECT_EQ(resource_of("example.org/a@b"), "a@b");

  EXPECT_EQ(resource_of("romeo@example.org"), "");
  EXPECT_EQ(domain_of("romeo@example.org"), "example.org");
  for (const auto part : {bare_of(""), local_of(""), domain_of(""), resource_of("")}) EXPECT_EQ(part, "");
}

TEST(Address, IsPrepared) {
  EXPECT_EQ(prepare_address("Romeo@Example.ORG/x").value(), "romeo@example.org/x");
  EXPECT_EQ(prepare_address("ＲＯＭＥＯ@Bücher.example/X").value(), "romeo@bücher.example/X");
}

TEST(Address, ThatIsNoneIsRefused) {
  for (const auto* bad : {"", "@", "a@", "@b", "a@b/", "a b@c", "a@b@c", "a@\xFF"}) {
    const auto prepared = prepare_address(bad);
    ASSERT_FALSE(prepared) << bad;
    EXPECT_EQ(prepared.error().code, Errc::invalid_argument);
    EXPECT_FALSE(prepared.error().message.empty());
  }
}

}  // namespace
}  // namespace anser::sdk
