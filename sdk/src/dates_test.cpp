#include "sdk/src/dates.h"

#include <gtest/gtest.h>

namespace anser::sdk {
namespace {

using namespace std::chrono;

TEST(Dates, AreReadWithZoneAndFraction) {
  const sys_days moon{1969y / July / 21};
  EXPECT_EQ(parse_date("1969-07-21T02:56:15Z"), moon + 2h + 56min + 15s);
  EXPECT_EQ(parse_date("1969-07-20T21:56:15-05:00"), moon + 2h + 56min + 15s);
  EXPECT_EQ(parse_date("1969-07-21T08:26:15+05:30"), moon + 2h + 56min + 15s);
  EXPECT_EQ(parse_date("1969-07-21T02:56:15.5Z"), moon + 2h + 56min + 15s + 500ms);
  EXPECT_EQ(parse_date("1969-07-21T02:56:15.0000019999999999999999Z"), moon + 2h + 56min + 15s + 1us);
  EXPECT_EQ(parse_date("2016-12-31T23:59:60Z"), sys_days{2017y / January / 1});
  EXPECT_EQ(parse_date("2024-02-29T00:00:00Z"), sys_days{2024y / February / 29});
  EXPECT_EQ(parse_old_date("19690721T02:56:15"), moon + 2h + 56min + 15s);
}

TEST(Dates, ThatAreNoneAreNothing) {
  for (const auto* bad : {"",
                          "now",
                          "1969-07-21",
                          "1969-07-21T02:56:15",
                          "1969-07-21 02:56:15Z",
                          "1969-07-21T02:56:15z",
                          "1969-07-21T02:56:15.Z",
                          "1969-07-21T02:56:15Z ",
                          " 1969-07-21T02:56:15Z",
                          "1969-13-21T02:56:15Z",
                          "1969-00-21T02:56:15Z",
                          "1969-02-29T02:56:15Z",
                          "1969-07-32T02:56:15Z",
                          "1969-07-21T24:00:00Z",
                          "1969-07-21T02:60:15Z",
                          "1969-07-21T02:56:61Z",
                          "69-07-21T02:56:15Z",
                          "1969-07-21T02:56:15+15:00",
                          "1969-07-21T02:56:15+05:60",
                          "1969-07-21T02:56:15+0500",
                          "-969-07-21T02:56:15Z",
                          "0000-01-01T00:00:00Z",
                          "1677-12-31T00:00:00Z",
                          "2262-01-01T00:00:00Z",
                          "9999-12-31T23:59:59Z",
                          "1969-7-21T02:56:15Z",
                          "1969-07-21T+2:56:15Z",
                          "19690721T02:56:15"}) {
    EXPECT_EQ(parse_date(bad), std::nullopt) << bad;
  }
  for (const auto* bad : {"", "1969-07-21T02:56:15Z", "19690721T02:56:15Z", "19690721T025615", "19690721T02:56:15.5",
                          "19691301T02:56:15"}) {
    EXPECT_EQ(parse_old_date(bad), std::nullopt) << bad;
  }
}

TEST(Dates, AreWrittenAsTheyAreRead) {
  for (const auto* text :
       {"1969-07-21T02:56:15Z", "1678-01-01T00:00:00Z", "2261-12-31T23:59:59.999999Z", "2026-11-27T13:00:00.000001Z"}) {
    const auto time = parse_date(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(format_date(*time), text);
  }
  EXPECT_EQ(format_date(TimePoint{} - 1ns), "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace anser::sdk
