// AccountAdmin of the running server: what an operator changes is in force at once, in the sessions too. Called by the
// control thread, which may wait; the cores and the storage thread do the work.
#pragma once

#include "app/account_admin.h"
#include "domain/ports.h"
#include "net/cores.h"
#include "xmpp/services.h"

namespace anser::app {

class LiveAdmin final : public AccountAdmin {
 public:
  LiveAdmin(xmpp::Shared& shared, domain::MessageLog& log, std::function<std::uint32_t()> scram_iterations)
      : shared_(shared), log_(log), iterations_(std::move(scram_iterations)) {}

  Result<void> add(const core::Jid& bare, const std::string& password) override;
  std::vector<Result<void>> add_many(std::span<const NewAccount> accounts) override;
  Result<void> set_password(const core::Jid& bare, const std::string& password) override;
  Result<void> remove(const core::Jid& bare) override;
  Result<std::vector<AccountInfo>> list(std::string_view host, std::string_view after, std::size_t limit) override;
  Result<AccountInfo> show(const core::Jid& bare) override;

 private:
  void tell_home(const core::Jid& bare, std::function<void(domain::Router&)> action);
  bool ours(const core::Jid& bare) const;

  xmpp::Shared& shared_;
  domain::MessageLog& log_;
  std::function<std::uint32_t()> iterations_;
};

}  // namespace anser::app
