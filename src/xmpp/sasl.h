// Who are you: the server's side of SASL (RFC 6120 §6, RFC 4422) with the mechanisms SCRAM-SHA-1, -256, -512 with and
// without -PLUS, PLAIN, EXTERNAL and ANONYMOUS. It speaks in raw messages; base64 and elements belong to the stream, so
// another negotiation can use it too. One exchange at a time; lives on the core of its connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/jid.h"
#include "core/scram.h"
#include "net/connection.h"
#include "net/task.h"
#include "xmpp/services.h"

namespace anser::xmpp {

struct Login {
  core::Jid account;       // bare
  bool temporary = false;  // ANONYMOUS
  std::string mechanism;
  Tick since{};  // when its account was read: what was changed after that it does not know
};

struct SaslStep {
  enum class What : std::uint8_t { challenge, success, failure };
  What what = What::failure;
  std::string data;            // challenge, or additional data with success
  std::optional<Login> login;  // with success
  std::string_view condition;  // with failure (RFC 6120 §6.5), static storage
  std::string text;
};

class Authenticator {
 public:
  Authenticator(Shared& shared, SharedSettings settings, std::string host, const net::Connection& connection);

  // What this connection is offered, strongest first.
  std::vector<std::string> mechanisms() const;
  // Channel-binding types that work here (XEP-0440); empty without TLS.
  std::vector<std::string> binding_types() const;

  // `initial` is absent when the client sent none (then it may be asked for one).
  net::Task<SaslStep> start(std::string mechanism, std::optional<std::string> initial);
  net::Task<SaslStep> respond(std::string message);
  // Forgets the exchange that has begun, if any: the next one begins from nothing.
  void abort();
  bool exchanging() const { return !awaited_.empty(); }

  // Checks a name and password as PLAIN does; jabber:iq:auth uses it too.
  net::Task<SaslStep> check_password(std::string username, std::string password, std::string mechanism);

 private:
  net::Task<SaslStep> plain(std::string message);
  net::Task<SaslStep> external(std::string authzid);
  net::Task<SaslStep> scram_first(std::string message);
  net::Task<SaslStep> scram_final(std::string message);
  net::Task<SaslStep> refused(std::string account, std::string_view condition, std::string text);
  net::Task<Result<std::optional<domain::AccountRecord>>> find(core::Jid account);
  core::ChannelBindings bindings() const;
  std::vector<std::string> certified_names() const;

  Shared& shared_;
  SharedSettings settings_;
  std::string host_;
  const net::Connection& connection_;
  std::string awaited_;  // the mechanism whose next message is due
  std::unique_ptr<core::ScramServer> scram_;
  core::Hash scram_hash_ = core::Hash::sha1;
  core::Jid claimed_;
  Tick since_{};  // the last find() began
  bool known_ = false;
  bool disabled_ = false;
};

}  // namespace anser::xmpp
