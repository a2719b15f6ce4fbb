#include "net/http_date.h"

#include <gtest/gtest.h>

namespace anser::net {
namespace {

Time at(std::int64_t seconds) { return Time{std::chrono::seconds{seconds}}; }

constexpr std::int64_t kExample = 784111777;  // of RFC 9110 §5.6.7
const Time kNow = at(1'795'000'000);          // 2026

TEST(HttpDate, IsWrittenInTheFormOfToday) {
  EXPECT_EQ(to_http_date(at(kExample)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(to_http_date(at(kExample) + std::chrono::milliseconds{999}), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(to_http_date(at(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(to_http_date(at(1'709'251'199)), "Thu, 29 Feb 2024 23:59:59 GMT");
}

TEST(HttpDate, IsReadInAllThreeForms) {
  for (const auto* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    EXPECT_EQ(parse_http_date(text, kNow), at(kExample)) << text;
  EXPECT_EQ(parse_http_date("Fri Nov 27 08:49:37 2026", kNow), at(1'795'769'377));
}

TEST(HttpDate, AnOldYearOfTwoDigitsIsNearNow) {
  EXPECT_EQ(parse_http_date("Thursday, 01-Jan-76 00:00:00 GMT", kNow),
            parse_http_date("Thu, 01 Jan 2076 00:00:00 GMT", kNow));
  EXPECT_EQ(parse_http_date("Thursday, 01-Jan-77 00:00:00 GMT", kNow),
            parse_http_date("Thu, 01 Jan 1977 00:00:00 GMT", kNow));
}

TEST(HttpDate, WhatIsWrittenIsReadBack) {
  for (std::int64_t seconds = 0; seconds < 4'000'000'000; seconds += 86'399'987)
    EXPECT_EQ(parse_http_date(to_http_date(at(seconds)), kNow), at(seconds));
}

TEST(HttpDate, WhatIsNoDateIsNone) {
  for (const auto* text :
       {"", "now", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z", "784111777",
        "Sun Nov 06 08:49:37 1994 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT"})
    EXPECT_FALSE(parse_http_date(text, kNow)) << text;
}

}  // namespace
}  // namespace anser::net
