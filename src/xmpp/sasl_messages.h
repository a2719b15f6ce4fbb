// What clients say to log in, as values: the text of SASL's elements (RFC 6120 §6.4), PLAIN (RFC 4616), whom an
// authorization identity names (§6.3.8), and the form of jabber:iq:auth (XEP-0078). Strangers' words, so everything
// here is pure, bounded by the stanza limit before login, and fuzzed. SCRAM's messages are core/scram.h's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/jid.h"
#include "domain/hosts.h"
#include "door/names.h"
#include "xml/element.h"

namespace anser::xmpp {

using door::name_at_host;

// The message in <auth/> (`begins`) or <response/>: base64, `=` for an empty one. Nothing when <auth/> brings none.
// Errc::bad_request: <incorrect-encoding/>.
Result<std::optional<std::string>> decode_sasl_text(std::string_view text, bool begins);

struct PlainMessage {
  std::string authzid;   // empty: none
  std::string username;  // as sent, not empty
  std::string password;  // not empty
};
// message = authzid NUL username NUL password, all UTF-8. Errc::bad_request: <malformed-request/>.
Result<PlainMessage> parse_plain(std::string_view message);

// May who logs in as `account` (bare) ask for `authzid`? Only for none, the own name, or the own bare address.
bool may_act_as(std::string_view authzid, const core::Jid& account, const domain::Hosts& hosts);

struct OldLogin {
  std::string username, resource;  // not empty
  std::string password;
};
// The `set` of jabber:iq:auth, password form. Errc::not_acceptable: something is missing.
Result<OldLogin> read_old_login(const xml::Element& query);

}  // namespace anser::xmpp
