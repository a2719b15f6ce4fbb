#include "sdk/src/forwarded.h"

#include "sdk/src/dates.h"
#include "sdk/src/element_access.h"
#include "sdk/src/fail.h"
#include "sdk/src/stanza_reader.h"

namespace anser::sdk {
namespace {

constexpr xml::Name kForwarded{"urn:xmpp:forward:0", "forwarded"};
constexpr xml::Name kDelay{"urn:xmpp:delay", "delay"};

}  // namespace

Result<Forwarded> read_forwarded(const Element& wrapper) {
  const auto& tree = ElementAccess::tree(wrapper);
  const xml::Element* forwarded = tree.find(kForwarded);
  if (!forwarded || tree.children().size() != 1) return fail(Errc::protocol, "nothing is forwarded, or too much");
  Forwarded result;
  for (const auto& child : forwarded->children()) {
    if (child.is(kDelay)) {
      result.stamp = parse_date(child.attr("stamp"));
      continue;
    }
    if (!child.is({xml::kClientNs, "message"})) return fail(Errc::protocol, "what is forwarded is no message");
    if (result.message) return fail(Errc::protocol, "two messages are forwarded as one");
    auto stanza = read_stanza(child.to_string(""));
    if (!stanza) return pass(stanza);
    result.message = static_cast<Message&&>(**stanza);
  }
  return result;
}

}  // namespace anser::sdk
