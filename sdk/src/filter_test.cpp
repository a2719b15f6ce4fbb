#include "anser/filter.h"

#include <gtest/gtest.h>

namespace anser::sdk {
namespace {

Message message_from(std::string from) {
  Message message{"me@here/x", "hi", Message::Type::chat};
  message.set_from(std::move(from));
  message.set_id("i1");
  message.set_thread("t1");
  message.add_extension(Element{"delay", "urn:xmpp:delay"});
  return message;
}

TEST(Filter, ByKindAndType) {
  const Message message{"a@b", Message::Type::chat};
  EXPECT_TRUE(filter::everything()(message));
  EXPECT_TRUE(filter::kind(Stanza::Kind::message)(message));
  EXPECT_FALSE(filter::kind(Stanza::Kind::iq)(message));
  EXPECT_TRUE(filter::kind(Stanza::Kind::presence)(Presence{}));
  EXPECT_TRUE(filter::message(Message::Type::chat)(message));
  EXPECT_FALSE(filter::message(Message::Type::normal)(message));
  EXPECT_FALSE(filter::message(Message::Type::normal)(Presence{}));
}

TEST(Filter, ByWhatAStanzaHas) {
  const Message message = message_from("a@b/c");
  EXPECT_TRUE(filter::id("i1")(message));
  EXPECT_FALSE(filter::id("i")(message));
  EXPECT_TRUE(filter::thread("t1")(message));
  EXPECT_FALSE(filter::thread("t2")(message));
  EXPECT_FALSE(filter::thread("")(Presence{}));
  EXPECT_TRUE(filter::extension("delay", "urn:xmpp:delay")(message));
  EXPECT_FALSE(filter::extension("x", "urn:xmpp:delay")(message));
  EXPECT_TRUE(filter::extension("urn:xmpp:delay")(message));
  EXPECT_FALSE(filter::extension("urn:x")(message));
}

TEST(Filter, ByAddressOnceBothArePrepared) {
  EXPECT_TRUE(filter::from("Romeo@Example.org/X")(message_from("romeo@example.org/X")));
  EXPECT_TRUE(filter::from("romeo@example.org/X")(message_from("ROMEO@example.org/X")));
  EXPECT_FALSE(filter::from("romeo@example.org/X")(message_from("romeo@example.org/x")));
  EXPECT_FALSE(filter::from("romeo@example.org")(message_from("romeo@example.org/x")));
  EXPECT_TRUE(filter::to("ME@HERE/x")(message_from("a@b")));
  EXPECT_FALSE(filter::to("me@here")(message_from("a@b")));

  EXPECT_TRUE(filter::from_bare("Romeo@Example.org/any")(message_from("romeo@example.org/x")));
  EXPECT_TRUE(filter::from_bare("romeo@example.org")(message_from("ROMEO@example.org")));
  EXPECT_FALSE(filter::from_bare("romeo@example.org")(message_from("romeo@example.com")));
  EXPECT_FALSE(filter::from_bare("romeo@example.org")(message_from("")));
}

TEST(Filter, ByNoAddressFindsStanzasThatHaveNone) {
  EXPECT_TRUE(filter::from("")(Message{}));
  EXPECT_FALSE(filter::from("")(message_from("a@b")));
  EXPECT_TRUE(filter::to("")(Message{}));
  EXPECT_FALSE(filter::from("@@")(message_from("a@b")));
}

TEST(Filter, TogetherAndNot) {
  const Message message = message_from("a@b");
  const auto yes = filter::everything();
  const auto no = filter::not_of(yes);
  EXPECT_FALSE(no(message));
  EXPECT_TRUE(filter::all_of({yes, yes})(message));
  EXPECT_FALSE(filter::all_of({yes, no})(message));
  EXPECT_TRUE(filter::any_of({no, yes})(message));
  EXPECT_FALSE(filter::any_of({no, no})(message));
  EXPECT_TRUE(filter::all_of({})(message));
  EXPECT_FALSE(filter::any_of({})(message));
}

TEST(Filter, ThatIsNoFunctionLetsEverythingPass) {
  EXPECT_TRUE(filter::all_of({StanzaFilter{}})(Message{}));
  EXPECT_FALSE(filter::not_of(StanzaFilter{})(Message{}));
}

}  // namespace
}  // namespace anser::sdk
