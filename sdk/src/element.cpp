#include "anser/element.h"

#include <algorithm>

#include "sdk/src/element_access.h"
#include "sdk/src/fail.h"
#include "sdk/src/legal.h"

namespace anser::sdk {
namespace {

// What Element::parse promises. Elements are bounded by the bytes.
constexpr xml::Limits kParseLimits{
    .stanza_bytes = 1 << 20, .depth = 64, .elements = 1 << 20, .attributes = 256, .namespaces = 1024};
constexpr xml::Limits kKeptLimits{.stanza_bytes = (1 << 30) - 1,
                                  .depth = 1000,
                                  .elements = 1 << 30,
                                  .attributes = 1 << 16,
                                  .namespaces = 1 << 20,
                                  .name_bytes = (1 << 16) - 1};

// <xml:a/> can be read, but not be said without a prefix.
bool has_writable_names(const xml::Element& element) {
  return is_legal_namespace(element.ns()) &&
         std::all_of(element.children().begin(), element.children().end(), has_writable_names);
}

bool is_legal_attribute(std::string_view name) {
  if (name.starts_with("xml:")) return is_legal_name(name.substr(4));
  return name != "xmlns" && is_legal_name(name);
}

}  // namespace

const Element::Tree& ElementAccess::read(const Element& element) {
  static const Element::Tree moved_from{xml::Element{std::string(), std::string()}, false};
  return element.tree_ ? *element.tree_ : moved_from;
}

Element::Tree& ElementAccess::write(Element& element) {
  if (!element.tree_) element.tree_ = std::make_unique<Element::Tree>(read(element));
  return *element.tree_;
}

Element ElementAccess::wrap(xml::Element element) {
  const bool writable = has_writable_names(element);
  return Element{std::make_unique<Element::Tree>(Element::Tree{std::move(element), writable})};
}

Stanza::Extension ElementAccess::extension(const Element& element) {
  Stanza::Extension extension{std::string(element.name()), std::string(element.ns()), {}};
  if (!read(element).writable) return extension;
  tree(element).append_to(extension.xml);
  if (!xml::is_legal_text(extension.xml)) extension.xml.clear();
  return extension;
}

bool ElementAccess::is_legal(const Element& element) { return !extension(element).xml.empty(); }

std::unique_ptr<xml::Element> ElementAccess::parse(std::string_view kept) {
  auto element = xml::parse_element(kept, xml::kClientNs, kKeptLimits);
  return element ? std::make_unique<xml::Element>(*std::move(element)) : nullptr;
}

Element::Element(std::string_view name, std::string_view ns)
    : tree_(std::make_unique<Tree>(
          Tree{xml::Element{std::string(ns), std::string(name)}, is_legal_name(name) && is_legal_namespace(ns)})) {}
Element::Element(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
Element::Element(const Element& other) : tree_(std::make_unique<Tree>(ElementAccess::read(other))) {}
Element::Element(Element&& other) noexcept = default;
Element& Element::operator=(const Element& other) {
  if (this != &other) tree_ = std::make_unique<Tree>(ElementAccess::read(other));
  return *this;
}
Element& Element::operator=(Element&& other) noexcept = default;
Element::~Element() = default;

Result<Element> Element::parse(std::string_view xml, std::string_view default_ns) {
  auto element = xml::parse_element(xml, default_ns, kParseLimits);
  if (!element) return pass_as(Errc::invalid_argument, element.error());
  return ElementAccess::wrap(*std::move(element));
}

std::string_view Element::name() const { return ElementAccess::tree(*this).local(); }
std::string_view Element::ns() const { return ElementAccess::tree(*this).ns(); }
bool Element::is(std::string_view name, std::string_view ns) const { return ElementAccess::tree(*this).is({ns, name}); }

std::string_view Element::attribute(std::string_view name) const { return ElementAccess::tree(*this).attr(name); }
bool Element::has_attribute(std::string_view name) const { return ElementAccess::tree(*this).has_attr(name); }

Element& Element::set_attribute(std::string_view name, std::string_view value) {
  Tree& tree = ElementAccess::write(*this);
  tree.element.attr(name, value);
  tree.writable = tree.writable && is_legal_attribute(name);
  return *this;
}

std::string Element::text() const { return ElementAccess::tree(*this).text(); }

Element& Element::add_text(std::string_view text) {
  ElementAccess::write(*this).element.text(text);
  return *this;
}

std::vector<Element> Element::children() const {
  std::vector<Element> children;
  children.reserve(ElementAccess::tree(*this).children().size());
  for (const xml::Element& child : ElementAccess::tree(*this).children())
    children.push_back(ElementAccess::wrap(child));
  return children;
}

bool Element::has_child(std::string_view name, std::string_view ns) const {
  return ElementAccess::tree(*this).find({ns, name}) != nullptr;
}

Element Element::child(std::string_view name, std::string_view ns) const {
  const xml::Element* const found = ElementAccess::tree(*this).find({ns, name});
  return found ? ElementAccess::wrap(*found) : Element{"", ""};
}

Element Element::child(std::string_view name) const { return child(name, ns()); }

std::string Element::child_text(std::string_view name) const { return ElementAccess::tree(*this).child_text(name); }

Element& Element::add_child(Element child) {
  const Tree& added = ElementAccess::read(child);
  Tree& tree = ElementAccess::write(*this);
  tree.writable = tree.writable && added.writable;
  tree.element.child(added.element);
  return *this;
}

Element& Element::add_child(std::string_view name, std::string_view text) {
  Tree& tree = ElementAccess::write(*this);
  tree.writable = tree.writable && is_legal_name(name);
  tree.element.child(name, text);
  return *this;
}

std::string Element::to_xml(std::string_view default_ns) const {
  return ElementAccess::tree(*this).to_string(default_ns);
}

bool operator==(const Element& a, const Element& b) { return ElementAccess::tree(a) == ElementAccess::tree(b); }

}  // namespace anser::sdk
