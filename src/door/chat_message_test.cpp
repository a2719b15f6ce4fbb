#include "door/chat_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "xml/element.h"

namespace anser::door {
namespace {

using std::string_literals::operator""s;
using testing::HasSubstr;

const core::Jid kRomeo = core::Jid::parse("romeo@montague.example/orchard").value();
const core::Jid kJuliet = core::Jid::parse("juliet@capulet.example").value();
const Time kNoon{std::chrono::hours{12}};
const std::string kHash(64, 'a');

ChatMessage said(std::string body) {
  ChatMessage message;
  message.event_id = "e1";
  message.to = kJuliet;
  message.type = "text";
  message.body = std::move(body);
  return message;
}

// The same, as whoever hears it sees it.
ChatMessage as_heard(ChatMessage message) {
  message.from = kRomeo;
  message.created = kNoon;
  return message;
}

domain::Envelope written(const ChatMessage& message) {
  auto envelope = to_envelope(message, kRomeo);
  EXPECT_TRUE(envelope) << envelope.error().message;
  return std::move(*envelope);
}

std::string complaint(const ChatMessage& message) {
  const auto envelope = to_envelope(message, kRomeo);
  EXPECT_FALSE(envelope);
  if (envelope) return {};
  EXPECT_EQ(envelope.error().code, Errc::bad_request);
  return envelope.error().message;
}

// What somebody with XMPP has written between the tags of a message.
domain::Envelope from_xmpp(std::string_view inner, domain::Type type = domain::Type::chat) {
  domain::Envelope envelope;
  envelope.type = type;
  envelope.from = kRomeo;
  envelope.to = kJuliet;
  envelope.id = "x1";
  envelope.inner = domain::Bytes::copy(inner);
  return envelope;
}

ChatMessage heard(std::string_view inner) {
  const auto all = from_envelope(from_xmpp(inner), kNoon);
  EXPECT_TRUE(all.message) << inner;
  return all.message.value_or(ChatMessage{});
}

TEST(ChatMessage, ComesBackAsItWasSaid) {
  ChatMessage message = said("wilt thou be gone? <it> & \"it\" is not 'yet'\tnear\r\nday ]]> 请求心跳 😀");
  message.thread = "act 3 & scene 5";
  message.replaces = "e'0\"";
  message.type = "file";
  message.attachment =
      Attachment{"https://files.example/a?b=1&c='2'", "a \"song\".ogg", 1234567890123, "audio/ogg", kHash};
  message.ephemeral = message.wants_receipt = true;
  EXPECT_EQ(from_envelope(written(message), kNoon).message, as_heard(message));

  message.group = true;
  EXPECT_EQ(written(message).type, domain::Type::groupchat);
  EXPECT_EQ(from_envelope(written(message), kNoon).message, as_heard(message));
  for (const std::string type : {"text", "image", "file", "audio", "video", "system"}) {
    message.type = type;
    EXPECT_EQ(from_envelope(written(message), kNoon).message, as_heard(message));
    ChatMessage bare = said("as it is");
    bare.type = type;
    EXPECT_EQ(from_envelope(written(bare), kNoon).message, as_heard(bare));
  }
}

TEST(ChatMessage, NeedsNothingButItself) {
  const auto all = from_envelope(written(ChatMessage{}), kNoon);
  ChatMessage empty;
  empty.type = "text";
  EXPECT_EQ(all.message, as_heard(empty));
  EXPECT_FALSE(all.state);
  EXPECT_FALSE(all.receipt);
}

TEST(ChatMessage, IsWrittenAsXmppHasIt) {
  ChatMessage message = said("O, now");
  EXPECT_EQ(written(message).inner.view(), "<body>O, now</body><origin-id xmlns='urn:xmpp:sid:0' id='e1'/>");
  EXPECT_EQ(written(message).id, "e1");
  EXPECT_EQ(written(message).origin_id, "e1");
  EXPECT_EQ(written(message).from, kRomeo);
  EXPECT_EQ(written(message).to, kJuliet);

  message.event_id.clear();
  message.ephemeral = true;
  EXPECT_EQ(written(message).inner.view(), "<body>O, now</body><no-store xmlns='urn:xmpp:hints'/>");
  EXPECT_TRUE(written(message).facts.no_store);
}

TEST(ChatMessage, ShowsItsAttachmentToWhoKnowsNone) {
  ChatMessage message = said("");
  message.type = "image";
  message.attachment = Attachment{.url = "https://files.example/rose.png"};
  EXPECT_EQ(written(message).inner.view(),
            "<body>https://files.example/rose.png</body><x xmlns='jabber:x:oob'><url>https://files.example/rose.png"
            "</url></x><event xmlns='urn:anser:message:0' type='image'/><origin-id xmlns='urn:xmpp:sid:0' id='e1'/>");
  EXPECT_EQ(from_envelope(written(message), kNoon).message->body, "https://files.example/rose.png");
}

TEST(ChatMessage, RefusesTextThatXmlCannotCarry) {
  const std::string nothing[] = {"a\x01z"s,       "a\0z"s,         "\x7f\xef\xbf\xbe"s,  // U+FFFE
                                 "\xed\xa0\x80"s, "\xff"s,         "cut \xe2\x82"s,      // a surrogate, not UTF-8
                                 "\xc0\xaf"s,     "\xef\xbf\xbf"s, "\x1b[31m"s};
  for (const auto& text : nothing) {
    const auto everywhere = {&ChatMessage::event_id, &ChatMessage::body, &ChatMessage::thread, &ChatMessage::replaces};
    for (const auto member : everywhere) {
      ChatMessage message = said("fine");
      message.*member = text;
      EXPECT_THAT(complaint(message), HasSubstr("XML cannot carry"));
    }
    for (const auto member : {&Attachment::url, &Attachment::name, &Attachment::media_type}) {
      ChatMessage message = said("fine");
      message.attachment = Attachment{.url = "https://files.example/"};
      (*message.attachment).*member = text;
      EXPECT_THAT(complaint(message), HasSubstr("XML cannot carry"));
    }
  }
}

TEST(ChatMessage, RefusesWhatHasNoMeaning) {
  ChatMessage message = said("fine");
  message.type = "poem";
  EXPECT_THAT(complaint(message), HasSubstr("type must be text"));
  message.type = "file";
  message.attachment.emplace();
  EXPECT_THAT(complaint(message), HasSubstr("no url"));
  message.attachment->url = "https://files.example/";
  message.attachment->hash = "abc";
  EXPECT_THAT(complaint(message), HasSubstr("sha-256"));
  message.attachment->hash = std::string(64, 'g');
  EXPECT_THAT(complaint(message), HasSubstr("sha-256"));
}

TEST(ChatMessage, RefusesWhatIsTooLong) {
  const std::string longer(kMaxEventId + 1, 'a');
  for (const auto member : {&ChatMessage::event_id, &ChatMessage::thread, &ChatMessage::replaces}) {
    ChatMessage message = said("fine");
    message.*member = longer;
    EXPECT_THAT(complaint(message), HasSubstr("more than 1024 bytes"));
  }
  EXPECT_THAT(complaint(said(std::string(kMaxBytes + 1, 'a'))), HasSubstr("body has more than"));
  EXPECT_THAT(complaint(said(std::string(kMaxBytes, '&'))),
              HasSubstr("message has more than"));  // &amp; is what counts
  EXPECT_FALSE(to_envelope(said("0123456789"), kRomeo, 20));
  EXPECT_TRUE(to_envelope(said("0123456789"), kRomeo, 80));
}

// Content from XMPP ---------------------------------------------------------------------------------------------------

TEST(HeardMessage, IsReadAsAnyClientWritesIt) {
  for (const std::string_view inner : {
           "<body>a &lt; b &#x26; c\nd</body>",
           "<body><![CDATA[a < b & c]]>&#10;d</body>",
           "<c:body xmlns:c='jabber:client'>a &#60; b &amp; c\r\nd</c:body>",
           " <active xmlns='http://jabber.org/protocol/chatstates'/> <body >a &lt; b &amp; c\rd</body > ",
           "<body xmlns = \"jabber:client\" >a &lt; b &amp; c\nd</body><html "
           "xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>no</body></html>",
           "<body xmlns='jabber:x'>no</body><subject>no</subject><body>a &lt; b &amp; c\nd</body><body>later</body>",
       }) {
    EXPECT_EQ(heard(inner).body, "a < b & c\nd") << inner;
    EXPECT_EQ(heard(inner).event_id, "x1");
    EXPECT_EQ(heard(inner).type, "text");
  }
}

TEST(HeardMessage, IsInTheLanguageThatIsSaidNowhere) {
  EXPECT_EQ(heard("<body xml:lang='de'>eins</body><body>one</body><body xml:lang='it'>uno</body>").body, "one");
  EXPECT_EQ(heard("<body xml:lang='de'>eins</body><body xml:lang='it'>uno</body>").body, "eins");
  domain::Envelope italian = from_xmpp("<body xml:lang='de'>eins</body><body xml:lang='it'>uno</body>");
  italian.lang = "it";
  EXPECT_EQ(from_envelope(italian, kNoon).message->body, "uno");
}

TEST(HeardMessage, HasWhatBelongsToIt) {
  const ChatMessage message = heard(
      "<body>see</body><thread parent='a'>t &amp; t</thread><replace xmlns='urn:xmpp:message-correct:0' id='x&#x30;'/>"
      "<request xmlns='urn:xmpp:receipts'/><x xmlns='jabber:x:oob'><url>https://files.example/?a&amp;b</url>"
      "<desc>d</desc></x>");
  EXPECT_EQ(message.thread, "t & t");
  EXPECT_EQ(message.replaces, "x0");
  EXPECT_TRUE(message.wants_receipt);
  ASSERT_TRUE(message.attachment);
  EXPECT_EQ(*message.attachment, Attachment{.url = "https://files.example/?a&b"});
  EXPECT_EQ(message.type, "text");
  EXPECT_TRUE(heard("<body>see</body><markable xmlns='urn:xmpp:chat-markers:0'/>").wants_receipt);
}

TEST(HeardMessage, BelievesNoNonsenseAboutFiles) {
  EXPECT_FALSE(heard("<body>b</body><event xmlns='urn:anser:message:0' type='image' name='n'/>").attachment);
  const ChatMessage message =
      heard("<event xmlns='urn:anser:message:0' type='poem' size='-1'/><x xmlns='jabber:x:oob'><url>u</url></x>");
  EXPECT_EQ(message.type, "text");
  EXPECT_EQ(message.attachment->size, 0u);
  EXPECT_FALSE(heard("<body>b</body><x xmlns='jabber:x:oob'/>").attachment);
}

TEST(HeardMessage, TakesTheOriginsIdForWantOfAnother) {
  domain::Envelope envelope = from_xmpp("<body>b</body>");
  envelope.id.clear();
  envelope.origin_id = "o1";
  EXPECT_EQ(from_envelope(envelope, kNoon).message->event_id, "o1");
}

TEST(HeardMessage, IsNothingWhereNothingIsSaid) {
  const auto silent = [](const domain::Envelope& envelope) {
    Heard heard;
    heard.message.emplace().body = "of before";
    heard.state.emplace();
    heard.receipt.emplace();
    from_envelope(envelope, kNoon, heard);
    return !heard.message && !heard.state && !heard.receipt;
  };
  EXPECT_TRUE(silent(from_xmpp("")));
  EXPECT_TRUE(silent(from_xmpp("<subject>s</subject><x xmlns='jabber:x:conference' jid='a@b'/>")));
  EXPECT_TRUE(silent(from_xmpp("<event xmlns='http://jabber.org/protocol/pubsub#event'><items/></event>")));
  EXPECT_TRUE(silent(from_xmpp("<body>b</body>", domain::Type::error)));
  EXPECT_TRUE(silent(from_xmpp("<received xmlns='urn:xmpp:receipts'/>")));
  EXPECT_TRUE(silent(from_xmpp("<broken")));
  domain::Envelope presence = from_xmpp("<status>b</status>");
  presence.kind = domain::Kind::presence;
  presence.type = domain::Type::available;
  EXPECT_TRUE(silent(presence));
  domain::Envelope tombstone = from_xmpp("");
  tombstone.retracted = kNoon;
  EXPECT_TRUE(silent(tombstone));
}

TEST(HeardMessage, KeepsNothingOfTheOneBefore) {
  Heard heard;
  ChatMessage full = said("before");
  full.thread = full.replaces = "t";
  full.type = "image";
  full.attachment = Attachment{.url = "u", .name = "n", .size = 1};
  full.wants_receipt = full.ephemeral = full.group = true;
  from_envelope(written(full), kNoon, heard);
  ASSERT_EQ(heard.message, as_heard(full));

  from_envelope(written(said("after")), kNoon, heard);

  EXPECT_EQ(heard.message, as_heard(said("after")));
}

// Chat states and receipts --------------------------------------------------------------------------------------------

TEST(ChatState, ComesBackAsItWasSaid) {
  for (const auto what : {ChatState::What::active, ChatState::What::composing, ChatState::What::paused,
                          ChatState::What::inactive, ChatState::What::gone}) {
    const auto envelope = to_envelope(ChatState{.to = kJuliet, .what = what, .group = true}, kRomeo);
    ASSERT_TRUE(envelope);
    const auto all = from_envelope(*envelope, kNoon);
    EXPECT_EQ(all.state, (ChatState{.from = kRomeo, .to = kJuliet, .what = what, .group = true}));
    EXPECT_FALSE(all.message);
    EXPECT_EQ(chat_state(word_of(what)), what);
  }
  EXPECT_FALSE(chat_state("thinking"));
  const auto in_thread = to_envelope(ChatState{.to = kJuliet, .thread = "t"}, kRomeo);
  EXPECT_EQ(in_thread->inner.view(), "<active xmlns='http://jabber.org/protocol/chatstates'/><thread>t</thread>");
  EXPECT_EQ(from_envelope(*in_thread, kNoon).state->thread, "t");
  EXPECT_FALSE(to_envelope(ChatState{.to = kJuliet, .thread = "\x01"}, kRomeo));
}

TEST(ChatState, ComesWithAMessageToo) {
  const auto all =
      from_envelope(from_xmpp("<body>b</body><active xmlns='http://jabber.org/protocol/chatstates'/>"), kNoon);
  EXPECT_EQ(all.message->body, "b");
  EXPECT_EQ(all.state->what, ChatState::What::active);
  EXPECT_EQ(all.state->from, kRomeo);
}

TEST(Receipt, ComesBackAsItWasSaid) {
  for (const auto what : {Receipt::What::delivered, Receipt::What::read}) {
    const auto envelope = to_envelope(Receipt{.to = kJuliet, .what = what, .event_id = "e'1"}, kRomeo);
    ASSERT_TRUE(envelope);
    const auto all = from_envelope(*envelope, kNoon);
    EXPECT_EQ(all.receipt, (Receipt{.from = kRomeo, .to = kJuliet, .what = what, .event_id = "e'1"}));
    EXPECT_FALSE(all.message);
  }
}

TEST(Receipt, IsUnderstoodInEveryWordThereIs) {
  const auto what = [](std::string_view inner) { return from_envelope(from_xmpp(inner), kNoon).receipt.value().what; };
  EXPECT_EQ(what("<received xmlns='urn:xmpp:receipts' id='1'/>"), Receipt::What::delivered);
  EXPECT_EQ(what("<received xmlns='urn:xmpp:chat-markers:0' id='1'/>"), Receipt::What::delivered);
  EXPECT_EQ(what("<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>"), Receipt::What::read);
  EXPECT_EQ(what("<acknowledged xmlns='urn:xmpp:chat-markers:0' id='1'/>"), Receipt::What::read);
  EXPECT_EQ(what("<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/><received xmlns='urn:xmpp:receipts' id='1'/>"),
            Receipt::What::read);
}

TEST(Receipt, IsRefusedWithoutAMessage) {
  EXPECT_THAT(to_envelope(Receipt{.to = kJuliet}, kRomeo).error().message, HasSubstr("eventId"));
  EXPECT_FALSE(to_envelope(Receipt{.to = kJuliet, .event_id = "\x01"}, kRomeo));
  EXPECT_FALSE(to_envelope(Receipt{.to = kJuliet, .event_id = std::string(kMaxEventId + 1, 'a')}, kRomeo));
}

}  // namespace
}  // namespace anser::door
