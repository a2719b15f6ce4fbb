#include "codec/websocket_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/websocket_events.h"

namespace anser::codec {
namespace {

using Event = WebSocketReader::Event;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint32_t kMask = 0x37fa213d;

std::string bytes(std::initializer_list<int> octets) {
  std::string text;
  for (const int octet : octets) text += static_cast<char>(octet);
  return text;
}

// However the bytes come, the same events.
std::vector<SeenEvent> events_of(WebSocketRole role, std::string_view input, WebSocketLimits limits = {}) {
  const auto make = [&] { return WebSocketReader{role, limits}; };
  const auto whole = read_in_steps(make(), input, input.size());
  EXPECT_EQ(read_in_steps(make(), input, 1), whole);
  for (std::size_t cut = 0; cut <= std::min<std::size_t>(input.size(), 2000); ++cut) {
    EXPECT_EQ(read_cut_at(make(), input, cut), whole) << "cut at " << cut;
  }
  return whole;
}

std::vector<SeenEvent> at_client(std::string_view input, WebSocketLimits limits = {}) {
  return events_of(WebSocketRole::client, input, limits);
}

std::vector<SeenEvent> at_server(std::string_view input, WebSocketLimits limits = {}) {
  return events_of(WebSocketRole::server, input, limits);
}

std::string frame(Opcode opcode, std::string_view payload, bool fin = true) {
  std::string out;
  append_frame(out, opcode, payload, {.fin = fin});
  return out;
}

std::string masked(Opcode opcode, std::string_view payload, bool fin = true) {
  std::string out;
  append_masked_frame(out, opcode, payload, kMask, {.fin = fin});
  return out;
}

// The one event there is, an error.
void expect_refused(const std::vector<SeenEvent>& seen, std::uint16_t code, std::string_view why) {
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen.front(), (SeenEvent{Event::error, std::string{why}, code}));
}

TEST(WebSocketReader, ReadsTheExamplesOfTheRfc) {
  const SeenEvent hello{Event::text, "Hello"};
  EXPECT_THAT(at_client(bytes({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f})), ElementsAre(hello));
  EXPECT_THAT(at_server(bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58})), ElementsAre(hello));
  EXPECT_THAT(at_client(bytes({0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f})), ElementsAre(hello));
  EXPECT_THAT(at_client(bytes({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f})),
              ElementsAre(SeenEvent{Event::ping, "Hello"}));
  EXPECT_THAT(at_server(bytes({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58})),
              ElementsAre(SeenEvent{Event::pong, "Hello"}));
  EXPECT_THAT(at_client(bytes({0x82, 0x7e, 0x01, 0x00}) + std::string(256, '\x07')),
              ElementsAre(SeenEvent{Event::binary, std::string(256, '\x07')}));
  EXPECT_THAT(at_client(bytes({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}) + std::string(65536, 'x')),
              ElementsAre(SeenEvent{Event::binary, std::string(65536, 'x')}));
}

TEST(WebSocketReader, ReadsEveryLengthWithAnyAlignment) {
  for (const std::size_t size : {0u, 1u, 2u, 3u, 4u, 7u, 8u, 9u, 15u, 16u, 17u, 125u, 126u, 127u, 128u, 1000u}) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 37);
    for (std::size_t before = 0; before < 8; ++before) {
      const std::string first(before, 'p');

      const auto seen = at_server(masked(Opcode::ping, first) + masked(Opcode::binary, payload));

      EXPECT_THAT(seen, ElementsAre(SeenEvent{Event::ping, first}, SeenEvent{Event::binary, payload}));
    }
  }
}

TEST(WebSocketReader, ReadsManyFramesOneAfterTheOther) {
  const auto seen = at_server(masked(Opcode::text, "one") + masked(Opcode::binary, "two") + masked(Opcode::text, "") +
                              masked(Opcode::pong, "") + masked(Opcode::text, "three"));

  EXPECT_THAT(seen,
              ElementsAre(SeenEvent{Event::text, "one"}, SeenEvent{Event::binary, "two"}, SeenEvent{Event::text, ""},
                          SeenEvent{Event::pong, ""}, SeenEvent{Event::text, "three"}));
}

TEST(WebSocketReader, ControlFramesBetweenFragmentsAreReportedAsTheyCome) {
  const auto seen = at_server(masked(Opcode::text, "to be ", false) + masked(Opcode::ping, "1") +
                              masked(Opcode::continuation, "", false) + masked(Opcode::pong, "2") +
                              masked(Opcode::continuation, "or not") + masked(Opcode::binary, "next"));

  EXPECT_THAT(seen, ElementsAre(SeenEvent{Event::ping, "1"}, SeenEvent{Event::pong, "2"},
                                SeenEvent{Event::text, "to be or not"}, SeenEvent{Event::binary, "next"}));
}

