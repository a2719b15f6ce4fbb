#include "codec/idna.h"

#include <gtest/gtest.h>

namespace anser::codec {
namespace {

TEST(Idna, WritesDomainsAsDnsDoes) {
  EXPECT_EQ(to_a_labels("example.org"), "example.org");
  EXPECT_EQ(to_a_labels("Chat.EXAMPLE.org."), "chat.example.org");
  EXPECT_EQ(to_a_labels("b\u00fccher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(to_a_labels("B\u00dcCHER.example"), "xn--bcher-kva.example");
  EXPECT_EQ(to_a_labels("xn--bcher-kva.example"), "xn--bcher-kva.example");
  EXPECT_EQ(to_a_labels("\u4f8b\u5b50.\u6d4b\u8bd5"), "xn--fsqu00a.xn--0zwm56d");
  EXPECT_EQ(to_a_labels("\u4f8b\u5b50\u3002\u6d4b\u8bd5"), "xn--fsqu00a.xn--0zwm56d");  // an ideographic full stop
  EXPECT_EQ(to_a_labels("localhost"), "localhost");
}

TEST(Idna, RefusesWhatIsNoDomainName) {
  for (const std::string_view bad :
       {"", ".", "a..b", "-a.example", "a_b.example", "a b.example", "*.example", "romeo@example.org", "example.org/x",
        "xn--a", "\xff.example", "a\xcc\x88\xe2\x80\xae.example"}) {
    const auto name = to_a_labels(bad);
    ASSERT_FALSE(name) << bad;
    EXPECT_EQ(name.error().code, Errc::bad_request);
  }
  EXPECT_FALSE(to_a_labels(std::string(64, 'a') + ".example"));
  EXPECT_FALSE(to_a_labels(std::string_view{"a\0b.example", 11}));
  EXPECT_FALSE(to_a_labels(std::string(2000, 'a')));
}

}  // namespace
}  // namespace anser::codec
