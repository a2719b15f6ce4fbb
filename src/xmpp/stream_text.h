// The words that frame an XMPP stream, shared by the part before login (negotiation) and the part after it (stream).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/jid.h"
#include "domain/hosts.h"
#include "door/names.h"
#include "xml/element.h"
#include "xml/reader.h"
#include "xmpp/errors.h"

namespace anser::xmpp {

using door::for_log;

inline constexpr std::string_view kTlsNs = "urn:ietf:params:xml:ns:xmpp-tls";
inline constexpr std::string_view kSaslNs = "urn:ietf:params:xml:ns:xmpp-sasl";
inline constexpr std::string_view kBindNs = "urn:ietf:params:xml:ns:xmpp-bind";
inline constexpr std::string_view kClientStateNs = "urn:xmpp:csi:0";
inline constexpr std::string_view kCompressNs = "http://jabber.org/protocol/compress";

// Appends the answering header (RFC 6120 §4.2, §4.7), as <open/> if the stream is framed (RFC 7395). `to` may be empty.
void append_header(std::string& out, std::string_view host, std::string_view to, std::string_view id, bool version,
                   bool framed);

// What is wrong with a client's header, or nothing; `host` gets the real name of the host it asked for.
std::optional<StreamFailure> check_header(const xml::StreamHeader& header, const domain::Hosts& hosts,
                                          std::string& host, bool framed);

// `from` is a hint of who will log in (RFC 6120 §4.7.1): it must be of the host that the stream is opened to. `who`
// gets its bare address, or nothing if there is none.
std::optional<StreamFailure> check_from(const xml::StreamHeader& header, const domain::Hosts& hosts,
                                        const std::string& host, std::optional<core::Jid>& who);

// XEP-0478: <limits/>, for the stream features. Zero seconds: silence has no limit.
void append_limits(std::string& out, std::size_t bytes, std::chrono::seconds silence);

StreamFailure failure_of(const xml::StreamReader& reader);

// The stanza as a tree that owns its text; for everything that is not on the hot path.
Result<xml::Element> to_element(const xml::Stanza& stanza);

}  // namespace anser::xmpp