TEST(WebSocketReader, AWholeMessageIsNotCopied) {
  WebSocketReader reader{WebSocketRole::server};
  std::string input = masked(Opcode::text, "in place");
  std::span<char> rest{input};

  ASSERT_EQ(reader.next(rest), Event::text);

  EXPECT_EQ(reader.payload(), "in place");
  EXPECT_EQ(reader.payload().data(), input.data() + 6);
  EXPECT_EQ(reader.kept(), 0u);
}

TEST(WebSocketReader, RefusesReservedBits) {
  for (const int bits : {0x20, 0x10, 0x30}) {
    expect_refused(at_client(bytes({0x81 | bits, 0x00})), 1002, "a reserved bit is set");
  }
}

TEST(WebSocketReader, RefusesCompressionThatWasNotAgreed) {
  expect_refused(at_client(bytes({0xc1, 0x00})), 1002, "a message is compressed, which was not agreed");
  expect_refused(at_client(bytes({0xc2, 0x00})), 1002, "a message is compressed, which was not agreed");
  expect_refused(at_client(bytes({0xc9, 0x00})), 1002, "RSV1 is set on a control frame");
  expect_refused(at_client(bytes({0x01, 0x00, 0xc0, 0x00})), 1002, "RSV1 is set on a continuation");
}

TEST(WebSocketReader, RefusesReservedOpcodes) {
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    expect_refused(at_client(bytes({0x80 | opcode, 0x00})), 1002, "a reserved opcode");
    expect_refused(at_client(bytes({0x01, 0x01, 'a', 0x80 | opcode, 0x00})), 1002, "a reserved opcode");
  }
}

TEST(WebSocketReader, RefusesAControlFrameThatIsFragmentedOrTooLong) {
  for (const int opcode : {8, 9, 10}) {
    expect_refused(at_client(bytes({opcode, 0x00})), 1002, "a control frame is fragmented");
    expect_refused(at_client(bytes({0x80 | opcode, 126, 0x00, 126}) + std::string(126, 'x')), 1002,
                   "a control frame has more than 125 bytes");
    expect_refused(at_client(bytes({0x80 | opcode, 127})), 1002, "a control frame has more than 125 bytes");
  }
  EXPECT_THAT(at_client(frame(Opcode::ping, std::string(125, 'x'))),
              ElementsAre(SeenEvent{Event::ping, std::string(125, 'x')}));
}

TEST(WebSocketReader, AClientMustMaskAndAServerMustNot) {
  expect_refused(at_server(frame(Opcode::text, "hello")), 1002, "a client's frame is not masked");
  expect_refused(at_server(frame(Opcode::ping, "")), 1002, "a client's frame is not masked");
  expect_refused(at_client(masked(Opcode::text, "hello")), 1002, "a server's frame is masked");
  expect_refused(at_client(masked(Opcode::close, "")), 1002, "a server's frame is masked");
}

TEST(WebSocketReader, RefusesFragmentsThatDoNotFit) {
  expect_refused(at_client(frame(Opcode::continuation, "x")), 1002, "a continuation of no message");
  expect_refused(at_client(frame(Opcode::continuation, "x", false)), 1002, "a continuation of no message");
  expect_refused(at_client(frame(Opcode::text, "x", false) + frame(Opcode::text, "y")), 1002,
                 "a message begins inside a fragmented one");
  expect_refused(at_client(frame(Opcode::binary, "x", false) + frame(Opcode::binary, "y", false)), 1002,
                 "a message begins inside a fragmented one");
  const auto after = at_client(frame(Opcode::text, "x") + frame(Opcode::continuation, "y"));
  EXPECT_THAT(after,
              ElementsAre(SeenEvent{Event::text, "x"}, SeenEvent{Event::error, "a continuation of no message", 1002}));
}

TEST(WebSocketReader, RefusesALengthThatIsLongerThanItNeeds) {
  constexpr std::string_view kWhy = "a frame's length is written longer than it needs";
  expect_refused(at_client(bytes({0x82, 126, 0, 0})), 1002, kWhy);
  expect_refused(at_client(bytes({0x82, 126, 0, 125}) + std::string(125, 'x')), 1002, kWhy);
  expect_refused(at_client(bytes({0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff})), 1002, kWhy);
  expect_refused(at_client(bytes({0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1, 'x'})), 1002, kWhy);
}

