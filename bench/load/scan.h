// Finds where one stanza ends and the next begins, and attributes, and no more: no namespaces, no entities. The servers
// that are measured write well-formed XML, so this costs the generator a fraction of what a parser costs them.
#pragma once

#include <cstddef>
#include <string_view>

namespace anser::load {

enum class Found {
  nothing,  // the bytes end inside something: come again with more
  header,   // the stream's opening tag (with the XML declaration, if there was one)
  stanza,   // one whole element below the stream
  end,      // the stream's closing tag
};

struct Piece {
  Found found = Found::nothing;
  std::size_t start = 0;  // where it begins: white space and an XML declaration are skipped
  std::size_t end = 0;    // one past its last byte; what comes after is the next piece's
};

// The first piece of `bytes`, which must begin between pieces. `in_stream` is false until the header was found.
Piece next_piece(std::string_view bytes, bool in_stream);

// An attribute of the tag that the bytes begin with, as it is written; empty without one.
std::string_view attribute_of(std::string_view bytes, std::string_view name);

}  // namespace anser::load
