// Both sides of SCRAM as plain state machines (RFC 5802, RFC 7677; -PLUS with the bindings of RFC 5929 and RFC 9266;
// XEP-0474 against downgrades). They read and write SCRAM messages; base64, XML and the look-up of accounts are the
// caller's. Owned by one authentication exchange, used once.
//
//   server: parse(client-first) -> look up the keys -> challenge(keys) -> finish(client-final)
//   client: first() -> respond(server-first) -> verify(server-final)
//
// Calling out of turn is a broken invariant. Peers' errors are Errc::bad_request for what is not a SCRAM message for
// this mechanism (<malformed-request/>) and Errc::not_authorized for everything that means "no" (<not-authorized/>);
// after an error the machine is spent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/crypto.h"
#include "core/password.h"

namespace anser::core {

inline constexpr std::size_t kMaxScramMessage = 16 * 1024;  // octets; a longest authzid, all escaped, still fits
inline constexpr std::size_t kMaxScramNonce = 512;          // octets of one side's part

struct ScramMechanism {
  Hash hash = Hash::sha1;
  bool plus = false;

  friend bool operator==(const ScramMechanism&, const ScramMechanism&) = default;
};

std::string_view name_of(ScramMechanism mechanism);                    // "SCRAM-SHA-256-PLUS"
std::optional<ScramMechanism> scram_mechanism(std::string_view name);  // nothing if it is not SCRAM

// Name ("tls-exporter", "tls-server-end-point", "tls-unique") and bytes of what this connection is bound to.
using ChannelBindings = std::map<std::string, std::string, std::less<>>;

// What both sides hash to see that nobody tampered with the offer (XEP-0474 §6.1): the mechanisms of the SASL profile
// in use, and the binding types if XEP-0440 announced any. Order does not matter.
std::string downgrade_text(std::vector<std::string> mechanisms,
                           std::optional<std::vector<std::string>> binding_types = std::nullopt);

class ScramServer {
 public:
  struct Options {
    ScramMechanism mechanism = {};
    ChannelBindings bindings = {};    // those that this connection has; looked at by -PLUS only
    bool plus_offered = false;        // a -PLUS was on offer: then a client that says "you have none" was lied to
    std::string downgrade_text = {};  // see above; empty: say nothing of it
    std::string nonce = {};           // our part; empty: drawn. Set by tests
  };
  struct ClientFirst {
    std::string username;  // UsernameCaseMapped
    std::string authzid;   // as sent, unescaped; empty: none. Whether it may be used is the caller's to say
  };

  explicit ScramServer(Options options);

  [[nodiscard]] Result<ClientFirst> parse(std::string_view client_first);
  // The server-first-message. For an account that does not exist: fake_keys (password.h), and finish() will refuse.
  [[nodiscard]] std::string challenge(const ScramKeys& keys);
  // The server-final-message, `v=…`: the client has proved that it knows the password.
  [[nodiscard]] Result<std::string> finish(std::string_view client_final);

 private:
  enum class Next { parse, challenge, finish, nothing };

  Result<void> check_binding_flag(std::string_view flag);

  Options options_;
  Next next_ = Next::parse;
  std::string binding_input_;  // what `c=` must hold: gs2-header and the binding's bytes
  std::string nonce_;          // the client's, then both
  std::string auth_message_;   // client-first-bare, then server-first
  std::string stored_key_, server_key_;
};

class ScramClient {
 public:
  struct Options {
    ScramMechanism mechanism = {};
    std::string username = {}, password = {}, authzid = {};
    std::string binding_type = {}, binding_data = {};  // for -PLUS: the one that was chosen
    bool could_bind = false;  // we know bindings, the server offered no -PLUS: says so ("y"), which foils downgrades
    std::string downgrade_text = {};  // of the offer that we saw; empty: not looked at
    std::uint32_t min_iterations = kMinIterations;
    std::uint32_t max_iterations = kMaxIterations;
    std::string nonce = {};  // our part; empty: drawn. Set by tests
  };

  explicit ScramClient(Options options);

  // Errc::not_acceptable when the user name cannot be one.
  [[nodiscard]] Result<std::string> first();
  // The client-final-message. Runs one derivation. Errc::not_acceptable when the password cannot be one, or the
  // server's iterations are out of bounds.
  [[nodiscard]] Result<std::string> respond(std::string_view server_first);
  // Does the server know the password too? Only then is it the server.
  [[nodiscard]] Result<void> verify(std::string_view server_final);

 private:
  enum class Next { first, respond, verify, nothing };

  Options options_;
  Next next_ = Next::first;
  std::string gs2_header_;
  std::string first_bare_;
  std::string server_signature_;
};

}  // namespace anser::core
