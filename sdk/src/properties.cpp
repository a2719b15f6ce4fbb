// Jive's properties, as Smack 3 writes and reads them (PacketExtension PropertiesExtension of old):
//
//   <properties xmlns="http://www.jivesoftware.com/xmlns/xmpp/properties">
//     <property><name>colour</name><value type="string">blue</value></property> …
//
// They are kept as the extension that they are. What is in it and is not understood stays in it, unread.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "anser/stanza.h"
#include "base/base64.h"
#include "sdk/src/element_access.h"
#include "sdk/src/stanza_access.h"
#include "sdk/src/texts.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kProperties = "properties";
constexpr std::string_view kPropertiesNs = "http://www.jivesoftware.com/xmlns/xmpp/properties";

template <class Number>
std::optional<Property> read_integer(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc{} || stop != end) return std::nullopt;
  return Property{number};
}

// The power of ten of what `text`, a number too large or too small for its type, begins with: where its first digit
// that is not 0 stands. Positive: too large.
long magnitude(std::string_view text) {
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::string_view mantissa = text.substr(0, e);
  const auto first = static_cast<long>(mantissa.find_first_of("123456789"));
  const auto point = static_cast<long>(std::min(mantissa.find('.'), mantissa.size()));
  std::string_view exponent = text.substr(std::min(e + 1, text.size()));
  const bool negative = exponent.starts_with('-');
  if (negative || exponent.starts_with('+')) exponent.remove_prefix(1);
  long power = 0;
  if (std::from_chars(exponent.data(), exponent.data() + exponent.size(), power).ec == std::errc::result_out_of_range) {
    power = std::numeric_limits<long>::max() / 2;
  }
  return point - first + (negative ? -power : power);
}

// What Java's valueOf takes, but for hexadecimal: white space around it, a sign, NaN, Infinity, a type's letter.
template <class Number>
std::optional<Property> read_real(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  text = text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto signed_ = [negative](Number number) { return Property{negative ? -number : number}; };
  if (text == "NaN") return signed_(std::numeric_limits<Number>::quiet_NaN());
  if (text == "Infinity") return signed_(std::numeric_limits<Number>::infinity());
  if (!text.empty() && std::string_view("fFdD").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  // from_chars knows words of its own, and would take a second sign.
  if (text.empty() || (text[0] != '.' && (text[0] < '0' || text[0] > '9'))) return std::nullopt;

  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  if (stop != end) return std::nullopt;
  if (problem == std::errc::result_out_of_range) {
    return signed_(magnitude(text) > 0 ? std::numeric_limits<Number>::infinity() : Number{0});
  }
  return problem == std::errc{} ? std::optional{signed_(number)} : std::nullopt;
}

std::optional<Property> read_boolean(std::string_view text) {
  if (same_language(text, "true")) return Property{true};
  if (same_language(text, "false")) return Property{false};
  return std::nullopt;
}

std::optional<Property> read_object(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });  // lines of MIME
  auto bytes = base64_decode(text);
  if (!bytes) return std::nullopt;
  return Property{JavaObject{*std::move(bytes)}};
}

std::optional<Property> read_value(const xml::Element& value) {
  const std::string_view type = value.attr("type");
  std::string text = value.text();
  if (type == "integer") return read_integer<std::int32_t>(text);
  if (type == "long") return read_integer<std::int64_t>(text);
  if (type == "float") return read_real<float>(text);
  if (type == "double") return read_real<double>(text);
  if (type == "boolean") return read_boolean(text);
  if (type == "string") return Property{std::move(text)};
  if (type == "java-object") return read_object(std::move(text));
  return std::nullopt;
}

// Which type attribute and which text a value has.
struct Written {
  std::string_view type;
  std::string text;
};

struct Write {
  template <class Number>
  static std::string digits(Number number) {
    char buffer[32];
    return {buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr};
  }
  template <class Number>
  static std::string real(Number number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return digits(number);
  }

