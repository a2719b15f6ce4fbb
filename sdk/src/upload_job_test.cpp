// Uploads: an XMPP server that gives slots, and a HTTP server that takes files, or does not.
#include <gmock/gmock.h>

#include <atomic>
#include <fstream>

#include "anser/file_transfer.h"
#include "sdk/src/test_server.h"
#include "tests/support/temporary_directory.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class UploadTest : public SessionTest {
 protected:
  void SetUp() override {
    connection.emplace(server.configuration());
    log_in(*connection);
    upload.bytes = "0123456789";
    upload.name = "a b.txt";
    upload.limits.wait_base = 1ms;
    upload.limits.wait_cap = 2ms;
  }

  void begin() { transfer = connection->file_transfers().upload(upload, over.teller()); }
  // The server has one item, which takes files.
  void is_found(std::string_view size = "1000000") {
    answers("<query xmlns='http://jabber.org/protocol/disco#items'><item jid='upload.example.org'/></query>");
    answers(
        "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:http:upload:0'/>"
        "<x type='result' xmlns='jabber:x:data'>"
        "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:http:upload:0</value></field>"
        "<field var='max-file-size'><value>" +
        std::string{size} + "</value></field></x></query>");
  }
  // Up to the request that puts the file, which it gives. The service is found once.
  std::string begin_to_put() {
    begin();
    if (!std::exchange(found, true)) is_found();
    gives_slot();
    return hears();
  }
  std::string gives_slot(std::string_view fields = {}) {
    return answers("<slot xmlns='urn:xmpp:http:upload:0'><put url='" + url("/files/1/a?slot=x") + "'>" +
                   std::string{fields} + "</put><get url='https://example.org/files/1/a'/></slot>");
  }
  // The next question, answered.
  std::string answers(const std::string& payload) {
    const std::string request = server.hears("</iq>");
    server.says("<iq type='result' id='" + server.id_of(request) + "' from='" + server.attribute_of(request, "to") +
                "'>" + payload + "</iq>");
    return request;
  }
  std::string url(std::string_view target) const {
    return "http://127.0.0.1:" + std::to_string(files.port()) + std::string{target};
  }

  // The next request of HTTP.
  std::string hears() {
    files.accept();
    return files.hears("\r\n\r\n");
  }
  void says(std::string_view status, std::string_view fields = {}) {
    files.says("HTTP/1.1 " + std::string{status} + "\r\nContent-Length: 0\r\n" + std::string{fields} + "\r\n");
  }
  void informs(std::string_view location) {
    files.says("HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Draft-Interop-Version: 8\r\nLocation: " +
               std::string{location} + "\r\n\r\n");
  }
  // With all of the ten bytes, unless it says otherwise.
  void is_lost(std::size_t after = 10) {
    files.hears_bytes(after);
    files.cuts();
  }
  // What HEAD is told.
  void tells(std::string_view offset, std::string_view complete) {
    files.says("HTTP/1.1 204 No Content\r\n" + std::string{offset} + "\r\nUpload-Complete: " + std::string{complete} +
               "\r\n\r\n");
  }
  Error failure() {
    auto outcome = over.get();
    EXPECT_FALSE(outcome);
    return outcome ? Error{} : outcome.error();
  }
  void expect_success() {
    const auto sent = over.get();
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(sent->url, "https://example.org/files/1/a");
    EXPECT_EQ(sent->size, upload.bytes.size());
  }

  TestServer files;
  Upload upload;
  Told<Result<UploadedFile>> over;
  Transfer transfer;
  bool found = false;
  std::optional<Connection> connection;
};

TEST_F(UploadTest, PutsAFileIntoItsSlot) {
  upload.type = "text/plain";
  begin();
  is_found();
  const std::string asked = gives_slot("<header name='Authorization'>Basic abc=</header><header name='X'>no</header>");
  EXPECT_THAT(asked, HasSubstr("filename='a b.txt' size='10' content-type='text/plain'"));
  const std::string request = hears();
  EXPECT_THAT(request, testing::StartsWith("PUT /files/1/a?slot=x HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nContent-Length: 10\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nContent-Type: text/plain\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nAuthorization: Basic abc=\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nUpload-Complete: ?1\r\n"));
  EXPECT_THAT(request, Not(HasSubstr("\r\nX: no")));
  EXPECT_EQ(files.hears_bytes(10), "0123456789");
  says("201 Created");

  expect_success();
}

