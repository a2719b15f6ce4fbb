// Writes elements into a string, escaped, without building a tree: frames around stanzas, stream headers, the hot path.
//
//   Writer writer{out};
//   writer.open("message").attr("to", to).attr_if("xml:lang", lang).raw(inner).close();
//
// Names are literals. The writer knows no namespaces: say xmlns with open(local, ns) or attr().
// Invariant: at most kMaxDepth elements are open. The string is the caller's and must outlive the writer.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "xml/escape.h"

namespace anser::xml {

class Writer {
 public:
  static constexpr std::size_t kMaxDepth = 16;

  explicit Writer(std::string& out) : out_(out) {}

  Writer& open(std::string_view name);
  Writer& open(std::string_view name, std::string_view ns);        // with xmlns='ns'
  Writer& attr(std::string_view name, std::string_view value);     // right after open()
  Writer& attr_if(std::string_view name, std::string_view value);  // unless the value is empty
  Writer& raw_attrs(std::string_view escaped);                     // written already, with a leading space
  Writer& text(std::string_view text);
  Writer& raw(std::string_view xml);  // written already
  Writer& element(std::string_view name, std::string_view text) { return open(name).text(text).close(); }
  Writer& close();       // the innermost open element
  Writer& finish_tag();  // the start tag's `>`: for a stream header, whose end tag comes much later

  std::size_t depth() const { return depth_; }

 private:
  struct Open {
    std::size_t offset, size;  // of its name in out_
  };

  std::string& out_;
  std::array<Open, kMaxDepth> open_;
  std::size_t depth_ = 0;
  bool in_tag_ = false;
};

}  // namespace anser::xml
