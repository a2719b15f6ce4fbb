// Stanzas from strangers, on a stream whose header declares a prefix: whatever is taken comes from its own sender,
// holds nothing that only servers write, and is taken as the same again when it is written.
#include "xmpp/stanzas.h"

#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "xml/element.h"

namespace {

using namespace anser;
using Event = xml::StreamReader::Event;

constexpr std::string_view kHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:s='urn:xmpp:sid:0'>";
// Attributes in a namespace are written with a declaration each: what the reader's own limits let in fits into these.
constexpr xml::Limits kWide{.stanza_bytes = 1 << 24, .attributes = 256, .namespaces = 1024};

const domain::Hosts& hosts() {
  static const domain::Hosts hosts{{{"montague.example", {"m.example"}}}, {"192.0.2.7"}};
  return hosts;
}
const core::Jid& romeo() {
  static const core::Jid jid = core::Jid::parse("romeo@montague.example/orchard").value();
  return jid;
}

bool forged(const xml::Element& child) {
  if (child.is({"urn:xmpp:carbons:2", "received"}) || child.is({"urn:xmpp:carbons:2", "sent"}) ||
      child.is({"urn:xmpp:mam:2", "result"}) || child.ns() == "urn:xmpp:occupant-id:0")
    return true;
  const auto ours = [](std::string_view address) {
    const auto jid = core::Jid::parse(address);
    return jid && hosts().canonical(*jid);
  };
  if (child.is({"urn:xmpp:sid:0", "stanza-id"})) return ours(child.attr("by"));
  if (!child.is({"urn:xmpp:delay", "delay"}) && !child.is({"jabber:x:delay", "x"})) return false;
  return child.attr("from").empty() || ours(child.attr("from"));
}

// One stanza that is all there is behind the header.
std::optional<domain::Envelope> taken_again(const std::string& text) {
  xml::StreamReader reader{kWide};
  const std::string stream = std::string{kHeader} + text;
  std::string_view input = stream;
  ANSER_ASSERT(reader.next(input) == Event::header);
  ANSER_ASSERT(reader.next(input) == Event::stanza);
  ANSER_ASSERT(input.empty());
  auto taken = xmpp::take_stanza(reader.stanza(), romeo(), "de", hosts());
  ANSER_ASSERT(!taken.failure && !taken.refused);
  return std::move(taken.envelope);
}

void check(xmpp::Taken taken) {
  ANSER_ASSERT(taken.envelope.from == romeo());
  if (taken.failure) return;
  std::string text;
  if (taken.refused) {  // it goes back with an error
    domain::Envelope& bounce = taken.envelope;
    std::swap(bounce.from, bounce.to);
    bounce.type = domain::Type::error;
    bounce.failure = *taken.refused;
  }
  xmpp::append_stanza(text, taken.envelope, {}, romeo(), nullptr);
  const auto element = xml::parse_element(text, xml::kClientNs, kWide);
  ANSER_ASSERT(element);
  ANSER_ASSERT(element->attr("from") == taken.envelope.from.full());
  ANSER_ASSERT(element->attr("to") == taken.envelope.to.full());
  if (taken.envelope.kind != domain::Kind::iq) {
    for (const auto& child : element->children()) ANSER_ASSERT(!forged(child));
  }
  if (!taken.refused) ANSER_ASSERT(taken_again(text) == taken.envelope);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  xml::StreamReader reader;
  std::string stream{kHeader};
  stream.append(reinterpret_cast<const char*>(data), size);
  std::string_view input = stream;
  ANSER_ASSERT(reader.next(input) == Event::header);
  while (reader.next(input) == Event::stanza) check(xmpp::take_stanza(reader.stanza(), romeo(), "de", hosts()));
  return 0;
}
