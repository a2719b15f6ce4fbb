#include "sdk/src/raw_element.h"

#include <algorithm>

#include "xml/chars.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kCdata = "<![CDATA[";

// Where the start tag that `xml` begins with has its '>': one in a value does not count.
std::size_t end_of_tag(std::string_view xml) {
  std::size_t at = 0;
  while (at < xml.size() && xml[at] != '>') {
    if (xml[at] == '\'' || xml[at] == '"') at = std::min(xml.find(xml[at], at + 1), xml.size() - 1);
    ++at;
  }
  return at;
}

bool ends_name(char c) { return xml::is_space(c) || c == '=' || c == '/' || c == '>'; }

// These are for a few bytes each: find_first_of() would call memchr() for every one of them.
std::size_t size_of_name(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && !ends_name(text[size])) ++size;
  return size;
}

std::size_t find_quote(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] != '\'' && text[at] != '"') ++at;
  return at;
}

bool holds(std::string_view text, char byte) { return text.find(byte) != std::string_view::npos; }

// ASCII without white space other than spaces, tags and references: it means what is written.
bool is_plain(std::string_view text) {
  const char* const end = text.data() + text.size();
  return xml::skip_plain(text.data(), end, '<', '&', '&') == end;
}

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

RawElement::RawElement(std::string_view xml) : behind_name_(xml.substr(size_of_name(xml))) {}

std::string_view RawElement::attribute(std::string_view name, std::string& scratch) const {
  for (std::string_view rest = skip_space(behind_name_); !rest.empty(); rest = skip_space(rest)) {
    if (rest.front() == '>' || rest.front() == '/') return {};
    const std::string_view found = rest.substr(0, size_of_name(rest));
    const std::size_t open = found.size() + find_quote(rest.substr(found.size()));
    if (open == rest.size()) return {};
    const std::size_t close = rest.find(rest[open], open + 1);
    if (close == std::string_view::npos) return {};
    if (found == name) {
      const std::string_view value = rest.substr(open + 1, close - open - 1);
      if (is_plain(value)) return value;
      scratch.clear();
      xml::append_normalized_value(scratch, value);
      return scratch;
    }
    rest.remove_prefix(close + 1);
  }
  return {};
}

std::string_view RawElement::content() const {
  const std::size_t end = end_of_tag(behind_name_);
  if (end == behind_name_.size() || (end > 0 && behind_name_[end - 1] == '/')) return {};
  const std::string_view content = behind_name_.substr(end + 1);
  return content.substr(0, content.rfind("</"));
}

std::string_view RawElement::text(std::string& scratch) const {
  const std::string_view content = this->content();
  if (is_plain(content)) return content;
  const bool tags = holds(content, '<');
  if (!tags && !holds(content, '&') && !holds(content, '\r')) return content;
  scratch.clear();
  if (tags) {
    append_own_text(scratch, content);
  } else {
    xml::append_normalized_text(scratch, content);
  }
  return scratch;
}

}  // namespace anser::sdk
