#include "xmpp/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

#include "xml/element.h"

namespace anser::xmpp {
namespace {

using domain::CloseReason;

// RFC 6120 §8.3.3: the types that each condition may have; XEP-0086 §3: its legacy code.
struct Legal {
  std::set<std::string_view> types;
  std::set<std::string_view> codes;
};
const std::map<std::string_view, Legal> kStanzaConditions = {
    {"bad-request", {{"modify"}, {"400"}}},
    {"conflict", {{"cancel"}, {"409"}}},
    {"feature-not-implemented", {{"cancel", "modify"}, {"501"}}},
    {"forbidden", {{"auth"}, {"403"}}},
    {"gone", {{"cancel"}, {"302"}}},
    {"internal-server-error", {{"cancel"}, {"500"}}},
    {"item-not-found", {{"cancel", "modify"}, {"404"}}},
    {"jid-malformed", {{"modify"}, {"400"}}},
    {"not-acceptable", {{"modify", "cancel"}, {"406"}}},  // cancel: XEP-0191 §3.5
    {"not-allowed", {{"cancel"}, {"405"}}},
    {"not-authorized", {{"auth"}, {"401"}}},
    {"policy-violation", {{"modify", "wait"}, {"405"}}},  // newer than the codes
    {"recipient-unavailable", {{"wait"}, {"404"}}},
    {"redirect", {{"modify"}, {"302"}}},
    {"registration-required", {{"auth"}, {"407"}}},
    {"remote-server-not-found", {{"cancel"}, {"404"}}},
    {"remote-server-timeout", {{"wait"}, {"504"}}},
    {"resource-constraint", {{"wait"}, {"500"}}},
    {"service-unavailable", {{"cancel"}, {"503"}}},
    {"subscription-required", {{"auth"}, {"407"}}},
    {"unexpected-request", {{"wait", "modify"}, {"400"}}},
};

// RFC 6120 §4.9.3, those without content of their own.
const std::set<std::string_view> kStreamConditions = {"bad-format",
                                                      "bad-namespace-prefix",
                                                      "conflict",
                                                      "connection-timeout",
                                                      "host-gone",
                                                      "host-unknown",
                                                      "improper-addressing",
                                                      "internal-server-error",
                                                      "invalid-from",
                                                      "invalid-namespace",
                                                      "invalid-xml",
                                                      "not-authorized",
                                                      "not-well-formed",
                                                      "policy-violation",
                                                      "remote-connection-failed",
                                                      "reset",
                                                      "resource-constraint",
                                                      "restricted-xml",
                                                      "system-shutdown",
                                                      "undefined-condition",
                                                      "unsupported-encoding",
                                                      "unsupported-feature",
                                                      "unsupported-stanza-type",
                                                      "unsupported-version"};

// name_of calls what is no code "internal", as it does the last one.
std::vector<Errc> every_code() {
  std::vector<Errc> codes;
  for (int i = 0;; ++i) {
    codes.push_back(static_cast<Errc>(i));
    if (std::strcmp(name_of(codes.back()), "internal") == 0) return codes;
  }
}

xml::Element stanza_error(const Error& error) {
  std::string text;
  append_stanza_error(text, error);
  auto element = xml::parse_element(text);
  EXPECT_TRUE(element) << text;
  return element ? *std::move(element) : xml::Element{"", "unreadable"};
}

TEST(StanzaErrors, HaveALegalConditionTypeAndCodeForEveryErrc) {
  ASSERT_EQ(every_code().back(), Errc::internal);
  for (const Errc code : every_code()) {
    const StanzaError words = stanza_error_of(code);

    const auto legal = kStanzaConditions.find(words.condition);
    ASSERT_NE(legal, kStanzaConditions.end()) << name_of(code) << " is " << words.condition;
    EXPECT_TRUE(legal->second.types.contains(words.type)) << name_of(code) << " is of type " << words.type;
    EXPECT_TRUE(legal->second.codes.contains(words.code)) << name_of(code) << " has the code " << words.code;
  }
}

TEST(StanzaErrors, AreOneConditionThenText) {
  for (const Errc code : every_code()) {
    const xml::Element error = stanza_error({code, "5 < 6 & so on"});

    EXPECT_TRUE(error.is({xml::kClientNs, "error"}));
    ASSERT_GE(error.children().size(), 2u);
    EXPECT_TRUE(error.first_child()->is({kStanzasNs, stanza_error_of(code).condition})) << name_of(code);
    const xml::Element& text = error.children()[1];
    EXPECT_TRUE(text.is({kStanzasNs, "text"}));
    EXPECT_EQ(text.text(), "5 < 6 & so on");
    EXPECT_EQ(text.attr("xml:lang"), "en");
    for (std::size_t i = 2; i < error.children().size(); ++i) EXPECT_NE(error.children()[i].ns(), kStanzasNs);
  }
}

TEST(StanzaErrors, SayNothingWhereThereIsNothingToSay) {
  EXPECT_EQ(stanza_error({Errc::not_found, ""}).children().size(), 1u);
}

TEST(StanzaErrors, TellTheSenderThatItHasBlockedTheRecipient) {
  const xml::Element error = stanza_error({Errc::blocked, ""});

  EXPECT_EQ(error.attr("type"), "cancel");
  EXPECT_TRUE(error.first_child()->is({kStanzasNs, "not-acceptable"}));
  EXPECT_NE(error.find(xml::Name{"urn:xmpp:blocking:errors", "blocked"}), nullptr);
}

TEST(StreamErrors, HaveALegalConditionForEveryReason) {
  const CloseReason reasons[] = {CloseReason::replaced, CloseReason::account_removed, CloseReason::password_changed,
                                 CloseReason::too_slow, CloseReason::storage_failed,  CloseReason::shutdown};
  for (const CloseReason reason : reasons) {
    EXPECT_TRUE(kStreamConditions.contains(stream_failure_of(reason).condition)) << static_cast<int>(reason);
    EXPECT_NE(stream_failure_of(reason).condition, "undefined-condition") << static_cast<int>(reason);
  }
  for (const auto error :
       {xml::StreamError::not_well_formed, xml::StreamError::restricted_xml, xml::StreamError::unsupported_encoding,
        xml::StreamError::bad_format, xml::StreamError::policy_violation}) {
    EXPECT_TRUE(kStreamConditions.contains(xml::condition_of(error)));
  }
}

// Smack 3 takes the last element's name for the condition, and its reconnection looks for these.
TEST(StreamErrors, SayNoMoreThanTheConditionWhereOldClientsLookForIt) {
  EXPECT_EQ(stream_failure_of(CloseReason::replaced).condition, "conflict");
  EXPECT_EQ(stream_failure_of(CloseReason::replaced).text, "");
  EXPECT_EQ(stream_failure_of(CloseReason::shutdown).text, "");
}

TEST(StreamErrors, SayWhyTheStreamEnds) {
  std::string text = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  append_stream_error(text, {"policy-violation", "too much & too fast"});
  text.append("</stream:stream>");

  const auto stream = xml::parse_element(text);

  ASSERT_TRUE(stream) << text;
  const xml::Element* error = stream->find(xml::Name{xml::kStreamsNs, "error"});
  ASSERT_NE(error, nullptr);
  ASSERT_EQ(error->children().size(), 2u);
  EXPECT_TRUE(error->children()[0].is({kStreamErrorsNs, "policy-violation"}));
  EXPECT_TRUE(error->children()[1].is({kStreamErrorsNs, "text"}));
  EXPECT_EQ(error->children()[1].text(), "too much & too fast");
}

TEST(StreamErrors, PutAnApplicationsOwnConditionLast) {
  std::string text = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  append_stream_error(text, {"undefined-condition", "what came is not zlib", "<failure xmlns='urn:test'/>"});
  text.append("</stream:stream>");

  const auto stream = xml::parse_element(text);

  ASSERT_TRUE(stream) << text;
  const xml::Element* error = stream->find(xml::Name{xml::kStreamsNs, "error"});
  ASSERT_NE(error, nullptr);
  ASSERT_EQ(error->children().size(), 3u);
  EXPECT_TRUE(error->children()[0].is({kStreamErrorsNs, "undefined-condition"}));
  EXPECT_TRUE(error->children()[1].is({kStreamErrorsNs, "text"}));
  EXPECT_TRUE(error->children()[2].is({"urn:test", "failure"}));
}

}  // namespace
}  // namespace anser::xmpp
