// Judges our XML reader: what it says of some bytes must be what expat says of them, however they arrive, and what we
// write must mean the same to expat again. Used by the unit tests on a table of documents and by the fuzz target on
// anything. Every function returns a complaint, empty when there is none.
#pragma once

#include <expat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xml/element.h"
#include "xml/reader.h"

namespace anser::xml::judge {

using Lines = std::vector<std::string>;  // "<ns|local ns|name=value …", "'text", ">"

inline constexpr char kSeparator = '\x01';  // in no namespace, since XML cannot carry it

// What expat made of a document.
struct Verdict {
  Lines lines;
  int depth = 0;
  bool failed = false;
  bool restricted = false;  // a comment, a processing instruction or a DTD was there, expat was stopped
  bool undefined_entity = false;
  XML_Parser parser = nullptr;

  void text(std::string_view characters) {
    if (lines.empty() || lines.back()[0] != '\'') lines.push_back("'");
    lines.back().append(characters);
  }
  void restrict() {
    restricted = true;
    XML_StopParser(parser, XML_FALSE);
  }
};

inline std::string shown_name(std::string_view name) {
  const std::size_t separator = name.find(kSeparator);
  if (separator == std::string_view::npos) return "|" + std::string(name);
  return std::string(name.substr(0, separator)) + "|" + std::string(name.substr(separator + 1));
}

inline Verdict ask_expat(std::string_view bytes, bool final) {
  Verdict verdict;
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreateNS(nullptr, kSeparator),
                                                                            XML_ParserFree);
  verdict.parser = parser.get();
  XML_SetUserData(parser.get(), &verdict);
  XML_SetElementHandler(
      parser.get(),
      [](void* to, const XML_Char* name, const XML_Char** attributes) {
        auto& v = *static_cast<Verdict*>(to);
        std::string line = "<" + shown_name(name);
        for (; *attributes; attributes += 2) line += " " + shown_name(attributes[0]) + "=" + attributes[1];
        v.lines.push_back(line);
        ++v.depth;
      },
      [](void* to, const XML_Char*) {
        auto& v = *static_cast<Verdict*>(to);
        v.lines.push_back(">");
        --v.depth;
      });
  XML_SetCharacterDataHandler(parser.get(), [](void* to, const XML_Char* text, int size) {
    static_cast<Verdict*>(to)->text({text, static_cast<std::size_t>(size)});
  });
  XML_SetCommentHandler(parser.get(), [](void* to, const XML_Char*) { static_cast<Verdict*>(to)->restrict(); });
  XML_SetProcessingInstructionHandler(
      parser.get(), [](void* to, const XML_Char*, const XML_Char*) { static_cast<Verdict*>(to)->restrict(); });
  XML_SetStartDoctypeDeclHandler(parser.get(), [](void* to, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    static_cast<Verdict*>(to)->restrict();
  });
  verdict.failed = XML_Parse(parser.get(), bytes.data(), static_cast<int>(bytes.size()), final) == XML_STATUS_ERROR;
  verdict.undefined_entity = XML_GetErrorCode(parser.get()) == XML_ERROR_UNDEFINED_ENTITY;
  return verdict;
}

inline std::string shown(std::string_view kind, std::string_view ns, std::string_view local,
                         std::span<const Attribute> attributes) {
  std::string line = std::string(kind) + std::string(ns) + "|" + std::string(local);
  for (const Attribute& a : attributes)
    line.append(" ").append(a.ns).append("|").append(a.local).append("=").append(a.value);
  return line;
}

// What our reader made of the bytes.
struct Child {
  std::string ns, local, raw;
};
struct Stanza {
  std::string ns, tag, inner;
  std::vector<judge::Child> children;
  friend bool operator==(const Stanza&, const Stanza&) = default;
};
inline bool operator==(const Child& a, const Child& b) { return a.ns == b.ns && a.local == b.local && a.raw == b.raw; }

struct Reading {
  std::string header;
  std::vector<judge::Stanza> stanzas;
  StreamReader::Event last = StreamReader::Event::need_more;
  StreamError kind = StreamError::not_well_formed;
  std::string error;
  std::size_t consumed = 0;  // up to `end`
  bool between = false;

  bool same_as(const Reading& o) const {
    return header == o.header && stanzas == o.stanzas && last == o.last && error == o.error && kind == o.kind &&
           between == o.between;
  }
};

inline judge::Stanza copy_of(const xml::Stanza& stanza) {
  judge::Stanza copy{
      std::string(stanza.ns), shown("<", stanza.ns, stanza.local, stanza.attributes), std::string(stanza.inner), {}};
  for (const xml::Child& child : stanza.children) {
    copy.children.push_back({std::string(child.ns), std::string(child.local), std::string(stanza.raw(child))});
  }
  return copy;
}

