// What the door for files stands on: two accounts, files in memory that fail when a test says so, and a clock that
// stands still until it is moved. Outlives the connections, which are the servers'.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "base/base64.h"
#include "core/password.h"
#include "tests/support/fake_domain.h"
#include "tests/support/faulty_files.h"
#include "upload/door.h"
#include "upload/vault.h"

namespace anser::upload {

class PromptAccounts final : public domain::Storage {
 public:
  void submit(domain::CoreId, Work work, Done done) override { done(work(accounts)); }
  domain::FakeAccounts accounts;
};

// Any thread.
class MovedClock final : public Clock {
 public:
  Time now() const override { return Time{std::chrono::seconds{1'700'000'000}} + moved(); }
  Tick tick() const override { return Tick{} + moved(); }
  void move(std::chrono::seconds on) { seconds_ += on.count(); }

 private:
  std::chrono::seconds moved() const { return std::chrono::seconds{seconds_.load()}; }
  std::atomic<std::int64_t> seconds_ = 0;
};

class UploadWorld {
 protected:
  UploadWorld() {
    for (const std::string address : {"romeo@example.com", "juliet@example.com"}) {
      domain::AccountRecord account;
      account.jid = domain::jid(address);
      account.keys.push_back(*core::fresh_keys(core::Hash::sha256, "secret", core::kMinIterations));
      storage_.accounts.records.push_back(std::move(account));
      storage_.accounts.states[address].exists = true;
    }
  }
  ~UploadWorld() { workers_.stop(); }  // what they do is the vault's

  static std::string basic(std::string_view name, std::string_view password = "secret") {
    return "Basic " + base64_encode(fmt::format("{}:{}", name, password));
  }
  // Of "/files/ID/NAME".
  static std::string id_in(std::string_view path) {
    path.remove_prefix(std::string_view{"/files/"}.size());
    return std::string{path.substr(0, path.find('/'))};
  }

  Settings settings_;
  PromptAccounts storage_;
  domain::FakePost post_;
  MovedClock clock_;
  domain::Hosts hosts_{{{"example.com", {}}}, {}};
  door::LoginGuard guard_{{}};
  std::unique_ptr<net::Cores> cores_ = std::make_unique<net::Cores>(1);
  test::Faults faults_;
  test::FaultyFileIndex index_{faults_};
  test::FaultyFileContent content_{faults_};
  net::Workers workers_{2, 64};

 private:
  std::shared_ptr<const Settings> current() const { return std::make_shared<const Settings>(settings_); }

 protected:
  Vault vault_{index_, content_, workers_, clock_, [this] { return current(); }};
  Shared shared_{{*cores_,
                  workers_,
                  storage_,
                  post_,
                  clock_,
                  hosts_,
                  guard_,
                  "secret",
                  {},
                  [] { return std::make_shared<const door::SignInSettings>(); }},
                 [this] { return current(); },
                 vault_,
                 "slots"};
};

}  // namespace anser::upload
