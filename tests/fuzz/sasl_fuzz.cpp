// What strangers say to log in, except SCRAM: the first octet picks one of the parts of sasl_messages.h,
// sasl2_messages.h and core/hashed_token.h, the rest are up to three texts with a line feed in between. Nothing
// crashes, base64 has one spelling, PLAIN comes back whole, nobody may act as somebody else, a resource is one.
#include "xmpp/sasl_messages.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/base64.h"
#include "core/hashed_token.h"
#include "core/precis.h"
#include "core/text.h"
#include "xmpp/sasl2_messages.h"

namespace {

using namespace anser;

const std::string kHost = "montague.example";

const domain::Hosts& hosts() {
  static const domain::Hosts hosts{{{kHost, {"old.montague.example"}}, {"capulet.example", {}}}, {"192.0.2.7", "::1"}};
  return hosts;
}

using Texts = std::array<std::string_view, 3>;

Texts split(std::string_view text) {
  Texts texts;
  for (std::size_t i = 0; i + 1 < texts.size(); ++i) {
    const std::size_t line = text.find('\n');
    texts[i] = text.substr(0, line);
    text = line == text.npos ? std::string_view{} : text.substr(line + 1);
  }
  texts.back() = text;
  return texts;
}

void check_account(std::string_view authzid, std::string_view username) {
  const std::string name = xmpp::name_at_host(std::string{username}, kHost, hosts());
  ANSER_ASSERT(xmpp::name_at_host(name, kHost, hosts()) == name);
  const auto account = core::Jid::make(name, kHost);
  if (!account) return;
  ANSER_ASSERT(account->is_bare() && account->domain() == kHost);
  ANSER_ASSERT(xmpp::may_act_as("", *account, hosts()));
  ANSER_ASSERT(xmpp::may_act_as(account->local(), *account, hosts()));
  ANSER_ASSERT(!account->has_local() || xmpp::may_act_as(account->full(), *account, hosts()));
  if (authzid.empty() || !xmpp::may_act_as(authzid, *account, hosts())) return;
  // Allowed: then it is the own name, or an address that leads to the own account and nowhere else.
  const auto local = core::prepare_local(authzid);
  if (local && *local == account->local()) return;
  const auto address = core::Jid::parse(authzid);
  ANSER_ASSERT(address && hosts().canonical(*address) == *account);
}

void check_plain(std::string_view message) {
  const auto plain = xmpp::parse_plain(message);
  if (!plain) {
    ANSER_ASSERT(plain.error().code == Errc::bad_request);
    return;
  }
  ANSER_ASSERT(core::is_utf8(message));
  ANSER_ASSERT(!plain->username.empty() && !plain->password.empty());
  ANSER_ASSERT(plain->authzid + '\0' + plain->username + '\0' + plain->password == message);
  check_account(plain->authzid, plain->username);
}

// All of the way: the text of <auth mechanism='PLAIN'/> or of a <response/>.
void check_element_text(std::string_view text, bool begins) {
  const auto message = xmpp::decode_sasl_text(text, begins);
  if (!message) {
    ANSER_ASSERT(message.error().code == Errc::bad_request);
    return;
  }
  ANSER_ASSERT(message->has_value() || (begins && text.empty()));
  if (!message->has_value()) return;
  ANSER_ASSERT(text == "=" ? (*message)->empty() : base64_encode(**message) == text);
  check_plain(**message);
}

void check_old_login(std::string_view text) {
  const auto query = xml::parse_element(text);
  if (!query) return;
  const auto login = xmpp::read_old_login(*query);
  if (!login) {
    ANSER_ASSERT(login.error().code == Errc::not_acceptable);
    return;
  }
  ANSER_ASSERT(core::is_xml_text(login->username) && core::is_xml_text(login->resource));
  check_account({}, login->username);
}

// <authenticate/>, all of it.
void check_authenticate(std::string_view text) {
  const auto element = xml::parse_element(text);
  if (!element) return;
  const auto said = xmpp::read_authenticate(*element);
  if (!said) {
    ANSER_ASSERT(said.error().code == Errc::bad_request);
    return;
  }
  ANSER_ASSERT(!said->mechanism.empty() && said->upgrades.size() <= 2);
  ANSER_ASSERT(said->agent.empty() || xmpp::uuid_v4(said->agent) == said->agent);
  if (said->initial) {
    const auto message = xmpp::decode_sasl2_text(*said->initial);
    ANSER_ASSERT(message || message.error().code == Errc::bad_request);
  }
  if (!said->bind) return;
  const auto account = core::Jid::make("romeo", kHost).value();
  const std::string resource = xmpp::bound_resource(account, said->bind->tag, "0123456789abcdef");
  ANSER_ASSERT(resource.ends_with("0123456789abcdef") && account.with_resource(resource)->resource() == resource);
}

void check_token(std::string_view message) {
  const auto said = core::parse_token_message(message);
  if (!said) {
    ANSER_ASSERT(said.error().code == Errc::bad_request);
    return;
  }
  ANSER_ASSERT(said->proof.size() == 32 && said->authcid + '\0' + said->proof == message);
  check_account({}, said->authcid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data + 1), size - 1};

  switch (data[0] % 8) {
    case 0:
      check_plain(text);
      break;
    case 1:
    case 2:
      check_element_text(text, data[0] % 8 == 1);
      break;
    case 3: {  // EXTERNAL's message is an authzid; ANONYMOUS's is nobody's business
      const auto [authzid, username, rest] = split(text);
      check_account(authzid, username);
      break;
    }
    case 4:
      check_old_login(text);
      break;
    case 6:
      check_authenticate(text);
      break;
    case 7:
      check_token(text);
      break;
    default: {
      const auto [username, resource, password] = split(text);
      xml::Element query{"jabber:iq:auth", "query"};
      if (!core::is_xml_text(text)) break;
      query.child("username", username).child("resource", resource).child("password", password);
      const auto login = xmpp::read_old_login(query);
      ANSER_ASSERT(login.has_value() == (!username.empty() && !resource.empty()));
      ANSER_ASSERT(!login || (login->username == username && login->password == password));
    }
  }
  return 0;
}
