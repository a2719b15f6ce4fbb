// An XML element as a value: a tree of names, attributes, text and children, for what the library has no type for.
// Namespaces are whole; prefixes, comments and the difference between text and CDATA are not kept. Text and children
// keep their order. Different objects may be used by different threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "anser/error.h"
#include "anser/export.h"

namespace anser::sdk {

class ANSER_API Element {
 public:
  // A name and a namespace as in Smack's order. Both must be legal in XML (a name without a colon); a value that is not
  // is Errc::invalid_argument when the element is sent, see Stanza::check().
  Element(std::string_view name, std::string_view ns);
  Element(const Element& other);
  Element(Element&& other) noexcept;
  Element& operator=(const Element& other);
  Element& operator=(Element&& other) noexcept;
  ~Element();

  // Exactly one element and nothing around it, in UTF-8; at most 1 MiB and 64 levels. Without a declaration the names
  // are in `default_ns`. Errc::invalid_argument with what is wrong.
  static Result<Element> parse(std::string_view xml, std::string_view default_ns = "jabber:client");

  std::string_view name() const;
  std::string_view ns() const;
  bool is(std::string_view name, std::string_view ns) const;

  std::string_view attribute(std::string_view name) const;  // "" if absent; "xml:lang" is understood
  bool has_attribute(std::string_view name) const;
  Element& set_attribute(std::string_view name, std::string_view value);

  std::string text() const;  // the element's own character data, joined
  Element& add_text(std::string_view text);

  std::vector<Element> children() const;
  bool has_child(std::string_view name, std::string_view ns) const;
  // The first such child. Without a namespace: in this element's own.
  Element child(std::string_view name, std::string_view ns) const;  // a nameless element if there is none
  Element child(std::string_view name) const;
  std::string child_text(std::string_view name) const;  // "" if there is none
  Element& add_child(Element child);
  Element& add_child(std::string_view name, std::string_view text);  // in this element's namespace

  // Complete by itself where `default_ns` is the default namespace.
  std::string to_xml(std::string_view default_ns = "jabber:client") const;

  friend ANSER_API bool operator==(const Element& a, const Element& b);

 private:
  friend struct ElementAccess;
  struct Tree;
  explicit Element(std::unique_ptr<Tree> tree);

  std::unique_ptr<Tree> tree_;  // never null but in what was moved from
};

}  // namespace anser::sdk
