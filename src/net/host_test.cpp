#include "net/host.h"

#include <gtest/gtest.h>

namespace anser::net {
namespace {

TEST(Host, NamesAreLabelsOfLettersDigitsHyphensAndUnderscores) {
  for (const char* name : {"a", "example.org", "_xmpp-client._tcp.example.org", "xn--fsq.example", "1.2.3"}) {
    EXPECT_TRUE(is_host_name(name)) << name;
  }
  for (const char* name : {"", ".", "example.org.", ".example.org", "a..b", "a b", "a\r\nb", "a:b", "caf\xc3\xa9"}) {
    EXPECT_FALSE(is_host_name(name)) << name;
  }
}

TEST(Host, NamesHaveTheLimitsOfTheDns) {
  const std::string label(63, 'a');
  EXPECT_TRUE(is_host_name(label));
  EXPECT_FALSE(is_host_name(label + "a"));

  const std::string three = label + "." + label + "." + label + ".";
  EXPECT_TRUE(is_host_name(three + std::string(61, 'a')));
  EXPECT_FALSE(is_host_name(three + std::string(62, 'a')));
}

TEST(Host, TellsAddressesFromNames) {
  EXPECT_EQ(address_bytes("192.0.2.1"), std::string("\xc0\x00\x02\x01", 4));
  EXPECT_EQ(address_bytes("::1"), std::string(15, '\0') + '\1');
  EXPECT_EQ(address_bytes("[::1]"), address_bytes("::1"));
  for (const char* host : {"", "example.org", "192.0.2", "[192.0.2.1]", "[]", "::1]", "1.2.3.4.5"}) {
    EXPECT_EQ(address_bytes(host), "") << host;
  }
  EXPECT_EQ(address_bytes(std::string_view("192.0.2.1\0x", 11)), "");
}

TEST(Host, AnIpv6AddressStandsInBracketsBeforeAPort) {
  EXPECT_EQ(authority("example.org", 5222), "example.org:5222");
  EXPECT_EQ(authority("192.0.2.1", 1), "192.0.2.1:1");
  EXPECT_EQ(authority("::1", 5222), "[::1]:5222");
  EXPECT_EQ(authority("[::1]", 5222), "[::1]:5222");
}

}  // namespace
}  // namespace anser::net
