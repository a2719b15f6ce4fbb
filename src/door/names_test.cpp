#include "door/names.h"

#include <gtest/gtest.h>

namespace anser::door {
namespace {

const domain::Hosts kHosts{{{"montague.example", {"old.montague.example"}}, {"capulet.example", {}}}, {"192.0.2.7"}};

TEST(Names, TakesTheBareAddressForTheName) {
  EXPECT_EQ(name_at_host("romeo@montague.example", "montague.example", kHosts), "romeo");
  EXPECT_EQ(name_at_host("Romeo@OLD.montague.example", "montague.example", kHosts), "romeo");
  EXPECT_EQ(name_at_host("romeo@192.0.2.7", "montague.example", kHosts), "romeo");
}

TEST(Names, LeavesEveryOtherNameAlone) {
  for (const std::string name : {"romeo", "Romeo", "romeo@capulet.example", "romeo@elsewhere.example", "romeo@",
                                 "romeo@montague.example/orchard", "@montague.example", "a@b@montague.example"}) {
    EXPECT_EQ(name_at_host(name, "montague.example", kHosts), name);
  }
}

TEST(Names, SayAtWhichHostTheyAre) {
  const std::string here = "montague.example";
  EXPECT_EQ(host_of_name("romeo", here, kHosts), here);
  EXPECT_EQ(host_of_name("juliet@capulet.example", here, kHosts), "capulet.example");
  EXPECT_EQ(host_of_name("romeo@OLD.montague.example", "capulet.example", kHosts), here);
  for (const std::string stranger : {"romeo@elsewhere.example", "juliet@capulet.example/balcony", "@capulet.example",
                                     "a@b@capulet.example", "romeo@"}) {
    EXPECT_EQ(host_of_name(stranger, here, kHosts), here) << stranger;
  }
}

TEST(ForLog, MakesOneWordOfAnAddress) {
  EXPECT_EQ(for_log("romeo@localhost/ from 192.0.2.1 failed"), "romeo@localhost/\\20from\\20192.0.2.1\\20failed");
  EXPECT_EQ(for_log("romeo@localhost/balcony"), "romeo@localhost/balcony");
}

}  // namespace
}  // namespace anser::door
