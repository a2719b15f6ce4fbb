// What is said over control.sock: one request, one response, each a JSON object on one line. Pure functions; the socket
// is control.h's business.
//
//   request  = {"do":"add", "jid":JID, "password":TEXT}
//            | {"do":"add_many", "accounts":[{"jid":JID, "password":TEXT}, …]}
//            | {"do":"passwd", "jid":JID, "password":TEXT}
//            | {"do":"remove", "jid":JID}
//            | {"do":"list", "host":DOMAIN, "after":TEXT, "limit":NUMBER}
//            | {"do":"show", "jid":JID}
//   response = {"ok":null} | {"ok":[OUTCOME, …]} | {"ok":[ACCOUNT, …]} | {"ok":ACCOUNT}
//            | {"error":{"code":NAME, "message":SENTENCE}}
//   OUTCOME  = {"ok":null} | {"error":…}
//   ACCOUNT  = {"jid":JID, "created":MICROSECONDS, "name":…, "email":…, "disabled":…, "roster_items":…,
//               "offline_messages":…, "sessions":[{"resource":…, "address":…}, …]}
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "app/account_admin.h"

namespace anser::app {

inline constexpr std::size_t kMaxControlRequest = 1 << 20;
inline constexpr std::size_t kMaxControlResponse = 16 << 20;

// The server's side: what to answer to a line, whatever it is. Both without the line feed.
std::string answer_control(AccountAdmin& admin, std::string_view request);
// For what is no request at all: too long, too slow.
std::string refuse_control(const Error& error);

// The client's side: the same interface, over whatever carries a line there and one back.
class RemoteAdmin final : public AccountAdmin {
 public:
  using Exchange = std::function<Result<std::string>(const std::string& request)>;
  explicit RemoteAdmin(Exchange exchange) : exchange_(std::move(exchange)) {}

  Result<void> add(const core::Jid& bare, const std::string& password) override;
  std::vector<Result<void>> add_many(std::span<const NewAccount> accounts) override;
  Result<void> set_password(const core::Jid& bare, const std::string& password) override;
  Result<void> remove(const core::Jid& bare) override;
  Result<std::vector<AccountInfo>> list(std::string_view host, std::string_view after, std::size_t limit) override;
  Result<AccountInfo> show(const core::Jid& bare) override;

 private:
  Exchange exchange_;
};

// An account as users of `--json` see it: ACCOUNT with a readable time, on one line.
std::string account_json(const AccountInfo& account, bool with_sessions);
// 2026-11-22T14:00:00Z
std::string time_text(Time time);

}  // namespace anser::app
