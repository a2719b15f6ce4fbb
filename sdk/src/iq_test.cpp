#include "anser/iq.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/src/test_stanzas.h"

namespace anser::sdk {
namespace {

using test::complaint;
using test::expect_round_trip;
using test::read;
using testing::HasSubstr;
using Type = IQ::Type;

TEST(IQ, ReadsTheRosterOfRfc6121) {
  const auto iq = read<IQ>(
      "<iq id='hu2bac18' to='juliet@example.com/balcony' type='result'><query xmlns='jabber:iq:roster' ver='ver11'>"
      "<item jid='romeo@example.net' name='Romeo' subscription='both'><group>Friends</group></item></query></iq>");

  EXPECT_EQ(iq.type(), Type::result);
  EXPECT_FALSE(iq.is_request());
  const auto query = iq.payload();
  ASSERT_TRUE(query);
  EXPECT_TRUE(query->is("query", "jabber:iq:roster"));
  EXPECT_EQ(query->attribute("ver"), "ver11");
  EXPECT_EQ(query->child("item").attribute("jid"), "romeo@example.net");
  EXPECT_EQ(query->child("item").child_text("group"), "Friends");
  expect_round_trip(iq);
}

TEST(IQ, OfEveryTypeComesBack) {
  const Element ping{"ping", "urn:xmpp:ping"};
  for (const Type type : {Type::get, Type::set, Type::result}) {
    IQ iq{type, ping, "example.com"};
    iq.set_id("p1");
    expect_round_trip(iq);
    EXPECT_EQ(read<IQ>(iq.to_xml()).type(), type);
  }
  IQ request{Type::get, ping, "example.com"};
  request.set_from("a@b/c");
  request.set_id("7");
  expect_round_trip(IQ::result_for(request));
  expect_round_trip(IQ::result_for(request, ping));
  expect_round_trip(IQ::error_for(request, StanzaError{.condition = "conflict", .code = 409}));
}

TEST(IQ, AnswersGoBackToWhereTheRequestCameFrom) {
  IQ request{Type::set, Element{"x", "y"}, "a@b"};
  request.set_from("c@d/e");
  request.set_id("7");

  const IQ answer = IQ::error_for(request, StanzaError{.condition = "forbidden"});

  EXPECT_EQ(answer.type(), Type::error);
  EXPECT_EQ(answer.to(), "c@d/e");
  EXPECT_EQ(answer.from(), "a@b");
  EXPECT_EQ(answer.id(), "7");
  EXPECT_EQ(answer.error()->condition, "forbidden");
  EXPECT_FALSE(answer.payload());
}

TEST(IQ, OfATypeThatThereIsNotIsAnErrorToAnswer) {
  for (const auto* bad : {"<iq type='fetch'/>", "<iq type=''/>", "<iq/>", "<iq type='GET'/>"}) {
    const auto refused = test::try_read(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().condition, "bad-request");
  }
}

TEST(IQ, HasAsManyPayloadsAsItsTypeAllows) {
  EXPECT_THAT(complaint(IQ{Type::get}), HasSubstr("exactly one payload"));
  EXPECT_EQ(complaint(IQ{Type::result}), "");
  IQ two{Type::result, Element{"a", "b"}};
  two.add_extension(Element{"c", "d"});
  EXPECT_THAT(complaint(two), HasSubstr("one payload at most"));
}

TEST(IQ, KeepsThePayloadBesideAnError) {
  const auto iq = read<IQ>(
      "<iq type='error' id='1'><query xmlns='jabber:iq:version'/><error type='cancel'>"
      "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");

  EXPECT_EQ(iq.error()->condition, "service-unavailable");
  EXPECT_EQ(iq.payload()->name(), "query");
}

TEST(IQ, AnErrorAndTheTypeGoTogether) {
  EXPECT_THAT(complaint(IQ{Type::error}), HasSubstr("a stanza of type error has an error"));
  IQ iq{Type::result};
  iq.set_error(StanzaError{.condition = "gone"});
  EXPECT_THAT(complaint(iq), HasSubstr("no other has one"));
}

}  // namespace
}  // namespace anser::sdk
