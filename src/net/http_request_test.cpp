#include "net/http_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/http_events.h"

namespace anser::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

using Seen = std::vector<std::string>;

// Whole, cut at every byte, and byte by byte: always the same.
Seen read(std::string_view bytes, HttpReader::Limits limits = {}) {
  const Seen whole = read_in_steps(limits, bytes, bytes.size());
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) EXPECT_EQ(read_cut_at(limits, bytes, cut), whole) << cut;
  EXPECT_EQ(read_in_steps(limits, bytes, 1), whole);
  return whole;
}

Seen get(std::string_view target) { return read("GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n"); }

// A POST with these fields beside Host, and what is behind its head.
Seen post(std::string_view fields, std::string_view rest, HttpReader::Limits limits = {}) {
  return read("POST / HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n" + std::string{rest}, limits);
}

Seen chunks(std::string_view body) { return post("Transfer-Encoding: chunked\r\n", body); }

HttpRequest request_of(std::string_view bytes) {
  HttpReader reader{{}};
  EXPECT_EQ(reader.next(bytes), HttpReader::Event::head) << reader.reason();
  return std::move(reader.request());
}

HttpRequest request_for(std::string_view target) {
  return request_of("GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n");
}

MATCHER_P(IsRefused, status, "") {
  return arg.size() == 1 && arg.front().starts_with("error " + std::to_string(status) + " ");
}

// Heads --------------------------------------------------------------------------------------------------------------

TEST(HttpReader, ReadsAHeadAsAValue) {
  const auto seen =
      read("GET /caf%C3%A9?user=romeo HTTP/1.1\r\nHost:localhost:5280\r\nX-Empty:\r\nUSER-Agent: \t a b \t\r\n\r\n");

  EXPECT_THAT(seen, ElementsAre("head GET /caf%C3%A9?user=romeo /caf\xC3\xA9 host=[localhost:5280] x-empty=[] "
                                "user-agent=[a b]",
                                "end"));
}

TEST(HttpReader, ReadsRequestsThatComeTogetherOneByOne) {
  const auto seen = read(
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
      "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
      "PUT /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nby\r\n1\r\ne\r\n0\r\n\r\n"
      "GET /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");

  EXPECT_THAT(
      seen, ElementsAre("head POST /1 /1 length=5 host=[a] content-length=[5]", "body hello", "end",
                        "head GET /2 /2 host=[a]", "end", "head PUT /3 /3 chunked host=[a] transfer-encoding=[chunked]",
                        "body bye", "end", "head GET /4 /4 length=0 host=[a] content-length=[0]", "end"));
}

TEST(HttpReader, ForgivesAFewEmptyLinesInFrontOfARequest) {
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  EXPECT_THAT(read("\r\n\r\n" + request + "\r\n" + request),
              ElementsAre("head GET / / host=[a]", "end", "head GET / / host=[a]", "end"));
  std::string many;
  for (unsigned i = 0; i <= HttpReader::kEmptyLines; ++i) many += "\r\n";
  EXPECT_THAT(read(many), IsRefused(400));
  EXPECT_THAT(read("\n" + request), IsRefused(400));
}

TEST(HttpReader, SaysWhetherAnythingOfARequestHasCome) {
  HttpReader reader{{}};
  std::string_view input = "\r\n";
  EXPECT_EQ(reader.next(input), HttpReader::Event::need_more);
  EXPECT_TRUE(reader.between_requests());

  input = "GET";
  EXPECT_EQ(reader.next(input), HttpReader::Event::need_more);
  EXPECT_FALSE(reader.between_requests());
  input = " / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(reader.next(input), HttpReader::Event::head);
  EXPECT_FALSE(reader.between_requests());
  EXPECT_EQ(reader.next(input), HttpReader::Event::end);
  EXPECT_TRUE(reader.between_requests());

  EXPECT_EQ(reader.next(input), HttpReader::Event::need_more);
  EXPECT_THAT(reader.request().fields, IsEmpty());  // idle it keeps nothing
}