TEST(WebSocketReader, RefusesALengthOfSixtyFourBits) {
  expect_refused(at_client(bytes({0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0})), 1002,
                 "a frame's length has its highest bit set");
  expect_refused(at_client(bytes({0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})), 1002,
                 "a frame's length has its highest bit set");
}

TEST(WebSocketReader, RefusesAMessageThatIsTooBigWhenItsHeaderSaysSo) {
  const WebSocketLimits limits{.message_bytes = 200};
  EXPECT_THAT(at_client(frame(Opcode::binary, std::string(200, 'x')), limits),
              ElementsAre(SeenEvent{Event::binary, std::string(200, 'x')}));
  expect_refused(at_client(bytes({0x82, 126, 0, 201}), limits), 1009, "the message is too big");
  expect_refused(at_client(bytes({0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), limits), 1009,
                 "the message is too big");

  const std::string first = frame(Opcode::binary, std::string(150, 'x'), false);
  EXPECT_THAT(at_client(first + frame(Opcode::continuation, std::string(50, 'y')), limits),
              ElementsAre(SeenEvent{Event::binary, std::string(150, 'x') + std::string(50, 'y')}));
  expect_refused(at_client(first + bytes({0x80, 51}), limits), 1009, "the message is too big");
  expect_refused(at_client(first + bytes({0x80, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), limits), 1009,
                 "the message is too big");
}

TEST(WebSocketReader, RefusesAMessageOfTooManyFrames) {
  const WebSocketLimits limits{.frames_per_message = 3};
  const std::string two = frame(Opcode::text, "", false) + frame(Opcode::continuation, "", false);

  EXPECT_THAT(at_client(two + frame(Opcode::continuation, "end"), limits), ElementsAre(SeenEvent{Event::text, "end"}));
  expect_refused(at_client(two + frame(Opcode::continuation, "", false) + frame(Opcode::continuation, ""), limits),
                 1008, "a message has too many frames");
}

TEST(WebSocketReader, TextIsUtf8WhereverItIsCut) {
  const std::string text = "h\xc3\xa9llo \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\xaa\xbf!";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto seen = at_server(masked(Opcode::text, text.substr(0, cut), false) + masked(Opcode::ping, "") +
                                masked(Opcode::continuation, text.substr(cut)));

    EXPECT_THAT(seen, ElementsAre(SeenEvent{Event::ping, ""}, SeenEvent{Event::text, text}));
  }
}

TEST(WebSocketReader, RefusesTextThatIsNotUtf8) {
  for (const std::string bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "cut off \xe4\xbd"}) {
    expect_refused(at_server(masked(Opcode::text, bad)), 1007, "the text is not UTF-8");
    expect_refused(
        at_server(masked(Opcode::text, bad.substr(0, 1), false) + masked(Opcode::continuation, bad.substr(1))), 1007,
        "the text is not UTF-8");
    EXPECT_THAT(at_server(masked(Opcode::binary, bad)), ElementsAre(SeenEvent{Event::binary, bad}));
  }
}

TEST(WebSocketReader, TextThatIsWrongIsNotReadToItsEnd) {
  const std::string frame_of_much = masked(Opcode::text, "\xce\xba\xf4\x90" + std::string(1000, 'x'));

  expect_refused(at_server(std::string_view{frame_of_much}.substr(0, 8 + 4)), 1007, "the text is not UTF-8");
  EXPECT_THAT(at_server(std::string_view{frame_of_much}.substr(0, 8 + 3)), IsEmpty());
}

TEST(WebSocketReader, CloseSaysWhy) {
  EXPECT_THAT(at_server(masked(Opcode::close, "")), ElementsAre(SeenEvent{Event::close, "", 1005}));
  EXPECT_THAT(at_client(frame(Opcode::close, bytes({0x03, 0xe8}))),
              ElementsAre(SeenEvent{Event::close, bytes({0x03, 0xe8}), 1000}));

  WebSocketReader reader{WebSocketRole::client};
  std::string input = frame(Opcode::close, bytes({0x03, 0xe9}) + "good night \xe2\x98\xbe");
  std::span<char> rest{input};
  ASSERT_EQ(reader.next(rest), Event::close);
  EXPECT_EQ(reader.close_code(), 1001);
  EXPECT_EQ(reader.reason(), "good night \xe2\x98\xbe");
}