  Written operator()(std::int32_t number) const { return {"integer", digits(number)}; }
  Written operator()(std::int64_t number) const { return {"long", digits(number)}; }
  Written operator()(float number) const { return {"float", real(number)}; }
  Written operator()(double number) const { return {"double", real(number)}; }
  Written operator()(bool truth) const { return {"boolean", truth ? "true" : "false"}; }
  Written operator()(const std::string& text) const { return {"string", text}; }
  Written operator()(const JavaObject& object) const { return {"java-object", base64_encode(object.serialized)}; }
};

xml::Element property_element(std::string_view name, const Property& value) {
  const Written written = std::visit(Write{}, value);
  xml::Element element{xml::Name{kPropertiesNs, "property"}};
  element.child("name", name);
  element.child(xml::Element{xml::Name{kPropertiesNs, "value"}}.attr("type", written.type).text(written.text));
  return element;
}

bool is_property(const xml::Element& child) { return child.is({kPropertiesNs, "property"}) && child.find("name"); }

// The children of all <properties/> in one, but for the properties of that name (and an <xml:a/> of a stranger, which
// cannot be said again).
xml::Element others(const Stanza& stanza, std::string_view name) {
  xml::Element kept{xml::Name{kPropertiesNs, kProperties}};
  for (const Stanza::Extension& extension : stanza.raw_extensions()) {
    if (extension.name != kProperties || extension.ns != kPropertiesNs) continue;
    const auto element = ElementAccess::parse(extension.xml);
    if (!element) continue;
    for (const xml::Element& child : element->children()) {
      const bool same = is_property(child) && child.child_text("name") == name;
      if (!same && ElementAccess::is_legal(ElementAccess::wrap(child))) kept.child(child);
    }
  }
  return kept;
}

// `properties` instead of what is there, at the place of the first.
void replace(Stanza& stanza, const xml::Element& properties) {
  auto& extensions = StanzaAccess::extensions(stanza);
  const auto is_ours = [](const Stanza::Extension& e) { return e.name == kProperties && e.ns == kPropertiesNs; };
  auto first = std::find_if(extensions.begin(), extensions.end(), is_ours);
  if (properties.children().empty()) {
    extensions.erase(std::remove_if(first, extensions.end(), is_ours), extensions.end());
    return;
  }
  Stanza::Extension written = ElementAccess::extension(ElementAccess::wrap(properties));
  if (first == extensions.end()) {
    extensions.push_back(std::move(written));
    return;
  }
  *first++ = std::move(written);
  extensions.erase(std::remove_if(first, extensions.end(), is_ours), extensions.end());
}

}  // namespace

std::map<std::string, Property> Stanza::properties() const {
  std::map<std::string, Property> found;
  for (const Extension& extension : extensions_) {
    if (extension.name != kProperties || extension.ns != kPropertiesNs) continue;
    const auto element = ElementAccess::parse(extension.xml);
    if (!element) continue;
    for (const xml::Element& child : element->children()) {
      const xml::Element* const value = is_property(child) ? child.find("value") : nullptr;
      auto read = value ? read_value(*value) : std::nullopt;
      if (read) found.insert_or_assign(child.child_text("name"), *std::move(read));
    }
  }
  return found;
}

std::optional<Property> Stanza::property(std::string_view name) const {
  if (!has_extension(kProperties, kPropertiesNs)) return std::nullopt;
  auto all = properties();
  const auto found = all.find(std::string(name));
  return found == all.end() ? std::nullopt : std::optional{std::move(found->second)};
}

void Stanza::set_property(std::string_view name, Property value) {
  replace(*this, others(*this, name).child(property_element(name, value)));
}

void Stanza::remove_property(std::string_view name) {
  if (has_extension(kProperties, kPropertiesNs)) replace(*this, others(*this, name));
}

}  // namespace anser::sdk
