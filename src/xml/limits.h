// What one element may cost. Each limit is named in the configuration; the sentence of the error names it too. All of
// them are counted per stanza and hold for the stream's header as well.
#pragma once

#include <cstddef>

namespace anser::xml {

struct Limits {
  std::size_t stanza_bytes = 262144;  // from `<` to `>`; also what `inner` may grow to when it is written again. < 2^30
  unsigned depth = 64;                // nested elements, the stanza itself is 1
  unsigned elements = 10000;          // in one stanza, the stanza itself is 1
  unsigned attributes = 64;           // of one element, namespace declarations included
  unsigned namespaces = 64;           // declarations in scope, those of the stream's header included
  std::size_t name_bytes = 1024;      // of one name with its prefix. < 2^16
};

}  // namespace anser::xml
