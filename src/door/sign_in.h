// Who are you: what all doors ask in the same way. A wrong name and a wrong password get one answer after the same work
// and the same time; who guesses is slowed down (login_guard.h). The mechanisms of SASL are the XMPP door's own
// (xmpp/sasl.h), and so is whether a password may be said at all here (SignInSettings::plain_without_tls is for the
// caller to heed). Coroutines of one connection, on its core.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/jid.h"
#include "core/password.h"
#include "door/shared.h"
#include "net/task.h"

namespace anser::door {

// Who is at the other end, for the guard and for the log.
struct Peer {
  boost::asio::ip::address address;
  std::string text;       // "192.0.2.1:40404"
  std::string_view door;  // the log's word for it, "xmpp"; static storage
};

struct SignedIn {
  core::Jid account;                       // bare
  Tick since{};                            // when its account was read: what was changed after that it does not know
  std::vector<core::ScramKeys> keys = {};  // the account's, as they were then, if a password was shown
};

// `username` is "romeo" or "romeo@localhost", at `host`, which is one of ours (host_of_name finds it).
//   Errc::not_authorized  the name or the password is wrong
//   Errc::forbidden       the account is disabled
//   Errc::resource_limit  too many failures from that address, too many logins at once: try again later
//   anything else         accounts cannot be read at the moment
net::Task<Result<SignedIn>> check_password(Shared& shared, std::string host, std::string username, std::string password,
                                           Peer peer);

// A JSON web token instead (web_tokens.h). A name without a host in it is at `host`. Errors likewise; of
// Errc::not_authorized the text says what is wrong with the token.
net::Task<Result<SignedIn>> check_token(Shared& shared, std::string host, std::string token, Peer peer);

// For logins of other kinds. Errc::resource_limit if that address must wait.
Result<void> may_try(Shared& shared, const Peer& peer);
// Counts and logs a failure, then waits as long as the guard says, before the client hears of it. `why` is one word.
net::Task<void> login_failed(Shared& shared, Peer peer, std::string account, std::string_view why);

inline constexpr std::string_view kWrongPassword = "the name or the password is wrong";

}  // namespace anser::door
