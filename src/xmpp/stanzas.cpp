#include "xmpp/stanzas.h"

#include <charconv>
#include <ctime>
#include <vector>

#include "xml/element.h"
#include "xml/escape.h"

namespace anser::xmpp {
namespace {

using domain::Envelope;
using domain::Kind;
using domain::Type;

constexpr std::string_view kStanzaIdNs = "urn:xmpp:sid:0";
constexpr std::string_view kDelayNs = "urn:xmpp:delay";
constexpr std::string_view kOldDelayNs = "jabber:x:delay";  // XEP-0091
constexpr std::string_view kChatStatesNs = "http://jabber.org/protocol/chatstates";
constexpr std::string_view kHintsNs = "urn:xmpp:hints";
constexpr std::string_view kCarbonsNs = "urn:xmpp:carbons:2";
constexpr std::string_view kReceiptsNs = "urn:xmpp:receipts";
constexpr std::string_view kMarkersNs = "urn:xmpp:chat-markers:0";
constexpr std::string_view kDirectInvitationNs = "jabber:x:conference";
constexpr std::string_view kRoomUserNs = "http://jabber.org/protocol/muc#user";
constexpr std::string_view kRetractNs = "urn:xmpp:message-retract:1";

std::optional<Type> message_type(std::string_view word) {
  if (word == "chat") return Type::chat;
  if (word == "groupchat") return Type::groupchat;
  if (word == "headline") return Type::headline;
  if (word == "error") return Type::error;
  return Type::normal;  // RFC 6121 §5.2.2: anything else is treated so
}

std::optional<Type> presence_type(std::string_view word) {
  if (word.empty()) return Type::available;
  if (word == "unavailable") return Type::unavailable;
  if (word == "subscribe") return Type::subscribe;
  if (word == "subscribed") return Type::subscribed;
  if (word == "unsubscribe") return Type::unsubscribe;
  if (word == "unsubscribed") return Type::unsubscribed;
  if (word == "probe") return Type::probe;
  if (word == "error") return Type::error;
  return std::nullopt;
}

std::optional<Type> iq_type(std::string_view word) {
  if (word == "get") return Type::get;
  if (word == "set") return Type::set;
  if (word == "result") return Type::result;
  if (word == "error") return Type::error;
  return std::nullopt;
}

std::string_view word_of(const Envelope& envelope) {
  switch (envelope.type) {
    case Type::normal:
      return envelope.facts.typed ? "normal" : "";
    case Type::chat:
      return "chat";
    case Type::groupchat:
      return "groupchat";
    case Type::headline:
      return "headline";
    case Type::available:
      return "";
    case Type::unavailable:
      return "unavailable";
    case Type::subscribe:
      return "subscribe";
    case Type::subscribed:
      return "subscribed";
    case Type::unsubscribe:
      return "unsubscribe";
    case Type::unsubscribed:
      return "unsubscribed";
    case Type::probe:
      return "probe";
    case Type::get:
      return "get";
    case Type::set:
      return "set";
    case Type::result:
      return "result";
    case Type::error:
      return "error";
  }
  return "";
}

bool names_us(std::string_view address, const domain::Hosts& hosts) {
  const auto jid = core::Jid::parse(address);
  return jid && (hosts.resolve(jid->domain()) || hosts.host_of_groups(jid->domain()));
}

// Elements that only the recipient's server may write: a client that forges one is not believed, whatever the copy.
bool server_owned(const xml::Stanza& stanza, const xml::Child& child, const domain::Hosts& hosts) {
  if (child.ns == kCarbonsNs) return child.local == "received" || child.local == "sent";
  if (child.ns == "urn:xmpp:mam:2") return child.local == "result";
  if (child.ns == "urn:xmpp:occupant-id:0") return true;
  if (child.ns == kRetractNs && child.local == "retracted") return true;  // an archive's tombstone
  const bool stanza_id = child.ns == kStanzaIdNs && child.local == "stanza-id";
  const bool old_delay = child.ns == kOldDelayNs && child.local == "x";
  const bool delay = old_delay || (child.ns == kDelayNs && child.local == "delay");
  if (!stanza_id && !delay) return false;
  // Written again with declarations from outside, a child may cross a limit that it kept before. Nobody forges by that.
  const auto element = xml::parse_element(stanza.raw(child));
  if (!element) return true;
  const auto author = element->attr(stanza_id ? "by" : "from");
  if (delay && author.empty()) return true;  // a delay of nobody's is ours to the reader
  return names_us(author, hosts);
}

// The content as if its forged elements had never been there.
struct Honest {
  std::string inner;
  std::vector<xml::Child> children;
};

Honest without_forgeries(const xml::Stanza& stanza, const domain::Hosts& hosts) {
  Honest honest;
  std::size_t from = 0;
  for (const auto& child : stanza.children) {
    honest.inner.append(stanza.inner.substr(from, child.offset - from));
    from = child.offset + child.length;
    if (server_owned(stanza, child, hosts)) continue;
    honest.children.push_back(child);
    honest.children.back().offset = static_cast<std::uint32_t>(honest.inner.size());
    honest.inner.append(stanza.raw(child));
  }
  honest.inner.append(stanza.inner.substr(from));
  return honest;
}

// XEP-0045 §7.8.2: with an <invite/> it is a mediated invitation.
bool invites(const xml::Stanza& stanza, const xml::Child& child) {
  const auto element = xml::parse_element(stanza.raw(child));
  return element && element->find("invite");
}

void read_message_facts(const xml::Stanza& stanza, Envelope& envelope) {
  auto& facts = envelope.facts;
  bool only_states = !stanza.children.empty();
  bool any_state = false;
  bool invitation = false, room = false;
  for (const auto& child : stanza.children) {
    if (child.ns == kReceiptsNs || child.ns == kMarkersNs || child.ns == kChatStatesNs)
      facts.conversation = true;
    else if (child.ns == kCarbonsNs)
      facts.no_carbons |= child.local == "private";
    else if (child.local == "x" && child.ns == kDirectInvitationNs)
      invitation = true;
    else if (child.local == "x" && child.ns == kRoomUserNs)
      (invites(stanza, child) ? invitation : room) = true;
    const bool ours = child.ns == stanza.ns;
    if (ours && child.local == "body")
      facts.has_body = true;
    else if (ours && child.local == "subject")
      facts.has_subject = true;
    const bool state = child.ns == kChatStatesNs;
    any_state |= state;
    only_states &= state || (ours && child.local == "thread") || child.ns == kHintsNs;
    if (child.ns == kHintsNs) {
      if (child.local == "no-store")
        facts.no_store = true;
      else if (child.local == "no-permanent-store")
        facts.no_permanent_store = true;
      else if (child.local == "no-copy")
        facts.no_copy = true;
      else if (child.local == "store")
        facts.store = true;
    } else if (child.ns == kStanzaIdNs && child.local == "origin-id" && envelope.origin_id.empty()) {
      if (const auto element = xml::parse_element(stanza.raw(child))) envelope.origin_id = element->attr("id");
    } else if (child.ns == kRetractNs && child.local == "retract" && envelope.retracts.empty()) {
      if (const auto element = xml::parse_element(stanza.raw(child))) envelope.retracts = element->attr("id");
    }
  }
  facts.chat_state_only = any_state && only_states;
  facts.conversation |= invitation;
  facts.from_room = room && !invitation;
  // What an error answers is told by what it brings back of it. One that brings back nothing most likely answers what
  // people say to each other.
  if (envelope.type == Type::error && stanza.children.size() <= 1) facts.conversation = true;
  if (envelope.type == Type::error && facts.has_body) facts.conversation = true;
}

// RFC 6121 §4.7.2.3. False when it is no number between -128 and 127.
bool read_priority(const xml::Stanza& stanza, domain::Facts& facts) {
  for (const auto& child : stanza.children) {
    if (child.ns != stanza.ns || child.local != "priority") continue;
    const auto element = xml::parse_element(stanza.raw(child));
    if (!element) return false;
    std::string text = element->text();
    const auto first = text.find_first_not_of(" \t\r\n+");
    const auto last = text.find_last_not_of(" \t\r\n");
    if (first == std::string::npos) return false;
    text = text.substr(first, last - first + 1);
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < -128 || value > 127) return false;
    facts.priority = static_cast<std::int8_t>(value);
    return true;
  }
  return true;
}

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
  out.append(" ").append(name).append("='");
  xml::append_escaped_attribute(out, value);
  out.append("'");
}

}  // namespace

