// Who the client is: its side of SASL (RFC 4422, RFC 6120 §6) in raw messages, for both of XMPP's profiles. It chooses
// the strongest mechanism that both sides have, binds it to the TLS connection where it can (XEP-0440), looks for a
// tampered offer (XEP-0474), and believes in a success only with the server's own proof. base64 and elements are the
// negotiation's. Owned by one login; one thread at a time.
//
// SCRAM's derivation takes milliseconds to seconds, so it is a value of its own, for a worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anser/configuration.h"
#include "core/scram.h"
#include "sdk/src/fail.h"

namespace anser::sdk {

struct Credentials {
  enum class Kind : std::uint8_t { password, anonymous, certificate };

  Kind kind = Kind::password;
  std::string username = {};  // the local part, or the account's bare address
  std::string password = {};
  std::string authzid = {};   // with a certificate: which of its addresses; "" the only one
  std::string resource = {};  // "": the server's choice
  std::string nonce = {};     // our part of SCRAM's; "": drawn. Set by tests
  bool no_plain = false;      // a better mechanism has worked before (XEP-0474 §7)
};

// What SASL needs to know of the TLS connection.
struct TlsState {
  core::ChannelBindings bindings = {};  // those that it has
  std::string version = {};             // "TLSv1.3"
};

struct SaslOffer {
  bool sasl2 = false;  // by XEP-0388
  std::vector<std::string> mechanisms = {};
  std::optional<std::vector<std::string>> binding_types = {};  // XEP-0440, if the server says
};

// run() on any thread; nobody else is needed for it.
class Derivation {
 public:
  void run();

 private:
  friend class SaslClient;
  Derivation(core::ScramClient scram, std::string challenge);

  core::ScramClient scram_;
  std::string challenge_;
  std::optional<anser::Result<std::string>> response_;
};

class SaslClient {
 public:
  // `tls` is null in the clear. What is referred to must live as long as this.
  SaslClient(const ConnectionConfiguration& configuration, const Credentials& credentials, const TlsState* tls,
             SaslOffer offer);

  // Takes the strongest mechanism that has not been tried: its first message. Errc::unsupported when there is none,
  // insecure when there is one that would give the password away, invalid_argument when the credentials can't be any.
  [[nodiscard]] Result<std::string> choose();
  const std::string& mechanism() const { return mechanism_; }
  const std::string& binding() const { return binding_; }  // the type; "": not bound

  // After a challenge: what to respond, or nothing: then derivation() is to be run, and derived() has the response.
  // Errc::protocol, authentication, insecure.
  [[nodiscard]] Result<std::optional<std::string>> challenge(std::string message);
  [[nodiscard]] Derivation derivation();
  [[nodiscard]] Result<std::string> derived(Derivation derivation);

  // The server says that it believes us. `data` came with it. Errc::authentication when it has not shown that it knows
  // the password, protocol.
  [[nodiscard]] Result<void> success(const std::optional<std::string>& data);

  // The server has refused with this condition: whether another mechanism may be chosen. Never after one that judges
  // the credentials.
  [[nodiscard]] bool may_go_on(std::string_view condition) const;

 private:
  enum class Due : std::uint8_t { first, server_first, derived, server_final, success, nothing };

  void look_for_binding(const std::vector<std::string>& wanted);
  bool fits(std::string_view mechanism) const;
  Result<std::string> begin(const std::string& mechanism);
  Result<std::string> begin_scram(core::ScramMechanism mechanism);
  Result<void> verify(std::string_view server_final);

  const ConnectionConfiguration& configuration_;
  const Credentials& credentials_;
  const TlsState* tls_;
  SaslOffer offer_;
  std::vector<std::string> left_;  // to be tried, the strongest first
  std::string usable_binding_;     // for -PLUS
  bool could_bind_ = false;        // but no -PLUS is on offer
  bool offer_must_be_proved_ = false;
  std::string refusal_;  // why none is left, if not because there was none
  std::string mechanism_, binding_;
  std::optional<core::ScramClient> scram_;
  std::string challenge_;
  Due due_ = Due::first;
};

}  // namespace anser::sdk
