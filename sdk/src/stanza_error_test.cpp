#include "sdk/src/stanza_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/src/test_stanzas.h"

namespace anser::sdk {
namespace {

using test::complaint;
using test::expect_round_trip;
using test::read;
using testing::HasSubstr;
using testing::Not;

StanzaError read_of(std::string_view error) {
  const auto message = read<Message>("<message type='error'>" + std::string(error) + "</message>");
  EXPECT_TRUE(message.raw_extensions().empty());
  return message.error().value_or(StanzaError{});
}

Message carrying(StanzaError error) {
  Message message{"a@b", Message::Type::error};
  message.set_error(std::move(error));
  return message;
}

TEST(StanzaError, ReadsTheExamplesOfRfc6120) {
  // §8.3.2, §8.3.3.5 and §8.3.4
  const auto error = read_of(
      "<error by='example.com' type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>"
      "xmpp:romeo@afterlife.example.net</gone><text xml:lang='en' xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>"
      "Some special application diagnostic information!</text><too-many-parameters "
      "xmlns='http://example.com/ns'/></error>");

  EXPECT_EQ(error.condition, "gone");
  EXPECT_EQ(error.type, "cancel");
  EXPECT_EQ(error.by, "example.com");
  EXPECT_EQ(error.new_address, "xmpp:romeo@afterlife.example.net");
  EXPECT_EQ(error.text, "Some special application diagnostic information!");
  EXPECT_EQ(error.code, 0);
  ASSERT_TRUE(error.application);
  EXPECT_TRUE(error.application->is("too-many-parameters", "http://example.com/ns"));
}

TEST(StanzaError, ComesBackWithAllItHas) {
  for (const auto* type : {"auth", "cancel", "continue", "modify", "wait"}) {
    expect_round_trip(carrying({.condition = "redirect",
                                .type = type,
                                .text = "</text>&\r",
                                .by = "example.com",
                                .code = 302,
                                .application = Element{"x", "urn:example"}.add_child("y", "<z>").add_text("'"),
                                .new_address = "xmpp:a@b?x=1&y=2"}));
  }
  expect_round_trip(carrying({.condition = "policy-violation"}));
}

TEST(StanzaError, IsWrittenWithTheNumberOfXep0086) {
  const std::pair<std::string, int> table[] = {{"bad-request", 400},
                                               {"conflict", 409},
                                               {"feature-not-implemented", 501},
                                               {"forbidden", 403},
                                               {"gone", 302},
                                               {"internal-server-error", 500},
                                               {"item-not-found", 404},
                                               {"jid-malformed", 400},
                                               {"not-acceptable", 406},
                                               {"not-allowed", 405},
                                               {"not-authorized", 401},
                                               {"payment-required", 402},
                                               {"recipient-unavailable", 404},
                                               {"redirect", 302},
                                               {"registration-required", 407},
                                               {"remote-server-not-found", 404},
                                               {"remote-server-timeout", 504},
                                               {"resource-constraint", 500},
                                               {"service-unavailable", 503},
                                               {"subscription-required", 407},
                                               {"undefined-condition", 500},
                                               {"unexpected-request", 400}};
  for (const auto& [condition, code] : table) {
    const auto back = read<Message>(carrying({.condition = condition}).to_xml()).error();
    EXPECT_EQ(back->condition, condition);
    EXPECT_EQ(back->code, code) << condition;
  }
  EXPECT_THAT(carrying({.condition = "policy-violation"}).to_xml(), Not(HasSubstr("code")));
  EXPECT_THAT(carrying({.condition = "conflict", .code = 42}).to_xml(), HasSubstr("code='42'"));
}

TEST(StanzaError, OfAnOldProgramIsUnderstoodByItsNumber) {
  const auto error = read_of("<error code='404'>Not &amp; found</error>");
  EXPECT_EQ(error.condition, "item-not-found");
  EXPECT_EQ(error.type, "cancel");
  EXPECT_EQ(error.text, "Not & found");
  EXPECT_EQ(error.code, 404);

  EXPECT_EQ(read_of("<error code='408'/>").condition, "remote-server-timeout");
  EXPECT_EQ(read_of("<error code='401'/>").type, "auth");
  EXPECT_EQ(read_of("<error code='407'/>").condition, "registration-required");
  EXPECT_EQ(read_of("<error code='500'/>").condition, "internal-server-error");
}

TEST(StanzaError, HasAConditionAndATypeWhateverCame) {
  for (const auto* code : {"", "-404", "0", "1000", "404x", "99999999999", "abc", "299"}) {
    const auto error = read_of("<error code='" + std::string(code) + "'/>");
    EXPECT_EQ(error.condition, "undefined-condition") << code;
    EXPECT_EQ(error.type, "cancel");
  }
  const auto of_the_table =
      read_of("<error type='loud'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  EXPECT_EQ(of_the_table.type, "auth");
  const auto unknown = read_of("<error><moon-phase xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>x</moon-phase></error>");
  EXPECT_EQ(unknown.condition, "moon-phase");
  EXPECT_EQ(unknown.new_address, "");
  EXPECT_EQ(unknown.type, "cancel");
}

TEST(StanzaError, TheFirstOfEachCounts) {
  const auto error = read_of(
      "<error type='wait'><a xmlns='urn:a'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
      "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><gone "
      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>g</gone>"
      "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>late</text><b xmlns='urn:b'/></error>");

  EXPECT_EQ(error.condition, "conflict");
  EXPECT_EQ(error.text, "");
  EXPECT_EQ(error.new_address, "");
  EXPECT_EQ(error.application->name(), "a");

  const auto message = read<Message>("<message type='error'><error code='404'/><error code='409'/></message>");
  EXPECT_EQ(message.error()->code, 404);
}

TEST(StanzaError, AnApplicationsConditionThatCannotBeSaidAgainIsDropped) {
  // <xml:a/> can be read but not be said again.
  EXPECT_FALSE(read_of("<error><xml:a/></error>").application);
}

TEST(StanzaError, ThatCannotBeSentIsRefused) {
  EXPECT_THAT(complaint(carrying({.condition = ""})), HasSubstr("needs a condition"));
  EXPECT_THAT(complaint(carrying({.condition = "item not found"})), HasSubstr("needs a condition"));
  EXPECT_THAT(complaint(carrying({.condition = "a/><b"})), HasSubstr("needs a condition"));
  EXPECT_THAT(complaint(carrying({.condition = "text"})), HasSubstr("needs a condition"));
  EXPECT_THAT(complaint(carrying({.condition = "gone", .type = "loud"})), HasSubstr("of type auth"));
  EXPECT_THAT(complaint(carrying({.condition = "gone", .text = "\x01"})), HasSubstr("the error's text"));
  EXPECT_THAT(complaint(carrying({.condition = "gone", .by = "a@@b"})), HasSubstr("by is not an address"));
  EXPECT_THAT(complaint(carrying({.condition = "gone", .code = 1000})), HasSubstr("three digits"));
  EXPECT_THAT(complaint(carrying({.condition = "gone", .code = -1})), HasSubstr("three digits"));
  EXPECT_THAT(complaint(carrying({.condition = "gone", .new_address = "\x01"})), HasSubstr("new address"));
  EXPECT_THAT(complaint(carrying({.condition = "conflict", .new_address = "a"})), HasSubstr("gone and redirect"));
  EXPECT_THAT(complaint(carrying({.condition = "gone", .application = Element{"a b", "c"}})),
              HasSubstr("own condition"));
}

}  // namespace
}  // namespace anser::sdk
