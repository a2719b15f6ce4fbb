#include "xml/writer.h"

#include "base/assert.h"

namespace anser::xml {

Writer& Writer::open(std::string_view name) {
  finish_tag();
  ANSER_ASSERT(depth_ < kMaxDepth);
  out_ += '<';
  open_[depth_++] = {out_.size(), name.size()};
  out_.append(name);
  in_tag_ = true;
  return *this;
}

Writer& Writer::open(std::string_view name, std::string_view ns) { return open(name).attr("xmlns", ns); }

Writer& Writer::attr(std::string_view name, std::string_view value) {
  ANSER_ASSERT(in_tag_);
  out_.append(" ").append(name).append("='");
  append_escaped_attribute(out_, value);
  out_ += '\'';
  return *this;
}

Writer& Writer::attr_if(std::string_view name, std::string_view value) {
  return value.empty() ? *this : attr(name, value);
}

Writer& Writer::raw_attrs(std::string_view escaped) {
  ANSER_ASSERT(in_tag_);
  out_.append(escaped);
  return *this;
}

Writer& Writer::text(std::string_view text) {
  if (text.empty()) return *this;
  finish_tag();
  append_escaped(out_, text);
  return *this;
}

Writer& Writer::raw(std::string_view xml) {
  if (xml.empty()) return *this;
  finish_tag();
  out_.append(xml);
  return *this;
}

Writer& Writer::close() {
  ANSER_ASSERT(depth_ > 0);
  const Open name = open_[--depth_];
  if (in_tag_) {
    out_.append("/>");
    in_tag_ = false;
    return *this;
  }
  out_.append("</");
  out_.append(out_, name.offset, name.size);
  out_ += '>';
  return *this;
}

Writer& Writer::finish_tag() {
  if (in_tag_) out_ += '>';
  in_tag_ = false;
  return *this;
}

}  // namespace anser::xml
