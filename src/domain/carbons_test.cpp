#include "domain/carbons.h"

#include <gtest/gtest.h>

namespace anser::domain {
namespace {

Jid jid(std::string_view text) { return Jid::parse(text).value(); }

Envelope message(Type type, Facts facts = {}) {
  Envelope envelope;
  envelope.kind = Kind::message;
  envelope.type = type;
  envelope.facts = facts;
  envelope.from = jid("romeo@montague.example/orchard");
  envelope.to = jid("juliet@capulet.example/balcony");
  return envelope;
}

bool to_both(const Envelope& envelope) { return copied_to_sender(envelope) && copied_to_recipient(envelope); }
bool to_none(const Envelope& envelope) { return !copied_to_sender(envelope) && !copied_to_recipient(envelope); }

TEST(Carbons, CopyWhatBelongsToAConversation) {
  EXPECT_TRUE(to_both(message(Type::chat)));
  EXPECT_TRUE(to_both(message(Type::normal, {.has_body = true})));
  EXPECT_TRUE(to_both(message(Type::normal, {.conversation = true})));
  EXPECT_TRUE(to_both(message(Type::headline, {.conversation = true})));
  EXPECT_TRUE(to_both(message(Type::error, {.conversation = true})));
}

TEST(Carbons, LeaveTheRestAlone) {
  EXPECT_TRUE(to_none(message(Type::normal, {.has_subject = true, .has_payload = true})));
  EXPECT_TRUE(to_none(message(Type::headline, {.has_body = true})));
  EXPECT_TRUE(to_none(message(Type::error, {.has_payload = true})));
  EXPECT_TRUE(to_none(message(Type::groupchat, {.has_body = true, .conversation = true})));
  Envelope presence = message(Type::available, {.conversation = true});
  presence.kind = Kind::presence;
  EXPECT_TRUE(to_none(presence));
}

TEST(Carbons, AreForbiddenByThePrivateElement) {
  EXPECT_TRUE(to_none(message(Type::chat, {.has_body = true, .no_copy = true, .no_carbons = true})));
  EXPECT_TRUE(to_none(message(Type::chat, {.has_body = true, .no_carbons = true})));
}

TEST(Carbons, TakeTheHintAloneAtItsWordForFullAddressesOnly) {
  Envelope hinted = message(Type::chat, {.has_body = true, .no_copy = true});
  EXPECT_TRUE(to_none(hinted));

  hinted.to = jid("juliet@capulet.example");

  EXPECT_TRUE(to_both(hinted));
}

TEST(Carbons, CopyWhatIsSaidInARoomInPrivateForTheSenderOnly) {
  Envelope aside = message(Type::chat, {.has_body = true, .from_room = true});
  EXPECT_TRUE(copied_to_sender(aside));
  EXPECT_FALSE(copied_to_recipient(aside));

  aside.from = jid("hall@rooms.example");  // the room itself

  EXPECT_TRUE(copied_to_recipient(aside));
}

TEST(Carbons, OfWhatOneSaysToOneselfAreReceivedOnly) {
  Envelope note = message(Type::chat, {.has_body = true});
  note.to = jid("romeo@montague.example");

  EXPECT_FALSE(copied_to_sender(note));
  EXPECT_TRUE(copied_to_recipient(note));
}

TEST(Carbons, OfTheServersRefusalsAreReceivedOnly) {
  Envelope refusal = message(Type::error, {.conversation = true});
  refusal.failure = Error{Errc::unavailable, "nobody there"};

  EXPECT_FALSE(copied_to_sender(refusal));
  EXPECT_TRUE(copied_to_recipient(refusal));
}

}  // namespace
}  // namespace anser::domain
