// For the tests of stanzas: values from XML and back, with expat as the judge of what we write.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "sdk/src/stanza_reader.h"
#include "tests/fuzz/xml_judge.h"

namespace anser::sdk::test {

inline constexpr std::string_view kHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:p='urn:example:p'>";

// Of the first stanza behind a stream's header.
inline Result<std::unique_ptr<Stanza>> try_read(std::string_view xml) {
  xml::StreamReader reader;
  const std::string bytes = std::string(kHeader) + std::string(xml);
  std::string_view input = bytes;
  if (reader.next(input) != xml::StreamReader::Event::header) ADD_FAILURE() << "no header";
  const auto event = reader.next(input);
  if (event != xml::StreamReader::Event::stanza) {
    ADD_FAILURE() << "no stanza: " << xml;
    return std::unique_ptr<Stanza>();
  }
  return read_stanza(reader.stanza());
}

template <class T>
T read(std::string_view xml) {
  auto stanza = try_read(xml);
  if (!stanza || !*stanza) {
    ADD_FAILURE() << "not taken: " << xml;
    return T{};
  }
  return static_cast<T&>(**stanza);
}

// What comes back is what was written, and expat takes it.
template <class T>
void expect_round_trip(const T& value) {
  const auto checked = value.check();
  EXPECT_TRUE(checked) << checked.error().message;
  const std::string written = value.to_xml();
  xml::judge::Lines lines;
  EXPECT_TRUE(xml::judge::content_lines(written, xml::kClientNs, lines)) << written;
  const T again = read<T>(written);
  EXPECT_TRUE(again == value) << written << "\n" << again.to_xml();
  EXPECT_EQ(again.to_xml(), written);
}

// "" if it may be sent.
inline std::string complaint(const Stanza& stanza) {
  const auto checked = stanza.check();
  if (checked) return {};
  EXPECT_EQ(checked.error().code, Errc::invalid_argument);
  return checked.error().message;
}

}  // namespace anser::sdk::test
