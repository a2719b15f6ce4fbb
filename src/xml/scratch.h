// What a reader needs only while there is something to read: the scanner, the unfinished bytes, and what the last event
// refers to. An idle connection has none. Each thread keeps a few for its next reader, so that a steady stream of
// stanzas allocates nothing.
#pragma once

#include <string>
#include <vector>

#include "xml/reader.h"
#include "xml/scanner.h"

namespace anser::xml {

struct Scratch {
  Scanner scanner;
  bool unfinished = false;   // a token has begun
  bool delivered = false;    // the last event's views may point into what is here
  bool end_follows = false;  // the header was an empty tag
  std::string tail;          // the unfinished token, if its first part is no longer in the caller's buffer

  std::vector<Attribute> attributes;
  std::vector<Child> children;
  std::string rewritten;
  StreamHeader header;
  Stanza stanza;
  StreamError kind = StreamError::not_well_formed;
  Error error;
};

}  // namespace anser::xml
