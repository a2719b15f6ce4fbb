// Who are you: the server's side of SASL (RFC 6120 §6, RFC 4422) with the mechanisms SCRAM-SHA-1, -256, -512 with and
// without -PLUS, PLAIN, EXTERNAL and ANONYMOUS. It speaks in raw messages; base64 and elements belong to the stream, so
// both negotiations (RFC 6120, XEP-0388) use it. The tokens of FAST (XEP-0484) are here too, for SASL2 alone. One
// exchange at a time; lives on the core of its connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hashed_token.h"
#include "core/jid.h"
#include "core/scram.h"
#include "door/sign_in.h"
#include "net/connection.h"
#include "net/task.h"
#include "xmpp/services.h"

namespace anser::xmpp {

struct Login {
  core::Jid account;       // bare
  bool temporary = false;  // ANONYMOUS
  std::string mechanism;
  Tick since{};                            // when its account was read: what was changed after that it does not know
  std::vector<core::ScramKeys> keys = {};  // the account's, as they were then, if a password was shown
};

struct IssuedToken {
  std::string text;
  Time expires{};
};

// A login with a token (XEP-0484 §3.4).
struct TokenUse {
  core::TokenBinding binding = core::TokenBinding::none;
  std::string message;  // HT's, as it came
  std::string agent;    // the client's installation
  std::optional<std::uint32_t> count;
  bool invalidate = false;
  std::optional<core::TokenBinding> wanted;  // another token, please
};

struct SaslStep {
  enum class What : std::uint8_t { challenge, success, failure };
  What what = What::failure;
  std::string data;                  // challenge, or additional data with success
  std::optional<Login> login;        // with success
  std::optional<IssuedToken> token;  // with success
  std::string_view condition;        // with failure (RFC 6120 §6.5), static storage
  std::string text;
};

class Authenticator {
 public:
  Authenticator(Shared& shared, SharedSettings settings, std::string host, const net::Connection& connection);

  // What this connection is offered, strongest first.
  std::vector<std::string> mechanisms() const;
  // Channel-binding types that work here (XEP-0440); empty without TLS.
  std::vector<std::string> binding_types() const;
  // What tokens can be used here, the strongest first; empty: no FAST.
  std::vector<core::TokenBinding> token_bindings() const;
  // Whom the stream's header announced: nobody else may log in. SASL2 asks for that (XEP-0388 §2.3, §4.4).
  void expect(std::optional<core::Jid> account) { expected_ = std::move(account); }

  // `initial` is absent when the client sent none (then it may be asked for one).
  net::Task<SaslStep> start(std::string mechanism, std::optional<std::string> initial);
  net::Task<SaslStep> respond(std::string message);
  // Forgets the exchange that has begun, if any: the next one begins from nothing.
  void abort();
  bool exchanging() const { return !awaited_.empty(); }

  // sasl_token.cpp
  net::Task<SaslStep> use_token(TokenUse use);
  // A token for whoever has just logged in. Errc::not_authorized: the account has changed since.
  net::Task<Result<IssuedToken>> give_token(const Login& login, std::string agent, core::TokenBinding binding);
  // Keys of another hash of the password that was just shown (XEP-0480). Errors likewise.
  net::Task<Result<void>> add_key(const Login& login, core::ScramKeys key);

  // Checks a name and password as PLAIN does; jabber:iq:auth uses it too.
  net::Task<SaslStep> check_password(std::string username, std::string password, std::string mechanism);

 private:
  net::Task<SaslStep> plain(std::string message);
  net::Task<SaslStep> external(std::string authzid);
  net::Task<SaslStep> scram_first(std::string message);
  net::Task<SaslStep> scram_final(std::string message);
  door::Peer peer() const;
  net::Task<SaslStep> refused(std::string account, std::string_view condition, std::string text);
  net::Task<Result<std::optional<domain::AccountRecord>>> find(core::Jid account);
  bool may_be(std::string_view authzid, const core::Jid& account) const;
  std::vector<std::string> certified_names() const;

  Shared& shared_;
  SharedSettings settings_;
  std::string host_;
  const net::Connection& connection_;
  const core::ChannelBindings bindings_;
  std::optional<core::Jid> expected_;
  std::string awaited_;  // the mechanism whose next message is due
  std::unique_ptr<core::ScramServer> scram_;
  core::Hash scram_hash_ = core::Hash::sha1;
  core::Jid claimed_;
  Tick since_{};  // the last find() began
  bool known_ = false;
  bool disabled_ = false;
  std::vector<core::ScramKeys> keys_;  // of the account that SCRAM claims
};

// What the server calls an installation of a client: the id itself is kept nowhere and shown to nobody.
std::string client_mark(const Shared& shared, const core::Jid& account, std::string_view agent);

}  // namespace anser::xmpp
