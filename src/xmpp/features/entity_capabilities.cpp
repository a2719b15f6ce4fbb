// src/xmpp/features/entity_capabilities.cpp: XEP-0115 Entity Capabilities: the server's own hash stands in the stream
// features; what clients say of theirs travels in their presence, untouched.
#include <algorithm>

#include "base/base64.h"
#include "core/crypto.h"
#include "xmpp/feature.h"

namespace anser::xmpp {

std::string caps_hash(const xml::Element& info) {
  std::vector<std::string> identities, features;
  for (const auto& child : info.children()) {
    if (child.local() == "identity") {
      identities.push_back(std::string{child.attr("category")} + "/" + std::string{child.attr("type")} + "/" +
                           std::string{child.attr("xml:lang")} + "/" + std::string{child.attr("name")});
    } else if (child.local() == "feature") {
      features.emplace_back(child.attr("var"));
    }
  }
  // §5.1: sorted bytewise, each closed by '<'.
  std::sort(identities.begin(), identities.end());
  std::sort(features.begin(), features.end());
  std::string text;
  for (const auto& identity : identities) text.append(identity).append("<");
  for (const auto& feature : features) text.append(feature).append("<");
  return base64_encode(core::digest(core::Hash::sha1, text));
}

Feature entity_capabilities(const Services&) {
  return Feature{
      {.xep = 115, .version = "1.6.0", .title = "Entity Capabilities", .disco = {"http://jabber.org/protocol/caps"}}};
}

}  // namespace anser::xmpp
