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
#include "upload/vault.h"

namespace anser::upload {

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

class UploadWireTest : public testing::Test {
 protected:
  using Fields = std::map<std::string, std::string>;

  UploadWireTest() {
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
  ~UploadWireTest() override {
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
};

}  // namespace anser::upload
