// src/xmpp/features/entity_capabilities.cpp: XEP-0115 Entity Capabilities: the server's own hash stands in the stream
// features; what clients say of theirs travels in their presence, untouched.
#include <algorithm>
#include <map>

#include "base/base64.h"
#include "core/crypto.h"
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr std::string_view kFormsNs = "jabber:x:data";

// §5.1: sorted bytewise, then each closed by '<'; the other way round a name that begins another would come after it.
std::string closed(std::vector<std::string> parts) {
  std::sort(parts.begin(), parts.end());
  std::string text;
  for (const auto& part : parts) text.append(part).append("<");
  return text;
}

std::string values_of(const xml::Element& field) {
  std::vector<std::string> values;
  for (const auto& child : field.children()) {
    if (child.local() == "value") values.push_back(child.text());
  }
  return closed(std::move(values));
}

using Sorted = std::multimap<std::string, std::string>;

std::string joined(const Sorted& parts) {
  std::string text;
  for (const auto& [key, part] : parts) text.append(part);
  return text;
}

// A form of XEP-0128; without a hidden FORM_TYPE it does not count (§5.4).
void add_form(Sorted& forms, const xml::Element& form) {
  std::string type;
  Sorted fields;
  for (const auto& field : form.children()) {
    if (field.local() != "field") continue;
    const std::string name{field.attr("var")};
    if (name != "FORM_TYPE")
      fields.emplace(name, name + "<" + values_of(field));
    else if (field.attr("type") == "hidden")
      type = values_of(field);
  }
  if (!type.empty()) forms.emplace(type, type + joined(fields));
}

}  // namespace

std::string caps_hash(const xml::Element& info) {
  std::vector<std::string> identities, features;
  Sorted forms;
  for (const auto& child : info.children()) {
    if (child.is({kFormsNs, "x"})) {
      add_form(forms, child);
    } else if (child.local() == "identity") {
      identities.push_back(std::string{child.attr("category")} + "/" + std::string{child.attr("type")} + "/" +
                           std::string{child.attr("xml:lang")} + "/" + std::string{child.attr("name")});
    } else if (child.local() == "feature") {
      features.emplace_back(child.attr("var"));
    }
  }
  const std::string text = closed(std::move(identities)) + closed(std::move(features)) + joined(forms);
  return base64_encode(core::digest(core::Hash::sha1, text));
}

Feature entity_capabilities(const Services&) {
  return Feature{
      {.xep = 115, .version = "1.6.0", .title = "Entity Capabilities", .disco = {"http://jabber.org/protocol/caps"}}};
}

}  // namespace anser::xmpp