TEST(WebSocketReader, RefusesACloseFrameThatMakesNoSense) {
  expect_refused(at_client(frame(Opcode::close, "\x03")), 1002, "a close frame has one byte");
  expect_refused(at_client(frame(Opcode::close, bytes({0x03, 0xe8, 0xce}))), 1007,
                 "the reason of a close frame is not UTF-8");
}

TEST(WebSocketReader, TakesTheCloseCodesThatMayBeSentAndNoOthers) {
  const auto allowed = [](int code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
  };
  for (int code = 0; code <= 0xffff; ++code) {
    WebSocketReader reader{WebSocketRole::client};
    std::string input = frame(Opcode::close, bytes({code >> 8, code & 0xff}));
    std::span<char> rest{input};

    const auto event = reader.next(rest);

    ASSERT_EQ(event, allowed(code) ? Event::close : Event::error) << code;
    ASSERT_EQ(reader.close_code(), allowed(code) ? code : 1002);
  }
}

TEST(WebSocketReader, NothingIsReadAfterCloseOrAnError) {
  const std::string more = frame(Opcode::text, "more") + frame(Opcode::close, "") + bytes({0xff, 0xff, 0xff});

  EXPECT_THAT(at_client(frame(Opcode::close, "") + more), ElementsAre(SeenEvent{Event::close, "", 1005}));
  expect_refused(at_client(bytes({0x83, 0x00}) + more), 1002, "a reserved opcode");
}

TEST(WebSocketReader, CloseMayComeInsideAMessage) {
  EXPECT_THAT(at_client(frame(Opcode::text, "to be ", false) + frame(Opcode::close, bytes({0x03, 0xe8}))),
              ElementsAre(SeenEvent{Event::close, bytes({0x03, 0xe8}), 1000}));
}

TEST(WebSocketReader, OwnsNothingBetweenMessages) {
  EXPECT_LE(sizeof(WebSocketReader), 96u);
  WebSocketReader reader{WebSocketRole::server};
  std::vector<SeenEvent> seen;
  const std::string input =
      masked(Opcode::text, "to be ", false) + masked(Opcode::ping, "now") + masked(Opcode::continuation, "or not");
  for (std::size_t i = 0; i < input.size(); ++i) {
    EXPECT_EQ(reader.between_messages(), i == 0);
    EXPECT_EQ(reader.kept() == 0, i == 0);
    read_piece(reader, input.substr(i, 1), seen);
  }

  EXPECT_EQ(seen.size(), 2u);
  EXPECT_TRUE(reader.between_messages());
  EXPECT_EQ(reader.kept(), 0u);

  read_piece(reader, masked(Opcode::pong, "").substr(0, 3), seen);
  EXPECT_FALSE(reader.between_messages());
  read_piece(reader, masked(Opcode::pong, "").substr(3), seen);
  EXPECT_TRUE(reader.between_messages());
  EXPECT_EQ(reader.kept(), 0u);
}

TEST(WebSocketReader, OwnsNothingAfterAnError) {
  WebSocketReader reader{WebSocketRole::server};
  std::vector<SeenEvent> seen;
  read_piece(reader, masked(Opcode::text, std::string(1000, 'x'), false) + masked(Opcode::text, ""), seen);

  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(reader.kept(), 0u);
}

TEST(WebSocketReader, MemoryGrowsWithWhatHasComeNotWithWhatIsPromised) {
  WebSocketReader reader{WebSocketRole::server, {.message_bytes = 64 * 1024 * 1024}};
  const std::string header{frame_header(Opcode::binary, 60 * 1024 * 1024, {}, kMask).view()};
  std::vector<SeenEvent> seen;

  read_piece(reader, header, seen);
  EXPECT_LE(reader.kept(), 512u);
  for (std::size_t come = 0; come < 1024 * 1024; come += 1000) {
    read_piece(reader, std::string(1000, 'x'), seen);
    ASSERT_LE(reader.kept(), 2 * (come + 1000) + 512);
  }
  EXPECT_THAT(seen, IsEmpty());
}

TEST(WebSocketReader, CanBeMovedInTheMiddleOfAMessage) {
  WebSocketReader first{WebSocketRole::client};
  std::vector<SeenEvent> seen;
  read_piece(first, frame(Opcode::text, "to be ", false) + "\x80", seen);

  WebSocketReader second{std::move(first)};
  read_piece(second, "\x06or not", seen);

  EXPECT_THAT(seen, ElementsAre(SeenEvent{Event::text, "to be or not"}));
}

}  // namespace
}  // namespace anser::codec
