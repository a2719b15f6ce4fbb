#include "xmpp/push_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "xml/element.h"

namespace anser::xmpp {
namespace {

using testing::HasSubstr;
using testing::Not;

class PushTextTest : public testing::Test {
 protected:
  PushTextTest() {
    message.type = domain::Type::chat;
    message.from = core::Jid::parse("juliet@capulet.example/balcony").value();
    message.inner = domain::Bytes::copy("<body>Wherefore art thou, Romeo? &lt;3</body><thread>t</thread>");
  }

  std::string written() {
    return std::string{PushText{[this] { return std::make_shared<const Settings>(settings); }}
                           .notification({target, 3, message})
                           .view()};
  }
  static bool refuses(std::string_view inner) {
    domain::Envelope error;
    error.inner = domain::Bytes::copy(inner);
    return PushText{nullptr}.refuses(error);
  }

  Settings settings;
  domain::PushTarget target{core::Jid::parse("push-5.client.example").value(), "yxs32uqsflafdk3iuqo", "", ""};
  domain::Envelope message;
};

TEST_F(PushTextTest, SaysHowManyMessagesWaitAndNoMore) {
  EXPECT_EQ(written(),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='yxs32uqsflafdk3iuqo'><item>"
            "<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='result'>"
            "<field var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>"
            "<field var='message-count'><value>3</value></field></x></notification></item></publish></pubsub>");
}

TEST_F(PushTextTest, NamesSenderAndWordsOnlyIfItMay) {
  settings.push_sender = true;
  EXPECT_THAT(written(), HasSubstr("<field var='last-message-sender'><value>juliet@capulet.example/balcony</value>"));
  EXPECT_THAT(written(), Not(HasSubstr("Wherefore")));

  settings.push_body = true;
  EXPECT_THAT(written(), HasSubstr("<field var='last-message-body'><value>Wherefore art thou, Romeo? &lt;3</value>"));
}

TEST_F(PushTextTest, QuotesNoMoreThanAGlanceAndWholeCharacters) {
  settings.push_body = true;
  std::string words = "x";
  for (int i = 0; i < 1000; ++i) words += "\xc3\xa9";
  message.inner = domain::Bytes::copy("<body>" + words + "</body>");

  EXPECT_THAT(written(), HasSubstr("<value>" + words.substr(0, 511) + "</value>"));
}

TEST_F(PushTextTest, RepeatsThePublishOptions) {
  target.options =
      "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
      "<value>http://jabber.org/protocol/pubsub#publish-options</value></field>"
      "<field var='secret'><value>eruio234vzxc2kla-91</value></field></x>";

  EXPECT_THAT(written(), HasSubstr("</publish><publish-options>" + target.options + "</publish-options></pubsub>"));
}

TEST_F(PushTextTest, TakesEveryErrorButAPassingOneForARefusal) {
  EXPECT_TRUE(refuses("<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"));
  EXPECT_TRUE(refuses("<error type='auth'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"));
  EXPECT_TRUE(refuses("<error type='modify'/>"));
  EXPECT_TRUE(refuses(""));
  EXPECT_FALSE(
      refuses("<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"));
}

}  // namespace
}  // namespace anser::xmpp
