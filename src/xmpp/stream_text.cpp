#include "xmpp/stream_text.h"

#include "core/jid.h"
#include "xml/escape.h"

namespace anser::xmpp {

void append_header(std::string& out, std::string_view host, std::string_view to, std::string_view id, bool version,
                   bool framed) {
  out.append(framed ? "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='"
                    : "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                      "xmlns:stream='http://etherx.jabber.org/streams' id='");
  out.append(id).append("' from='");
  xml::append_escaped_attribute(out, host);
  if (!to.empty()) {
    out.append("' to='");
    xml::append_escaped_attribute(out, to);
  }
  out.append(version ? "' version='1.0' xml:lang='en'" : "' xml:lang='en'").append(framed ? "/>" : ">");
}

std::optional<StreamFailure> check_header(const xml::StreamHeader& header, const domain::Hosts& hosts,
                                          std::string& host, bool framed) {
  host = hosts.all().front().name;
  if (framed && header.ns != xml::kFramingNs)
    return StreamFailure{"invalid-namespace", "a stream begins with <open/> of urn:ietf:params:xml:ns:xmpp-framing"};
  if (framed && header.local != "open") return StreamFailure{"bad-format", "a stream begins with <open/>"};
  if (!framed && header.ns != xml::kStreamsNs)
    return StreamFailure{"invalid-namespace", "a stream is in the namespace http://etherx.jabber.org/streams"};
  if (!framed && header.local != "stream") return StreamFailure{"bad-format", "a stream begins with <stream>"};
  if (!framed && !header.default_ns.empty() && header.default_ns != xml::kClientNs) {
    return StreamFailure{"invalid-namespace", "only jabber:client is served on this port"};
  }
  const auto to = header.attr("to");
  if (to.empty()) return StreamFailure{"improper-addressing", "the stream must say to which host it is addressed"};
  const auto address = core::Jid::parse(to);
  const std::string* name = address && address->is_domain() ? hosts.resolve(address->domain()) : nullptr;
  if (!name) return StreamFailure{"host-unknown", "this host is not served here"};
  host = *name;
  // RFC 6120 §4.7.5. None at all is a client from before the RFCs: it may use jabber:iq:auth where that is allowed.
  const auto version = header.attr("version");
  const auto major = version.substr(0, version.find('.'));
  if (!header.has_attr("version")) return std::nullopt;
  if (major.empty() || major == "0" || major.find_first_not_of("0123456789") != std::string_view::npos) {
    return StreamFailure{"unsupported-version", "version 1.0 is spoken here"};
  }
  return std::nullopt;
}

std::optional<StreamFailure> check_from(const xml::StreamHeader& header, const domain::Hosts& hosts,
                                        const std::string& host, std::optional<core::Jid>& who) {
  who.reset();
  const auto from = header.attr("from");
  if (from.empty()) return std::nullopt;
  const auto address = core::Jid::parse(from);
  auto real = address ? hosts.canonical(*address) : std::nullopt;
  if (!real || real->domain() != host) return StreamFailure{"invalid-from", "`from` is no address of this host"};
  who = real->to_bare();
  return std::nullopt;
}

void append_limits(std::string& out, std::size_t bytes, std::chrono::seconds silence) {
  out.append("<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>").append(std::to_string(bytes));
  out.append("</max-bytes>");
  if (silence.count() > 0)
    out.append("<idle-seconds>").append(std::to_string(silence.count())).append("</idle-seconds>");
  out.append("</limits>");
}

StreamFailure failure_of(const xml::StreamReader& reader) {
  return {xml::condition_of(reader.stream_error()), reader.error().message};
}

Result<xml::Element> to_element(const xml::Stanza& stanza) {
  std::string text = "<s xmlns='";
  xml::append_escaped_attribute(text, stanza.ns);
  text.append("'>").append(stanza.inner).append("</s>");
  auto content = xml::parse_element(text, stanza.ns);
  if (!content) return content;
  xml::Element element{std::string{stanza.ns}, std::string{stanza.local}};
  for (const auto& attribute : stanza.attributes) {
    if (attribute.ns.empty()) element.attr(attribute.local, attribute.value);
  }
  element.text(content->text());
  for (const auto& child : content->children()) element.child(child);
  return element;
}

}  // namespace anser::xmpp
