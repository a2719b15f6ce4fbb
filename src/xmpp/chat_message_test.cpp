// What other doors write (door/chat_message.h) is what this door would have taken from a client that sends the same.
#include "door/chat_message.h"

#include <gtest/gtest.h>

#include "xmpp/stanzas.h"

namespace anser::xmpp {
namespace {

const core::Jid kRomeo = core::Jid::parse("romeo@montague.example/orchard").value();
const core::Jid kJuliet = core::Jid::parse("juliet@capulet.example").value();
const domain::Hosts kHosts{{{"montague.example", {}}}, {}};

domain::Envelope taken_as_xmpp(const domain::Envelope& envelope) {
  std::string stream = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  append_stanza(stream, envelope, {}, kRomeo, nullptr);
  std::string_view input = stream;
  xml::StreamReader reader;
  EXPECT_EQ(reader.next(input), xml::StreamReader::Event::header);
  EXPECT_EQ(reader.next(input), xml::StreamReader::Event::stanza) << stream;
  EXPECT_TRUE(input.empty());
  auto taken = take_stanza(reader.stanza(), kRomeo, {}, kHosts);
  EXPECT_FALSE(taken.refused);
  EXPECT_FALSE(taken.failure);
  return std::move(taken.envelope);
}

template <class Said>
void expect_the_same(const Said& said) {
  const auto envelope = door::to_envelope(said, kRomeo);
  ASSERT_TRUE(envelope) << envelope.error().message;
  const domain::Envelope taken = taken_as_xmpp(*envelope);
  EXPECT_EQ(taken.facts, envelope->facts) << envelope->inner.view();
  EXPECT_EQ(taken, *envelope) << envelope->inner.view();
}

TEST(ChatMessageOfAnotherDoor, IsWhatAnXmppClientWouldHaveSent) {
  door::ChatMessage message;
  expect_the_same(message);
  message.to = kJuliet;
  expect_the_same(message);
  message.event_id = "e'1";
  message.body = "<b>&amp;\r\n\t'\"]]> 请求心跳 😀";
  expect_the_same(message);
  message.thread = "t";
  message.replaces = "e0 & \n more";
  expect_the_same(message);
  message.ephemeral = true;
  expect_the_same(message);
  message.wants_receipt = true;
  expect_the_same(message);
  message.type = "image";
  expect_the_same(message);
  message.attachment.emplace();
  message.attachment->url = "https://files.example/?a&b='c'";
  message.attachment->name = "a \"rose\".png";
  message.attachment->size = 17;
  message.attachment->media_type = "image/png";
  message.attachment->hash = std::string(64, '0');
  expect_the_same(message);
  message.group = true;
  expect_the_same(message);
}

TEST(ChatStateOfAnotherDoor, IsWhatAnXmppClientWouldHaveSent) {
  for (const auto what :
       {door::ChatState::What::active, door::ChatState::What::composing, door::ChatState::What::paused,
        door::ChatState::What::inactive, door::ChatState::What::gone}) {
    door::ChatState state;
    state.to = kJuliet;
    state.what = what;
    expect_the_same(state);
    state.thread = "t";
    state.group = true;
    expect_the_same(state);
  }
}

TEST(ReceiptOfAnotherDoor, IsWhatAnXmppClientWouldHaveSent) {
  for (const auto what : {door::Receipt::What::delivered, door::Receipt::What::read}) {
    door::Receipt receipt;
    receipt.to = kJuliet;
    receipt.what = what;
    receipt.event_id = "e<1>";
    expect_the_same(receipt);
  }
}

}  // namespace
}  // namespace anser::xmpp
