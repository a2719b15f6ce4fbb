#include "anser/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/src/stanza_access.h"
#include "sdk/src/test_stanzas.h"

namespace anser::sdk {
namespace {

using test::complaint;
using test::expect_round_trip;
using test::read;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Message, ReadsTheExampleOfRfc6121) {
  // §5.2.3 and §5.2.5
  const auto message = read<Message>(
      "<message from='juliet@example.com/balcony' id='z94nb37h' to='romeo@example.net' type='chat' xml:lang='en'>"
      "<body>Wherefore art thou, Romeo?</body><body xml:lang='cs'>PročeŽ jsi ty, Romeo?</body>"
      "<thread parent='e0ffe42b28561960c6b12b944a092794b9683a38'>0e3141cd80894871a68e6fe6b1ec56fa</thread></message>");

  EXPECT_EQ(message.type(), Message::Type::chat);
  EXPECT_EQ(message.from(), "juliet@example.com/balcony");
  EXPECT_EQ(message.to(), "romeo@example.net");
  EXPECT_EQ(message.id(), "z94nb37h");
  EXPECT_EQ(message.language(), "en");
  EXPECT_EQ(message.body(), "Wherefore art thou, Romeo?");
  EXPECT_EQ(message.body("en"), message.body());
  EXPECT_EQ(message.body("cs"), "PročeŽ jsi ty, Romeo?");
  EXPECT_EQ(message.body("de"), "");
  EXPECT_EQ(message.thread(), "0e3141cd80894871a68e6fe6b1ec56fa");
  EXPECT_EQ(message.parent_thread(), "e0ffe42b28561960c6b12b944a092794b9683a38");
  EXPECT_TRUE(message.raw_extensions().empty());
  expect_round_trip(message);
}

TEST(Message, ReadsSubjectsInSeveralLanguages) {
  const auto message = read<Message>(
      "<message><subject>I implore you!</subject><subject xml:lang='cs'>Úpěnlivě prosím!</subject></message>");

  EXPECT_EQ(message.subject(), "I implore you!");
  EXPECT_EQ(message.subject("cs"), "Úpěnlivě prosím!");
  EXPECT_FALSE(message.has_body());
  expect_round_trip(message);
}

TEST(Message, OfEveryTypeComesBack) {
  using Type = Message::Type;
  for (const Type type : {Type::normal, Type::chat, Type::groupchat, Type::headline, Type::error}) {
    Message message{"juliet@example.com", "hello", type};
    if (type == Type::error) message.set_error(StanzaError{.condition = "item-not-found", .code = 404});
    message.set_id("a1");
    message.set_from("romeo@example.net/orchard");
    message.set_language("de");
    message.set_subject("s");
    message.set_subject("t", "fr");
    message.set_thread("thread", "parent");
    message.add_extension(Element{"x", "urn:example"}.set_attribute("a", "b").add_text("c"));
    expect_round_trip(message);
    EXPECT_EQ(read<Message>(message.to_xml()).type(), type) << name_of(type);
  }
}

TEST(Message, OfATypeThatThereIsNotCountsAsNormal) {
  EXPECT_EQ(read<Message>("<message type='shout'/>").type(), Message::Type::normal);
  EXPECT_EQ(read<Message>("<message type=''/>").type(), Message::Type::normal);
  EXPECT_EQ(read<Message>("<message/>").type(), Message::Type::normal);
}

TEST(Message, WithNothingInItIsAnEmptyTag) {
  EXPECT_EQ(Message{}.to_xml(), "<message/>");
  EXPECT_EQ(Message("a@b", Message::Type::chat).to_xml(), "<message to='a@b' type='chat'/>");
  expect_round_trip(Message{});
}

}  // namespace
}  // namespace anser::sdk