Taken take_stanza(const xml::Stanza& written, const core::Jid& own, std::string_view stream_lang,
                  const domain::Hosts& hosts) {
  xml::Stanza stanza = written;
  Taken taken;
  Envelope& envelope = taken.envelope;
  envelope.from = own;
  if (stanza.ns != xml::kClientNs) {
    taken.failure = StreamFailure{"unsupported-stanza-type", "only message, presence and iq are understood here"};
    return taken;
  }
  if (stanza.local == "message")
    envelope.kind = Kind::message;
  else if (stanza.local == "presence")
    envelope.kind = Kind::presence;
  else if (stanza.local == "iq")
    envelope.kind = Kind::iq;
  else {
    taken.failure = StreamFailure{"unsupported-stanza-type", "only message, presence and iq are understood here"};
    return taken;
  }

  std::string_view to, type;
  bool has_to = false;
  for (const auto& attribute : stanza.attributes) {
    if (attribute.ns.empty() && attribute.local == "to") {
      to = attribute.value;
      has_to = true;
    } else if (attribute.ns.empty() && attribute.local == "type") {
      type = attribute.value;
    } else if (attribute.ns.empty() && attribute.local == "id") {
      envelope.id = attribute.value;
    } else if (attribute.ns.empty() && attribute.local == "from") {
      // RFC 6120 §8.1.2.1: the full address, or the bare one; we write the full one anyway.
      if (attribute.value == own.full() || attribute.value == own.bare()) continue;
      const auto from = core::Jid::parse(attribute.value);
      const auto real = from ? hosts.canonical(*from) : std::nullopt;
      if (real && (*real == own || real->full() == own.bare())) continue;
      taken.failure = StreamFailure{"invalid-from", "stanzas of this stream come from its own address"};
      return taken;
    } else if (attribute.ns == xml::kXmlNs && attribute.local == "lang") {
      envelope.lang = attribute.value;
    } else if (attribute.ns.empty()) {
      append_attribute(envelope.extra, attribute.local, attribute.value);
    } else if (attribute.ns == xml::kXmlNs) {
      append_attribute(envelope.extra, "xml:" + std::string{attribute.local}, attribute.value);
    } else {
      const std::string prefix = "x" + std::to_string(envelope.extra.size());
      append_attribute(envelope.extra, "xmlns:" + prefix, attribute.ns);
      append_attribute(envelope.extra, prefix + ":" + std::string{attribute.local}, attribute.value);
    }
  }
  if (envelope.lang.empty()) envelope.lang = stream_lang;

  const auto refuse = [&](Errc code, std::string_view text) {
    if (!taken.refused) taken.refused = Error{code, std::string{text}};
  };
  const auto understood = envelope.kind == Kind::message    ? message_type(type)
                          : envelope.kind == Kind::presence ? presence_type(type)
                                                            : iq_type(type);
  if (understood) {
    envelope.type = *understood;
    envelope.facts.typed = envelope.type == Type::normal && type == "normal";
  } else {
    envelope.type = envelope.kind == Kind::iq ? Type::get : Type::available;
    refuse(Errc::bad_request, "the type attribute has no such value");
  }
  if (has_to) {
    auto address = core::Jid::parse(to);
    if (address)
      envelope.to = std::move(*address);
    else
      refuse(Errc::jid_malformed, address.error().message);
  }

  Honest honest;
  bool forged = false;
  if (envelope.kind != Kind::iq) {
    for (const auto& child : stanza.children) forged |= server_owned(stanza, child, hosts);
  }
  if (forged) {
    honest = without_forgeries(stanza, hosts);
    stanza.inner = honest.inner;
    stanza.children = honest.children;
  }

  envelope.facts.has_payload = !stanza.children.empty();
  switch (envelope.kind) {
    case Kind::message:
      read_message_facts(stanza, envelope);
      break;
    case Kind::presence:
      if (!read_priority(stanza, envelope.facts))
        refuse(Errc::bad_request, "the priority is no integer from -128 to 127");
      break;
    case Kind::iq: {
      const bool request = envelope.type == Type::get || envelope.type == Type::set;
      if (envelope.id.empty()) refuse(Errc::bad_request, "an iq needs an id");
      if (request && stanza.children.size() != 1) refuse(Errc::bad_request, "a request has exactly one child element");
      if (envelope.type == Type::result && stanza.children.size() > 1)
        refuse(Errc::bad_request, "a result has at most one child element");
      break;
    }
  }

  const std::size_t attributes = envelope.extra.size() + envelope.id.size() + envelope.lang.size() +
                                 envelope.origin_id.size() + envelope.retracts.size();
  if (attributes > kMaxAttributes) {
    taken.failure = StreamFailure{"policy-violation",
                                  fmt::format("the attributes of a stanza may have {} bytes together", kMaxAttributes)};
    return taken;
  }
  if (stanza.inner.size() > kMaxContent) {
    taken.failure =
        StreamFailure{"policy-violation", fmt::format("the content of a stanza may have {} bytes", kMaxContent)};
    return taken;
  }
  envelope.inner = domain::Bytes::copy(stanza.inner);
  return taken;
}