// Feeds `bytes` in pieces that end at `cuts` (ascending), each in memory of its own, so that a view of an earlier piece
// is caught by the address sanitizer.
inline Reading read(std::string_view bytes, const std::vector<std::size_t>& cuts, const Limits& limits = {}) {
  Reading reading;
  StreamReader reader(limits);
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t to = i < cuts.size() ? std::min(cuts[i], bytes.size()) : bytes.size();
    const std::string piece(bytes.substr(from, to - from));
    std::string_view input = piece;
    for (bool more = true; more;) {
      const StreamReader::Event event = reader.next(input);
      reading.last = event;
      more = event == StreamReader::Event::header || event == StreamReader::Event::stanza;
      if (event == StreamReader::Event::header) {
        const StreamHeader& header = reader.header();
        reading.header = shown("<", header.ns, header.local, header.attributes);
      } else if (event == StreamReader::Event::stanza) {
        reading.stanzas.push_back(copy_of(reader.stanza()));
      } else if (event == StreamReader::Event::error) {
        reading.error = reader.error().message;
        reading.kind = reader.stream_error();
      }
    }
    from = to;
    if (reading.last != StreamReader::Event::need_more) break;
  }
  reading.between = reader.between_stanzas();
  return reading;
}

inline std::vector<std::size_t> every_byte(std::size_t size) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 1; i < size; ++i) cuts.push_back(i);
  return cuts;
}

// The lines of `xml` where `ns` is the default namespace and no prefix is declared; nothing if expat will not have it.
inline bool content_lines(std::string_view xml, std::string_view ns, Lines& lines) {
  std::string document = "<r";
  if (!ns.empty() && ns != kXmlNs) {
    document += " xmlns='";
    append_escaped_attribute(document, ns);
    document += "'";
  }
  document.append(">").append(xml).append("</r>");
  Verdict verdict = ask_expat(document, true);
  if (verdict.failed || verdict.restricted) return false;
  lines.assign(verdict.lines.begin() + 1, verdict.lines.end() - 1);
  return true;
}

// The children of a piece of content: each from its start to its end.
inline std::vector<Lines> split_children(const Lines& content) {
  std::vector<Lines> children;
  int depth = 0;
  for (const std::string& line : content) {
    if (line[0] == '<' && depth++ == 0) children.emplace_back();
    if (depth > 0) children.back().push_back(line);
    if (line[0] == '>') --depth;
  }
  return children;
}

// A parsed element, written and read by expat again, must be `expected`; and read by ourselves, equal.
inline std::string judge_element(std::string_view raw, std::string_view ns, const Lines& expected) {
  const auto element = parse_element(raw, ns, {.depth = 1000});
  if (!element) return "parse_element refuses a child that the reader took: " + element.error().message;
  for (const std::string_view outer : {ns, std::string_view("urn:other"), std::string_view()}) {
    if (outer == kXmlNs) continue;
    const std::string written = element->to_string(outer);
    Lines lines;
    if (!content_lines(written, outer, lines)) {
      if (element->ns() == kXmlNs) continue;  // <xml:a/>, which cannot be said without a prefix
      return "expat refuses what Element writes: " + written;
    }
    if (lines != expected) return "Element writes something else: " + written;
    const auto again = parse_element(written, outer, {.attributes = 1000, .namespaces = 1000});
    if (!again) return "parse_element refuses what Element writes: " + again.error().message;
    if (!(*again == *element)) return "parse_element reads something else than Element wrote: " + written;
  }
  return {};
}

inline bool has_xml_namespace(const Lines& lines) {
  const std::string prefix = "<" + std::string(kXmlNs) + "|";
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.starts_with(prefix); });
}

inline std::string judge_stanza(const judge::Stanza& stanza, const Lines& expected) {
  if (expected.empty() || stanza.tag != expected.front()) return "another start tag: " + stanza.tag;
  const Lines content(expected.begin() + 1, expected.end() - 1);
  Lines lines;
  if (!content_lines(stanza.inner, stanza.ns, lines)) return "expat refuses inner: " + stanza.inner;
  if (lines != content) return "inner means something else: " + stanza.inner;

  const std::vector<Lines> children = split_children(content);
  if (children.size() != stanza.children.size()) return "another number of children";
  for (std::size_t i = 0; i < children.size(); ++i) {
    const judge::Child& child = stanza.children[i];
    const std::string start = "<" + child.ns + "|" + child.local;
    const std::string& line = children[i].front();
    if (!line.starts_with(start) || (line.size() > start.size() && line[start.size()] != ' ')) {
      return "another child: " + start;
    }
    if (!content_lines(child.raw, stanza.ns, lines)) return "expat refuses a child: " + child.raw;
    if (lines != children[i]) return "a child means something else: " + child.raw;
    if (has_xml_namespace(children[i])) continue;
    if (std::string complaint = judge_element(child.raw, stanza.ns, children[i]); !complaint.empty()) return complaint;
  }
  return {};
}

