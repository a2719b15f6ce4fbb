#include "net/http_response.h"

#include <gmock/gmock.h>

namespace anser::net {
namespace {

using Event = HttpResponseReader::Event;
using ::testing::HasSubstr;

struct Heard {
  std::vector<unsigned> interims;
  HttpResponseHead head;
  std::string body;
  bool whole = false;
  std::string refused;  // why
  std::string rest;     // behind the answer
};

// All of it in pieces of that size; `closed`: then the connection ends.
Heard hear(std::string_view bytes, bool closed = false, std::size_t piece = 65536, bool without_body = false,
           HttpResponseReader::Limits limits = {}) {
  HttpResponseReader reader{without_body, limits};
  Heard heard;
  const auto take = [&](Event event) {
    if (event == Event::interim) heard.interims.push_back(reader.head().status);
    if (event == Event::head) heard.head = reader.head();
    if (event == Event::body) heard.body += reader.body();
    if (event == Event::end) heard.whole = true;
    if (event == Event::error) heard.refused = reader.reason();
    return event != Event::need_more && event != Event::end && event != Event::error;
  };
  while (!bytes.empty() && !heard.whole && heard.refused.empty()) {
    std::string_view input = bytes.substr(0, piece);
    bytes.remove_prefix(input.size());
    while (take(reader.next(input))) continue;
    if (heard.whole) heard.rest = std::string{input} + std::string{bytes};
  }
  if (!heard.whole && heard.refused.empty() && !closed) {
    std::string_view nothing;
    take(reader.next(nothing));
  }
  if (closed && !heard.whole && heard.refused.empty()) take(reader.finish());
  return heard;
}

TEST(HttpResponse, IsReadWhateverTheBytesComeIn) {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 104 Upload Resumption Supported\r\nLocation: /uploads/1\r\n\r\n"
      "HTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-One:  a \r\nx-one: b\r\n\r\nhello and more";
  for (const std::size_t piece : {1, 2, 3, 7, 65536}) {
    const Heard heard = hear(kAnswer, false, piece);

    EXPECT_THAT(heard.interims, testing::ElementsAre(104, 100));
    EXPECT_EQ(heard.head.status, 201U);
    EXPECT_EQ(heard.head.field("x-one"), "a");
    EXPECT_EQ(heard.head.field("location"), std::nullopt);  // an interim's fields are its own
    EXPECT_EQ(heard.head.content_length, 5U);
    EXPECT_EQ(heard.body, "hello");
    EXPECT_TRUE(heard.whole);
    EXPECT_EQ(heard.rest, " and more");
  }
}

TEST(HttpResponse, IsReadInChunks) {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\n\n5\r\nhello\r\n6 ; name=\"value\"\r\n world\r\n0\r\nX-T: "
      "1\r\n\r\n";
  for (const std::size_t piece : {1, 2, 3, 7, 65536}) {
    const Heard heard = hear(kAnswer, false, piece);

    EXPECT_EQ(heard.body, "hello world");
    EXPECT_TRUE(heard.whole);
    EXPECT_FALSE(heard.head.content_length);
  }
}

TEST(HttpResponse, EndsWithTheConnectionWhenItSaysNoLength) {
  EXPECT_FALSE(hear("HTTP/1.0 200 OK\r\n\r\nhel").whole);

  const Heard heard = hear("HTTP/1.0 200 OK\r\n\r\nhello", /*closed=*/true);
  EXPECT_TRUE(heard.whole);
  EXPECT_EQ(heard.body, "hello");
}

TEST(HttpResponse, HasNoBodyWhereNoneCanBe) {
  for (const auto* status : {"204 No Content", "304 Not Modified"})
    EXPECT_TRUE(hear("HTTP/1.1 " + std::string{status} + "\r\nContent-Length: 5\r\n\r\n").whole) << status;

  const Heard head = hear("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 65536, /*without_body=*/true);
  EXPECT_TRUE(head.whole);
  EXPECT_EQ(head.head.content_length, 5U);
  EXPECT_TRUE(hear("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").whole);
}

TEST(HttpResponse, IsAnErrorWhenItIsCut) {
  for (const auto* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "HTTP/1.1 104 X\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"})
    EXPECT_THAT(hear(answer, /*closed=*/true).refused, HasSubstr("in the middle")) << answer;
  EXPECT_THAT(hear("", /*closed=*/true).refused, HasSubstr("without an answer"));
}

TEST(HttpResponse, IsRefusedWhenItIsNone) {
  for (const auto* answer :
       {"SSH-2.0-OpenSSH", "HTTP/2 200 OK\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 99 OK\r\n\r\n", "HTTP/1.1 600 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.x 200 OK\r\n\r\n",
        "HTTP/1.1 200\x01\r\n\r\n", "HTTP/1.1 200 OK\r\nno field\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\x02\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n"})
    EXPECT_NE(hear(answer).refused, "") << answer;
}

TEST(HttpResponse, IsRefusedForTheSameReasonWhereverItIsCut) {
  for (const std::string& bytes :
       {std::string{"HTTP/1\r\n\r\n"}, std::string{"HTTP/1\rx\r\n\r\n"}, std::string{"SSH-2.0\r\n"},
        std::string(200'000, 'x'), "HTTP/1.1 200 " + std::string(200'000, 'x')}) {
    const Heard whole = hear(bytes, true, bytes.size());
    EXPECT_NE(whole.refused, "");
    for (const std::size_t piece : {1, 2, 3, 7}) EXPECT_EQ(hear(bytes, true, piece).refused, whole.refused) << piece;
  }
}

TEST(HttpResponse, IsRefusedWhenItsLengthIsInDoubt) {
  for (const auto* fields :
       {"Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: -1\r\n", "Content-Length: +1\r\n",
        "Content-Length: 1, 1\r\n", "Content-Length: \r\n", "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n"})
    EXPECT_NE(hear("HTTP/1.1 200 OK\r\n" + std::string{fields} + "\r\n").refused, "") << fields;
  EXPECT_EQ(hear("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx").body, "x");
}

TEST(HttpResponse, IsRefusedForChunksThatAreNone) {
  for (const auto* chunks : {"x\r\n", "-1\r\n", "0x5\r\nhello\r\n", "5\r\nhello!\r\n", "\r\n", "fffffffffffffffff\r\n"})
    EXPECT_NE(hear("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string{chunks}).refused, "")
        << chunks;
}

TEST(HttpResponse, HasLimits) {
  const HttpResponseReader::Limits limits{.head_bytes = 200, .fields = 3, .interims = 2};
  const auto refused = [&](const std::string& bytes) { return hear(bytes, false, 7, false, limits).refused; };
  const std::string ok = "HTTP/1.1 200 OK\r\n", on = "HTTP/1.1 100 Continue\r\n\r\n";

  EXPECT_THAT(refused(ok + "A: " + std::string(300, 'x')), HasSubstr("longer than 200"));
  EXPECT_THAT(refused(ok + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n"), HasSubstr("more than 3 fields"));
  EXPECT_THAT(refused(on + on + on), HasSubstr("without end"));
  EXPECT_EQ(refused(on + on + ok + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n"), "");
}

TEST(HttpResponse, DoesNotReadLinesBetweenChunksForEver) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string trailers = head + "0\r\n";
  for (int i = 0; i < 10'000; ++i) trailers += "X-T: something\r\n";
  std::string crumbs = head;
  for (int i = 0; i < 10'000; ++i) crumbs += "1;extension=that-is-much-longer-than-data\r\nx\r\n";
  std::string honest = head;
  for (int i = 0; i < 10'000; ++i) honest += "40\r\n" + std::string(64, 'x') + "\r\n";

  EXPECT_THAT(hear(trailers).refused, HasSubstr("more lines than data"));
  EXPECT_THAT(hear(crumbs).refused, HasSubstr("more lines than data"));
  EXPECT_EQ(hear(honest + "0\r\n\r\n").body.size(), 640'000U);
}

}  // namespace
}  // namespace anser::net
