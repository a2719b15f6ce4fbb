// The server of test_talk.h, and the dialogues from the first word to the last.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/base64.h"
#include "core/password.h"
#include "sdk/src/test_talk.h"
#include "xml/escape.h"

namespace anser::sdk::test {
namespace {

constexpr std::string_view kHost = "montague.example";

const core::ScramKeys& keys(core::Hash hash, const std::string& password, std::uint32_t iterations) {
  static std::map<std::pair<core::Hash, std::string>, core::ScramKeys> known;
  auto& keys = known[{hash, password}];
  if (keys.salt.empty()) keys = core::derive_keys(hash, password, "sixteen of these", core::kMinIterations).value();
  keys.iterations = iterations;  // a server that lies about them
  return keys;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What the machine answers to some XML; what it says goes to `out`.
Next feed(Negotiation& machine, xml::StreamReader& reader, const std::string& xml, std::string& out,
          std::vector<std::string>& delivered) {
  std::string_view input{xml};
  Next next = Next::wait;
  for (;;) {
    const auto before = input;
    switch (reader.next(input)) {
      case xml::StreamReader::Event::header:
        next = machine.on_header(reader.header(), out);
        break;
      case xml::StreamReader::Event::stanza:
        next = machine.on_element(reader.stanza(), out);
        if (next == Next::deliver) delivered.emplace_back(before.substr(0, before.size() - input.size()));
        break;
      case xml::StreamReader::Event::end:
        return machine.on_end(out);
      case xml::StreamReader::Event::error:
        ADD_FAILURE() << "the test's XML is none: " << xml << ": " << reader.error().message;
        return Next::failed;
      default:
        return next == Next::deliver ? Next::wait : next;
    }
  }
}

std::string text_in(std::string_view local, std::string_view text) {
  return fmt::format("<{0}>{1}</{0}>", local, text);
}

}  // namespace

const char* name_of(Next next) {
  constexpr const char* kNames[]{"wait",    "restart",   "start_tls", "start_compression", "derive",
                                 "deliver", "connected", "refused",   "logged_in",         "failed"};
  return kNames[static_cast<int>(next)];
}

// ---- the server -----------------------------------------------------------------------------------------------------

void Server::restart() { reader_->restart(); }

std::vector<std::string> Server::hear(std::string_view bytes) {
  said_.clear();
  for (;;) {
    switch (reader_->next(bytes)) {
      case xml::StreamReader::Event::header:
        open();
        break;
      case xml::StreamReader::Event::stanza:
        take(element_of(reader_->stanza()).value());
        break;
      case xml::StreamReader::Event::error:
        ADD_FAILURE() << "the client's XML is none: " << reader_->error().message;
        return {};
      default:
        return std::move(said_);
    }
  }
}

void Server::open() {
  const auto& header = reader_->header();
  EXPECT_EQ(header.attr("to"), kHost);
  EXPECT_EQ(header.default_ns, xml::kClientNs);
  say(
      fmt::format("<?xml version='1.0'?><stream:stream from='{}' id='id-of-the-stream'{} xmlns='jabber:client' "
                  "xmlns:stream='http://etherx.jabber.org/streams'>",
                  kHost, options_.version ? " version='1.0'" : ""));
  if (!options_.version) return;
  std::string features;
  if (!secure_ && options_.starttls)
    features.append("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>")
        .append(options_.starttls_required ? "<required/>" : "")
        .append("</starttls>");
  if (!authenticated_) {
    std::string mechanisms;
    for (const auto& name : options_.mechanisms) {
      if (secure_ || !name.ends_with("-PLUS")) mechanisms.append(text_in("mechanism", name));
    }
    if (!mechanisms.empty())
      features.append("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>")
          .append(mechanisms)
          .append("</mechanisms>");
    if (options_.sasl2) {
      features.append("<authentication xmlns='urn:xmpp:sasl:2'>").append(mechanisms).append("<inline>");
      if (has(options_.inlined, "sm")) features.append("<sm xmlns='urn:xmpp:sm:3'/>");
      if (has(options_.inlined, "bind")) {
        features.append("<bind xmlns='urn:xmpp:bind:0'><inline>");
        for (const auto& name : options_.inlined) features.append("<feature var='").append(name).append("'/>");
        features.append("</inline></bind>");
      }
      features.append("</inline></authentication>");
    }
    if (options_.binding_types && secure_) {
      features.append("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>");
      for (const auto& type : *options_.binding_types)
        features.append("<channel-binding type='").append(type).append("'/>");
      features.append("</sasl-channel-binding>");
    }
    if (options_.iq_auth) features.append("<auth xmlns='http://jabber.org/features/iq-auth'/>");
    features.append("<register xmlns='http://jabber.org/features/iq-register'/>");
  } else {
    if (options_.compression && !compressed_)
      features.append(
          "<compression xmlns='http://jabber.org/features/compress'><method>lzw</method>"
          "<method>zlib</method></compression>");
    features.append("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
    if (options_.management) features.append("<sm xmlns='urn:xmpp:sm:3'/>");
    if (!options_.session.empty())
      features.append("<session xmlns='urn:ietf:params:xml:ns:xmpp-session'>")
          .append(options_.session == "optional" ? "<optional/>" : "")
          .append("</session>");
  }
  say("<stream:features>" + features + "</stream:features>");
}

void Server::take(const xml::Element& element) {
  const auto name = element.local();
  if (element.is({kTlsNs, "starttls"})) {
    say("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  } else if (element.is({kSaslNs, "auth"})) {
    authenticate_.reset();
    const auto text = element.text();
    begin(element, text == "=" ? std::string{} : base64_decode(text).value());
  } else if (element.is({kSasl2Ns, "authenticate"})) {
    authenticate_ = element;
    begin(element, base64_decode(element.child_text("initial-response")).value());
  } else if (name == "response") {
    respond(base64_decode(element.text()).value());
  } else if (element.is({kCompressNs, "compress"})) {
    EXPECT_EQ(element.child_text("method"), "zlib");
    compressed_ = true;
    say("<compressed xmlns='http://jabber.org/protocol/compress'/>");
  } else if (element.is({kManagementNs, "resume"})) {
    say(resumed(element));
  } else if (element.is({kManagementNs, "enable"})) {
    say(enabled(element));
  } else if (element.is({xml::kClientNs, "iq"})) {
    take_iq(element);
  } else {
    ADD_FAILURE() << "the client says what nobody understands: " << element.to_string();
  }
}

void Server::begin(const xml::Element& element, const std::optional<std::string>& initial) {
  const std::string name{element.attr("mechanism")};
  EXPECT_TRUE(has(options_.mechanisms, name)) << name;
  proved_ = false;
  if (name == "PLAIN") {
    std::string right = '\0' + options_.account.substr(0, options_.account.find('@'));
    right.append(1, '\0').append(options_.password);
    return *initial == right ? succeed({}) : refuse("not-authorized");
  }
  const auto mechanism = core::scram_mechanism(name);
  if (!mechanism) return succeed({});
  core::ScramServer::Options options;
  options.mechanism = *mechanism;
  options.bindings = kTls.bindings;
  options.plus_offered = secure_ && std::any_of(options_.mechanisms.begin(), options_.mechanisms.end(),
                                                [](const auto& each) { return each.ends_with("-PLUS"); });
  auto offered = options_.mechanisms;
  if (!secure_) std::erase_if(offered, [](const auto& each) { return each.ends_with("-PLUS"); });
  if (options_.downgrade_protection)
    options.downgrade_text = core::downgrade_text(offered, secure_ ? options_.binding_types : std::nullopt);
  scram_ = std::make_unique<core::ScramServer>(std::move(options));
  if (!scram_->parse(*initial)) return refuse("not-authorized");
  challenge(scram_->challenge(keys(mechanism->hash, options_.password, options_.iterations)));
}

void Server::challenge(const std::string& message) {
  say(fmt::format("<challenge xmlns='{}'>{}</challenge>", authenticate_ ? kSasl2Ns : kSaslNs, base64_encode(message)));
}

void Server::respond(const std::string& message) {
  if (proved_) return succeed({});
  const auto final = scram_->finish(message);
  if (!final) return refuse("not-authorized");
  proved_ = true;
  if (options_.final_in_challenge) return challenge(*final);
  succeed(*final);
}

void Server::refuse(const std::string& condition) {
  say(fmt::format("<failure xmlns='{}'><{} xmlns='{}'/><text>that was wrong</text></failure>",
                  authenticate_ ? kSasl2Ns : kSaslNs, condition, kSaslNs));
}

void Server::succeed(const std::string& data) {
  authenticated_ = true;
  if (!authenticate_) {
    say(fmt::format("<success xmlns='{}'>{}</success>", kSaslNs, base64_encode(data)));
    return restart();
  }
  std::string text = "<success xmlns='urn:xmpp:sasl:2'>", outcome, resource;
  if (!data.empty()) text.append(text_in("additional-data", base64_encode(data)));
  const auto* resume = authenticate_->find(xml::Name{kManagementNs, "resume"});
  const auto* bind = authenticate_->find(xml::Name{kBind2Ns, "bind"});
  if (resume) outcome = resumed(*resume);
  const bool back = resume && options_.resumes;
  if (bind && !back) {
    const auto* enable = bind->find(xml::Name{kManagementNs, "enable"});
    outcome.append("<bound xmlns='urn:xmpp:bind:0'>").append(enable ? enabled(*enable) : "").append("</bound>");
    resource = "/" + bind->child_text("tag") + "/4232f4d4";
  }
  say(text + text_in("authorization-identifier", options_.account + resource) + outcome + "</success>");
  if (back) return;
  std::string features = options_.compression ? "<compression xmlns='http://jabber.org/features/compress'>"
                                                "<method>zlib</method></compression>"
                                              : "";
  if (resource.empty()) features.append("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
  if (options_.management) features.append("<sm xmlns='urn:xmpp:sm:3'/>");
  say("<stream:features>" + features + "</stream:features>");
}

std::string Server::resumed(const xml::Element& resume) const {
  if (!options_.resumes)
    return "<failed xmlns='urn:xmpp:sm:3' h='7'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>";
  return fmt::format("<resumed xmlns='urn:xmpp:sm:3' h='345' previd='{}'/>", resume.attr("previd"));
}

std::string Server::enabled(const xml::Element& enable) const {
  return fmt::format(
      "<enabled xmlns='urn:xmpp:sm:3' id='some-long-sm-id' max='300' location='[2001:41D0:1:A49b::1]:9222'{}/>",
      enable.attr("resume") == "true" ? " resume='true'" : "");
}

void Server::take_iq(const xml::Element& iq) {
  const auto result = [&](std::string_view payload) {
    say(fmt::format("<iq type='result' id='{}'>{}</iq>", iq.attr("id"), payload));
  };
  if (const auto* bind = iq.find(xml::Name{kBindNs, "bind"})) {
    auto resource = bind->child_text("resource");
    if (resource.empty()) resource = "4db06f06-1ea4-11dc-aca3-000bcd821bfb";
    result(fmt::format("<bind xmlns='{}'>\n<jid>\n {}/{} </jid></bind>", kBindNs, options_.account, resource));
  } else if (iq.find(xml::Name{kSessionNs, "session"})) {
    result("");
  } else if (const auto* query = iq.find(xml::Name{kOldAuthNs, "query"})) {
    if (iq.attr("type") == "get") return result("<query xmlns='jabber:iq:auth'>" + options_.old_fields + "</query>");
    const auto digest = core::hex(core::digest(core::Hash::sha1, "id-of-the-stream" + options_.password));
    if (query->child_text("digest") == digest || query->child_text("password") == options_.password) return result("");
    say(
        fmt::format("<iq type='error' id='{}'><error code='401' type='auth'>"
                    "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
                    iq.attr("id")));
  }
}

// ---- the talk -------------------------------------------------------------------------------------------------------

ConnectionConfiguration Talk::configured() { return ConnectionConfiguration{std::string{kHost}}; }

Talk::Talk(ServerOptions options, ConnectionConfiguration given, std::string account)
    : configuration(std::move(given)),
      server_(std::move(options)),
      machine_(std::make_unique<Negotiation>(configuration, account)) {}

Next Talk::connect() {
  std::string out;
  const Next next = machine_->start(out);
  return go_on(next, std::move(out));
}

Next Talk::connect_by_direct_tls() {
  std::string out;
  server_.secured();
  const Next next = machine_->on_tls(tls, out);
  return go_on(next, std::move(out));
}

Next Talk::login(Credentials credentials, std::optional<Resume> resume) {
  std::string out;
  const Next next = machine_->login(std::move(credentials), std::move(resume), out);
  return go_on(next, std::move(out));
}

Next Talk::go_on(Next next, std::string out) {
  for (;;) {
    if (next != Next::wait) scenery.append(scenery.empty() ? "" : " ").append(name_of(next));
    if (next == Next::restart) reader_.restart();
    sent += out;
    latest = out;
    if (next == Next::connected || next == Next::refused || next == Next::logged_in || next == Next::failed)
      return next;
    if (next == Next::derive) {
      Derivation derivation = machine_->derivation();
      derivation.run();
      out.clear();
      next = machine_->on_derived(std::move(derivation), out);
      continue;
    }
    if (next == Next::start_tls) {
      out.clear();
      server_.secured();
      next = machine_->on_tls(tls, out);
      continue;
    }
    if (next == Next::start_compression) {
      out.clear();
      server_.compressed();
      next = machine_->on_compressed(out);
      continue;
    }
    const auto utterances = server_.hear(out);
    if (utterances.empty()) return next;
    next = Next::wait;
    out.clear();
    for (auto utterance : utterances) {
      if (next != Next::wait) {
        ADD_FAILURE() << "the machine had enough (" << name_of(next) << ") before " << utterance;
        return next;
      }
      const int step = steps++;
      if (step == cut_at) {
        next = machine_->on_end(out);
        break;
      }
      utterance = change(std::move(utterance));
      if (step == surprise_at) {
        const bool header = utterance.starts_with("<?xml");
        utterance = header ? "<surprise xmlns='urn:example:wrong'>" : "<surprise xmlns='urn:example:wrong'/>";
      }
      if (!utterance.empty()) next = feed(*machine_, reader_, utterance, out, delivered);
      if (next == Next::failed) break;
    }
  }
}

// ---- the script -----------------------------------------------------------------------------------------------------

Script::Script(ConnectionConfiguration given, std::string account)
    : configuration(std::move(given)), machine_(std::make_unique<Negotiation>(configuration, account)) {}

Next Script::done(Next next) {
  if (next == Next::restart) reader_.restart();
  return next;
}

Next Script::starts() {
  said.clear();
  return done(machine_->start(said));
}

Next Script::is_secured(TlsState tls) {
  said.clear();
  return done(machine_->on_tls(std::move(tls), said));
}

Next Script::is_compressed() {
  said.clear();
  return done(machine_->on_compressed(said));
}

Next Script::logs_in(Credentials credentials, std::optional<Resume> resume) {
  said.clear();
  return done(machine_->login(std::move(credentials), std::move(resume), said));
}

Next Script::hears(std::string_view xml) {
  said.clear();
  Next next = feed(*machine_, reader_, std::string{xml}, said, delivered);
  if (next == Next::derive) {
    Derivation derivation = machine_->derivation();
    derivation.run();
    next = machine_->on_derived(std::move(derivation), said);
  }
  return done(next);
}

Next Script::hears_left_over() {
  said.clear();
  return done(machine_->on_left_over(said));
}

Next Script::hears_the_end() {
  said.clear();
  return done(machine_->on_end(said));
}

}  // namespace anser::sdk::test

namespace anser::sdk {

void PrintTo(Next next, std::ostream* out) { *out << test::name_of(next); }

}  // namespace anser::sdk

// ---- whole dialogues ------------------------------------------------------------------------------------------------

namespace anser::sdk {
namespace {

using test::ServerOptions;
using test::Talk;

// Every way to log in that there is, from the first word to the last.
struct Way {
  std::string name;
  ServerOptions server;
  ConnectionConfiguration configuration = Talk::configured();
  Credentials credentials{.username = "romeo", .password = "pencil"};
  std::optional<Resume> resume;
  std::string scenery;

  friend void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }
};

std::vector<Way> ways() {
  const Resume old{"some-long-sm-id", 12, "romeo@montague.example/balcony"};
  std::vector<Way> all;
  const auto add = [&](std::string name, std::string scenery, const auto& change) {
    Way way;
    way.name = std::move(name);
    way.scenery = std::move(scenery);
    change(way);
    all.push_back(std::move(way));
  };
  const std::string tls = "start_tls restart connected ";
  add("Sasl", tls + "derive restart logged_in", [](Way&) {});
  add("SaslWithEverything", tls + "derive restart start_compression restart logged_in", [](Way& way) {
    way.server.compression = true;
    way.server.session = "required";
    way.server.final_in_challenge = true;
    way.configuration.compression_enabled = true;
    way.credentials.resource = "balcony";
  });
  add("SaslResumed", tls + "derive restart logged_in", [&](Way& way) { way.resume = old; });
  add("SaslNotResumed", tls + "derive restart logged_in", [&](Way& way) {
    way.resume = old;
    way.server.resumes = false;
  });
  add("Plain", tls + "restart logged_in", [](Way& way) { way.server.mechanisms = {"PLAIN"}; });
  add("Anonymous", tls + "restart logged_in", [](Way& way) {
    way.server.mechanisms = {"ANONYMOUS"};
    way.credentials = {.kind = Credentials::Kind::anonymous};
  });
  add("InTheClear", "connected derive restart logged_in", [](Way& way) {
    way.server.starttls = false;
    way.configuration.security = SecurityMode::enabled;
  });
  add("Sasl2", tls + "derive logged_in", [](Way& way) { way.server.sasl2 = true; });
  add("Sasl2WithAResource", tls + "derive logged_in", [](Way& way) {
    way.server.sasl2 = true;
    way.credentials.resource = "balcony";
  });
  add("Sasl2Resumed", tls + "derive logged_in", [&](Way& way) {
    way.server.sasl2 = true;
    way.resume = old;
  });
  add("Sasl2NotResumed", tls + "derive logged_in", [&](Way& way) {
    way.server.sasl2 = true;
    way.server.resumes = false;
    way.resume = old;
  });
  add("OldLogin", tls + "logged_in", [](Way& way) { way.configuration.sasl_enabled = false; });
  add("BeforeXmpp10", "connected logged_in", [](Way& way) {
    way.server.version = false;
    way.configuration.sasl_enabled = false;
    way.configuration.security = SecurityMode::disabled;
  });
  return all;
}

class EveryWay : public testing::TestWithParam<Way> {
 protected:
  // Until it is logged in, or what happens instead.
  static Next run(Talk& talk) {
    const Next connected = talk.connect();
    return connected == Next::connected ? talk.login(GetParam().credentials, GetParam().resume) : connected;
  }
};

TEST_P(EveryWay, LeadsToASession) {
  Talk talk{GetParam().server, GetParam().configuration};

  ASSERT_EQ(run(talk), Next::logged_in) << talk.error().message;

  EXPECT_EQ(talk.scenery, GetParam().scenery);
  EXPECT_TRUE(talk.facts().address.starts_with("romeo@montague.example/")) << talk.facts().address;
  EXPECT_EQ(talk.facts().lost, GetParam().resume.has_value() && !GetParam().server.resumes);
}

TEST_P(EveryWay, SaysWhatWasDueWhenTheStreamEndsAtAnyStep) {
  Talk whole{GetParam().server, GetParam().configuration};
  ASSERT_EQ(run(whole), Next::logged_in);

  for (int step = 0; step < whole.steps; ++step) {
    SCOPED_TRACE(step);
    Talk talk{GetParam().server, GetParam().configuration};
    talk.cut_at = step;

    ASSERT_EQ(run(talk), Next::failed);

    EXPECT_EQ(talk.error().code, Errc::closed) << talk.error().message;
    EXPECT_THAT(talk.error().message, testing::Not(testing::HasSubstr("nothing was due")));
    EXPECT_TRUE(talk.sent.ends_with("</stream:stream>"));
    std::string more;
    EXPECT_EQ(talk.machine().on_end(more), Next::failed);  // and stays so
    EXPECT_TRUE(more.empty());
  }
}

TEST_P(EveryWay, GivesUpAtAWrongElementAtAnyStep) {
  Talk whole{GetParam().server, GetParam().configuration};
  ASSERT_EQ(run(whole), Next::logged_in);

  for (int step = 0; step < whole.steps; ++step) {
    SCOPED_TRACE(step);
    Talk talk{GetParam().server, GetParam().configuration};
    talk.surprise_at = step;

    ASSERT_EQ(run(talk), Next::failed);

    EXPECT_EQ(talk.error().code, Errc::protocol);
    EXPECT_THAT(talk.error().message, testing::HasSubstr("surprise"));
    EXPECT_TRUE(talk.sent.ends_with("</stream:stream>"));
  }
}

TEST_P(EveryWay, ReportsAStreamErrorAtAnyStep) {
  Talk whole{GetParam().server, GetParam().configuration};
  ASSERT_EQ(run(whole), Next::logged_in);

  for (int step = 0; step < whole.steps; ++step) {
    SCOPED_TRACE(step);
    Talk talk{GetParam().server, GetParam().configuration};
    talk.change = [&](std::string utterance) -> std::string {
      if (talk.steps - 1 != step) return utterance;
      if (utterance.starts_with("<?xml"))
        return utterance.append(
            "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
      return "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
             "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>it is\nlate</text></stream:error>";
    };

    ASSERT_EQ(run(talk), Next::failed);

    EXPECT_EQ(talk.error().code, Errc::stream);
    EXPECT_EQ(talk.error().condition, "system-shutdown");
    EXPECT_THAT(talk.error().message, testing::StartsWith("the server ended the stream (system-shutdown"));
  }
}

// The password is in no error, whatever the server says back.
TEST_P(EveryWay, KeepsTheSecretsOutOfErrors) {
  Talk whole{GetParam().server, GetParam().configuration};
  ASSERT_EQ(run(whole), Next::logged_in);

  for (int step = 0; step < whole.steps; ++step) {
    SCOPED_TRACE(step);
    Talk talk{GetParam().server, GetParam().configuration};
    talk.change = [&](std::string utterance) {
      const bool echo = talk.steps - 1 == step && talk.scenery.find("connected") != std::string::npos;
      return echo && !talk.latest.starts_with("<?xml") ? talk.latest : utterance;
    };
    if (run(talk) == Next::logged_in) continue;

    EXPECT_THAT(talk.error().message, testing::Not(testing::HasSubstr("pencil")));
    EXPECT_THAT(talk.error().message, testing::Not(testing::HasSubstr("cGVuY2ls")));  // in base64
  }
}

INSTANTIATE_TEST_SUITE_P(Negotiation, EveryWay, testing::ValuesIn(ways()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace anser::sdk
