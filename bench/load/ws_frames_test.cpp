#include "ws_frames.h"

#include <gtest/gtest.h>

#include <string>

namespace anser::load {
namespace {

std::string unmasked(std::string_view frame) {
  const std::size_t header = (static_cast<unsigned char>(frame[1]) & 0x7f) == 126 ? 8 : 6;
  std::string payload;
  for (std::size_t i = header; i < frame.size(); ++i) {
    payload.push_back(static_cast<char>(frame[i] ^ frame[header - 4 + (i - header) % 4]));
  }
  return payload;
}

TEST(WsFrames, ATemplateCarriesItsNumberWhereverItWasAskedFor) {
  WsTemplate once{WsOpcode::binary, "id @@@@@@@@ body #@@@@@@@@"};
  WsTemplate longer{WsOpcode::text, std::string(130, 'x') + "#@@@@@@@@"};

  EXPECT_EQ(unmasked(once.stamped(42)), "id 00000042 body #00000042");
  EXPECT_EQ(unmasked(once.stamped(12345678)), "id 12345678 body #12345678");
  EXPECT_EQ(unmasked(longer.stamped(7)), std::string(130, 'x') + "#00000007");
}

TEST(WsFrames, ServersFramesAreCutOneByOne) {
  const std::string bytes = std::string("\x81\x02hi\x82\x7e\x00\x7e", 8) + std::string(126, 'b') + "\x81";

  const auto first = next_ws_frame(bytes);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->payload, "hi");
  const auto second = next_ws_frame(std::string_view{bytes}.substr(first->size));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->opcode, WsOpcode::binary);
  EXPECT_EQ(second->payload, std::string(126, 'b'));
  const auto rest = next_ws_frame(std::string_view{bytes}.substr(first->size + second->size));
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->size, 0U);
}

TEST(WsFrames, AMaskedOrFragmentedFrameOfAServerIsRefused) {
  EXPECT_FALSE(next_ws_frame("\x81\x82"));
  EXPECT_FALSE(next_ws_frame(std::string_view("\x01\x00", 2)));
}

TEST(WsFrames, ANumberIsFoundWhereverItStands) {
  NumberReader reader;

  EXPECT_EQ(reader.read("ab #00000012xx"), 12U);
  EXPECT_EQ(reader.read("ab #00000013xx"), 13U);
  EXPECT_EQ(reader.read("#00000014"), 14U);
  EXPECT_FALSE(reader.read("no number"));
  EXPECT_FALSE(reader.read("#0000"));
}

}  // namespace
}  // namespace anser::load
