#include "upload/ranges.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::upload {
namespace {

using Kind = WantedBytes::Kind;
using testing::ElementsAre;
using testing::SizeIs;

constexpr std::uint64_t kSize = 10'000;  // of the examples in RFC 9110 §14.1.2

TEST(Ranges, TheExamplesOfTheRfc) {
  EXPECT_THAT(wanted_bytes("bytes=0-499", kSize).ranges, ElementsAre(ByteRange{0, 499}));
  EXPECT_THAT(wanted_bytes("bytes=500-999", kSize).ranges, ElementsAre(ByteRange{500, 999}));
  EXPECT_THAT(wanted_bytes("bytes=-500", kSize).ranges, ElementsAre(ByteRange{9500, 9999}));
  EXPECT_THAT(wanted_bytes("bytes=9500-", kSize).ranges, ElementsAre(ByteRange{9500, 9999}));
  EXPECT_THAT(wanted_bytes("bytes=0-0,-1", kSize).ranges, ElementsAre(ByteRange{0, 0}, ByteRange{9999, 9999}));
  EXPECT_THAT(wanted_bytes("bytes= 0-999, 4500-5499, -1000", kSize).ranges,
              ElementsAre(ByteRange{0, 999}, ByteRange{4500, 5499}, ByteRange{9000, 9999}));
  EXPECT_THAT(wanted_bytes("bytes=500-600,601-999", kSize).ranges,
              ElementsAre(ByteRange{500, 600}, ByteRange{601, 999}));
}

TEST(Ranges, WhatEndsBehindTheEndEndsThere) {
  EXPECT_THAT(wanted_bytes("bytes=9999-20000", kSize).ranges, ElementsAre(ByteRange{9999, 9999}));
  EXPECT_THAT(wanted_bytes("bytes=-99999999999999999999999", kSize).ranges, ElementsAre(ByteRange{0, 9999}));
  EXPECT_THAT(wanted_bytes("bytes=1-99999999999999999999999", kSize).ranges, ElementsAre(ByteRange{1, 9999}));
}

TEST(Ranges, OrderIsTheClients) {
  EXPECT_THAT(wanted_bytes("bytes=-10,0-9", kSize).ranges, ElementsAre(ByteRange{9990, 9999}, ByteRange{0, 9}));
}

TEST(Ranges, WhatIsOutsideIsLeftOut) {
  EXPECT_THAT(wanted_bytes("bytes=10000-,5-6", kSize).ranges, ElementsAre(ByteRange{5, 6}));
}

TEST(Ranges, NothingOfItIsThere) {
  for (const auto* text : {"bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=99999999999999999999-"})
    EXPECT_EQ(wanted_bytes(text, kSize).kind, Kind::nothing) << text;
  for (const auto* text : {"bytes=0-", "bytes=-1", "bytes=0-0"}) EXPECT_EQ(wanted_bytes(text, 0).kind, Kind::nothing);
}

TEST(Ranges, NonsenseIsNotHeeded) {
  for (const auto* text :
       {"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1", "bytes=5-4", "items=0-5", "bytes=0-5;6-7",
        "bytes=0x0-5", "bytes=+1-5", "bytes=1 -5", "bytes=--5", "bytes=0-1,x"})
    EXPECT_EQ(wanted_bytes(text, kSize).kind, Kind::whole) << text;
  EXPECT_EQ(wanted_bytes(std::nullopt, kSize).kind, Kind::whole);
}

TEST(Ranges, TheUnitIsKnownInWhateverCase) { EXPECT_EQ(wanted_bytes("Bytes=0-1", kSize).kind, Kind::ranges); }

TEST(Ranges, TooManyOrOverlappingOnesAreTheWholeFile) {
  std::string many = "bytes=0-0";
  for (int i = 1; i < 8; ++i) many += fmt::format(",{}-{}", 2 * i, 2 * i);
  EXPECT_THAT(wanted_bytes(many, kSize).ranges, SizeIs(8));

  EXPECT_EQ(wanted_bytes(many + ",100-100", kSize).kind, Kind::whole);
  EXPECT_EQ(wanted_bytes(many + ",20000-", kSize).kind, Kind::whole);
  EXPECT_EQ(wanted_bytes("bytes=0-,0-", kSize).kind, Kind::whole);
  EXPECT_EQ(wanted_bytes("bytes=100-199,0-100", kSize).kind, Kind::whole);
}

TEST(Ranges, AFrameHasTheLengthThatItSays) {
  const std::vector<ByteRange> ranges{{0, 1}, {5, 9}};
  const auto frame = byteranges_frame("b", "image/png", ranges, 10);

  const std::string body = frame.heads[0] + "01" + frame.heads[1] + "56789" + frame.end;

  EXPECT_EQ(frame.length(ranges), body.size());
  EXPECT_EQ(body,
            "--b\r\nContent-Type: image/png\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n"
            "--b\r\nContent-Type: image/png\r\nContent-Range: bytes 5-9/10\r\n\r\n56789\r\n--b--\r\n");
}

}  // namespace
}  // namespace anser::upload
