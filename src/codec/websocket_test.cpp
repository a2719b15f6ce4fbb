#include "codec/websocket.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace anser::codec {
namespace {

std::string bytes(std::initializer_list<int> octets) {
  std::string text;
  for (const int octet : octets) text += static_cast<char>(octet);
  return text;
}

template <class... Args>
std::string frame(Args... args) {
  std::string out;
  append_frame(out, args...);
  return out;
}

TEST(WebSocketFrames, AreTheExamplesOfTheRfc) {
  EXPECT_EQ(frame(Opcode::text, "Hello"), bytes({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}));
  std::string masked;
  append_masked_frame(masked, Opcode::text, "Hello", 0x37fa213d);
  append_masked_frame(masked, Opcode::pong, "Hello", 0x37fa213d);
  EXPECT_EQ(masked, bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
                           0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}));
  EXPECT_EQ(frame(Opcode::text, "Hel", FrameFlags{.fin = false}) + frame(Opcode::continuation, "lo"),
            bytes({0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f}));
  EXPECT_EQ(frame(Opcode::ping, "Hello"), bytes({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}));
  EXPECT_EQ(frame(Opcode::binary, std::string(256, 'x')), bytes({0x82, 0x7e, 0x01, 0x00}) + std::string(256, 'x'));
  EXPECT_EQ(frame(Opcode::binary, std::string(65536, 'x')),
            bytes({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}) + std::string(65536, 'x'));
}

TEST(WebSocketFrames, LengthsAreAsShortAsTheyCanBe) {
  EXPECT_EQ(frame_header(Opcode::binary, 125).view(), bytes({0x82, 125}));
  EXPECT_EQ(frame_header(Opcode::binary, 126).view(), bytes({0x82, 126, 0, 126}));
  EXPECT_EQ(frame_header(Opcode::binary, 65535).view(), bytes({0x82, 126, 0xff, 0xff}));
  EXPECT_EQ(frame_header(Opcode::binary, 65536).view(), bytes({0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(frame_header(Opcode::text, 65536, {.fin = false, .compressed = true}, 0x01020304).view(),
            bytes({0x41, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4}));
}

TEST(WebSocketFrames, AreAppendedBehindWhatIsThere) {
  std::string out = "before";
  append_frame(out, Opcode::text, "");
  append_masked_frame(out, Opcode::text, "", 0);
  EXPECT_EQ(out, "before" + bytes({0x81, 0x00, 0x81, 0x80, 0, 0, 0, 0}));
}

TEST(WebSocketMask, TakenTwiceGivesBackWhatWasWhereverItIsCut) {
  std::string plain(100, '\0');
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<char>(i * 7);
  std::string whole = plain;
  apply_mask(whole, 0x89abcdef);
  EXPECT_EQ(static_cast<unsigned char>(whole[0]), 0x89);
  EXPECT_EQ(static_cast<unsigned char>(whole[5]), (5 * 7) ^ 0xab);

  for (std::size_t cut = 0; cut <= plain.size(); ++cut) {
    std::string pieces = plain;
    apply_mask(std::span{pieces}.first(cut), 0x89abcdef);
    apply_mask(std::span{pieces}.subspan(cut), 0x89abcdef, cut);
    EXPECT_EQ(pieces, whole);
  }
  apply_mask(whole, 0x89abcdef);
  EXPECT_EQ(whole, plain);
}

TEST(WebSocketClose, HasACodeAndAReason) {
  std::string out;
  append_close(out, close_code::kGoingAway, "good night");
  EXPECT_EQ(out, bytes({0x88, 12, 0x03, 0xe9}) + "good night");

  std::string masked;
  append_masked_close(masked, close_code::kNormal, "", 0xffffffff);
  EXPECT_EQ(masked, bytes({0x88, 0x82, 0xff, 0xff, 0xff, 0xff, 0xfc, 0x17}));
}

TEST(WebSocketClose, WithoutACodeIsEmpty) {
  std::string out;
  append_close(out, close_code::kNone, "not to be said");
  append_masked_close(out, close_code::kNone, "", 0);
  EXPECT_EQ(out, bytes({0x88, 0x00, 0x88, 0x80, 0, 0, 0, 0}));
}

TEST(WebSocketClose, CutsTheReasonBetweenTwoCharacters) {
  for (std::size_t ascii = 118; ascii <= 124; ++ascii) {
    const std::string reason = std::string(ascii, 'a') + "\xf0\x9f\xaa\xbf";
    std::string out;

    append_close(out, close_code::kNormal, reason);

    const std::string said = ascii + 4 <= 123 ? reason : std::string(std::min<std::size_t>(ascii, 123), 'a');
    EXPECT_EQ(out, bytes({0x88, static_cast<int>(said.size()) + 2, 0x03, 0xe8}) + said);
  }
}

TEST(WebSocketClose, SaysNothingThatIsNotUtf8) {
  std::string out;
  append_close(out, close_code::kNormal, "right\xffwrong");
  EXPECT_EQ(out, bytes({0x88, 7, 0x03, 0xe8}) + "right");
}

TEST(WebSocketCloseDeathTest, ACodeThatMayNotBeSentIsOurOwnFault) {
  std::string out;
  EXPECT_DEATH(append_close(out, close_code::kAbnormal, ""), "is_close_code");
  EXPECT_DEATH(append_frame(out, Opcode::ping, std::string(126, 'x')), "kControlBytes");
}

}  // namespace
}  // namespace anser::codec