// Whether a refusal is on the list in reader.h, for bytes that expat takes.
inline bool is_listed(const Reading& reading, std::string_view bytes, const Verdict& expat) {
  switch (reading.kind) {
    case StreamError::policy_violation:
    case StreamError::bad_format:
    case StreamError::unsupported_encoding:
    case StreamError::invalid_namespace:
      return true;
    case StreamError::restricted_xml:
      return expat.restricted || expat.undefined_entity || reading.error == "only version 1.0 of XML is spoken here" ||
             reading.error == "the XML declaration is too long" || reading.error.find("reference") != std::string::npos;
    case StreamError::not_well_formed:
      break;
  }
  if (reading.error == "a character that is not allowed in a name") return true;
  const bool utf16 = bytes.substr(0, 2).find('\0') != bytes.npos;  // with white space in front, too
  return utf16 || bytes.starts_with("\xFE\xFF") || bytes.starts_with("\xFF\xFE");
}

// The whole comparison for one document.
inline std::string judge_document(std::string_view bytes, const Reading& ours) {
  using Event = StreamReader::Event;
  const Verdict soft = ask_expat(bytes, false);
  const Verdict hard = ask_expat(bytes, true);
  if (ours.last == Event::error) {
    if (!hard.failed && !hard.restricted && !is_listed(ours, bytes, hard)) return "only we refuse it: " + ours.error;
  } else if (ours.last == Event::need_more) {
    if (soft.failed || soft.restricted) return "only expat refuses it";
  }
  if (ours.last != Event::error && bytes.starts_with("\xEF\xBB\xBF")) return "a byte-order mark was taken";

  // Elements directly below the root, as far as they are complete.
  const Lines& lines = soft.lines;
  if (!ours.header.empty() && (lines.empty() || lines.front() != ours.header)) return "another header: " + ours.header;
  std::vector<Lines> elements = split_children(lines.empty() ? Lines() : Lines(lines.begin() + 1, lines.end()));
  const auto depth_of = [](const Lines& element) {
    return std::count_if(element.begin(), element.end(), [](const std::string& l) { return l[0] == '<'; }) -
           std::count_if(element.begin(), element.end(), [](const std::string& l) { return l[0] == '>'; });
  };
  if (!elements.empty() && depth_of(elements.back()) > 0) elements.pop_back();
  if (ours.last == Event::error ? elements.size() < ours.stanzas.size() : elements.size() != ours.stanzas.size()) {
    return "another number of stanzas";
  }
  for (std::size_t i = 0; i < ours.stanzas.size(); ++i) {
    if (std::string complaint = judge_stanza(ours.stanzas[i], elements[i]); !complaint.empty()) return complaint;
  }
  if (ours.last == Event::end && (soft.depth != 0 || lines.empty())) return "expat sees no end";
  return {};
}

// One element outside of any stream.
inline std::string judge_alone(std::string_view bytes) {
  const auto element = parse_element(bytes, "");
  Lines lines;
  if (!element) return {};
  if (!content_lines(bytes, "", lines)) return "expat refuses what parse_element takes";
  return has_xml_namespace(lines) ? std::string() : judge_element(bytes, "", lines);
}

// What a reader of messages (RFC 7395) that is behind <open/> makes of one.
inline std::string judge_message(std::string_view bytes, StreamReader& reader) {
  using Event = StreamReader::Event;
  const std::string copy(bytes);
  std::string_view input = copy;
  const Event event = reader.next(input);
  if (!input.empty()) return "a message is not consumed";
  if (bytes.empty()) return event == Event::need_more ? "" : "an empty message is something";
  const Verdict expat = ask_expat(bytes, true);
  if (event == Event::need_more) return "a message is nothing";
  if (event == Event::error) {
    Reading reading;
    reading.kind = reader.stream_error();
    reading.error = reader.error().message;
    const bool refused = expat.failed || expat.restricted || is_listed(reading, bytes, expat);
    return refused ? "" : "only we refuse it: " + reading.error;
  }
  if (expat.failed || expat.restricted) return "only expat refuses it";
  const std::string start = "<" + std::string(kFramingNs) + "|close";
  if (event == Event::end) return expat.lines.front().starts_with(start) ? "" : "another end: " + expat.lines.front();
  if (event == Event::stanza) return judge_stanza(copy_of(reader.stanza()), expat.lines);
  const StreamHeader& header = reader.header();
  const std::string tag = shown("<", header.ns, header.local, header.attributes);
  return tag == expat.lines.front() ? "" : "another header: " + tag;
}

inline StreamReader message_reader(const Limits& limits = {}) {
  StreamReader reader(limits);
  reader.expect_messages();
  std::string_view open = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>";
  reader.next(open);
  return reader;
}

inline constexpr Limits kTightLimits{
    .stanza_bytes = 100, .depth = 3, .elements = 5, .attributes = 3, .namespaces = 4, .name_bytes = 12};

}  // namespace anser::xml::judge
