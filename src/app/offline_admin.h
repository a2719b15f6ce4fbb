// AccountAdmin on the database itself, for `anser user` while no server runs on it: the store's lock keeps a server
// from starting meanwhile, and this from running beside one. Owner: one command, one thread; deriving keys for many
// accounts uses more threads for as long as the call takes.
#pragma once

#include <cstdint>
#include <memory>

#include "app/account_admin.h"
#include "app/config.h"
#include "base/clock.h"
#include "domain/files.h"
#include "domain/hosts.h"
#include "domain/ports.h"

namespace anser::app {

class OfflineAdmin final : public AccountAdmin {
 public:
  struct Stores {
    domain::AccountStore& accounts;
    domain::LogStore& log;
    domain::ArchiveStore& archive;
    domain::FileIndex& files;
    domain::FileContent& content;
  };
  OfflineAdmin(Stores stores, const Clock& clock, std::uint32_t scram_iterations)
      : stores_(stores), clock_(clock), iterations_(scram_iterations) {}

  Result<void> add(const core::Jid& bare, const std::string& password) override;
  std::vector<Result<void>> add_many(std::span<const NewAccount> accounts) override;
  Result<void> set_password(const core::Jid& bare, const std::string& password) override;
  Result<void> remove(const core::Jid& bare) override;
  Result<std::vector<AccountInfo>> list(std::string_view host, std::string_view after, std::size_t limit) override;
  Result<AccountInfo> show(const core::Jid& bare) override;

 private:
  Result<void> forget_messages(const core::Jid& bare);
  Result<std::uint64_t> count_offline(const core::Jid& bare);

  Stores stores_;
  const Clock& clock_;
  const std::uint32_t iterations_;
};

// The key sets that an account has: one for each hash that SCRAM is offered with. Errc::not_acceptable.
Result<std::vector<core::ScramKeys>> account_keys(std::string_view password, std::uint32_t iterations);

domain::Hosts hosts_of(const Config& config, const std::vector<std::string>& own_addresses = {});

// Opens the databases in config.server.data. Missing ones are made if `create`, else it is Errc::not_found.
// Errc::conflict: a server (or another command) holds them.
Result<std::unique_ptr<AccountAdmin>> open_offline_admin(const Config& config, bool create);

}  // namespace anser::app
