#include "codec/permessage_deflate_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "codec/websocket_reader.h"
#include "tests/support/websocket_events.h"

namespace anser::codec {
namespace {

using Event = WebSocketReader::Event;
using ::testing::ElementsAre;

constexpr DeflateAgreement kTakeover{};
constexpr DeflateAgreement kNoTakeover{.server_no_context_takeover = true, .client_no_context_takeover = true};

std::string bytes(std::initializer_list<int> octets) {
  std::string text;
  for (const int octet : octets) text += static_cast<char>(octet);
  return text;
}

WebSocketReader client(const DeflateAgreement& agreement, WebSocketLimits limits = {}) {
  WebSocketReader reader{WebSocketRole::client, limits};
  reader.use_deflate(agreement);
  return reader;
}

// However the bytes come, the same events.
std::vector<SeenEvent> events_of(std::string_view input, const DeflateAgreement& agreement = kTakeover,
                                 WebSocketLimits limits = {}) {
  const auto whole = read_in_steps(client(agreement, limits), input, input.size());
  EXPECT_EQ(read_in_steps(client(agreement, limits), input, 1), whole);
  for (std::size_t cut = 0; cut <= std::min<std::size_t>(input.size(), 2000); ++cut) {
    EXPECT_EQ(read_cut_at(client(agreement, limits), input, cut), whole) << "cut at " << cut;
  }
  return whole;
}

// Of a compressed payload, in one frame.
std::string frame(std::string_view payload, Opcode opcode = Opcode::text) {
  std::string out;
  append_frame(out, opcode, payload, {.compressed = true});
  return out;
}

void expect_refused(const std::vector<SeenEvent>& seen, std::uint16_t code, std::string_view why) {
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen.front(), (SeenEvent{Event::error, std::string{why}, code}));
}

// Compresses a little, and looks back as far as it may.
std::string noise(std::size_t size, unsigned seed = 1) {
  std::mt19937 random{seed};
  std::string text;
  while (text.size() < size) {
    if (text.size() > 20 && random() % 4 == 0) {
      text += text.substr(random() % (text.size() - 10), 10);
    } else {
      text += static_cast<char>('a' + random() % 26);
    }
  }
  text.resize(size);
  return text;
}

const SeenEvent kHello{Event::text, "Hello"};

TEST(PermessageDeflate, ReadsTheExamplesOfTheRfc) {
  EXPECT_THAT(events_of(bytes({0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})), ElementsAre(kHello));
  EXPECT_THAT(events_of(bytes({0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00})),
              ElementsAre(kHello));
  EXPECT_THAT(events_of(bytes(
                  {0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xc1, 0x05, 0xf2, 0x00, 0x11, 0x00, 0x00})),
              ElementsAre(kHello, kHello));
  EXPECT_THAT(events_of(bytes({0xc1, 0x0b, 0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00})),
              ElementsAre(kHello));
  EXPECT_THAT(events_of(frame(bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00}))), ElementsAre(kHello));
  EXPECT_THAT(events_of(frame(bytes({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00}))),
              ElementsAre(kHello));
  EXPECT_THAT(events_of(bytes({0x41, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0x80, 0x05, 0x00, 0x00,
                               0xff, 0xff, 0x00})),
              ElementsAre(kHello));
  EXPECT_THAT(events_of(frame(bytes({0x00}))), ElementsAre(SeenEvent{Event::text, ""}));
}

TEST(PermessageDeflate, WritesTheExamplesOfTheRfc) {
  const DeflateSettings settings{.level = 6, .threshold = 0};
  Deflater keeping{settings, {15, true}};
  EXPECT_EQ(*keeping.deflate("Hello"), bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}));
  EXPECT_EQ(*keeping.deflate("Hello"), bytes({0xf2, 0x00, 0x11, 0x00, 0x00}));
  EXPECT_EQ(*keeping.deflate(""), bytes({0x00}));
  EXPECT_EQ(*keeping.deflate(""), bytes({0x00}));

  Deflater forgetting{settings, {15, false}};
  EXPECT_EQ(*forgetting.deflate("Hello"), bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}));
  EXPECT_EQ(*forgetting.deflate("Hello"), bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}));
}

TEST(PermessageDeflate, BlocksBehindAFinalOneLookBackIntoTheSameWindow) {
  // "Hello" in a final block; then, as if nothing had ended, the five bytes again as a reference to it.
  const std::string again = bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xf2, 0x00, 0x11, 0x00, 0x00});
  EXPECT_THAT(events_of(frame(again)), ElementsAre(SeenEvent{Event::text, "HelloHello"}));
  EXPECT_THAT(events_of(frame(bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})) +
                        frame(bytes({0xf2, 0x00, 0x11, 0x00, 0x00}))),
              ElementsAre(kHello, kHello));
  // The empty block that ends the message may be final, too; the next message goes on behind it.
  EXPECT_THAT(events_of(frame(bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 'H', 'e', 'l', 'l', 'o', 0x01})) +
                        frame(bytes({0xf2, 0x00, 0x11, 0x00, 0x00}))),
              ElementsAre(kHello, kHello));
}

