#include "xmpp/dates.h"

#include <gtest/gtest.h>

#include "xmpp/stanzas.h"

namespace anser::xmpp {
namespace {

std::string read(std::string_view text) {
  const auto time = parse_xmpp_date(text);
  return time ? to_xmpp_date(*time) : std::string{name_of(time.error().code)};
}

TEST(ParseXmppDate, ReadsTheExamplesOfXep0082) {
  EXPECT_EQ(read("1969-07-21T02:56:15Z"), "1969-07-21T02:56:15.000Z");
  EXPECT_EQ(read("1969-07-20T21:56:15-05:00"), "1969-07-21T02:56:15.000Z");
}

TEST(ParseXmppDate, ReadsFractionsAndZones) {
  EXPECT_EQ(read("2026-02-28T23:59:59.5Z"), "2026-02-28T23:59:59.500Z");
  EXPECT_EQ(read("2026-02-28T23:59:59.1239999999999999999999Z"), "2026-02-28T23:59:59.123Z");
  EXPECT_EQ(read("2024-02-29T00:30:00+01:00"), "2024-02-28T23:30:00.000Z");
  EXPECT_EQ(read("2026-12-31T20:00:00-14:00"), "2027-01-01T10:00:00.000Z");
  EXPECT_EQ(read("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00.000Z");
  EXPECT_EQ(read("0000-01-01T00:00:00Z"), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(read("9999-12-31T23:59:59Z"), "9999-12-31T23:59:59.000Z");
}

TEST(ParseXmppDate, RefusesWhatIsNone) {
  for (const std::string_view text : {"",
                                      "Z",
                                      "2026-02-28",
                                      "2026-02-28T23:59:59",
                                      "2026-02-29T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00:61Z",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00Z ",
                                      " 2026-01-01T00:00:00Z",
                                      "2026-01-01t00:00:00Z",
                                      "2026-01-01T00:00:00+0100",
                                      "2026-01-01T00:00:00+15:00",
                                      "2026-01-01T00:00:00",
                                      "20260101T00:00:00",
                                      "-026-01-01T00:00:00Z",
                                      "2026-1-1T00:00:00Z",
                                      "12026-01-01T00:00:00Z",
                                      "2026-01-01T00:00:00Z' OR 1=1 --",
                                      "yesterday"}) {
    EXPECT_EQ(read(text), "bad_request") << text;
  }
}

}  // namespace
}  // namespace anser::xmpp
