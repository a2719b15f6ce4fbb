// Stanzas from a server, as the client library sees them: whatever becomes a value is written as XML that expat takes
// and that becomes the same value again, and nothing that a program may ask of the value does harm.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "sdk/src/raw_element.h"
#include "sdk/src/stanza_error.h"
#include "sdk/src/stanza_reader.h"
#include "tests/fuzz/xml_judge.h"

namespace {

using namespace anser;
using Event = xml::StreamReader::Event;

constexpr std::string_view kHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:s='urn:xmpp:sid:0'>";
// Attributes in a namespace are written with a declaration each, and text with references: what the reader's own limits
// let in fits into these.
constexpr xml::Limits kWide{.stanza_bytes = 1 << 24, .attributes = 256, .namespaces = 1024};

bool equal(const sdk::Stanza& a, const sdk::Stanza& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case sdk::Stanza::Kind::message:
      return static_cast<const sdk::Message&>(a) == static_cast<const sdk::Message&>(b);
    case sdk::Stanza::Kind::presence:
      return static_cast<const sdk::Presence&>(a) == static_cast<const sdk::Presence&>(b);
    case sdk::Stanza::Kind::iq:
      break;
  }
  return static_cast<const sdk::IQ&>(a) == static_cast<const sdk::IQ&>(b);
}

std::unique_ptr<sdk::Stanza> read_again(const std::string& xml) {
  xml::StreamReader reader{kWide};
  const std::string stream = std::string{kHeader} + xml;
  std::string_view input = stream;
  ANSER_ASSERT(reader.next(input) == Event::header);
  ANSER_ASSERT(reader.next(input) == Event::stanza);
  ANSER_ASSERT(input.empty());
  auto stanza = sdk::read_stanza(reader.stanza());
  ANSER_ASSERT(stanza && *stanza);
  return *std::move(stanza);
}

// What is looked up in the bytes is what the tree says.
void compare_with_tree(const sdk::Stanza::Extension& extension) {
  const auto tree = xml::parse_element(extension.xml, xml::kClientNs, kWide);
  if (!tree) return;
  const sdk::RawElement raw{extension.xml};
  std::string scratch;
  ANSER_ASSERT(raw.text(scratch) == tree->text());
  for (const auto* name : {"id", "by", "stamp", "xml:lang"})
    ANSER_ASSERT(raw.attribute(name, scratch) == tree->attr(name));
}

// What a message held before leaves nothing behind.
void compare_with_used(const xml::Stanza& element, const sdk::Stanza& fresh) {
  static const sdk::Message before = [] {
    sdk::Message rich{"a@b/c", "one", sdk::Message::Type::groupchat};
    rich.set_id("1");
    rich.set_from("d@e/f");
    rich.set_language("en");
    rich.set_body("eins", "de");
    rich.set_subject("s");
    rich.set_thread("t", "p");
    rich.set_error(sdk::StanzaError{.condition = "gone"});
    rich.add_extension(sdk::Element{"x", "urn:x"});
    rich.add_extension(sdk::Element{"y", "urn:y"});
    return rich;
  }();
  sdk::Message used = before;
  sdk::read_message(used, element);
  ANSER_ASSERT(equal(used, fresh));
}

void check(sdk::Stanza& stanza) {
  if (stanza.error() && stanza.error()->code == 0) {  // a number is written with every condition that has one
    sdk::StanzaError error = *stanza.error();
    error.code = sdk::code_of(error);
    stanza.set_error(std::move(error));
  }
  const std::string written = stanza.to_xml();
  xml::judge::Lines lines;
  ANSER_ASSERT(xml::judge::content_lines(written, xml::kClientNs, lines));
  ANSER_ASSERT(equal(*read_again(written), stanza));

  for (const auto& extension : stanza.raw_extensions()) compare_with_tree(extension);
  static_cast<void>(stanza.check());
  static_cast<void>(stanza.delay());
  const auto before = stanza.properties();
  for (const auto& [name, value] : before) stanza.set_property(name, value);
  ANSER_ASSERT(stanza.properties().size() == before.size());
  const auto again = read_again(stanza.to_xml());
  ANSER_ASSERT(equal(*again, stanza));
  ANSER_ASSERT(again->properties().size() == before.size());
  for (const auto& element : stanza.extensions()) stanza.add_extension(element);
  static_cast<void>(stanza.check());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  xml::StreamReader reader;
  std::string stream{kHeader};
  stream.append(reinterpret_cast<const char*>(data), size);
  std::string_view input = stream;
  ANSER_ASSERT(reader.next(input) == Event::header);
  while (reader.next(input) == Event::stanza) {
    auto stanza = sdk::read_stanza(reader.stanza());
    if (!stanza || !*stanza) continue;
    if ((*stanza)->kind() == sdk::Stanza::Kind::message) compare_with_used(reader.stanza(), **stanza);
    check(**stanza);
  }
  return 0;
}
