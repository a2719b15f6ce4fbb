// Bodies on their way into the vault, with clients that are quick, slow, gone or superseded.
#include <gmock/gmock.h>

#include "net/http_test_support.h"
#include "tests/support/fake_domain.h"
#include "tests/support/faulty_files.h"
#include "upload/request.h"

namespace anser::upload {
namespace {

using net::HttpExchange;
using net::Task;
using ::testing::SizeIs;

class NoStorage final : public domain::Storage {
 public:
  void submit(domain::CoreId, Work, Done) override {}
};
class Watch final : public Clock {
 public:
  Time now() const override { return Time{std::chrono::hours{24 * 20'000}}; }
  // Each look takes so long.
  Tick tick() const override { return ticks += step; }
  mutable Tick ticks{};
  std::chrono::seconds step{0};
};

class IntakeTest : public net::HttpServerTest {
 protected:
  IntakeTest() {
    server.route("/file", [this](HttpExchange& exchange) { return take(*this, exchange); });
  }
  ~IntakeTest() override { workers_.stop(); }

  static Task<void> take(IntakeTest& test, HttpExchange& exchange) {
    NewUpload fresh{.name = "a", .resumable = true};
    auto beginning = test.vault_.begin(std::move(fresh));
    auto upload = co_await std::move(beginning);
    if (!upload) {
      ADD_FAILURE() << upload.error().message;
      co_return;
    }
    test.id_ = upload->record().id;
    if (test.begun_) test.begun_();
    auto taking = take_body(test.shared_, exchange, *upload, test.limit_);
    test.taken_ = co_await std::move(taking);
    test.offset_ = upload->offset();
    net::HttpResponse response{.status = test.taken_ ? 201u : 400u, .body = "done\n"};
    exchange.respond(std::move(response));
  }
  std::string kept() {
    std::string bytes(2'000'000, '?');
    bytes.resize(content_.read_unfinished(id_, 0, bytes).value_or(0));
    return bytes;
  }
  static std::string request(std::size_t length) {
    return "POST /file HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  }
  static std::string text(std::size_t size) {
    std::string text;
    for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
    text.resize(size);
    return text;
  }

  Settings limits_;
  std::uint64_t limit_ = 4'000'000;
  std::function<void()> begun_;
  std::string id_;
  Result<std::uint64_t> taken_ = 0;
  std::uint64_t offset_ = 0;

  Watch clock_;
  test::Faults faults_;
  test::FaultyFileIndex index_{faults_};
  test::FaultyFileContent content_{faults_};
  net::Workers workers_{2, 100};
  Vault vault_{index_, content_, workers_, clock_, [this] { return std::make_shared<const Settings>(limits_); }};

 private:
  net::Cores cores_{1};
  NoStorage storage_;
  domain::FakePost post_;
  domain::Hosts hosts_{{{"localhost", {}}}, {}};
  door::LoginGuard guard_{{}};

 protected:
  Shared shared_{{cores_, workers_, storage_, post_, clock_, hosts_, guard_},
                 [this] { return std::make_shared<const Settings>(limits_); },
                 vault_};
};

TEST_F(IntakeTest, TakesTheSameBytesHoweverTheyCome) {
  const std::string body = text(300'000);
  for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, std::size_t{1'000}, std::size_t{65'536}, body.size()}) {
    const std::string sent = body.substr(0, cut * 500);  // each piece is a way to a worker and back
    serve([&](net::Peer& peer) {
      peer.send(request(sent.size()));
      for (std::size_t at = 0; at < sent.size(); at += cut) peer.send(std::string_view{sent}.substr(at, cut));
      EXPECT_EQ(receive_response(peer).status, 201u);
      peer.end_input();
      peer.receive_all();
    });

    EXPECT_EQ(taken_.value(), sent.size()) << cut;
    EXPECT_TRUE(kept() == sent) << cut;
  }
}

TEST_F(IntakeTest, KeepsWhatHasComeOfWhoGoes) {
  const std::string body = text(100'000);

  talk(request(200'000) + body);

  EXPECT_EQ(taken_.error().code, Errc::closed);
  EXPECT_EQ(offset_, body.size());
  EXPECT_TRUE(kept() == body);
}

TEST_F(IntakeTest, TakesNothingOfABodyThatSaysItIsTooLarge) {
  limit_ = 10;

  const auto responses = ask(request(11) + "0123456789A");

  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(taken_.error().code, Errc::policy_violation);
  EXPECT_EQ(offset_, 0u);
}

TEST_F(IntakeTest, StopsAtTheLimitOfABodyOfUnknownLength) {
  limit_ = 10;

  ask("POST /file HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n8\r\n01234567\r\n3\r\nabc\r\n0\r\n\r\n");

  EXPECT_EQ(taken_.error().code, Errc::policy_violation);
  EXPECT_EQ(kept(), "01234567");
}

TEST_F(IntakeTest, EndsABodyThatIsTooSlow) {
  clock_.step = std::chrono::seconds{61};  // with each piece
  limits_.slowest_bytes_per_second = 64;

  serve([&](net::Peer& peer) {
    peer.send(request(5'000) + "a");
    EXPECT_EQ(receive_response(peer).status, 400u);
    peer.end_input();
    peer.receive_all();
  });

  EXPECT_EQ(taken_.error().code, Errc::timeout);
  EXPECT_EQ(kept(), "a");
}

TEST_F(IntakeTest, LetsGoWhenANewerRequestWantsTheUpload) {
  begun_ = [this] { vault_.end_all(); };  // asks all to let go

  serve([&](net::Peer& peer) {
    peer.send(request(5'000));
    EXPECT_EQ(receive_response(peer).status, 400u);
    peer.end_input();
    peer.receive_all();
  });

  EXPECT_EQ(taken_.error().code, Errc::closed);
}

TEST_F(IntakeTest, TellsThatTheDiskIsFull) {
  faults_.set("append", Errc::disk_full);

  ask(request(3) + "abc");

  EXPECT_EQ(taken_.error().code, Errc::disk_full);
  EXPECT_EQ(offset_, 0u);
}

}  // namespace
}  // namespace anser::upload
