#include "sdk/src/debugger.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>

#include "anser/connection.h"
#include "sdk/src/fail.h"
#include "xml/writer.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kBlank = "…";

// Elements whose text is a secret: SASL's messages in both profiles, passwords of jabber:iq:auth and
// jabber:iq:register, and tokens. Their names are enough: to blank too much does no harm.
constexpr std::array<std::string_view, 14> kSecret{"auth",
                                                   "response",
                                                   "challenge",
                                                   "success",
                                                   "initial-response",
                                                   "additional-data",
                                                   "password",
                                                   "digest",
                                                   "hash",
                                                   "authorization-token",
                                                   "key",
                                                   "token",
                                                   "data",
                                                   "salt"};

bool is_secret(std::string_view name) {
  const auto colon = name.find(':');
  const std::string_view local = colon == std::string_view::npos ? name : name.substr(colon + 1);
  return std::find(kSecret.begin(), kSecret.end(), local) != kSecret.end();
}

void append_tag(std::string& out, std::string_view name, std::string_view ns,
                std::span<const xml::Attribute> attributes, bool stream) {
  out += '<';
  if (stream) out += "stream:";
  out += name;
  out += " xmlns='";
  xml::append_escaped(out, ns);
  out += '\'';
  for (const xml::Attribute& attribute : attributes) {
    out += ' ';
    if (attribute.ns == xml::kXmlNs) out += "xml:";
    out += attribute.local;
    out += "='";
    xml::append_escaped(out, attribute.value);
    out += '\'';
  }
}

std::string line_of(Direction direction, std::string_view xml) {
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto ms = now.time_since_epoch().count() % 1000;
  return fmt::format("{:%F %T}.{:03} {} {}\n", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), ms,
                     direction == Direction::sent ? "→" : "←", xml);
}

}  // namespace

// Good enough for what the library writes and for what the reader has accepted: no comments, no CDATA with '<' in it.
std::string blanked(std::string_view xml) {
  const bool registers = xml.find("jabber:iq:register") != std::string_view::npos;  // maybe in a form's <value/>
  std::string out;
  out.reserve(xml.size());
  std::size_t at = 0;
  while (at < xml.size()) {
    const auto open = xml.find('<', at);
    if (open == std::string_view::npos) break;
    const auto close = xml.find('>', open);
    if (close == std::string_view::npos) break;
    out += xml.substr(at, close + 1 - at);
    at = close + 1;
    const std::string_view tag = xml.substr(open + 1, close - open - 1);
    if (tag.empty() || tag.front() == '/' || tag.back() == '/' || tag.front() == '?' || tag.front() == '!') continue;
    const auto end = tag.find_first_of(" \t\r\n");
    const std::string_view name = tag.substr(0, end);
    if (!is_secret(name) && !(registers && name == "value")) continue;
    const auto next = xml.find('<', at);
    if (next != std::string_view::npos && next > at) {
      out += kBlank;
      at = next;
    }
  }
  out += xml.substr(at);
  return out;
}

void DebugView::show(Direction direction, std::string_view xml) const {
  if (alive_ && !*alive_) return;
  try {
    debugger_(direction, xml);
  } catch (...) {
  }
}

void DebugView::sent(std::string_view xml) const {
  if (on()) show(Direction::sent, blanked(xml));
}

void DebugView::received(const xml::StreamHeader& header) const {
  if (!on()) return;
  std::string text;
  append_tag(text, header.local, header.default_ns, header.attributes, true);
  show(Direction::received, text + '>');
}

void DebugView::received(const xml::Stanza& stanza) const {
  if (!on()) return;
  std::string text;
  append_tag(text, stanza.local, stanza.ns, stanza.attributes, false);
  if (stanza.inner.empty()) {
    text += "/>";
  } else {
    text += '>';
    text += stanza.inner;
    fmt::format_to(std::back_inserter(text), "</{}>", stanza.local);
  }
  show(Direction::received, blanked(text));
}

void DebugView::received_end() const {
  if (on()) show(Direction::received, "</stream:stream>");
}

void DebugView::note(std::string_view line) const {
  if (on()) show(Direction::received, fmt::format("<!-- {} -->", line));
}

Debugger debug_to(std::ostream& stream) {
  auto mutex = std::make_shared<std::mutex>();  // connections on several loops may share the stream
  return [&stream, mutex](Direction direction, std::string_view xml) {
    const std::lock_guard lock{*mutex};
    stream << line_of(direction, xml) << std::flush;
  };
}

Result<Debugger> debug_to_file(const std::string& path) {
  auto file = std::make_shared<std::ofstream>(path, std::ios::app);
  if (!*file) return fail(Errc::io, "cannot write to {}", path);
  auto show = debug_to(*file);
  return [file, show = std::move(show)](Direction direction, std::string_view xml) { show(direction, xml); };
}

}  // namespace anser::sdk
