// From Errc to XMPP's own words: the one table of stanza errors (RFC 6120 §8.3.3, with the legacy codes of XEP-0086
// that old clients still test) and the conditions of stream errors (§4.9.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "domain/session.h"
#include "xml/reader.h"

namespace anser::xmpp {

inline constexpr std::string_view kStanzasNs = "urn:ietf:params:xml:ns:xmpp-stanzas";
inline constexpr std::string_view kStreamErrorsNs = "urn:ietf:params:xml:ns:xmpp-streams";

struct StanzaError {
  std::string_view type;  // auth, cancel, modify, wait
  std::string_view condition;
  std::string_view code;   // legacy
  std::string_view extra;  // an application-specific condition, written already
};
StanzaError stanza_error_of(Errc code);

// Appends <error …>…</error>.
void append_stanza_error(std::string& out, const Error& error);

struct StreamFailure {
  std::string_view condition;       // static storage
  std::string text;                 // for people; may be empty
  std::string extra = {};           // an application-specific condition, written already
  std::uint16_t close_code = 1000;  // of a WebSocket's close frame (RFC 6455 §7.4)
};
StreamFailure stream_failure_of(domain::CloseReason reason);

// Appends <stream:error>…</stream:error>.
void append_stream_error(std::string& out, const StreamFailure& failure);

}  // namespace anser::xmpp
