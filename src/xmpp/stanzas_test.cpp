#include "xmpp/stanzas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "xml/element.h"

namespace anser::xmpp {
namespace {

using domain::Envelope;
using domain::Kind;
using domain::Type;
using testing::HasSubstr;
using testing::Not;

const core::Jid kRomeo = core::Jid::parse("romeo@montague.example/orchard").value();
const domain::Hosts kHosts{{{"montague.example", {"old.montague.example"}}}, {"192.0.2.7"}};

// The first stanza of a stream whose header declares `declared` too.
Taken taken(std::string_view stanza, std::string_view stream_lang = {}, std::string_view declared = {}) {
  std::string stream = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'";
  stream.append(declared).append(">").append(stanza);
  std::string_view input = stream;
  xml::StreamReader reader;
  EXPECT_EQ(reader.next(input), xml::StreamReader::Event::header);
  EXPECT_EQ(reader.next(input), xml::StreamReader::Event::stanza) << stanza;
  return take_stanza(reader.stanza(), kRomeo, stream_lang, kHosts);
}

Envelope envelope(std::string_view stanza, std::string_view stream_lang = {}, std::string_view declared = {}) {
  Taken result = taken(stanza, stream_lang, declared);
  EXPECT_FALSE(result.refused) << result.refused->message;
  EXPECT_FALSE(result.failure) << result.failure->text;
  return std::move(result.envelope);
}

std::string inner(std::string_view stanza) { return std::string{envelope(stanza).inner.view()}; }

std::optional<Errc> refusal(std::string_view stanza) {
  const Taken result = taken(stanza);
  EXPECT_FALSE(result.failure);
  return result.refused ? std::optional{result.refused->code} : std::nullopt;
}

std::string_view failure(std::string_view stanza) {
  const Taken result = taken(stanza);
  return result.failure ? result.failure->condition : "";
}

std::string written(const Envelope& envelope, const domain::Stamp& stamp = {}) {
  std::string text;
  append_stanza(text, envelope, stamp, kRomeo, nullptr);
  return text;
}

xml::Element element(std::string_view text) {
  auto parsed = xml::parse_element(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
  return parsed ? *std::move(parsed) : xml::Element{"", "unreadable"};
}

// Whose it is -------------------------------------------------------------------------------------------------------

TEST(TakeStanza, SetsTheSenderWhateverTheClientWrote) {
  for (const std::string_view from :
       {"", " from='romeo@montague.example/orchard'", " from='romeo@montague.example'",
        " from='ROMEO@Montague.Example/orchard'", " from='romeo@old.montague.example'", " from='romeo@192.0.2.7'"}) {
    EXPECT_EQ(envelope("<message" + std::string{from} + "/>").from, kRomeo) << from;
  }
}

TEST(TakeStanza, EndsTheStreamOfWhoClaimsToBeSomebodyElse) {
  for (const std::string_view from : {"juliet@montague.example", "romeo@montague.example/balcony", "montague.example",
                                      "romeo@capulet.example/orchard", "romeo@@montague.example", ""}) {
    EXPECT_EQ(failure("<message from='" + std::string{from} + "'/>"), "invalid-from") << from;
  }
}

TEST(TakeStanza, UnderstandsThreeElementsOfOneNamespace) {
  EXPECT_EQ(envelope("<message/>").kind, Kind::message);
  EXPECT_EQ(envelope("<presence/>").kind, Kind::presence);
  EXPECT_EQ(envelope("<iq type='result' id='1'/>").kind, Kind::iq);
  for (const std::string_view other :
       {"<Message/>", "<query xmlns='jabber:client'/>", "<message xmlns='jabber:server'/>", "<message xmlns=''/>"}) {
    EXPECT_EQ(failure(other), "unsupported-stanza-type") << other;
  }
}

TEST(TakeStanza, NeverRewritesTheDestination) {
  EXPECT_EQ(envelope("<message to='juliet@192.0.2.7'/>").to.full(), "juliet@192.0.2.7");
  EXPECT_EQ(envelope("<message to='juliet@old.montague.example/x'/>").to.full(), "juliet@old.montague.example/x");
  EXPECT_TRUE(envelope("<message/>").to.empty());
  EXPECT_EQ(refusal("<message to='juliet@@capulet.example'/>"), Errc::jid_malformed);
  EXPECT_EQ(refusal("<message to=''/>"), Errc::jid_malformed);
}

// What kind it is ---------------------------------------------------------------------------------------------------

TEST(TakeStanza, KnowsTheTypesOfMessages) {
  const std::pair<std::string_view, Type> cases[] = {{"chat", Type::chat},         {"groupchat", Type::groupchat},
                                                     {"headline", Type::headline}, {"error", Type::error},
                                                     {"normal", Type::normal},     {"owl", Type::normal}};
  for (const auto& [word, type] : cases) {
    EXPECT_EQ(envelope("<message type='" + std::string{word} + "'/>").type, type) << word;
  }
}

TEST(TakeStanza, KnowsTheTypesOfPresence) {
  const std::pair<std::string_view, Type> cases[] = {
      {"", Type::available},  {"unavailable", Type::unavailable},  {"subscribe", Type::subscribe},
      {"probe", Type::probe}, {"subscribed", Type::subscribed},    {"unsubscribe", Type::unsubscribe},
      {"error", Type::error}, {"unsubscribed", Type::unsubscribed}};
  for (const auto& [word, type] : cases) {
    EXPECT_EQ(envelope("<presence type='" + std::string{word} + "'/>").type, type) << word;
  }
  EXPECT_EQ(refusal("<presence type='available'/>"), Errc::bad_request);
}

TEST(TakeStanza, HoldsAnIqToItsRules) {
  EXPECT_EQ(envelope("<iq type='get' id='1'><q xmlns='urn:q'/></iq>").type, Type::get);
  EXPECT_EQ(envelope("<iq type='set' id='1'><q xmlns='urn:q'/></iq>").type, Type::set);
  EXPECT_EQ(envelope("<iq type='error' id='1'><q xmlns='urn:q'/><error type='cancel'/></iq>").type, Type::error);
  EXPECT_EQ(envelope("<iq type='result' id='1'><q xmlns='urn:q'/></iq>").type, Type::result);
  for (const std::string_view wrong :
       {"<iq id='1'><q xmlns='urn:q'/></iq>", "<iq type='owl' id='1'><q xmlns='urn:q'/></iq>",
        "<iq type='get'><q xmlns='urn:q'/></iq>", "<iq type='get' id=''><q xmlns='urn:q'/></iq>",
        "<iq type='get' id='1'/>", "<iq type='set' id='1'>text</iq>",
        "<iq type='set' id='1'><q xmlns='urn:q'/><q xmlns='urn:q'/></iq>",
        "<iq type='result' id='1'><q xmlns='urn:q'/><q xmlns='urn:q'/></iq>"}) {
    EXPECT_EQ(refusal(wrong), Errc::bad_request) << wrong;
  }
}

TEST(TakeStanza, ReadsAPriorityOrRefusesIt) {
  const auto priority = [](std::string_view text) {
    return envelope("<presence><priority>" + std::string{text} + "</priority></presence>").facts.priority;
  };
  EXPECT_EQ(priority("5"), 5);
  EXPECT_EQ(priority("-128"), -128);
  EXPECT_EQ(priority("+127"), 127);
  EXPECT_EQ(priority(" \n7\t"), 7);
  EXPECT_EQ(envelope("<presence><priority xmlns='urn:q'>9</priority></presence>").facts.priority, 0);
  for (const std::string_view wrong : {"", " ", "128", "-129", "1.5", "1 2", "x", "99999999999999999999", "1x"}) {
    EXPECT_EQ(refusal("<presence><priority>" + std::string{wrong} + "</priority></presence>"), Errc::bad_request)
        << wrong;
  }
}

TEST(TakeStanza, ReadsWhatTheRouterNeedsToKnow) {
  const auto facts = [](std::string_view children) {
    return envelope("<message>" + std::string{children} + "</message>").facts;
  };
  EXPECT_EQ(facts(""), domain::Facts{});
  EXPECT_EQ(facts("<body/>"), (domain::Facts{.has_body = true, .has_payload = true}));
  EXPECT_EQ(facts("<subject/>"), (domain::Facts{.has_subject = true, .has_payload = true}));
  EXPECT_EQ(facts("<body xmlns='urn:q'/>"), (domain::Facts{.has_payload = true}));
  EXPECT_EQ(facts("<no-store xmlns='urn:xmpp:hints'/>"), (domain::Facts{.no_store = true, .has_payload = true}));
  EXPECT_EQ(facts("<no-permanent-store xmlns='urn:xmpp:hints'/>"),
            (domain::Facts{.no_permanent_store = true, .has_payload = true}));
  EXPECT_EQ(facts("<no-copy xmlns='urn:xmpp:hints'/>"), (domain::Facts{.no_copy = true, .has_payload = true}));
  EXPECT_EQ(facts("<store xmlns='urn:xmpp:hints'/>"), (domain::Facts{.store = true, .has_payload = true}));
  EXPECT_TRUE(envelope("<message type='normal'/>").facts.typed);
  EXPECT_FALSE(envelope("<message type='owl'/>").facts.typed);
}

TEST(TakeStanza, TellsAChatStateFromAMessage) {
  const auto only_state = [](std::string_view children) {
    return envelope("<message>" + std::string{children} + "</message>").facts.chat_state_only;
  };
  const std::string state = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
  EXPECT_TRUE(only_state(state));
  EXPECT_TRUE(only_state(state + "<thread>t</thread><no-store xmlns='urn:xmpp:hints'/>"));
  EXPECT_FALSE(only_state(state + "<body>and a word</body>"));
  EXPECT_FALSE(only_state(state + "<x xmlns='urn:q'/>"));
  EXPECT_FALSE(only_state("<thread>t</thread>"));
}

TEST(TakeStanza, RemembersTheFirstOriginId) {
  const auto with_two = envelope(
      "<message><origin-id xmlns='urn:xmpp:sid:0' id='a&amp;b'/><origin-id xmlns='urn:xmpp:sid:0' id='2'/></message>");
  EXPECT_EQ(with_two.origin_id, "a&b");
  EXPECT_EQ(envelope("<message id='1'><origin-id xmlns='urn:q' id='3'/></message>").origin_id, "");
}

// What only servers may write ---------------------------------------------------------------------------------------

TEST(TakeStanza, TakesOutEveryCopyOfWhatOnlyServersWrite) {
  const std::string forgeries[] = {
      "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='montague.example'/>",
      "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='romeo@montague.example'/>",
      "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='Juliet@OLD.montague.example'><x/></stanza-id>",
      "<s:stanza-id xmlns:s='urn:xmpp:sid:0' id='1' by='192.0.2.7'/>",
      "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='friends@conference.montague.example'/>",
      "<delay xmlns='urn:xmpp:delay' from='montague.example' stamp='2002-09-10T23:08:25Z'>late</delay>",
      "<delay xmlns='urn:xmpp:delay' from='&#109;ontague.example' stamp='2002-09-10T23:08:25Z'/>",
      "<x xmlns='jabber:x:delay' from='montague.example' stamp='20020910T23:08:25'/>",
      "<x xmlns='jabber:x:delay' from='juliet@montague.example/balcony' stamp='20020910T23:08:25'/>",
      "<x xmlns='jabber:x:delay' stamp='20020910T23:08:25'/>",
      "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/>",
      "<x xmlns='jabber:x:delay' from='192.0.2.7' stamp='20020910T23:08:25'/>",
      "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></received>",
      "<sent xmlns='urn:xmpp:carbons:2'/>",
      "<result xmlns='urn:xmpp:mam:2' id='1'/>",
      "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='1'/>",
  };
  for (const std::string& forgery : forgeries) {
    EXPECT_EQ(
        inner("<message>" + forgery + "<body>hark</body>" + forgery + " <x xmlns='urn:q'/>" + forgery + "</message>"),
        "<body>hark</body> <x xmlns='urn:q'/>")
        << forgery;
    EXPECT_EQ(inner("<presence>" + forgery + forgery + "</presence>"), "") << forgery;
  }
}

TEST(TakeStanza, LeavesWhatLooksAlikeButIsNotOurs) {
  for (const std::string_view fine : {
           "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='room@capulet.example'/>",
           "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>",
           "<delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='2002-09-10T23:08:25Z'/>",
           "<x xmlns='jabber:x:delay' from='capulet.example' stamp='20020910T23:08:25'/>",
           "<x xmlns='jabber:x:oob'/>",
           "<private xmlns='urn:xmpp:carbons:2'/>",
           "<stanza-id by='montague.example'/>",
           "<x xmlns='urn:q'><stanza-id xmlns='urn:xmpp:sid:0' id='1' by='montague.example'/></x>",
       }) {
    EXPECT_EQ(inner("<message>" + std::string{fine} + "</message>"), fine);
  }
  EXPECT_EQ(inner("<iq type='result' id='1'><result xmlns='urn:xmpp:mam:2'/></iq>"),
            "<result xmlns='urn:xmpp:mam:2'/>");
}

TEST(TakeStanza, JudgesAMessageWithoutItsForgeries) {
  const std::string forgery = "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='montague.example'/>";
  const std::string state = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";

  EXPECT_FALSE(envelope("<message>" + forgery + "</message>").facts.has_payload);
  EXPECT_TRUE(envelope("<message>" + forgery + state + "</message>").facts.chat_state_only);
  const Envelope taken = envelope("<message>" + forgery + "<origin-id xmlns='urn:xmpp:sid:0' id='o'/></message>");
  EXPECT_EQ(taken.origin_id, "o");
}

// A declaration from outside is one more attribute when the child is written again: the limit then hides nothing.
TEST(TakeStanza, IsNotFooledByAForgeryThatCrossesALimitWhenItIsWrittenAgain) {
  std::string attributes;
  for (unsigned i = 0; i + 2 < xml::Limits{}.attributes; ++i) attributes += " a" + std::to_string(i) + "=''";

  const Envelope taken = envelope("<message xmlns:s='urn:xmpp:sid:0'><s:stanza-id id='1' by='montague.example'" +
                                  attributes + "/><body>hark</body></message>");

  EXPECT_EQ(taken.inner.view(), "<body>hark</body>");
}

// What stands between the tags --------------------------------------------------------------------------------------

TEST(TakeStanza, LeavesTheContentAsItCame) {
  const std::string_view as_sent =
      "\n <body a=\"b\" >1 &lt; 2 &#x4f60;<![CDATA[<>]]></body ><p:x xmlns:p='urn:q' p:y='z'/>text";

  EXPECT_EQ(inner("<message>" + std::string{as_sent} + "</message>"), as_sent);
}

TEST(TakeStanza, MakesTheContentStandAlone) {
  const Envelope taken =
      envelope("<message xmlns:b='urn:b'><a:x b:y='1'><b:z/></a:x><body>hark</body></message>", {}, " xmlns:a='urn:a'");

  const xml::Element read = element("<message>" + std::string{taken.inner.view()} + "</message>");

  ASSERT_EQ(read.children().size(), 2u);
  EXPECT_TRUE(read.first_child()->is({"urn:a", "x"}));
  EXPECT_EQ(read.first_child()->attr(xml::Name{"urn:b", "y"}), "1");
  EXPECT_NE(read.first_child()->find(xml::Name{"urn:b", "z"}), nullptr);
  EXPECT_EQ(read.child_text("body"), "hark");
}

TEST(TakeStanza, ReadsAStanzaWithAPrefixOfItsOwn) {
  const Envelope taken = envelope("<c:message><c:body>hark</c:body></c:message>", {}, " xmlns:c='jabber:client'");

  EXPECT_TRUE(taken.facts.has_body);
  EXPECT_EQ(element(written(taken)).child_text("body"), "hark");
}

TEST(TakeStanza, TakesTheLanguageOfTheStanzaOrElseOfTheStream) {
  EXPECT_EQ(envelope("<message xml:lang='zh-Hans'/>", "de").lang, "zh-Hans");
  EXPECT_EQ(envelope("<message/>", "de").lang, "de");
  EXPECT_EQ(envelope("<message/>").lang, "");
}

// Escaped, an apostrophe is six bytes.
TEST(TakeStanza, EndsTheStreamOfWhoseAttributesAreTooLarge) {
  const auto message = [](std::string_view name, std::size_t apostrophes) {
    return "<message " + std::string{name} + "=\"" + std::string(apostrophes, '\'') + "\"/>";
  };
  EXPECT_EQ(failure(message("a", kMaxAttributes / 6 - 10)), "");
  EXPECT_EQ(failure(message("a", kMaxAttributes / 6)), "policy-violation");
  EXPECT_EQ(failure(message("id", kMaxAttributes + 1)), "policy-violation");
  EXPECT_EQ(failure(message("xml:lang", kMaxAttributes + 1)), "policy-violation");
  EXPECT_EQ(failure("<message><origin-id xmlns='urn:xmpp:sid:0' id='" + std::string(kMaxAttributes + 1, 'x') +
                    "'/></message>"),
            "policy-violation");
}

TEST(TakeStanza, KeepsAttributesThatItDoesNotKnow) {
  const Envelope taken = envelope(
      "<message xmlns:a='urn:a' a:x='1&amp;&apos;2' xml:space='preserve' plain='&lt;' a:y='3' xmlns:b='urn:b' "
      "b:x='4'/>");

  const xml::Element read = element(written(taken));

  EXPECT_EQ(read.attr(xml::Name{"urn:a", "x"}), "1&'2");
  EXPECT_EQ(read.attr(xml::Name{"urn:a", "y"}), "3");
  EXPECT_EQ(read.attr(xml::Name{"urn:b", "x"}), "4");
  EXPECT_EQ(read.attr("plain"), "<");
  EXPECT_EQ(read.attr(xml::Name{xml::kXmlNs, "space"}), "preserve");
}

// And back ----------------------------------------------------------------------------------------------------------

TEST(AppendStanza, WritesWhatWasTaken) {
  for (const std::string_view stanza : {
           "<message from='romeo@montague.example/orchard'/>",
           "<message from='romeo@montague.example/orchard' to='juliet@capulet.example' type='chat' id='m&apos;1' "
           "xml:lang='en' x='y'><body>hark</body></message>",
           "<message from='romeo@montague.example/orchard' type='normal'/>",
           "<presence from='romeo@montague.example/orchard' type='unsubscribed'/>",
           "<presence from='romeo@montague.example/orchard'><priority>1</priority></presence>",
           "<iq from='romeo@montague.example/orchard' type='set' id='1'><q xmlns='urn:q'/></iq>",
       }) {
    EXPECT_EQ(written(envelope(stanza)), stanza);
  }
}

TEST(AppendStanza, IsTakenAsTheSameEnvelope) {
  const Envelope first = envelope(
      "<message to='juliet@capulet.example/b' type='headline' id='&lt;1&gt;' xmlns:a='urn:a' a:x='&quot;'>"
      "<a:y/><subject>s</subject><origin-id xmlns='urn:xmpp:sid:0' id='o'/></message>",
      "de");

  EXPECT_EQ(envelope(written(first)), first);
}

TEST(AppendStanza, WritesEveryTypeAsItIsRead) {
  for (const auto& [kind, types] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"message", {"normal", "chat", "groupchat", "headline", "error"}},
           {"presence", {"unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "error"}},
           {"iq", {"get", "set", "result", "error"}}}) {
    for (const std::string& type : types) {
      std::string stanza = "<" + kind + " type='" + type + "' id='1'>";
      stanza += "<q xmlns='urn:q'/></" + kind + ">";
      EXPECT_EQ(element(written(envelope(stanza))).attr("type"), type) << stanza;
    }
  }
}

TEST(AppendStanza, BouncesWithTheErrorBehindWhatWasSent) {
  Envelope bounce = envelope("<message to='juliet@capulet.example' id='1'><body>hark</body></message>");
  std::swap(bounce.from, bounce.to);
  bounce.type = Type::error;
  bounce.failure = Error{Errc::unavailable, "nobody <there>"};

  const xml::Element read = element(written(bounce));

  EXPECT_EQ(read.attr("type"), "error");
  EXPECT_EQ(read.attr("to"), kRomeo.full());
  EXPECT_EQ(read.child_text("body"), "hark");
  ASSERT_EQ(read.children().size(), 2u);
  const xml::Element& error = read.children().back();
  EXPECT_TRUE(error.is({xml::kClientNs, "error"}));
  EXPECT_EQ(error.attr("type"), "cancel");
  EXPECT_TRUE(error.first_child()->is({kStanzasNs, "service-unavailable"}));
  EXPECT_EQ(error.find(xml::Name{kStanzasNs, "text"})->text(), "nobody <there>");
}

TEST(AppendStanza, BouncesEvenWhatWasEmpty) {
  Envelope bounce;
  bounce.kind = Kind::presence;
  bounce.type = Type::error;
  bounce.failure = Error{Errc::remote_not_found, ""};

  const xml::Element read = element(written(bounce));

  ASSERT_EQ(read.children().size(), 1u);
  EXPECT_THAT(written(bounce), Not(HasSubstr("<text")));
}

TEST(AppendStanza, SaysThatAMessageWaited) {
  const Envelope late = envelope("<message to='juliet@montague.example'><body>hark</body></message>");
  const domain::Stamp stamp{.sequence = 1, .time = Time{std::chrono::milliseconds{1'700'000'000'005}}, .delayed = true};

  const xml::Element read = element(written(late, stamp));

  ASSERT_EQ(read.children().size(), 2u);
  const xml::Element& delay = read.children().back();
  EXPECT_TRUE(delay.is({"urn:xmpp:delay", "delay"}));
  EXPECT_EQ(delay.attr("from"), "montague.example");
  EXPECT_EQ(delay.attr("stamp"), "2023-11-14T22:13:20.005Z");
}

TEST(AppendStanza, NamesTheArchiveIdOfTheReceiverAlone) {
  const Envelope hark = envelope("<message to='juliet@montague.example'><body>hark</body></message>");
  const domain::ArchiveIds ids{"a secret"};
  const core::Jid own = core::Jid::parse("juliet@montague.example/balcony").value();
  const auto text = [&](const domain::Stamp& stamp, const domain::ArchiveIds* with) {
    std::string out;
    append_stanza(out, hark, stamp, own, with);
    return out;
  };

  const xml::Element read = element(text({.sequence = 7, .archived = true}, &ids));

  ASSERT_EQ(read.children().size(), 2u);
  const xml::Element& id = read.children().back();
  EXPECT_TRUE(id.is({"urn:xmpp:sid:0", "stanza-id"}));
  EXPECT_EQ(id.attr("by"), "juliet@montague.example");
  EXPECT_EQ(ids.open("juliet@montague.example", id.attr("id")), 7u);
  EXPECT_THAT(text({.sequence = 7, .archived = false}, &ids), Not(HasSubstr("stanza-id")));
  EXPECT_THAT(text({.sequence = 0, .archived = true}, &ids), Not(HasSubstr("stanza-id")));
  EXPECT_THAT(text({.sequence = 7, .archived = true}, nullptr), Not(HasSubstr("stanza-id")));
}

TEST(TakeStanza, ReadsWhatAMessageTakesBack) {
  const std::string ns = "xmlns='urn:xmpp:message-retract:1'";

  EXPECT_EQ(envelope("<message><retract id='m1' " + ns + "/><retract id='m2' " + ns + "/></message>").retracts, "m1");
  EXPECT_EQ(envelope("<message><retract id='m1'/></message>").retracts, "");
  EXPECT_EQ(envelope("<message><x><retract id='m1' " + ns + "/></x></message>").retracts, "");
  const Envelope forged = envelope("<message><retracted id='m1' " + ns + "/><body>hark</body></message>");
  EXPECT_EQ(forged.retracts, "");
  EXPECT_EQ(forged.inner.view(), "<body>hark</body>");
}

TEST(AppendStanza, WritesATombstone) {
  Envelope buried = envelope("<message id='m1' type='chat' to='juliet@montague.example'/>");
  buried.retracts = "r'1";
  buried.retracted = Time{std::chrono::milliseconds{1'700'000'000'005}};

  const xml::Element read = element(written(buried));

  EXPECT_EQ(read.attr("id"), "m1");
  ASSERT_EQ(read.children().size(), 1u);
  EXPECT_TRUE(read.first_child()->is({"urn:xmpp:message-retract:1", "retracted"}));
  EXPECT_EQ(read.first_child()->attr("id"), "r'1");
  EXPECT_EQ(read.first_child()->attr("stamp"), "2023-11-14T22:13:20.005Z");
}

TEST(ToXmppDate, CountsMillisecondsForward) {
  EXPECT_EQ(to_xmpp_date(Time{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_xmpp_date(Time{Duration{-1}}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_xmpp_date(Time{std::chrono::seconds{951'782'400}}), "2000-02-29T00:00:00.000Z");
}

TEST(Stanzas, ReadsWhatDevicesShare) {
  const auto facts = [](std::string_view type, std::string_view content) {
    return envelope(fmt::format("<message type='{}'>{}</message>", type, content)).facts;
  };
  for (const char* content :
       {"<request xmlns='urn:xmpp:receipts'/>", "<received xmlns='urn:xmpp:receipts' id='r'/>",
        "<active xmlns='http://jabber.org/protocol/chatstates'/>",
        "<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>",
        "<x xmlns='jabber:x:conference' jid='hall@rooms.example'/>",
        "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='nurse@capulet.example'/></x>"}) {
    EXPECT_TRUE(facts("normal", content).conversation) << content;
    EXPECT_FALSE(facts("normal", content).from_room) << content;
  }
  EXPECT_FALSE(facts("normal", "<subject>s</subject><x xmlns='urn:example'/>").conversation);
  EXPECT_TRUE(facts("chat", "<body>b</body><x xmlns='http://jabber.org/protocol/muc#user'/>").from_room);
  EXPECT_TRUE(facts("chat", "<body>b</body><private xmlns='urn:xmpp:carbons:2'/>").no_carbons);
  EXPECT_FALSE(facts("chat", "<body>b</body><private xmlns='urn:example'/>").no_carbons);
}

TEST(Stanzas, TellsWhatAnErrorAnswersByWhatItBringsBack) {
  const auto shared = [](std::string_view content) {
    return envelope(fmt::format("<message type='error'>{}<error type='cancel'/></message>", content))
        .facts.conversation;
  };
  EXPECT_TRUE(shared(""));
  EXPECT_TRUE(shared("<body>b</body>"));
  EXPECT_TRUE(shared("<request xmlns='urn:xmpp:receipts'/>"));
  EXPECT_FALSE(shared("<event xmlns='http://jabber.org/protocol/pubsub#event'/>"));
}

// XEP-0280, examples 9 to 13.
TEST(Stanzas, FramesCopiesForOtherDevices) {
  Envelope message =
      envelope("<message to='juliet@capulet.example/balcony' type='chat' id='m1'><body>hark</body></message>");
  const std::string forwarded =
      "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='romeo@montague.example/orchard' "
      "to='juliet@capulet.example/balcony' type='chat' id='m1'><body>hark</body></message></forwarded>";
  std::string text;

  append_stanza(text, message, {.copy = domain::Copy::sent}, core::Jid::parse("romeo@montague.example/home").value(),
                nullptr);
  EXPECT_EQ(text,
            "<message from='romeo@montague.example' to='romeo@montague.example/home' type='chat'>"
            "<sent xmlns='urn:xmpp:carbons:2'>" +
                forwarded + "</sent></message>");

  text.clear();
  append_stanza(text, message, {.copy = domain::Copy::received},
                core::Jid::parse("juliet@capulet.example/home").value(), nullptr);
  EXPECT_EQ(text,
            "<message from='juliet@capulet.example' to='juliet@capulet.example/home' type='chat'>"
            "<received xmlns='urn:xmpp:carbons:2'>" +
                forwarded + "</received></message>");
}

}  // namespace
}  // namespace anser::xmpp
