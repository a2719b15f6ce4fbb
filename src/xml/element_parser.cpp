// The scanner checks the bytes first, so what builds the tree afterwards need not look out for mistakes.
#include <algorithm>

#include "xml/chars.h"
#include "xml/element.h"
#include "xml/scanner.h"

namespace anser::xml {
namespace {

class Builder {
 public:
  Builder(std::string_view bytes, std::string_view default_ns) : rest_(bytes), scope_{{"", std::string(default_ns)}} {}

  // rest_ is at the element's '<'; afterwards behind it. As deep as the scanner's limits allow.
  Element element();

 private:
  struct RawAttribute {
    std::string_view prefix, local, value;
  };
  struct Binding {
    std::string_view prefix;
    std::string uri;
  };

  std::string_view take(std::size_t bytes) {
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  void skip(std::string_view bytes_of) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(bytes_of), rest_.size()));
  }
  std::string_view take_name() { return take(rest_.find_first_of(" \t\r\n=/>")); }
  static std::pair<std::string_view, std::string_view> split(std::string_view name) {
    const std::size_t colon = name.find(':');
    if (colon == std::string_view::npos) return {{}, name};
    return {name.substr(0, colon), name.substr(colon + 1)};
  }

  std::vector<RawAttribute> take_attributes();
  void take_content(Element& element);
  std::string_view uri_of(std::string_view prefix) const;

  std::string_view rest_;
  std::vector<Binding> scope_;
};

std::string_view Builder::uri_of(std::string_view prefix) const {
  if (prefix == "xml") return kXmlNs;
  const auto found = std::find_if(scope_.rbegin(), scope_.rend(),
                                  [prefix](const Binding& binding) { return binding.prefix == prefix; });
  return found->uri;  // the scanner has seen it; the default namespace is the first of all
}

std::vector<Builder::RawAttribute> Builder::take_attributes() {
  static constexpr std::string_view kSpace = " \t\r\n";
  std::vector<RawAttribute> attributes;
  for (skip(kSpace); rest_[0] != '>' && rest_[0] != '/'; skip(kSpace)) {
    const auto [prefix, local] = split(take_name());
    skip(" \t\r\n=");
    const std::size_t close = rest_.find(rest_[0], 1);
    attributes.push_back({prefix, local, take(close + 1).substr(1, close - 1)});
  }
  return attributes;
}

Element Builder::element() {
  take(1);
  const auto [prefix, local] = split(take_name());
  const std::vector<RawAttribute> attributes = take_attributes();
  const std::size_t outer_scope = scope_.size();
  for (const RawAttribute& attribute : attributes) {
    const bool is_default = attribute.prefix.empty() && attribute.local == "xmlns";
    if (!is_default && attribute.prefix != "xmlns") continue;
    scope_.push_back({is_default ? std::string_view() : attribute.local, {}});
    append_normalized_value(scope_.back().uri, attribute.value);
  }

  Element element{std::string(uri_of(prefix)), std::string(local)};
  for (const RawAttribute& attribute : attributes) {
    if (attribute.prefix == "xmlns" || (attribute.prefix.empty() && attribute.local == "xmlns")) continue;
    std::string value;
    append_normalized_value(value, attribute.value);
    element.attr(Name{attribute.prefix.empty() ? std::string_view() : uri_of(attribute.prefix), attribute.local},
                 value);
  }
  if (take(1) == "/") {
    take(1);
  } else {
    take_content(element);
  }
  scope_.resize(outer_scope);
  return element;
}

// Up to and including the end tag.
void Builder::take_content(Element& element) {
  static constexpr std::string_view kCdata = "<![CDATA[";
  std::string text;
  while (true) {
    append_normalized_text(text, take(rest_.find('<')));
    if (rest_.starts_with(kCdata)) {
      take(kCdata.size());
      append_normalized_cdata(text, take(rest_.find("]]>")));
      take(3);
      continue;
    }
    element.text(text);
    text.clear();
    if (rest_[1] == '/') {
      take(rest_.find('>') + 1);
      return;
    }
    element.child(this->element());
  }
}

}  // namespace

Result<Element> parse_element(std::string_view bytes, std::string_view default_ns, const Limits& limits) {
  if (!bytes.starts_with('<')) return fail(Errc::not_well_formed, "an element was expected");
  Scanner scanner;
  scanner.set_root(0, /*closable=*/false);
  scanner.add_root_binding({}, {0, static_cast<std::uint32_t>(default_ns.size()), Scanner::Source::root});
  scanner.begin(limits);
  const Scanner::Outcome outcome = scanner.scan(bytes, default_ns.data());
  if (outcome == Scanner::Outcome::error) return tl::make_unexpected(scanner.take_error());
  if (outcome == Scanner::Outcome::need_more) return fail(Errc::not_well_formed, "the element is not complete");
  if (scanner.position() != bytes.size()) return fail(Errc::not_well_formed, "something follows the element");
  return Builder(bytes, default_ns).element();
}

}  // namespace anser::xml
