<<<<<<< HEAD
// The whole door for files on the test's own core, over files in memory, and clients that speak HTTP by hand.
#pragma once

#include <gtest/gtest.h>

#include "base/base64.h"
#include "core/password.h"
#include "net/http_test_support.h"
#include "tests/support/fake_domain.h"
#include "tests/support/fake_files.h"
#include "upload/door.h"
=======
// The door for files on a core of its own, over a memory, and clients that speak HTTP from threads of the test. For
// tests only.
#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>

#include "base/base64.h"
#include "net/http_test_support.h"
#include "store/memory/files.h"
#include "tests/support/fake_domain.h"
#include "upload/door.h"
#include "upload/services.h"
>>>>>>> 794737f (upload: tus 1.0 and the IETF's draft, so that uploads go on where they stopped)
#include "upload/vault.h"

namespace anser::upload {

<<<<<<< HEAD
// Outlives the connections, which are the server's.
struct UploadWorld {
  class PromptStorage final : public domain::Storage {
   public:
    void submit(domain::CoreId, Work work, Done done) override { done(work(accounts)); }
    domain::FakeAccounts accounts;
  };

  UploadWorld() {
    for (const std::string address : {"romeo@localhost", "juliet@localhost"}) {
      domain::AccountRecord account;
      account.jid = domain::jid(address);
      account.keys.push_back(*core::fresh_keys(core::Hash::sha256, "pencil", core::kMinIterations));
      storage.accounts.records.push_back(std::move(account));
    }
  }
  ~UploadWorld() { workers.stop(); }  // what they do is the vault's
  std::shared_ptr<const Settings> current() const { return std::make_shared<const Settings>(files); }

  Settings files;
  PromptStorage storage;
  domain::FakePost post;
  domain::FakeClock clock;
  domain::Hosts hosts{{{"localhost", {}}}, {}};
  door::LoginGuard guard{{}};
  net::Cores cores{1};
  domain::FakeFileIndex index;
  domain::FakeFileContent content;
  net::Workers workers{2, 64};
  Vault vault{index, content, workers, clock, [this] { return current(); }};
  Shared shared{{cores,
                 workers,
                 storage,
                 post,
                 clock,
                 hosts,
                 guard,
                 "secret",
                 {},
                 [] { return std::make_shared<const door::SignInSettings>(); },
                 {},
                 {}},
                [this] { return current(); },
                vault,
                "slots"};
};

class UploadDoorTest : protected UploadWorld, public net::HttpServerTest {
 protected:
  UploadDoorTest() {
    add_routes(shared, server, [](net::HttpExchange& exchange) -> net::Task<void> {
      exchange.respond({.body = "the page"});
      return boost::asio::post(exchange.core().io(), boost::asio::use_awaitable_t<net::Executor>{});
    });
  }

  static std::string sign_in(std::string_view name = "romeo", std::string_view password = "pencil") {
    return fmt::format("Authorization: Basic {}\r\n", base64_encode(fmt::format("{}:{}", name, password)));
  }
  static std::string request(std::string_view line, std::string_view fields = {}, std::string_view body = {}) {
    const std::string length =
        body.empty() && !line.starts_with("POST") ? "" : fmt::format("Content-Length: {}\r\n", body.size());
    return fmt::format("{} HTTP/1.1\r\nHost: localhost:5280\r\n{}{}\r\n{}", line, fields, length, body);
  }
  net::SeenResponse one(std::string_view bytes) {
    auto all = ask(bytes);
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? net::SeenResponse{} : std::move(all.front());
  }
  net::SeenResponse do_request(std::string_view line, std::string_view fields = {}, std::string_view body = {}) {
    return one(request(line, fields, body));
  }

  static std::string part(std::string_view disposition, std::string_view data, std::string_view type = {}) {
    return fmt::format("--b\r\nContent-Disposition: form-data; {}\r\n{}\r\n{}\r\n", disposition,
                       type.empty() ? "" : fmt::format("Content-Type: {}\r\n", type), data);
  }
  net::SeenResponse post_form(std::string_view parts, std::string_view fields) {
    const auto all = fmt::format("Content-Type: multipart/form-data; boundary=b\r\n{}", fields);
    return do_request("POST /upload", all, fmt::format("{}--b--\r\n", parts));
  }
  // A file of romeo's; its path, "/files/ID/NAME".
  std::string put(std::string_view bytes, std::string_view type = "text/plain", std::string_view name = "a.txt") {
    const auto answer = do_request(fmt::format("POST /uploads?name={}", name),
                                   fmt::format("{}Content-Type: {}\r\n", sign_in(), type), bytes);
    EXPECT_EQ(answer.status, 201u) << answer.body;
    const std::string address = answer.field("location");
    const auto at = address.find("/files/");
    return at == std::string::npos ? "" : address.substr(at);
  }
=======
class PromptAccounts final : public domain::Storage {
 public:
  void submit(domain::CoreId, Work work, Done done) override { done(work(accounts)); }
  domain::FakeAccounts accounts;
};

// The machine's, moved on when the test says so.
class MovedClock final : public Clock {
 public:
  Time now() const override {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()) + moved();
  }
  Tick tick() const override { return std::chrono::steady_clock::now() + moved(); }
  void move(std::chrono::seconds on) { seconds_ += on.count(); }

 private:
  std::chrono::seconds moved() const { return std::chrono::seconds{seconds_.load()}; }
  std::atomic<std::int64_t> seconds_ = 0;
};

// One answer and what was said before it.
struct Answer : net::SeenResponse {
  std::vector<net::SeenResponse> informed;  // 1xx
};

// One connection. Its end, too, is the test's to say.
class Client {
 public:
  explicit Client(net::Peer peer) : peer_(std::move(peer)) {
    const timeval patience{.tv_sec = 60, .tv_usec = 0};  // only a test that fails waits so long
    ::setsockopt(peer_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  void say(std::string_view bytes) { peer_.send(bytes); }
  // "": the server has ended the connection.
  net::SeenResponse hear_head(bool head = false) {
    std::string bytes;
    while (!bytes.ends_with("\r\n\r\n")) {
      const std::string one = peer_.receive_exactly(1);
      if (one.empty()) return {};
      bytes += one;
    }
    const auto at = bytes.find("content-length: ");
    const std::size_t size = at == std::string::npos || head ? 0 : std::stoul(bytes.substr(at + 16));
    if (size > 0) bytes += peer_.receive_exactly(size);  // recv of nothing waits for something
    return net::take_response(bytes, head);
  }
  Answer hear(bool head = false) {
    Answer answer;
    for (;;) {
      net::SeenResponse one = hear_head(head);
      if (one.status >= 200 || one.status == 0) {
        static_cast<net::SeenResponse&>(answer) = std::move(one);
        return answer;
      }
      answer.informed.push_back(std::move(one));
    }
  }
  void leave() { peer_.close(); }

 private:
  net::Peer peer_;
};

class UploadDoorTest : public testing::Test {
 protected:
  using Fields = std::map<std::string, std::string>;

  UploadDoorTest() {
    for (const char* name : {"romeo", "juliet"}) {
      domain::AccountRecord account;
      account.jid = *core::Jid::make(name, "example.com");
      account.keys.push_back(*core::fresh_keys(core::Hash::sha256, "secret", core::kMinIterations));
      storage_.accounts.records.push_back(std::move(account));
      storage_.accounts.states[std::string{name} + "@example.com"].exists = true;
    }
    settings_.password_without_tls = true;
    settings_.file_bytes = 1'000'000;
    shared_.settings = [this] { return now_; };
    shared_.sign_in = [] { return std::make_shared<const door::SignInSettings>(); };
    add_routes(shared_, server_, [](net::HttpExchange&) -> net::Task<void> { co_return; });
  }
  ~UploadDoorTest() override {
    workers_.stop();
    cores_->stop();
    cores_->join();
    cores_.reset();  // with the requests that still wait on it: they use the rest
  }

  // Settings are made before the first connection.
  Client connect() {
    if (!std::exchange(started_, true)) {
      now_ = std::make_shared<const Settings>(settings_);
      cores_->start();
    }
    net::Pair pair = net::tcp_pair();
    std::promise<void> done;
    cores_->post(0, [&] {
      server_.accept(cores_->at(0), std::move(pair.ours), false);
      done.set_value();
    });
    done.get_future().wait();
    return Client{std::move(pair.theirs)};
  }

  static std::string head(std::string_view method, std::string_view target, const Fields& fields) {
    std::string text = fmt::format("{} {} HTTP/1.1\r\nhost: example.com\r\n", method, target);
    for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
    return text + "\r\n";
  }
  // Romeo's, unless `authorization` says otherwise; "": nobody's.
  static Fields full(Fields fields, std::string_view method, std::string_view body) {
    const bool takes_body = method != "GET" && method != "HEAD" && method != "OPTIONS";
    if (!fields.contains("content-length") && !fields.contains("transfer-encoding") && takes_body)
      fields["content-length"] = std::to_string(body.size());
    if (!fields.contains("authorization")) fields["authorization"] = basic("romeo");
    if (fields["authorization"].empty()) fields.erase("authorization");
    return fields;
  }
  Answer ask(std::string_view method, std::string_view target, Fields fields, std::string_view body = {}) {
    Client client = connect();
    client.say(head(method, target, full(std::move(fields), method, body)).append(body));
    Answer answer = client.hear(method == "HEAD");
    client.leave();
    return answer;
  }
  static std::string basic(std::string_view name) {
    return "Basic " + base64_encode(std::string{name}.append(":secret"));
  }
  static std::string path_of(const std::string& url) {
    const auto at = url.find('/', url.find("://") + 3);
    return url.find("://") == std::string::npos ? url : url.substr(at);
  }
  // The bytes of the file that an answer is about; "?" if there is none.
  std::string file_of(const Answer& answer) {
    const std::string path = path_of(answer.field("content-location"));
    if (!path.starts_with("/files/")) return "?";
    return bytes_of(path.substr(7, path.find('/', 7) - 7)).value_or("?");
  }
  std::optional<std::string> bytes_of(std::string_view id) {
    const auto file = index_.find_file(id);
    if (!file || !*file) return std::nullopt;
    std::string bytes((*file)->size, '\0');
    const auto got = content_.read((*file)->content, 0, bytes);
    return got && *got == bytes.size() ? std::optional{bytes} : std::nullopt;
  }

  PromptAccounts storage_;
  domain::FakePost post_;
  MovedClock clock_;
  domain::Hosts hosts_{{{"example.com", {}}}, {}};
  door::LoginGuard guard_{{}};
  std::unique_ptr<net::Cores> cores_ = std::make_unique<net::Cores>(1);
  net::Workers workers_{2, 64};
  store::MemoryFileIndex index_;
  store::MemoryFileContent content_;
  Settings settings_;
  SharedSettings now_ = std::make_shared<const Settings>();
  Vault vault_{index_, content_, workers_, clock_, [this] { return now_; }};
  Shared shared_{{*cores_, workers_, storage_, post_, clock_, hosts_, guard_}, {}, vault_, "key"};
  net::HttpServer server_{1, [] { return net::HttpServer::Settings{}; },
                          [] { return std::shared_ptr<const net::TlsServer>{}; }};
  bool started_ = false;
>>>>>>> 794737f (upload: tus 1.0 and the IETF's draft, so that uploads go on where they stopped)
};

}  // namespace anser::upload
