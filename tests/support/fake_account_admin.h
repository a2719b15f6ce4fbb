// An AccountAdmin that keeps accounts in a map, so that commands and the control socket are tested without a database.
// One thread at a time, or none while the test looks.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/account_admin.h"

namespace anser::app {

class FakeAccountAdmin final : public AccountAdmin {
 public:
  std::map<std::string, std::string> passwords;  // by address
  std::vector<std::size_t> batches;              // sizes of add_many's calls
  AccountInfo details;                           // what show adds to the address
  std::size_t page = 1000;                       // list gives no more at a time

  Result<void> add(const core::Jid& bare, const std::string& password) override {
    if (!passwords.emplace(bare.full(), password).second) return fail(Errc::conflict, "{} exists already", bare);
    return {};
  }

  std::vector<Result<void>> add_many(std::span<const NewAccount> accounts) override {
    batches.push_back(accounts.size());
    std::vector<Result<void>> outcomes;
    for (const NewAccount& account : accounts) outcomes.push_back(add(account.jid, account.password));
    return outcomes;
  }

  Result<void> set_password(const core::Jid& bare, const std::string& password) override {
    const auto at = passwords.find(bare.full());
    if (at == passwords.end()) return fail(Errc::not_found, "there is no account {}", bare);
    at->second = password;
    return {};
  }

  Result<void> remove(const core::Jid& bare) override {
    if (passwords.erase(bare.full()) == 0) return fail(Errc::not_found, "there is no account {}", bare);
    return {};
  }

  Result<std::vector<AccountInfo>> list(std::string_view host, std::string_view after, std::size_t limit) override {
    std::vector<AccountInfo> infos;
    for (auto at = passwords.upper_bound(std::string{after}); at != passwords.end(); ++at) {
      AccountInfo info = details;
      info.jid = *core::Jid::parse(at->first);
      if (info.jid.domain() != host) continue;
      infos.push_back(std::move(info));
      if (infos.size() == std::min(limit, page)) break;
    }
    return infos;
  }

  Result<AccountInfo> show(const core::Jid& bare) override {
    if (!passwords.contains(bare.full())) return fail(Errc::not_found, "there is no account {}", bare);
    AccountInfo info = details;
    info.jid = bare;
    return info;
  }
};

}  // namespace anser::app
