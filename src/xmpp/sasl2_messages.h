// What clients say to log in by SASL2, as values (XEP-0388 §2.3, with XEP-0198, 0386, 0480 and 0484 inline). Strangers'
// words, so everything here is pure, bounded by the limits before login, and fuzzed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/crypto.h"
#include "core/jid.h"
#include "xml/element.h"

namespace anser::xmpp {

inline constexpr std::string_view kSasl2Ns = "urn:xmpp:sasl:2";
inline constexpr std::string_view kBind2Ns = "urn:xmpp:bind:0";
inline constexpr std::string_view kFastNs = "urn:xmpp:fast:0";
inline constexpr std::string_view kUpgradeNs = "urn:xmpp:sasl:upgrade:0";
inline constexpr std::string_view kScramUpgradeNs = "urn:xmpp:scram-upgrade:0";

struct BindRequest {
  std::string tag;                    // empty: none
  std::vector<xml::Element> enables;  // what the new session shall begin with, in any namespace but Bind 2's
};

struct FastClaim {
  std::optional<std::uint32_t> count;
  bool invalidate = false;
};

struct Authenticate {
  std::string mechanism;               // not empty
  std::optional<std::string> initial;  // base64 as written
  std::string agent;                   // the client's installation, a UUID in lower case; empty: it did not say
  std::optional<BindRequest> bind;
  std::optional<xml::Element> resume;  // of XEP-0198
  std::optional<FastClaim> fast;
  std::string wanted_token;          // the mechanism that it asks for; empty: no token
  std::vector<core::Hash> upgrades;  // of those we know, each once
};

// Errc::bad_request: <malformed-request/>.
Result<Authenticate> read_authenticate(const xml::Element& element);

// The base64 of SASL2's elements: white space around it does not count, as in the XEP's examples.
Result<std::string> decode_sasl2_text(std::string_view text);

// Of a version 4 UUID: its lower-case form.
std::optional<std::string> uuid_v4(std::string_view text);

std::string_view upgrade_task(core::Hash hash);  // "UPGR-SCRAM-SHA-256"

// The resource of a Bind 2 session: tag and id, or the id alone where the tag is none.
std::string bound_resource(const core::Jid& account, const std::string& tag, std::string_view id);

}  // namespace anser::xmpp