TEST(HttpReader, KnowsHowLongTheConnectionIsWanted) {
  EXPECT_TRUE(request_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n").keep_alive);
  EXPECT_FALSE(request_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(request_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_FALSE(request_of("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(request_of("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(request_of("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").keep_alive);
}

TEST(HttpReader, KnowsWhoWaitsForContinue) {
  const std::string with_body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n";
  EXPECT_TRUE(request_of(with_body + "Expect: 100-Continue\r\n\r\n").expects_continue);
  EXPECT_FALSE(request_of(with_body + "Expect: something\r\n\r\n").expects_continue);
  EXPECT_FALSE(request_of("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expects_continue);
  EXPECT_FALSE(request_of("POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

TEST(HttpReader, RefusesWhatIsNoRequestLine) {
  for (const std::string line : {"GET /", "GET / ", "GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1",
                                 "G@T / HTTP/1.1", "GET\t/ HTTP/1.1", "GET /a b HTTP/1.1", "GET /\x01 HTTP/1.1",
                                 "GET /\x7f HTTP/1.1", " / HTTP/1.1", "GET HTTP/1.1", "\x16\x03\x01\x02"}) {
    EXPECT_THAT(read(line + "\r\nHost: a\r\n\r\n"), IsRefused(400)) << line;
  }
  for (const std::string line : {"GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "PRI * HTTP/2.0"}) {
    EXPECT_THAT(read(line + "\r\nHost: a\r\n\r\n"), IsRefused(505)) << line;
  }
}

TEST(HttpReader, RefusesWhatIsNoField) {
  using namespace std::string_literals;
  for (const std::string& field :
       {"Name : value"s, "Name\t: value"s, ": value"s, "Name"s, "Na me: value"s, "Na\xC3\xA4me: value"s,
        " Name: value"s, "Name: a\x01"s, "Name: a\0b"s, "Na\0me: a"s, "Name: a\rb"s, "Name: a\nb"s, "Name: a\nEvil: b"s,
        "Name: a\r\r"s, "Name: a\r\n b"s, "Name:\r\n\tb"s, "Name: a\x7f"s, "Connection: a b"s}) {
    EXPECT_THAT(read("GET / HTTP/1.1\r\nHost: a\r\n" + field + "\r\n\r\n"), IsRefused(400)) << field;
    EXPECT_THAT(read("GET / HTTP/1.1\r\n" + field + "\r\nHost: a\r\n\r\n"), IsRefused(400)) << field;
  }
  EXPECT_THAT(read("GET / HTTP/1.1\nHost: a\n\n\r\n\r\n"), IsRefused(400));  // line feeds end no line
}

TEST(HttpReader, BoundsAHead) {
  const std::string line = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::string fits = line + "X: " + std::string(100 - line.size() - 7, 'x') + "\r\n\r\n";
  const HttpReader::Limits limits{.head_bytes = 100, .fields = 3};
  ASSERT_EQ(fits.size(), 100u);

  EXPECT_THAT(read(fits, limits), ElementsAre(StartsWith("head "), "end"));
  EXPECT_THAT(read(line + "X: " + std::string(100 - line.size() - 6, 'x') + "\r\n\r\n", limits), IsRefused(431));
  EXPECT_THAT(read(std::string(101, 'G'), limits), IsRefused(431));
  EXPECT_THAT(read("GET /" + std::string(1000, 'x'), limits), IsRefused(431));
  EXPECT_THAT(read(line + "B: 1\r\nC: 2\r\n\r\n", limits), ElementsAre(StartsWith("head "), "end"));
  EXPECT_THAT(read(line + "B: 1\r\nC: 2\r\nD: 3\r\n\r\n", limits), IsRefused(431));
}

TEST(HttpReader, ReadsNothingAfterAnError) {
  HttpReader reader{{}};
  std::string_view input = "nonsense\r\n\r\n";
  EXPECT_EQ(reader.next(input), HttpReader::Event::error);
  input = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  EXPECT_EQ(reader.next(input), HttpReader::Event::error);
  EXPECT_EQ(reader.status(), 400u);
  EXPECT_FALSE(reader.between_requests());
}

// Targets and hosts --------------------------------------------------------------------------------------------------

TEST(HttpReader, NeedsOneHost) {
  EXPECT_THAT(read("GET / HTTP/1.1\r\n\r\n"), IsRefused(400));
  EXPECT_THAT(read("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), IsRefused(400));
  EXPECT_THAT(read("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"), IsRefused(400));
  EXPECT_THAT(read("GET / HTTP/1.0\r\n\r\n"), ElementsAre("head GET / / 1.0 close", "end"));
  for (const std::string host : {"", "a", "a.example:443", "a:", "[::1]", "[::ffff:10.0.0.1]:80", "127.0.0.1:5280"}) {
    EXPECT_THAT(read("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"),
                ElementsAre("head GET / / host=[" + host + "]", "end"));
  }
  for (const std::string host :
       {"a b", "a, b", "user@a", "a/b", "a?b", "a#b", "a\\b", "a:b", "a:1:2", "[::1", "[::1]x", "[a/b]", "\xC3\xA4"}) {
    EXPECT_THAT(read("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"), IsRefused(400)) << host;
  }
}

TEST(HttpReader, UnderstandsAWholeAddressAndTakesItsHost) {
  EXPECT_THAT(get("http://b.example:80/x?y=%41"), ElementsAre("head GET /x?y=%41 /x host=[b.example:80]", "end"));
  EXPECT_THAT(get("HTTPS://b?y"), ElementsAre("head GET /?y / host=[b]", "end"));
  EXPECT_THAT(get("http://[::1]"), ElementsAre("head GET / / host=[[::1]]", "end"));
  EXPECT_THAT(read("GET http://b/ HTTP/1.0\r\n\r\n"), ElementsAre("head GET / / 1.0 close host=[b]", "end"));
  for (const auto* target : {"http:///x", "http://", "http:/x", "ftp://b/", "a?b://c/d", "x", "?y", "b:443",
                             "http://user:password@b/", "http://b\\c/"}) {
    EXPECT_THAT(get(target), IsRefused(400)) << target;
  }
  EXPECT_THAT(read("CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n"), IsRefused(400));
}

TEST(HttpReader, TakesAStarForTheServerItself) {
  EXPECT_THAT(read("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), ElementsAre("head OPTIONS * * host=[a]", "end"));
}

TEST(HttpReader, RefusesAPathThatIsNotWellFormed) {
  for (const auto* path : {"/%", "/%4", "/%4x", "/%g0", "/%00", "/%ff", "/%C3", "/%ED%A0%80", "/\xff"}) {
    EXPECT_THAT(get(path), IsRefused(400)) << path;
  }
  EXPECT_EQ(request_for("/a+b%2Bc%2f?x").path, "/a+b+c/");
}

TEST(HttpRequest, FindsAParameterAndDecodesIt) {
  const auto request =
      request_for("/ws?user=romeo&empty=&flag&a+b=c+d%2B&%C3%BC=%E2%82%AC&user=juliet&x=1=2&=y#user=z");

  EXPECT_EQ(request.parameter("user"), "romeo");  // the first one
  EXPECT_EQ(request.parameter("empty"), "");
  EXPECT_EQ(request.parameter("flag"), "");
  EXPECT_EQ(request.parameter("a b"), "c d+");
  EXPECT_EQ(request.parameter("\xC3\xBC"), "\xE2\x82\xAC");
  EXPECT_EQ(request.parameter("x"), "1=2");
  EXPECT_EQ(request.parameter(""), "y");
  EXPECT_EQ(request.parameter("nobody"), std::nullopt);
  EXPECT_EQ(request_for("/ws").parameter("user"), std::nullopt);
  EXPECT_EQ(request_for("/ws?").parameter("user"), std::nullopt);
  EXPECT_EQ(request_for("/ws?&&user=a&&").parameter("user"), "a");
}

TEST(HttpRequest, AParameterThatIsNotWellFormedIsNone) {
  for (const auto* value : {"%", "%4", "%zz", "%00", "%ff", "%C3"}) {
    EXPECT_EQ(request_for("/ws?user=" + std::string{value} + "&a=b").parameter("user"), std::nullopt) << value;
    EXPECT_EQ(request_for("/ws?user=" + std::string{value} + "&a=b").parameter("a"), "b") << value;
  }
}

TEST(HttpRequest, JoinsTheFieldsOfAName) {
  const auto request = request_of("GET / HTTP/1.1\r\nHost: a\r\nX: 1, 2\r\nY: 0\r\nx: 3\r\n\r\n");

  EXPECT_EQ(request.list("x"), "1, 2,3");
  EXPECT_EQ(request.field("x"), "1, 2");
  EXPECT_EQ(request.field("z"), std::nullopt);
  EXPECT_TRUE(has_token(request.list("x"), "3"));
  EXPECT_TRUE(has_token("a,\tUpGrade ,b", "upgrade"));
  EXPECT_FALSE(has_token("upgraded", "upgrade"));
  EXPECT_FALSE(has_token("", "upgrade"));
}

// Where a body ends --------------------------------------------------------------------------------------------------

TEST(HttpReader, RefusesWhatCouldBeReadInTwoWays) {
  for (const auto* fields : {
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nTransfer-Encoding:\r\n",
           "Content-Length: 5\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 5, 5\r\n",
           "Content-Length: 5,\r\n",
           "Content-Length: +5\r\n",
           "Content-Length: -5\r\n",
           "Content-Length: 0x5\r\n",
           "Content-Length: 5 5\r\n",
           "Content-Length: 5.0\r\n",
           "Content-Length:\r\n",
           "Content-Length: 18446744073709551616\r\n",
           "Content-Length: 18446744073709551615\r\n",
           "Content-Length: 9223372036854775807\r\n",
           "Content-Length: five\r\n",
           "Content-Length : 5\r\n",
           "Content-\r\n Length: 5\r\n",
           "Transfer-Encoding : chunked\r\n",
           "Transfer-Encoding:\r\n chunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: \x0b"
           "chunked\r\n",
       }) {
    EXPECT_THAT(post(fields, "hello"), IsRefused(400)) << fields;
  }
  for (const auto* fields : {
           "Transfer-Encoding: gzip, chunked\r\n",
           "Transfer-Encoding: chunked, gzip\r\n",
           "Transfer-Encoding: chunked, chunked\r\n",
           "Transfer-Encoding: chunked, identity\r\n",
           "Transfer-Encoding: xchunked\r\n",
           "Transfer-Encoding: \"chunked\"\r\n",
           "Transfer-Encoding: chunked;a=b\r\n",
           "Transfer-Encoding: identity\r\n",
           "Transfer-Encoding:\r\n",
           "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
       }) {
    EXPECT_THAT(post(fields, "0\r\n\r\n"), IsRefused(501)) << fields;
  }
  EXPECT_THAT(read("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), IsRefused(400));
}

TEST(HttpReader, TakesALengthWithZerosInFront) {
  EXPECT_THAT(post("Content-Length: \t005 \r\n", "hello"),
              ElementsAre("head POST / / length=5 host=[a] content-length=[005]", "body hello", "end"));
}

TEST(HttpReader, AQuarterOfTheNumbersIsEnoughForALength) {
  EXPECT_THAT(post("Content-Length: 4611686018427387904\r\n", "x"), ElementsAre(StartsWith("head "), "body x"));
}

TEST(HttpReader, ReadsChunksOverTheirExtensionsAndTrailers) {
  const std::string head = "head POST / / chunked host=[a] transfer-encoding=[chunked]";

  EXPECT_THAT(chunks("5\r\nhello\r\n0\r\n\r\n"), ElementsAre(head, "body hello", "end"));
  EXPECT_THAT(chunks("0\r\n\r\n"), ElementsAre(head, "end"));
  EXPECT_THAT(chunks("00B;a=b;c=\"d;\"\r\nhello\r\nbye!\r\n1 ; x\r\n!\r\n000;y\r\nX-Sum: 1\r\nY:\r\n\r\n"),
              ElementsAre(head, "body hello\r\nbye!!", "end"));
  EXPECT_THAT(post("Transfer-Encoding: Chunked\r\n", "1\r\nx\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n"),
              ElementsAre(StartsWith("head "), "body x", "end", "head GET /next /next host=[a]", "end"));
}

TEST(HttpReader, RefusesChunksThatCouldBeReadInTwoWays) {
  using namespace std::string_literals;
  for (const std::string& body : {"\r\n"s,
                                  "+5\r\nhello"s,
                                  "-5\r\nhello"s,
                                  "0x5\r\nhello"s,
                                  "x\r\n"s,
                                  "5 5\r\nhello"s,
                                  "5 \r\nhello"s,
                                  " 5\r\nhello"s,
                                  ";a\r\n"s,
                                  "5\nhello"s,
                                  "5\r\r\nhello"s,
                                  "5\rx\r\nhello"s,
                                  "5;a\nb\r\nhello"s,
                                  "5;a\rb\r\nhello"s,
                                  "5;\0\r\n"s,
                                  "10000000000000000\r\n"s,
                                  "FFFFFFFFFFFFFFFF\r\n"s,
                                  "7FFFFFFFFFFFFFFF\r\n"s,
                                  "\n5\r\nhello"s,
                                  "\xEF\xBC\x95\r\nhello"s}) {
    EXPECT_THAT(chunks(body), ElementsAre(StartsWith("head "), StartsWith("error 400 "))) << body;
  }
  for (const std::string end : {"hellox\r\n", "hello\n0\r\n\r\n", "hello0\r\n\r\n", "hello\rx\n", "hello\r\r\n"}) {
    EXPECT_THAT(chunks("5\r\n" + end), ElementsAre(StartsWith("head "), "body hello", StartsWith("error 400 "))) << end;
  }
  for (const std::string& trailer :
       {"GET /evil HTTP/1.1\r\n\r\n"s, "X\r\n\r\n"s, ": x\r\n\r\n"s, "X : x\r\n\r\n"s, " X: x\r\n\r\n"s,
        "X: a\n\r\n\r\n"s, "X: a\r\n b: c\r\n\r\n"s, "X: a\rb\r\n\r\n"s, "X: \0\r\n\r\n"s, "\n"s}) {
    EXPECT_THAT(chunks("0\r\n" + trailer), ElementsAre(StartsWith("head "), StartsWith("error 400 "))) << trailer;
  }
}

TEST(HttpReader, BoundsWhatAChunkedBodyIsWrappedIn) {
  const HttpReader::Limits limits{.head_bytes = 100};
  const auto read_chunks = [&](std::string_view body) {
    return post("Transfer-Encoding: chunked\r\n", body, limits).back();
  };
  std::string small, padded, signed_ones, trailer;
  for (int i = 0; i < 200; ++i) small += "1\r\nx\r\n";
  for (int i = 0; i < 4; ++i) padded += "1;" + std::string(60, 'x') + "\r\nx\r\n";
  for (int i = 0; i < 20; ++i) signed_ones += "50;" + std::string(60, 'x') + "\r\n" + std::string(0x50, 'y') + "\r\n";
  for (int i = 0; i < 20; ++i) trailer += "X: 123\r\n";

  EXPECT_EQ(read_chunks(small + "0\r\n\r\n"), "end");
  EXPECT_EQ(read_chunks(signed_ones + "0\r\n\r\n"), "end");
  EXPECT_THAT(read_chunks(padded), StartsWith("error 400 "));
  EXPECT_THAT(read_chunks("1;" + std::string(100, 'x')), StartsWith("error 400 "));
  EXPECT_THAT(read_chunks("1\r\nx" + std::string(102, 'x')), StartsWith("error 400 "));
  EXPECT_THAT(read_chunks("0\r\n" + trailer + "\r\n"), StartsWith("error 431 "));
}

}  // namespace
}  // namespace anser::net
