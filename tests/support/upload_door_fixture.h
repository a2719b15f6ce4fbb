// The whole door for files on the test's own core, over files in memory, and clients that speak HTTP by hand.
#pragma once

#include <gtest/gtest.h>

#include "base/base64.h"
#include "core/password.h"
#include "net/http_test_support.h"
#include "tests/support/fake_domain.h"
#include "tests/support/fake_files.h"
#include "upload/door.h"
#include "upload/vault.h"

namespace anser::upload {

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
};

}  // namespace anser::upload
