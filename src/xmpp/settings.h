// What the XMPP door may be told by the configuration. src/app fills it in; a reload replaces the whole value, and a
// stream keeps the one it began with. Units stand in the types; sizes are bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/connection.h"
#include "net/http_proxies.h"
#include "net/websocket_handshake.h"
#include "xml/limits.h"

namespace anser::xmpp {

enum class Registration : std::uint8_t { open, local, closed };

struct Settings {
  bool tls_required = true;  // nothing but STARTTLS before TLS
  bool plain_without_tls = false;
  bool sasl2_without_tls = false;
  bool anonymous = false;
  bool iq_auth = false;                 // XEP-0078
  std::vector<std::string> mechanisms;  // allowed SASL mechanisms, strongest first; empty: all
  std::uint32_t scram_iterations = 10000;
  unsigned attempts_per_stream = 5;                     // RFC 6120 §6.4.5
  std::chrono::seconds token_lifetime{28 * 24 * 3600};  // XEP-0484; 0: no tokens
  std::size_t tokens_per_account = 20;                  // clients that have one

  Registration registration = Registration::local;
  unsigned accounts_per_stream = 1;  // before login
  std::string registration_instructions;

  bool compression = false;  // XEP-0138
  net::CompressionLimits compression_limits;

  xml::Limits limits;
  xml::Limits limits_before_login;
  std::chrono::seconds login_timeout{60};
  std::chrono::seconds stanza_timeout{60};          // from a stanza's first byte to its last
  std::chrono::milliseconds write_timeout{60'000};  // a client that takes nothing of what waits for so long
  std::chrono::seconds ping_after{300};     // silence after which the server asks whether anybody is there; 0: never
  std::chrono::seconds ping_wait{60};       // and how long it waits for an answer; 0: for ever
  std::size_t output_bytes = 1 << 20;       // a client that is further behind is disconnected
  std::size_t backlog_messages = 1000;      // stanzas that wait for a client that does not read
  std::chrono::seconds resume_within{300};  // how long a lost session waits for its client (XEP-0198); 0: not at all
  std::size_t queue_stanzas = 2000;         // of a session with stream management, written or not, until confirmed
  std::size_t queue_bytes = 2 << 20;
  std::size_t held_back_stanzas = 256;       // presence and chat states that wait for an inactive client; 0: none wait
  std::size_t unfinished_bytes = 256 << 20;  // kept of unfinished stanzas, of all cores together
  unsigned uncommitted_stanzas = 64;         // of one session, before it is no longer read from
  std::size_t uncommitted_bytes = 256 * 1024;
  std::uint64_t rate_bytes_per_second = 0;  // of one session; 0 is no limit
  std::uint64_t rate_burst_bytes = 0;
  bool push_sender = false;             // notifications name the sender (XEP-0357)
  bool push_body = false;               // and quote the text
  std::size_t private_bytes = 1 << 20;  // of one account's documents together (XEP-0049, 0054)
  std::size_t vcard_bytes = 256 * 1024;

  // XMPP over WebSocket (RFC 7395). Its messages have the limits of stanzas, whatever stands in `websocket`.
  net::WebSocketSettings websocket;
  bool websocket_passwords_without_tls = false;  // to whoever comes without TLS; this machine may without being told
  net::HttpProxies proxies;                      // they speak TLS with clients and say where these are
  std::string websocket_url;                     // that XEP-0156's files name; empty: where they were asked for
  std::uint16_t https_port = 0;                  // where clients find TLS; 0: nowhere
};

using SharedSettings = std::shared_ptr<const Settings>;

}  // namespace anser::xmpp
