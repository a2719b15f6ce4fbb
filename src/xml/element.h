// A small tree for what is off the hot path: iq payloads, stream features, what a feature wants to read or say. Keeps
// text and children in their order, but neither prefixes nor the difference between text, references and CDATA.
// A value, owned by whoever holds it. Names are the program's own or were parsed: they are written as they are. Text
// must be legal (escape.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "xml/escape.h"
#include "xml/limits.h"
#include "xml/name.h"

namespace anser::xml {

class Element {
 public:
  explicit Element(Name name) : Element(std::string(name.ns), std::string(name.local)) {}
  explicit Element(std::string ns, std::string local) : ns_(std::move(ns)), local_(std::move(local)) {}

  // Building. Setting an attribute again replaces it. "xml:lang" and its kind are understood.
  Element& attr(std::string_view name, std::string_view value) &;
  Element& attr(Name name, std::string_view value) &;  // in a namespace; the prefix is made up when written
  Element& child(Element element) &;
  Element& child(std::string_view local) &;                         // empty, in my own namespace
  Element& child(std::string_view local, std::string_view text) &;  // with text, in my own namespace
  Element& text(std::string_view text) &;                           // appends

  Element&& attr(std::string_view name, std::string_view value) && { return std::move(attr(name, value)); }
  Element&& attr(Name name, std::string_view value) && { return std::move(attr(name, value)); }
  Element&& child(Element element) && { return std::move(child(std::move(element))); }
  Element&& child(std::string_view local) && { return std::move(child(local)); }
  Element&& child(std::string_view local, std::string_view text) && { return std::move(child(local, text)); }
  Element&& text(std::string_view characters) && { return std::move(text(characters)); }

  // Reading.
  std::string_view ns() const { return ns_; }
  std::string_view local() const { return local_; }
  Name name() const { return {ns_, local_}; }
  bool is(Name name) const { return name == this->name(); }

  std::string_view attr(std::string_view name) const;  // "" if absent
  std::string_view attr(Name name) const;
  bool has_attr(std::string_view name) const;
  bool has_attr(Name name) const;

  std::string text() const;                              // direct character data, joined
  std::string child_text(std::string_view local) const;  // that of the first such child in my namespace, or ""

  const std::vector<Element>& children() const { return children_; }
  const Element* first_child() const { return children_.empty() ? nullptr : &children_.front(); }
  const Element* find(Name name) const;               // first such child, nullptr if none
  const Element* find(std::string_view local) const;  // in my own namespace

  // Self-contained where `default_ns` is the default namespace in scope.
  std::string to_string(std::string_view default_ns = kClientNs) const;
  void append_to(std::string& out, std::string_view default_ns = kClientNs) const;

  friend bool operator==(const Element&, const Element&) = default;  // attributes in the same order

 private:
  struct Attr {
    std::string ns, local, value;
    friend bool operator==(const Attr&, const Attr&) = default;
  };
  struct Text {
    std::uint32_t before_child;  // stands before that child, or at the end
    std::string characters;
    friend bool operator==(const Text&, const Text&) = default;
  };

  const Attr* find_attr(Name name) const;

  std::string ns_, local_;
  std::vector<Attr> attributes_;
  std::vector<Element> children_;
  std::vector<Text> texts_;  // by position; no two at the same one
};

// Exactly one element and nothing around it; the reader's rules and limits. Errc::not_well_formed, policy_violation.
Result<Element> parse_element(std::string_view bytes, std::string_view default_ns = kClientNs,
                              const Limits& limits = {});

}  // namespace anser::xml
