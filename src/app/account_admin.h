// What an operator may do to accounts, whoever does it: the running server (through control.sock, effective at once),
// or the command itself on the database while no server runs (offline_admin.h). Calls block until the change is
// durable; one thread calls at a time. Errors are sentences for the operator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/jid.h"

namespace anser::app {

struct NewAccount {
  core::Jid jid;  // bare
  std::string password;
};

struct OnlineSession {
  std::string resource;
  std::string address;  // where it comes from, 192.0.2.1:4711

  friend bool operator==(const OnlineSession&, const OnlineSession&) = default;
};

struct AccountInfo {
  core::Jid jid;
  Time created{};
  std::string name, email;  // as given at registration
  bool disabled = false;
  // Only `show` fills these in.
  std::uint64_t roster_items = 0;
  std::uint64_t offline_messages = 0;
  std::vector<OnlineSession> sessions;

  friend bool operator==(const AccountInfo&, const AccountInfo&) = default;
};

class AccountAdmin {
 public:
  virtual ~AccountAdmin() = default;

  // Errc::conflict: it is there already. not_acceptable: no such password can be. not_found: the host is not ours.
  virtual Result<void> add(const core::Jid& bare, const std::string& password) = 0;
  // One outcome for each, in order; a failure leaves its neighbours. At most kMaxAddMany at once.
  virtual std::vector<Result<void>> add_many(std::span<const NewAccount> accounts) = 0;
  // Sessions that are online end. Errc::not_found, not_acceptable.
  virtual Result<void> set_password(const core::Jid& bare, const std::string& password) = 0;
  // With all that it owns and every right it had. Errc::not_found.
  virtual Result<void> remove(const core::Jid& bare) = 0;
  // In order of address, those after `after` (empty: from the start), at most `limit`.
  virtual Result<std::vector<AccountInfo>> list(std::string_view host, std::string_view after, std::size_t limit) = 0;
  virtual Result<AccountInfo> show(const core::Jid& bare) = 0;
};

inline constexpr std::size_t kMaxAddMany = 256;
inline constexpr std::size_t kMaxListPage = 1000;

}  // namespace anser::app