namespace {

void append_as(std::string& out, const Envelope& envelope, const domain::Stamp& stamp, bool alone, const core::Jid& own,
               const domain::ArchiveIds* ids) {
  const std::string_view name = envelope.kind == Kind::message    ? "message"
                                : envelope.kind == Kind::presence ? "presence"
                                                                  : "iq";
  out.append("<").append(name);
  if (alone) out.append(" xmlns='jabber:client'");
  if (!envelope.from.empty()) append_attribute(out, "from", envelope.from.full());
  if (!envelope.to.empty()) append_attribute(out, "to", envelope.to.full());
  if (const auto word = word_of(envelope); !word.empty()) out.append(" type='").append(word).append("'");
  if (!envelope.id.empty()) append_attribute(out, "id", envelope.id);
  if (!envelope.lang.empty()) append_attribute(out, "xml:lang", envelope.lang);
  out.append(envelope.extra);

  const bool identified = ids && stamp.archived && stamp.sequence != 0;
  const bool empty =
      envelope.inner.empty() && !envelope.failure && !stamp.delayed && !identified && envelope.retracted == Time{};
  if (empty) {
    out.append("/>");
    return;
  }
  out.append(">").append(envelope.inner.view());
  if (envelope.failure) append_stanza_error(out, *envelope.failure);
  if (envelope.retracted != Time{}) {
    out.append("<retracted xmlns='").append(kRetractNs).append("'");
    append_attribute(out, "id", envelope.retracts);
    out.append(" stamp='").append(to_xmpp_date(envelope.retracted)).append("'/>");
  }
  if (identified) {
    out.append("<stanza-id xmlns='").append(kStanzaIdNs).append("'");
    append_attribute(out, "by", own.bare());
    out.append(" id='").append(ids->make(own.bare(), stamp.sequence)).append("'/>");
  }
  if (stamp.delayed) {
    out.append("<delay xmlns='urn:xmpp:delay' from='").append(envelope.to.domain());
    out.append("' stamp='").append(to_xmpp_date(stamp.time)).append("'/>");
  }
  out.append("</").append(name).append(">");
}

}  // namespace

void append_stanza(std::string& out, const Envelope& envelope, const domain::Stamp& stamp, const core::Jid& own,
                   const domain::ArchiveIds* ids, bool alone) {
  if (stamp.copy == domain::Copy::none) return append_as(out, envelope, stamp, alone, own, ids);
  const std::string_view how = stamp.copy == domain::Copy::sent ? "sent" : "received";
  out.append(alone ? "<message xmlns='jabber:client'" : "<message");
  append_attribute(out, "from", own.bare());
  append_attribute(out, "to", own.full());
  if (const auto word = word_of(envelope); !word.empty()) out.append(" type='").append(word).append("'");
  out.append("><").append(how).append(" xmlns='").append(kCarbonsNs);
  out.append("'><forwarded xmlns='urn:xmpp:forward:0'>");
  append_as(out, envelope, stamp, true, own, ids);
  out.append("</forwarded></").append(how).append("></message>");
}

}  // namespace anser::xmpp
