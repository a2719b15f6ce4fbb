// What a client says from the first byte until it has a session: pure, one machine per connection, no socket. It takes
// the pieces of the server's stream and answers with bytes and what to do next (RFC 6120 sections 4 to 7, XEP-0077,
// XEP-0198).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/scram.h"
#include "scan.h"

namespace anser::load {

// `fast`: SASL2 with Bind 2, by PLAIN the first time and with the token that came of it (XEP-0484) from then on.
enum class Sasl { plain, scram_sha1, fast };

// The server that is measured, the same for every connection of a run.
struct ServerPlan {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5222;
  std::string domain = "localhost";
  bool tls = false;   // by STARTTLS
  bool acks = false;  // stream management with resumption (XEP-0198)
  Sasl sasl = Sasl::plain;
  // Not XMPP at all: the bare relay of relay.h, spoken to with one line.
  bool bare = false;
};

struct Identity {
  std::string name;
  std::string password;
  std::string resource = "load";
  std::string peer;        // bare relay only: who gets what we send
  std::string agent = {};  // fast only: the client's installation, a UUID of version 4
  std::string token = {};  // fast only: once it has one
  std::string greeting;    // said when the session is bound; reached once the server has taken it in
};

class Dialogue {
 public:
  enum class Goal { session, account };
  enum class Next {
    go_on,      // wait for the next piece
    hand_on,    // a stanza that is not the dialogue's: it came because of the greeting
    start_tls,  // shake hands, then restart
    restart,    // a new stream: say header() again
    reached,    // the session is bound, or the account exists
  };
  struct Step {
    std::string say;
    Next next = Next::go_on;
  };

  Dialogue(const ServerPlan& server, Identity identity, Goal goal);

  std::string header() const;
  bool in_stream() const { return in_stream_; }  // for the scanner: a header was read since the last restart
  // Errors carry what the server said.
  Result<Step> take(Found kind, std::string_view piece);
  void secured() { secured_ = true; }
  bool counts_stanzas() const { return counts_stanzas_; }  // stream management is on
  const Identity& identity() const { return identity_; }

 private:
  enum class Stage {
    features,
    proceed,
    authenticating,
    binding,
    opening_session,
    enabling,
    greeting,
    registering,
    relay,
    done
  };

  Result<Step> on_features(std::string_view features);
  Result<Step> authenticate(std::string_view features);
  Result<Step> on_sasl(std::string_view answer);
  Step authenticate_fast() const;
  Result<Step> on_success(std::string_view answer);
  Result<Step> on_iq(std::string_view answer);
  Step bound();
  Result<Step> on_enabled(std::string_view answer);
  Step greet();
  Step reach();

  const ServerPlan& server_;
  Identity identity_;
  Goal goal_;
  Stage stage_ = Stage::features;
  bool in_stream_ = false;
  bool secured_ = false;
  bool authenticated_ = false;
  bool counts_stanzas_ = false;
  bool wants_session_ = false;  // RFC 3921's, where a server still insists
  std::optional<core::ScramClient> scram_;
};

}  // namespace anser::load
