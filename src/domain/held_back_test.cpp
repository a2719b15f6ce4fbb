#include "domain/held_back.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anser::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Jid jid(std::string_view text) { return Jid::parse(text).value(); }

const Jid kPhone = jid("juliet@capulet.example/phone");

Envelope stanza(Kind kind, Type type, std::string_view from, std::string_view id) {
  Envelope envelope;
  envelope.kind = kind;
  envelope.type = type;
  envelope.from = jid(from);
  envelope.to = jid("juliet@capulet.example");
  envelope.id = id;
  return envelope;
}

Envelope presence(std::string_view from, std::string_view id, Type type = Type::available) {
  return stanza(Kind::presence, type, from, id);
}

Envelope chat_state(std::string_view from, std::string_view id) {
  Envelope envelope = stanza(Kind::message, Type::chat, from, id);
  envelope.facts.chat_state_only = true;
  return envelope;
}

Envelope words(std::string_view from, std::string_view id) {
  Envelope envelope = stanza(Kind::message, Type::chat, from, id);
  envelope.facts.has_body = true;
  return envelope;
}

std::vector<std::string> ids(const std::vector<HeldBack::Entry>& entries) {
  std::vector<std::string> ids;
  for (const auto& entry : entries) ids.push_back(entry.envelope.id);
  return ids;
}

class HeldBackTest : public testing::Test {
 protected:
  std::vector<std::string> pass(const Envelope& envelope, const Stamp& stamp = {}) {
    return ids(held.pass(envelope, stamp));
  }

  HeldBack held{kPhone, 3};
};

TEST_F(HeldBackTest, KeepsTheLastPresenceOfEachResource) {
  EXPECT_THAT(pass(presence("romeo@montague.example/garden", "1")), IsEmpty());
  EXPECT_THAT(pass(presence("romeo@montague.example/street", "2")), IsEmpty());
  EXPECT_THAT(pass(presence("romeo@montague.example/garden", "3", Type::unavailable)), IsEmpty());

  EXPECT_THAT(ids(held.release()), ElementsAre("2", "3"));
  EXPECT_EQ(held.size(), 0u);
}

TEST_F(HeldBackTest, KeepsTheLastChatStateApartFromPresence) {
  pass(presence("romeo@montague.example/garden", "1"));
  pass(chat_state("romeo@montague.example/garden", "2"));
  pass(chat_state("romeo@montague.example/garden", "3"));

  EXPECT_THAT(ids(held.release()), ElementsAre("1", "3"));
}

TEST_F(HeldBackTest, LetsWhatMattersPassAtOnce) {
  for (const Type type : {Type::subscribe, Type::subscribed, Type::unsubscribe, Type::unsubscribed, Type::error}) {
    EXPECT_THAT(pass(presence("romeo@montague.example", "p", type)), ElementsAre("p"));
  }
  EXPECT_THAT(pass(words("romeo@montague.example/garden", "m")), ElementsAre("m"));
  EXPECT_THAT(pass(stanza(Kind::iq, Type::get, "romeo@montague.example/garden", "i")), ElementsAre("i"));
  Envelope error = chat_state("romeo@montague.example/garden", "e");
  error.type = Type::error;
  EXPECT_THAT(pass(error), ElementsAre("e"));
  Envelope receipt = stanza(Kind::message, Type::normal, "romeo@montague.example/garden", "r");
  receipt.facts.conversation = true;
  EXPECT_THAT(pass(receipt), ElementsAre("r"));
}

TEST_F(HeldBackTest, PutsWhatItHeldOfASenderInFrontOfWhatHeSaysNext) {
  pass(presence("romeo@montague.example/garden", "1"));
  pass(presence("nurse@capulet.example/house", "2"));
  pass(chat_state("romeo@montague.example/street", "3"));

  EXPECT_THAT(pass(words("romeo@montague.example/garden", "4")), ElementsAre("1", "3", "4"));
  EXPECT_THAT(ids(held.release()), ElementsAre("2"));
}

TEST_F(HeldBackTest, LetsTheSessionHearItself) {
  EXPECT_THAT(pass(presence(kPhone.full(), "mine")), ElementsAre("mine"));
  EXPECT_THAT(pass(presence("juliet@capulet.example/desk", "other device")), IsEmpty());
}

TEST_F(HeldBackTest, KeepsChatStatesOfOwnDevicesApartByContact) {
  Envelope to_romeo = chat_state("juliet@capulet.example/desk", "1");
  to_romeo.to = jid("romeo@montague.example");
  Envelope to_nurse = to_romeo;
  to_nurse.id = "2";
  to_nurse.to = jid("nurse@capulet.example");
  const Stamp sent{.copy = Copy::sent};

  pass(to_romeo, sent);
  pass(to_nurse, sent);

  EXPECT_THAT(ids(held.release()), ElementsAre("1", "2"));
}

TEST_F(HeldBackTest, LetsAllGoInOrderWhenItIsFull) {
  pass(presence("a@example.com/x", "1"));
  pass(presence("b@example.com/x", "2"));
  pass(presence("c@example.com/x", "3"));

  EXPECT_THAT(pass(presence("d@example.com/x", "4")), ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(held.size(), 0u);
}

TEST_F(HeldBackTest, HoldsNothingWithALimitOfZero) {
  HeldBack none{kPhone, 0};

  EXPECT_THAT(ids(none.pass(presence("a@example.com/x", "1"), {})), ElementsAre("1"));
}

}  // namespace
}  // namespace anser::domain