TEST(PermessageDeflate, WithoutTakeoverNothingReachesBackIntoTheLastMessage) {
  const std::string second = frame(bytes({0xf2, 0x00, 0x11, 0x00, 0x00}));

  const auto seen = events_of(frame(bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})) + second, kNoTakeover);

  EXPECT_THAT(seen, ElementsAre(kHello, SeenEvent{Event::error, "the compressed message is not DEFLATE", 1007}));
}

TEST(PermessageDeflate, MessagesThatAreNotCompressedMayComeBetweenThoseThatAre) {
  std::string plain;
  append_frame(plain, Opcode::text, "as it is");

  const auto seen = events_of(frame(bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})) + plain +
                              frame(bytes({0xf2, 0x00, 0x11, 0x00, 0x00})));

  EXPECT_THAT(seen, ElementsAre(kHello, SeenEvent{Event::text, "as it is"}, kHello));
}

TEST(PermessageDeflate, ControlFramesMayComeBetweenCompressedFragmentsAndAreNeverCompressed) {
  const std::string head = bytes({0x41, 0x03, 0xf2, 0x48, 0xcd});
  EXPECT_THAT(events_of(head + bytes({0x89, 0x01, '!', 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00})),
              ElementsAre(SeenEvent{Event::ping, "!"}, kHello));
  expect_refused(events_of(head + bytes({0xc9, 0x00})), 1002, "RSV1 is set on a control frame");
  expect_refused(events_of(head + bytes({0xc0, 0x00})), 1002, "RSV1 is set on a continuation");
  expect_refused(events_of(bytes({0xc8, 0x00})), 1002, "RSV1 is set on a control frame");
}

TEST(PermessageDeflate, RefusesWhatIsNotDeflate) {
  constexpr std::string_view kWhy = "the compressed message is not DEFLATE";
  expect_refused(events_of(frame(bytes({0x07}))), 1007, kWhy);                          // no such type of block
  expect_refused(events_of(frame(bytes({0x00, 0x05, 0x00, 0x05, 0x00}))), 1007, kWhy);  // lengths that disagree
  expect_refused(events_of(frame(bytes({0xf2, 0x48, 0xcd}))), 1007, kWhy);              // cut off
  expect_refused(events_of(frame("")), 1007, kWhy);
  expect_refused(events_of(frame("Hello, as it is")), 1007, kWhy);
}

TEST(PermessageDeflate, InflatedTextIsUtf8) {
  Deflater deflater{{}, {15, false}};
  const std::string right = "\xe4\xbd\xa0\xe5\xa5\xbd " + std::string(100, 'x');
  EXPECT_THAT(events_of(frame(*deflater.deflate(right))), ElementsAre(SeenEvent{Event::text, right}));

  const std::string wrong = right + "\xe4\xbd";
  expect_refused(events_of(frame(*deflater.deflate(wrong))), 1007, "the text is not UTF-8");
  expect_refused(events_of(frame(*deflater.deflate(wrong + right))), 1007, "the text is not UTF-8");
  EXPECT_THAT(events_of(frame(*deflater.deflate(wrong), Opcode::binary)), ElementsAre(SeenEvent{Event::binary, wrong}));
}

