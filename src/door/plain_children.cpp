#include "door/plain_children.h"

#include "xml/chars.h"
#include "xml/name.h"

namespace anser::door {
namespace {

// A name of ASCII letters without a colon; empty if there is none.
std::string_view take_name(std::string_view& rest) {
  std::size_t size = 0;
  while (size < rest.size() && (xml::class_of(rest[size]) & xml::byte_class::kName)) ++size;
  const auto name = rest.substr(0, size);
  rest.remove_prefix(size);
  return name;
}

void skip_space(std::string_view& rest) {
  while (!rest.empty() && xml::is_space(rest.front())) rest.remove_prefix(1);
}

bool take(std::string_view& rest, std::string_view text) {
  if (!rest.starts_with(text)) return false;
  rest.remove_prefix(text.size());
  return true;
}

}  // namespace

// From behind the `<` to behind the `>`.
bool PlainChild::read_tag(std::string_view& rest, bool& empty) {
  local_ = take_name(rest);
  ns_ = xml::kClientNs;
  count_ = 0;
  if (local_.empty()) return false;
  for (;;) {
    skip_space(rest);
    empty = take(rest, "/>");
    if (empty || take(rest, ">")) return true;
    const bool lang = take(rest, "xml:");
    const auto name = take_name(rest);
    if (name.empty() || (lang && name != "lang")) return false;
    skip_space(rest);
    if (!take(rest, "=")) return false;  // it has a prefix
    skip_space(rest);
    if (rest.empty() || (rest.front() != '\'' && rest.front() != '"')) return false;
    const auto end = rest.find(rest.front(), 1);
    if (end == std::string_view::npos) return false;
    const auto raw = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (name == "xmlns") {
      if (raw.find_first_of("& \t\r\n") != std::string_view::npos) return false;  // would have to be normalised
      ns_ = raw;
    } else {
      if (count_ == kMaxAttributes) return false;
      attributes_[count_++] = {lang ? std::string_view{"xml:lang"} : name, raw};
    }
  }
}

PlainChild::Found PlainChild::next(std::string_view& rest) {
  const auto start = rest.find('<');
  if (start == std::string_view::npos) return Found::none;
  rest.remove_prefix(start + 1);
  bool empty = false;
  if (!read_tag(rest, empty)) return Found::other;
  raw_ = {};
  if (empty) return Found::child;
  const auto end = rest.find('<');
  if (end == std::string_view::npos) return Found::other;
  raw_ = rest.substr(0, end);
  rest.remove_prefix(end);
  if (!take(rest, "</") || !take(rest, local_)) return Found::other;
  skip_space(rest);
  return take(rest, ">") ? Found::child : Found::other;
}

void PlainChild::attr(std::string_view name, std::string& out) const {
  out.clear();
  for (std::size_t i = 0; i < count_; ++i) {
    if (attributes_[i].name == name) return xml::append_normalized_value(out, attributes_[i].raw);
  }
}

void PlainChild::text(std::string& out) const {
  out.clear();
  xml::append_normalized_text(out, raw_);
}

}  // namespace anser::door
