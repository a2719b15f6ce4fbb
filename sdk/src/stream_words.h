// The words of an XMPP stream as a client needs them: names, the header, elements as trees, what an error says. Pure;
// any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sdk/src/fail.h"
#include "xml/element.h"
#include "xml/reader.h"

namespace anser::sdk {

inline constexpr std::string_view kTlsNs = "urn:ietf:params:xml:ns:xmpp-tls";
inline constexpr std::string_view kSaslNs = "urn:ietf:params:xml:ns:xmpp-sasl";
inline constexpr std::string_view kBindNs = "urn:ietf:params:xml:ns:xmpp-bind";
inline constexpr std::string_view kSessionNs = "urn:ietf:params:xml:ns:xmpp-session";
inline constexpr std::string_view kStreamErrorNs = "urn:ietf:params:xml:ns:xmpp-streams";
inline constexpr std::string_view kSasl2Ns = "urn:xmpp:sasl:2";
inline constexpr std::string_view kBind2Ns = "urn:xmpp:bind:0";
inline constexpr std::string_view kManagementNs = "urn:xmpp:sm:3";
inline constexpr std::string_view kCarbonsNs = "urn:xmpp:carbons:2";
inline constexpr std::string_view kCompressNs = "http://jabber.org/protocol/compress";
inline constexpr std::string_view kOldAuthNs = "jabber:iq:auth";

// `from` may be empty, `language` too.
void append_stream_header(std::string& out, std::string_view to, std::string_view from, std::string_view language);

// An element of the stream as a tree. Errc::protocol if it has more of something than a tree takes.
Result<xml::Element> element_of(const xml::Stanza& stanza);

// Text of the server's in a sentence of ours: in one line, and not without end.
std::string shown(std::string_view text);

// The first child in `ns` that is not <text/>, "" if there is none; and the text, in `text_ns`.
std::string condition_of(const xml::Element& error, std::string_view ns);
// "not-authorized", or "not-authorized: too many attempts".
std::string reason_of(const xml::Element& error, std::string_view ns, std::string_view text_ns);

// <stream:error/> as Errc::stream.
Error stream_error(const xml::Element& error);

// An answer of type error as Errc::stanza; `what` is "bind the resource".
Error iq_error(const xml::Element& iq, std::string_view what);

// A host that a server names (RFC 6120 §4.9.3.19): domain, domain:port, [address] or [address]:port. The address comes
// without brackets; port 0: not named.
struct Whereabouts {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const Whereabouts&, const Whereabouts&) = default;
};
std::optional<Whereabouts> whereabouts(std::string_view text);

std::string_view trimmed(std::string_view text);             // without white space around it
std::optional<std::uint32_t> number(std::string_view text);  // decimal digits and nothing else
bool truth(std::string_view text);                           // an xs:boolean

}  // namespace anser::sdk
