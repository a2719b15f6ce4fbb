#include "domain/hosts.h"

#include <gtest/gtest.h>

namespace anser::domain {
namespace {

using core::Jid;

const Hosts kHosts{{{"capulet.example", {"capulet.lan"}}, {"conference.verona.example", {}}, {"verona.example", {}}},
                   {"192.168.8.32"}};

std::string group_at(std::string_view address) {
  const auto group = kHosts.group(Jid::parse(address).value());
  return group ? group->full() : "none";
}

TEST(Hosts, GroupsAreAtConferenceOfAHostAndItsAliases) {
  EXPECT_EQ(group_at("friends@conference.capulet.example"), "friends@conference.capulet.example");
  EXPECT_EQ(group_at("friends@conference.capulet.lan"), "friends@conference.capulet.example");
}

TEST(Hosts, AGroupIsNamedByABareAddressWithAName) {
  EXPECT_EQ(group_at("conference.capulet.example"), "none");
  EXPECT_EQ(group_at("friends@conference.capulet.example/romeo"), "none");
  EXPECT_EQ(group_at("friends@capulet.example"), "none");
  EXPECT_EQ(group_at("friends@conference.montague.example"), "none");
  EXPECT_EQ(group_at("friends@conference.conference.capulet.example"), "none");
}

TEST(Hosts, AHostThatHasTheNameItselfHasAccountsThere) {
  EXPECT_EQ(group_at("friends@conference.verona.example"), "none");
  EXPECT_EQ(group_at("friends@conference.conference.verona.example"), "friends@conference.conference.verona.example");
  EXPECT_EQ(kHosts.host_of_groups("conference.verona.example"), nullptr);
}

TEST(Hosts, KnowsWhoseGroupsAreAtADomain) {
  const std::string* host = kHosts.host_of_groups("conference.capulet.lan");

  ASSERT_TRUE(host);
  EXPECT_EQ(*host, "capulet.example");
  EXPECT_EQ(kHosts.host_of_groups("capulet.example"), nullptr);
  EXPECT_EQ(kHosts.host_of_groups("conference."), nullptr);
}

}  // namespace
}  // namespace anser::domain