TEST(PermessageDeflate, ABombCostsTheLimitAndNoMore) {
  const WebSocketLimits limits{.message_bytes = 20'000};
  Deflater deflater{{.level = 9}, {15, false}};
  EXPECT_THAT(events_of(frame(*deflater.deflate(std::string(20'000, '\0'))), kNoTakeover, limits),
              ElementsAre(SeenEvent{Event::text, std::string(20'000, '\0')}));
  expect_refused(events_of(frame(*deflater.deflate(std::string(20'001, '\0'))), kNoTakeover, limits), 1009,
                 "the message is too big");

  const std::string bomb = frame(*deflater.deflate(std::string(64 * 1024 * 1024, '\0'))).substr(0, 2000);
  WebSocketReader reader = client(kNoTakeover, limits);
  std::vector<SeenEvent> seen;
  for (std::size_t i = 0; i < bomb.size() && seen.empty(); ++i) {
    read_piece(reader, bomb.substr(i, 1), seen);
    ASSERT_LE(reader.kept(), 2 * limits.message_bytes + 512);
  }
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen.front().code, 1009);
  EXPECT_EQ(reader.kept(), 0u);
}

TEST(PermessageDeflate, BytesThatInflateToNothingAreCounted) {
  const WebSocketLimits limits{.message_bytes = 1000};  // and a bit more on the wire
  const std::string nothing = bytes({0x00, 0x00, 0x00, 0xff, 0xff});
  std::string blocks;
  while (blocks.size() < 1000 + 125 + 1024) blocks += nothing;

  EXPECT_THAT(events_of(frame(blocks.substr(0, 2000) + '\0'), kTakeover, limits),
              ElementsAre(SeenEvent{Event::text, ""}));
  expect_refused(events_of(frame(blocks), kTakeover, limits), 1009, "the message is too big");
}

TEST(PermessageDeflate, EveryWindowComesBackAsItWas) {
  for (std::uint8_t bits = 8; bits <= 15; ++bits) {
    for (const bool keeps : {false, true}) {
      for (const int level : {1, 6, 9}) {
        const DeflateAgreement agreement{!keeps, !keeps, bits, bits};
        Deflater deflater{{.level = level, .threshold = 0}, sent_by(WebSocketRole::server, agreement)};
        WebSocketReader reader = client(agreement);
        std::vector<SeenEvent> seen;
        std::vector<SeenEvent> sent;
        for (const std::size_t size : {0u, 1u, 100u, 70'000u, 0u, 300u}) {
          sent.push_back({Event::text, noise(size, bits + static_cast<unsigned>(size % 7))});
          std::string wire;
          append_message(wire, Opcode::text, sent.back().payload, deflater);
          read_piece(reader, wire, seen);
        }
        EXPECT_EQ(seen, sent) << int{bits};
      }
    }
  }
}

// With eight bits a peer may keep no more than 256 bytes; zlib's own smallest window is larger.
TEST(PermessageDeflate, NeverLooksBackFartherThanTheSmallestWindow) {
  for (const int level : {1, 4, 9}) {
    Deflater deflater{{.level = level}, {8, true}};
    z_stream strict{};
    ASSERT_EQ(inflateInit2(&strict, -8), Z_OK);
    for (unsigned seed = 0; seed < 20; ++seed) {
      std::string message = noise(3000, seed);
      for (std::size_t distance = 240; distance < 270; ++distance)
        message += message.substr(message.size() - distance, 5);
      const std::string wire = std::string{*deflater.deflate(message)} + bytes({0, 0, 0xff, 0xff});

      std::string plain;
      strict.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(wire.data()));
      strict.avail_in = static_cast<uInt>(wire.size());
      for (int result = Z_OK; result == Z_OK;) {  // one byte at a time, so that it can look only into its window
        char byte = 0;
        strict.next_out = reinterpret_cast<Bytef*>(&byte);
        strict.avail_out = 1;
        result = inflate(&strict, Z_SYNC_FLUSH);
        ASSERT_TRUE(result == Z_OK || result == Z_BUF_ERROR) << strict.msg;
        if (strict.avail_out == 0) plain += byte;
      }
      ASSERT_EQ(plain, message);
    }
    inflateEnd(&strict);
  }
}

TEST(PermessageDeflate, ShortMessagesAndThoseThatWouldGrowGoAsTheyAre) {
  Deflater deflater{{.threshold = 100}, {15, false}};
  const auto first_octet = [&](std::string_view message) {
    std::string wire;
    append_message(wire, Opcode::binary, message, deflater);
    return static_cast<unsigned char>(wire[0]);
  };
  std::mt19937 random{1};
  std::string incompressible(1000, '\0');
  for (char& c : incompressible) c = static_cast<char>(random());

  EXPECT_EQ(first_octet(std::string(99, 'x')), 0x82);
  EXPECT_EQ(first_octet(std::string(100, 'x')), 0xc2);
  EXPECT_EQ(first_octet(incompressible), 0x82);

  Deflater keeping{{.threshold = 100}, {15, true}};  // the peer's window must follow
  std::string wire;
  append_message(wire, Opcode::binary, incompressible, keeping);
  append_message(wire, Opcode::binary, incompressible, keeping);
  EXPECT_LT(wire.size(), 1100u);
  EXPECT_THAT(events_of(wire),
              ElementsAre(SeenEvent{Event::binary, incompressible}, SeenEvent{Event::binary, incompressible}));
}

TEST(PermessageDeflate, AClientMasksWhatItCompressed) {
  WebSocketReader server{WebSocketRole::server};
  server.use_deflate(kNoTakeover);
  Deflater deflater{{}, sent_by(WebSocketRole::client, kNoTakeover)};
  const std::string message = noise(5000);
  std::string wire;
  append_message(wire, Opcode::text, message, deflater, 0x12345678);
  append_message(wire, Opcode::text, "short", deflater, 0x12345678);
  std::vector<SeenEvent> seen;

  read_piece(server, wire, seen);

  EXPECT_LT(wire.size(), 5000u);
  EXPECT_THAT(seen, ElementsAre(SeenEvent{Event::text, message}, SeenEvent{Event::text, "short"}));
  EXPECT_EQ(server.kept(), 0u);
}

TEST(PermessageDeflate, OneDeflaterServesAllWhoseContextIsNotTakenOver) {
  SharedDeflaters shared{{}};
  EXPECT_EQ(&shared.with_window(15), &shared.with_window(15));
  EXPECT_NE(&shared.with_window(15), &shared.with_window(8));

  for (const std::uint8_t bits : {8, 15, 8}) {
    const DeflateAgreement agreement{true, true, bits, bits};
    std::string wire;
    append_message(wire, Opcode::text, noise(4000), shared.with_window(bits));
    EXPECT_THAT(read_in_steps(client(agreement), wire, wire.size()), ElementsAre(SeenEvent{Event::text, noise(4000)}));
  }
}

}  // namespace
}  // namespace anser::codec
