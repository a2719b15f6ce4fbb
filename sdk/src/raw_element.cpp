#include "sdk/src/raw_element.h"

#include <algorithm>

#include "xml/chars.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kCdata = "<![CDATA[";
constexpr std::string_view kNameEnd = " \t\r\n=/>";

// Where the start tag that `xml` begins with has its '>': one in a value does not count.
std::size_t end_of_tag(std::string_view xml) {
  std::size_t at = 0;
  while (at < xml.size() && xml[at] != '>') {
    if (xml[at] == '\'' || xml[at] == '"') at = std::min(xml.find(xml[at], at + 1), xml.size() - 1);
    ++at;
  }
  return at;
}

bool holds(std::string_view text, char byte) { return text.find(byte) != std::string_view::npos; }

std::string_view skip_space(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && xml::is_space(text[at])) ++at;
  return text.substr(at);
}

// Only the text on the content's own level.
void append_own_text(std::string& out, std::string_view content) {
  for (std::size_t depth = 0; !content.empty();) {
    const std::size_t size = std::min(content.find('<'), content.size());
    if (depth == 0) xml::append_normalized_text(out, content.substr(0, size));
    content.remove_prefix(size);
    if (content.starts_with(kCdata)) {
      content.remove_prefix(kCdata.size());
      const std::size_t end = std::min(content.find("]]>"), content.size());
      if (depth == 0) xml::append_normalized_cdata(out, content.substr(0, end));
      content.remove_prefix(std::min(end + 3, content.size()));
      continue;
    }
    if (content.empty()) return;
    const std::size_t end = end_of_tag(content);
    if (content.starts_with("</")) {
      if (depth > 0) --depth;
    } else if (end > 0 && content[end - 1] != '/') {
      ++depth;
    }
    content.remove_prefix(std::min(end + 1, content.size()));
  }
}

}  // namespace

RawElement::RawElement(std::string_view xml) {
  const std::size_t end = end_of_tag(xml);
  if (end == xml.size()) return;
  const std::size_t name = std::min(xml.find_first_of(kNameEnd), end);
  tag_ = xml.substr(name, end - name);
  if (tag_.ends_with('/')) return;
  content_ = xml.substr(end + 1);
  content_ = content_.substr(0, content_.rfind("</"));
}

std::string_view RawElement::attribute(std::string_view name, std::string& scratch) const {
  for (std::string_view rest = skip_space(tag_); !rest.empty(); rest = skip_space(rest)) {
    const std::string_view found = rest.substr(0, rest.find_first_of(kNameEnd));
    const std::size_t open = rest.find_first_of("'\"");
    if (open == std::string_view::npos) return {};
    const std::size_t close = rest.find(rest[open], open + 1);
    if (close == std::string_view::npos) return {};
    if (found == name) {
      const std::string_view value = rest.substr(open + 1, close - open - 1);
      if (!holds(value, '&') && !holds(value, '\t') && !holds(value, '\n') && !holds(value, '\r')) return value;
      scratch.clear();
      xml::append_normalized_value(scratch, value);
      return scratch;
    }
    rest.remove_prefix(close + 1);
  }
  return {};
}

std::string_view RawElement::text(std::string& scratch) const {
  const bool tags = holds(content_, '<');
  if (!tags && !holds(content_, '&') && !holds(content_, '\r')) return content_;
  scratch.clear();
  if (tags) {
    append_own_text(scratch, content_);
  } else {
    xml::append_normalized_text(scratch, content_);
  }
  return scratch;
}

}  // namespace anser::sdk
