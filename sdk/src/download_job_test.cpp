// Downloads from a HTTP server that does what a test tells it to, and mostly lies.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "anser/file_transfer.h"
#include "net/tls_client_test_support.h"
#include "sdk/src/test_server.h"
#include "tests/support/temporary_directory.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string content_of(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream{path, std::ios::binary}.rdbuf();
  return text.str();
}

class DownloadTest : public testing::Test {
 protected:
  DownloadTest() {
    download.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/files/1/a.txt?x=y#end";
    download.path = folder.path() / "a.txt";
    download.limits.wait_base = 1ms;
    download.limits.wait_cap = 2ms;
    download.progress = [this](const TransferProgress& so_far) {
      const std::lock_guard lock{mutex};
      progress.push_back(so_far);
    };
  }

  void begin() { transfer = connection.file_transfers().download(download, over.teller()); }
  // The next request.
  std::string hears() {
    server.accept();
    return server.hears("\r\n\r\n");
  }
  void says(std::string_view status, std::string_view fields, std::string_view body = {}) {
    server.says("HTTP/1.1 " + std::string{status} + "\r\n" + std::string{fields} + "\r\n" + std::string{body});
  }
  Error failure() {
    auto outcome = over.get();
    EXPECT_FALSE(outcome);
    EXPECT_THAT(left(), IsEmpty());
    return outcome ? Error{} : outcome.error();
  }
  // What lies in the folder.
  std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{folder.path()})
      names.push_back(entry.path().filename());
    return names;
  }

  TestServer server;
  test::TemporaryDirectory folder;
  Download download;
  Told<Result<DownloadedFile>> over;
  std::mutex mutex;
  std::vector<TransferProgress> progress;
  Transfer transfer;
  Connection connection{server.configuration()};
};

TEST_F(DownloadTest, PutsAFileIntoItsPlaceWhenItIsWhole) {
  begin();
  const std::string request = hears();
  EXPECT_THAT(request, testing::StartsWith("GET /files/1/a.txt?x=y HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"));
  EXPECT_THAT(request, Not(HasSubstr("Range")));
  says("200 OK", "Content-Length: 5\r\nContent-Type: text/plain\r\n", "hel");
  EXPECT_FALSE(std::filesystem::exists(download.path));
  server.says("lo");

  const auto got = over.get();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->path, download.path);
  EXPECT_EQ(got->size, 5U);
  EXPECT_EQ(got->type, "text/plain");
  EXPECT_EQ(content_of(download.path), "hello");
  EXPECT_THAT(left(), testing::ElementsAre("a.txt"));
  EXPECT_EQ(progress.back().done, 5U);
  EXPECT_EQ(progress.back().total, 5U);
}

