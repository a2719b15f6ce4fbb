// Between the public Element and the tree of the layer below.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "anser/stanza.h"
#include "xml/element.h"

namespace anser::sdk {

struct ANSER_HIDDEN Element::Tree {
  xml::Element element;
  bool writable = true;  // every name in it can be said in XML; its text is looked at when it is written
};

struct ElementAccess {
  // Names are the program's own or were parsed; text may be anybody's.
  static Element wrap(xml::Element element);
  static const xml::Element& tree(const Element& element) { return read(element).element; }

  // How a stanza keeps it. One that XML cannot carry has no xml, and Stanza::check() refuses it.
  static Stanza::Extension extension(const Element& element);
  static bool is_legal(const Element& element);  // XML can carry it

  // What is kept in a stanza was written by us or went through the reader, so that it is complete; null if not. The
  // limits are wide, because a child may cross those of the reader once declarations from outside are written into it.
  static std::unique_ptr<xml::Element> parse(std::string_view kept);

  static const Element::Tree& read(const Element& element);
  static Element::Tree& write(Element& element);
};

}  // namespace anser::sdk