TEST_F(UploadTest, ReadsAFileOfThisMachine) {
  const test::TemporaryDirectory folder;
  const std::string content(300'000, 'x');
  upload.path = folder.path() / "great.bin";
  upload.name.clear();
  std::ofstream{upload.path, std::ios::binary} << content;
  std::vector<TransferProgress> progress;
  upload.progress = [&](const TransferProgress& so_far) { progress.push_back(so_far); };
  begin();
  is_found();
  EXPECT_THAT(gives_slot(), HasSubstr("filename='great.bin' size='300000'"));
  EXPECT_THAT(hears(), HasSubstr("Content-Type: application/octet-stream"));
  EXPECT_TRUE(files.hears_bytes(300'000) == content);
  says("200 OK");

  const auto sent = over.get();
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->size, 300'000U);
  connection.reset();  // what it tells is told
  ASSERT_FALSE(progress.empty());
  EXPECT_EQ(progress.back().done, 300'000U);
  EXPECT_EQ(progress.back().total, 300'000U);
}

TEST_F(UploadTest, GoesOnWhereItWasCut) {
  upload.bytes.assign(900'000, 'a');
  upload.bytes[400'000] = 'b';
  begin_to_put();
  informs("/uploads/7");
  is_lost(300'000);
  EXPECT_THAT(hears(), testing::StartsWith("HEAD /uploads/7 HTTP/1.1\r\n"));
  tells("Upload-Offset: 250000", "?0");
  const std::string patch = hears();
  EXPECT_THAT(patch, testing::StartsWith("PATCH /uploads/7 HTTP/1.1\r\n"));
  EXPECT_THAT(patch, HasSubstr("\r\nUpload-Offset: 250000\r\nUpload-Complete: ?1\r\n"));
  EXPECT_THAT(patch, HasSubstr("\r\nContent-Type: application/partial-upload\r\n"));
  EXPECT_THAT(patch, HasSubstr("\r\nContent-Length: 650000\r\n"));
  EXPECT_TRUE(files.hears_bytes(650'000) == upload.bytes.substr(250'000));
  says("201 Created");

  expect_success();
}

TEST_F(UploadTest, KnowsThatItWasWholeWhenTheAnswerWasLost) {
  begin_to_put();
  informs(url("/uploads/7"));
  is_lost();
  hears();
  tells("Upload-Offset: 10", "?1");

  expect_success();
  EXPECT_FALSE(files.is_called());
}

TEST_F(UploadTest, AsksAgainWhenTheOffsetIsAnother) {
  begin_to_put();
  informs("/uploads/7");
  is_lost();
  hears();
  tells("Upload-Offset: 5", "?0");
  hears();
  says("409 Conflict", "Upload-Offset: 3\r\n");
  EXPECT_THAT(hears(), testing::StartsWith("HEAD "));
  tells("Upload-Offset: 3", "?0");
  EXPECT_THAT(hears(), HasSubstr("Upload-Offset: 3\r\n"));
  EXPECT_EQ(files.hears_bytes(7), "3456789");
  says("201 Created");

  expect_success();
}

TEST_F(UploadTest, StartsAnewWhereTheServerCannotGoOn) {
  begin_to_put();
  is_lost();
  gives_slot();  // another
  EXPECT_THAT(hears(), testing::StartsWith("PUT "));
  files.hears_bytes(10);
  says("201 Created");

  expect_success();
}

TEST_F(UploadTest, StartsAnewWhenTheUploadHasEnded) {
  begin_to_put();
  informs("/uploads/7");
  is_lost();
  hears();
  says("404 Not Found");
  gives_slot();
  EXPECT_THAT(hears(), testing::StartsWith("PUT "));
  says("201 Created");

  expect_success();
}

// What goes with the PUT, Authorization say, is for that server alone.
TEST_F(UploadTest, GoesOnNowhereElse) {
  for (const auto* place : {"http://127.0.0.2:1/uploads/7", "//127.0.0.1/uploads/7", "uploads/7", ""}) {
    over = {};
    begin_to_put();
    informs(place);
    is_lost();
    gives_slot();
    EXPECT_THAT(hears(), testing::StartsWith("PUT ")) << place;
    says("201 Created");

    expect_success();
  }
}

TEST_F(UploadTest, RefusesOffsetsThatCannotBe) {
  for (const auto* offset : {"Upload-Offset: 11", "Upload-Offset: -1", "Upload-Offset: 1.5", "X: y"}) {
    over = {};
    begin_to_put();
    informs("/uploads/7");
    is_lost();
    hears();
    tells(offset, "?0");

    EXPECT_EQ(failure().code, Errc::protocol) << offset;
  }
}

TEST_F(UploadTest, HearsARefusalBeforeAllIsSent) {
  upload.bytes.assign(900'000, 'a');
  begin_to_put();
  says("413 Content Too Large");

  const Error error = failure();
  EXPECT_EQ(error.code, Errc::http);
  EXPECT_EQ(error.condition, "413");
}

TEST_F(UploadTest, DoesNotSendWhatTheServiceWouldNotTake) {
  begin();
  is_found("9");

  const Error error = failure();
  EXPECT_EQ(error.code, Errc::invalid_argument);
  EXPECT_THAT(error.message, HasSubstr("upload.example.org takes 9"));
}

TEST_F(UploadTest, TellsWhyThereIsNoSlot) {
  begin();
  is_found();
  const std::string request = server.hears("</iq>");
  server.says("<iq type='error' id='" + server.id_of(request) +
              "' from='upload.example.org'><error type='wait'>"
              "<resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");

  const Error error = failure();
  EXPECT_EQ(error.code, Errc::stanza);
  EXPECT_EQ(error.condition, "resource-constraint");
  EXPECT_FALSE(files.is_called());
}

TEST_F(UploadTest, RefusesSlotsThatAreNone) {
  begin();
  is_found();
  answers("<slot xmlns='urn:xmpp:http:upload:0'><put url='ftp://a/'/><get url='https://a/'/></slot>");

  EXPECT_EQ(failure().code, Errc::protocol);
}

TEST_F(UploadTest, NeedsAFileThatCanBeSent) {
  upload.path = "/nowhere/at/all";
  begin();
  EXPECT_EQ(failure().code, Errc::io);

  over = {};
  upload.path = "/tmp";
  begin();
  EXPECT_THAT(failure().message, HasSubstr("is no file"));

  over = {};
  upload.path.clear();
  upload.bytes.clear();
  begin();
  EXPECT_EQ(failure().code, Errc::invalid_argument);

  over = {};
  upload.bytes = "x";
  upload.name.clear();
  begin();
  EXPECT_EQ(failure().code, Errc::invalid_argument);
}

TEST_F(UploadTest, CanBeCancelled) {
  upload.bytes.assign(900'000, 'a');
  begin_to_put();
  transfer.cancel();

  EXPECT_EQ(failure().message, "the transfer was cancelled");
}

TEST_F(UploadTest, EndsWithItsConnection) {
  std::atomic<bool> told = false;
  transfer = connection->file_transfers().upload(upload, [&told](const Result<UploadedFile>&) { told = true; });
  is_found();
  server.hears("</iq>");  // for a slot, which never comes
  connection.reset();

  EXPECT_FALSE(told);
}

TEST_F(UploadTest, DoesNotWaitForWhoHasStalled) {
  upload.bytes.assign(900'000, 'a');
  upload.limits.attempts = 1;
  upload.limits.silence = 20ms;
  begin();
  is_found();
  gives_slot();  // and nobody takes the file

  EXPECT_EQ(failure().code, Errc::timeout);
}

TEST_F(UploadTest, CanBeWaitedFor) {
  auto sending = std::async(std::launch::async, [this] { return connection->file_transfers().upload(upload); });
  is_found();
  gives_slot();
  hears();
  files.hears_bytes(10);
  says("201 Created");

  const auto sent = sending.get();
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(sent->url, "https://example.org/files/1/a");
}

}  // namespace
}  // namespace anser::sdk