TEST_F(DownloadTest, NeedsNoLength) {
  begin();
  hears();
  says("200 OK", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");

  ASSERT_TRUE(over.get());
  EXPECT_EQ(content_of(download.path), "hello world");
}

TEST_F(DownloadTest, TakesWhatEndsWithTheConnection) {
  begin();
  hears();
  says("200 OK", "", "hello");
  server.cuts();

  ASSERT_TRUE(over.get());
  EXPECT_EQ(content_of(download.path), "hello");
}

TEST_F(DownloadTest, IsTheSameForALargeFile) {
  std::string all(3'000'000, 'x');
  for (std::size_t i = 0; i < all.size(); i += 7) all[i] = static_cast<char>(i);
  begin();
  hears();
  says("200 OK", "Content-Length: 3000000\r\n", all);

  ASSERT_TRUE(over.get());
  EXPECT_TRUE(content_of(download.path) == all);
}

TEST_F(DownloadTest, GoesOnWhereItWasCut) {
  begin();
  hears();
  says("200 OK", "Content-Length: 10\r\nETag: \"v1\"\r\n", "01234");
  server.cuts();
  const std::string second = hears();
  EXPECT_THAT(second, HasSubstr("\r\nRange: bytes=5-\r\nIf-Range: \"v1\"\r\n"));
  says("206 Partial Content", "Content-Range: bytes 5-9/10\r\nContent-Length: 5\r\n", "567");
  server.cuts();
  EXPECT_THAT(hears(), HasSubstr("\r\nRange: bytes=8-\r\n"));
  says("206 Partial Content", "Content-Range: bytes 8-9/*\r\nContent-Length: 2\r\n", "89");

  const auto got = over.get();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(content_of(download.path), "0123456789");
}

TEST_F(DownloadTest, StartsAnewWhenTheFileHasChanged) {
  begin();
  hears();
  says("200 OK", "Content-Length: 10\r\nETag: \"v1\"\r\n", "01234567");
  server.cuts();
  hears();
  says("200 OK", "Content-Length: 3\r\nETag: \"v2\"\r\n", "new");

  ASSERT_TRUE(over.get());
  EXPECT_EQ(content_of(download.path), "new");
}

TEST_F(DownloadTest, StartsAnewWhenTheRestIsNotThere) {
  begin();
  hears();
  says("200 OK", "Content-Length: 10\r\nETag: \"v1\"\r\n", "01234567");
  server.cuts();
  hears();
  says("416 Range Not Satisfiable", "Content-Range: bytes */3\r\nContent-Length: 0\r\n");
  EXPECT_THAT(hears(), Not(HasSubstr("Range")));
  says("200 OK", "Content-Length: 3\r\n", "new");

  ASSERT_TRUE(over.get());
  EXPECT_EQ(content_of(download.path), "new");
}

TEST_F(DownloadTest, GoesOnOnlyWithAStrongValidator) {
  begin();
  hears();
  says("200 OK", "Content-Length: 10\r\nETag: W/\"v1\"\r\nLast-Modified: Fri, 27 Nov 2026 12:00:00 GMT\r\n", "01234");
  server.cuts();
  EXPECT_THAT(hears(), Not(HasSubstr("Range")));
  says("200 OK", "Content-Length: 2\r\n", "ok");

  ASSERT_TRUE(over.get());
  EXPECT_EQ(content_of(download.path), "ok");
}

TEST_F(DownloadTest, RefusesAnotherPartThanTheOneItAskedFor) {
  for (const auto* range : {"bytes 4-9/10", "bytes 0-9/10", "bytes 5-9/11", "bytes 5-4/10", "bytes 5-10/10",
                            "bytes 5-9", "lines 5-9/10", ""}) {
    over = {};
    begin();
    hears();
    says("200 OK", "Content-Length: 10\r\nETag: \"v1\"\r\n", "01234");
    server.cuts();
    hears();
    says("206 Partial Content", "Content-Range: " + std::string{range} + "\r\n", "56789");
    server.cuts();

    EXPECT_EQ(failure().code, Errc::protocol) << range;
  }
}

TEST_F(DownloadTest, RefusesAPartThatNobodyAskedFor) {
  begin();
  hears();
  says("206 Partial Content", "Content-Range: bytes 0-4/10\r\nContent-Length: 5\r\n", "01234");

  EXPECT_EQ(failure().code, Errc::protocol);
}

TEST_F(DownloadTest, RefusesAPartThatIsLongerThanItSays) {
  begin();
  hears();
  says("200 OK", "Content-Length: 10\r\nETag: \"v1\"\r\n", "01234");
  server.cuts();
  hears();
  says("206 Partial Content", "Content-Range: bytes 5-9/10\r\nTransfer-Encoding: chunked\r\n",
       "6\r\n56789!\r\n0\r\n\r\n");

  EXPECT_EQ(failure().code, Errc::protocol);
}

TEST_F(DownloadTest, DoesNotTakeLessForTheWhole) {
  download.limits.attempts = 1;
  begin();
  hears();
  says("200 OK", "Content-Length: 10\r\n", "01234");
  server.cuts();

  EXPECT_EQ(failure().code, Errc::closed);
}

TEST_F(DownloadTest, GivesUpWhenNothingEverComes) {
  download.limits.attempts = 3;
  begin();
  for (int i = 0; i < 3; ++i) {
    hears();
    server.cuts();
  }

  EXPECT_EQ(failure().code, Errc::closed);
  EXPECT_FALSE(server.is_called());
}

TEST_F(DownloadTest, DoesNotWaitForWhoHasStalled) {
  download.limits.attempts = 1;
  download.limits.silence = 20ms;
  begin();  // the kernel takes the connection, and nobody answers

  const Error error = failure();
  EXPECT_EQ(error.code, Errc::timeout);
  EXPECT_THAT(error.message, HasSubstr("127.0.0.1 moves no bytes"));
}

TEST_F(DownloadTest, EndsInTime) {
  download.limits.total = 20ms;
  begin();

  const Error error = failure();
  EXPECT_EQ(error.code, Errc::timeout);
  EXPECT_EQ(error.message, "the transfer takes too long");
}

TEST_F(DownloadTest, RefusesWhatIsNoAnswer) {
  for (const std::string& answer :
       {std::string{"220 smtp.example.org ESMTP\r\n"}, "HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'x'),
        std::string{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"}}) {
    over = {};
    begin();
    hears();
    server.says(answer);

    EXPECT_EQ(failure().code, Errc::protocol) << answer.substr(0, 40);
  }
}

TEST_F(DownloadTest, DoesNotReadHeadersForEver) {
  begin();
  hears();
  std::string fields;
  for (int i = 0; i < 200; ++i) fields += "A: b\r\n";
  says("200 OK", fields);

  EXPECT_THAT(failure().message, HasSubstr("more than 100 fields"));
}

TEST_F(DownloadTest, RefusesAnEncodingThatItDidNotAskFor) {
  begin();
  hears();
  says("200 OK", "Content-Encoding: gzip\r\nContent-Length: 5\r\n", "hello");

  EXPECT_EQ(failure().code, Errc::protocol);
}

TEST_F(DownloadTest, IsSentOnAFewTimes) {
  begin();
  hears();
  says("302 Found", "Location: /files/2\r\nContent-Length: 0\r\n");
  EXPECT_THAT(hears(), testing::StartsWith("GET /files/2 HTTP/1.1\r\n"));
  says("307 Temporary Redirect",
       "Location: http://127.0.0.1:" + std::to_string(server.port()) + "/3\r\nContent-Length: 0\r\n");
  EXPECT_THAT(hears(), testing::StartsWith("GET /3 HTTP/1.1\r\n"));
  says("200 OK", "Content-Length: 2\r\n", "ok");

  ASSERT_TRUE(over.get());
  EXPECT_EQ(content_of(download.path), "ok");
}

TEST_F(DownloadTest, IsNotSentInCircles) {
  begin();
  for (int i = 0; i < 4; ++i) {
    hears();
    says("302 Found", "Location: /files/1\r\nContent-Length: 0\r\n");
  }

  EXPECT_EQ(failure().code, Errc::protocol);
  EXPECT_FALSE(server.is_called());
}

TEST_F(DownloadTest, IsNotSentOnWhereItMustNot) {
  download.redirects = 0;
  begin();
  hears();
  says("302 Found", "Location: /files/2\r\nContent-Length: 0\r\n");
  EXPECT_EQ(failure().condition, "302");

  download.redirects = 3;
  for (const auto* place : {"file:///etc/passwd", "//elsewhere/", "ftp://a/", "http://a b/"}) {
    over = {};
    begin();
    hears();
    says("302 Found", "Location: " + std::string{place} + "\r\nContent-Length: 0\r\n");
    EXPECT_EQ(failure().code, Errc::protocol) << place;
  }
}

TEST_F(DownloadTest, RefusesMoreThanIsAllowed) {
  download.max_bytes = 4;
  begin();
  hears();
  says("200 OK", "Content-Length: 5\r\n");
  EXPECT_THAT(failure().message, HasSubstr("more than the 4 that are allowed"));

  over = {};
  begin();
  hears();
  says("200 OK", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n");
  EXPECT_EQ(failure().code, Errc::invalid_argument);
}

TEST_F(DownloadTest, TellsWhatTheServerSays) {
  begin();
  hears();
  says("404 Not Found", "Content-Length: 0\r\n");

  const Error error = failure();
  EXPECT_EQ(error.code, Errc::http);
  EXPECT_EQ(error.condition, "404");
  EXPECT_FALSE(server.is_called());
}

TEST_F(DownloadTest, ComesAgainWhenTheServerIsBusy) {
  begin();
  hears();
  says("503 Service Unavailable", "Content-Length: 0\r\n");
  hears();
  says("200 OK", "Content-Length: 2\r\n", "ok");

  ASSERT_TRUE(over.get());
}

TEST_F(DownloadTest, LeavesWhatIsThereUnlessToldOtherwise) {
  std::ofstream{download.path} << "old";
  begin();
  EXPECT_EQ(over.get().error().code, Errc::io);
  EXPECT_EQ(content_of(download.path), "old");
  EXPECT_FALSE(server.is_called());

  over = {};
  download.overwrite = true;
  begin();
  hears();
  says("200 OK", "Content-Length: 3\r\n", "new");
  ASSERT_TRUE(over.get());
  EXPECT_EQ(content_of(download.path), "new");
}

TEST_F(DownloadTest, NeedsAFolder) {
  download.path = folder.path() / "nowhere" / "a.txt";
  begin();
  EXPECT_EQ(failure().code, Errc::io);

  over = {};
  download.path = folder.path().string() + "/";
  begin();
  EXPECT_EQ(failure().code, Errc::invalid_argument);
}

TEST_F(DownloadTest, LeavesNothingWhenItIsCancelled) {
  begin();
  hears();
  says("200 OK", "Content-Length: 10\r\n", "01234");
  transfer.cancel();

  const Error error = failure();
  EXPECT_EQ(error.code, Errc::closed);
  EXPECT_EQ(error.message, "the transfer was cancelled");
  transfer.cancel();  // fine
}

TEST_F(DownloadTest, CanBeCancelledBeforeItBegins) {
  begin();
  transfer.cancel();

  EXPECT_EQ(failure().code, Errc::closed);
}

TEST_F(DownloadTest, EndsWithItsConnection) {
  Connection brief{server.configuration()};
  bool told = false;
  transfer = brief.file_transfers().download(download, [&told](const Result<DownloadedFile>&) { told = true; });
  hears();
  says("200 OK", "Content-Length: 10\r\n", "01234");
  { const Connection gone = std::move(brief); }

  EXPECT_FALSE(told);
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(DownloadTest, WantsTlsWhereTheConnectionDoes) {
  auto configuration = server.configuration();
  configuration.security = SecurityMode::required;
  connection = Connection{configuration};
  begin();

  EXPECT_EQ(failure().code, Errc::insecure);
  EXPECT_FALSE(server.is_called());
}

class SecureDownloadTest : public DownloadTest {
 protected:
  SecureDownloadTest() {
    download.url = "https://localhost:" + std::to_string(server.port()) + "/1";
    auto configuration = server.configuration();
    configuration.security = SecurityMode::required;
    configuration.tls.truststore_pem = net::pem_of({authority.certificate()});
    connection = Connection{configuration};
  }
  void shows(const net::Certified& certified) {
    SSL_CTX_use_certificate(tls.get(), certified.certificate.get());
    SSL_CTX_use_PrivateKey(tls.get(), certified.key.get());
  }

  net::Authority authority;
  net::SslCtxPtr tls{SSL_CTX_new(TLS_server_method())};
};

TEST_F(SecureDownloadTest, TrustsWhomTheConnectionTrusts) {
  shows(authority.issue({.names = "DNS:localhost"}));
  begin();
  server.accept();
  server.secures(tls.get());
  server.hears("\r\n\r\n");
  says("200 OK", "Content-Length: 2\r\n", "ok");

  const auto got = over.get();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(content_of(download.path), "ok");
}

TEST_F(SecureDownloadTest, RefusesAnothersCertificate) {
  shows(authority.issue({.names = "DNS:example.org"}));  // good for the XMPP server, not for this one
  download.limits.attempts = 1;
  begin();
  server.accept();
  server.fails_to_secure(tls.get());

  EXPECT_EQ(failure().code, Errc::tls);
}

TEST_F(SecureDownloadTest, IsNotSentOnIntoTheClear) {
  shows(authority.issue({.names = "DNS:localhost"}));
  begin();
  server.accept();
  server.secures(tls.get());
  server.hears("\r\n\r\n");
  says("302 Found", "Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n");

  EXPECT_EQ(failure().code, Errc::insecure);
}

}  // namespace
}  // namespace anser::sdk
