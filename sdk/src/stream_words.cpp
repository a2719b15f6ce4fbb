#include "sdk/src/stream_words.h"

#include <charconv>

#include "sdk/src/stanza_error.h"
#include "xml/escape.h"
#include "xml/writer.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

const xml::Element* condition_element(const xml::Element& error, std::string_view ns) {
  for (const auto& child : error.children()) {
    if (child.ns() == ns && child.local() != "text") return &child;
  }
  return nullptr;
}

}  // namespace

void append_stream_header(std::string& out, std::string_view to, std::string_view from, std::string_view language) {
  out.append("<?xml version='1.0'?>");
  xml::Writer writer{out};
  writer.open("stream:stream").attr_if("from", from).attr("to", to).attr("version", "1.0");
  writer.attr_if("xml:lang", language).attr("xmlns", xml::kClientNs).attr("xmlns:stream", xml::kStreamsNs);
  writer.finish_tag();
}

Result<xml::Element> element_of(const xml::Stanza& stanza) {
  std::string text = "<e xmlns='";
  xml::append_escaped_attribute(text, stanza.ns);
  text.append("'>").append(stanza.inner).append("</e>");
  xml::Limits limits;
  limits.stanza_bytes = text.size() + 1;
  auto content = xml::parse_element(text, stanza.ns, limits);
  if (!content) return pass_as(Errc::protocol, content.error());
  xml::Element element{std::string{stanza.ns}, std::string{stanza.local}};
  for (const auto& attribute : stanza.attributes) {
    if (attribute.ns.empty()) element.attr(attribute.local, attribute.value);
  }
  element.text(content->text());
  for (const auto& child : content->children()) element.child(child);
  return element;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 200;
  std::string line{trimmed(text)};
  if (line.size() > kShown) {
    std::size_t end = kShown;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;  // whole characters
    line.resize(end);
    line += "…";
  }
  for (char& c : line) {
    if (kSpace.find(c) != kSpace.npos) c = ' ';
  }
  return line;
}

std::string condition_of(const xml::Element& error, std::string_view ns) {
  const auto* condition = condition_element(error, ns);
  return condition ? shown(condition->local()) : std::string{};
}

std::string reason_of(const xml::Element& error, std::string_view ns, std::string_view text_ns) {
  std::string reason = condition_of(error, ns);
  if (reason.empty()) reason = "no reason given";
  const auto* text = error.find({text_ns, "text"});
  if (text && !trimmed(text->text()).empty()) reason.append(": ").append(shown(text->text()));
  return reason;
}

Error stream_error(const xml::Element& error) {
  return {Errc::stream,
          fmt::format("the server ended the stream ({})", reason_of(error, kStreamErrorNs, kStreamErrorNs)),
          condition_of(error, kStreamErrorNs)};
}

Error iq_error(const xml::Element& iq, std::string_view what) {
  const auto* element = iq.find({xml::kClientNs, "error"});
  if (!element) return {Errc::stanza, fmt::format("the server refused to {} (no reason given)", what)};
  const StanzaError error = read_error(element->to_string());
  std::string reason = shown(error.condition);
  if (!trimmed(error.text).empty()) reason.append(": ").append(shown(error.text));
  return {Errc::stanza, fmt::format("the server refused to {} ({})", what, reason), shown(error.condition)};
}

std::optional<Whereabouts> whereabouts(std::string_view text) {
  constexpr std::size_t kLongest = 255;  // of a domain name
  text = trimmed(text);
  Whereabouts there;
  std::string_view port;
  bool with_port = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos) return std::nullopt;
    there.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    with_port = !port.empty();
    if (with_port && !port.starts_with(':')) return std::nullopt;
    if (there.host.find(':') == there.host.npos) return std::nullopt;
  } else {
    const auto colon = text.find(':');
    with_port = colon != text.npos;
    there.host = text.substr(0, colon);
    port = with_port ? text.substr(colon) : std::string_view{};
  }
  if (there.host.empty() || there.host.size() > kLongest) return std::nullopt;
  if (there.host.find_first_of(" \t\r\n/@[]") != there.host.npos) return std::nullopt;
  if (!with_port) return there;
  const auto value = number(port.substr(1));
  if (!value || *value == 0 || *value > 65'535) return std::nullopt;
  there.port = static_cast<std::uint16_t>(*value);
  return there;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

bool truth(std::string_view text) { return trimmed(text) == "true" || trimmed(text) == "1"; }

}  // namespace anser::sdk
