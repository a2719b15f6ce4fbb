#include "xml/element.h"

#include <algorithm>

namespace anser::xml {
namespace {

Name name_of_attribute(std::string_view name) {
  return name.starts_with("xml:") ? Name{kXmlNs, name.substr(4)} : Name{"", name};
}

}  // namespace

Element& Element::attr(std::string_view name, std::string_view value) & { return attr(name_of_attribute(name), value); }

Element& Element::attr(Name name, std::string_view value) & {
  for (Attr& attribute : attributes_) {
    if (attribute.ns == name.ns && attribute.local == name.local) {
      attribute.value = value;
      return *this;
    }
  }
  attributes_.push_back({std::string(name.ns), std::string(name.local), std::string(value)});
  return *this;
}

Element& Element::child(Element element) & {
  children_.push_back(std::move(element));
  return *this;
}

Element& Element::child(std::string_view local) & { return child(Element(ns_, std::string(local))); }

Element& Element::child(std::string_view local, std::string_view text) & {
  return child(Element(ns_, std::string(local)).text(text));
}

Element& Element::text(std::string_view text) & {
  if (text.empty()) return *this;
  const auto position = static_cast<std::uint32_t>(children_.size());
  if (texts_.empty() || texts_.back().before_child != position) texts_.push_back({position, {}});
  texts_.back().characters.append(text);
  return *this;
}

const Element::Attr* Element::find_attr(Name name) const {
  const auto found = std::find_if(attributes_.begin(), attributes_.end(), [name](const Attr& attribute) {
    return attribute.local == name.local && attribute.ns == name.ns;
  });
  return found == attributes_.end() ? nullptr : &*found;
}

std::string_view Element::attr(std::string_view name) const { return attr(name_of_attribute(name)); }

std::string_view Element::attr(Name name) const {
  const Attr* const found = find_attr(name);
  return found ? std::string_view(found->value) : std::string_view();
}

bool Element::has_attr(std::string_view name) const { return has_attr(name_of_attribute(name)); }
bool Element::has_attr(Name name) const { return find_attr(name) != nullptr; }

std::string Element::text() const {
  std::string joined;
  for (const Text& text : texts_) joined.append(text.characters);
  return joined;
}

std::string Element::child_text(std::string_view local) const {
  const Element* const found = find(local);
  return found ? found->text() : std::string();
}

const Element* Element::find(Name name) const {
  const auto found =
      std::find_if(children_.begin(), children_.end(), [name](const Element& child) { return child.is(name); });
  return found == children_.end() ? nullptr : &*found;
}

const Element* Element::find(std::string_view local) const { return find(Name{ns_, local}); }

std::string Element::to_string(std::string_view default_ns) const {
  std::string out;
  append_to(out, default_ns);
  return out;
}

void Element::append_to(std::string& out, std::string_view default_ns) const {
  out.append("<").append(local_);
  if (ns_ != default_ns) append_attribute(out, {"", "xmlns"}, ns_);
  unsigned number = 0;
  for (const Attr& attribute : attributes_) {
    append_attribute(out, {attribute.ns, attribute.local}, attribute.value, number++);
  }
  if (children_.empty() && texts_.empty()) {
    out.append("/>");
    return;
  }

  out += '>';
  auto text = texts_.begin();
  for (std::uint32_t i = 0; i <= children_.size(); ++i) {
    if (text != texts_.end() && text->before_child == i) append_escaped(out, (text++)->characters);
    if (i < children_.size()) children_[i].append_to(out, ns_);
  }
  out.append("</").append(local_).append(">");
}

}  // namespace anser::xml
