#include "xmpp/sasl_messages.h"

#include "base/base64.h"
#include "core/precis.h"
#include "core/text.h"

namespace anser::xmpp {

Result<std::optional<std::string>> decode_sasl_text(std::string_view text, bool begins) {
  if (begins && text.empty()) return std::optional<std::string>{};
  if (text == "=") return std::optional<std::string>{std::string{}};
  auto decoded = base64_decode(text);
  if (!decoded) return pass(decoded);
  return std::optional<std::string>{std::move(*decoded)};
}

Result<PlainMessage> parse_plain(std::string_view message) {
  const auto first = message.find('\0');
  const auto second = first == message.npos ? first : message.find('\0', first + 1);
  if (second == message.npos || message.find('\0', second + 1) != message.npos || !core::is_utf8(message)) {
    return fail(Errc::bad_request, "PLAIN is authzid NUL name NUL password");
  }
  PlainMessage plain{.authzid = std::string{message.substr(0, first)},
                     .username = std::string{message.substr(first + 1, second - first - 1)},
                     .password = std::string{message.substr(second + 1)}};
  if (plain.username.empty() || plain.password.empty())
    return fail(Errc::bad_request, "name and password must not be empty");
  return plain;
}

bool may_act_as(std::string_view authzid, const core::Jid& account, const domain::Hosts& hosts) {
  if (authzid.empty() || authzid == account.local()) return true;
  const auto jid = core::Jid::parse(authzid);
  if (!jid) return false;
  if (jid->is_domain()) {  // a bare word parses as a domain; it may be the name in other letters
    const auto local = core::prepare_local(authzid);
    return local && *local == account.local();
  }
  const auto real = hosts.canonical(*jid);
  return real && real->is_bare() && *real == account;
}

Result<OldLogin> read_old_login(const xml::Element& query) {
  OldLogin login{.username = query.child_text("username"),
                 .resource = query.child_text("resource"),
                 .password = query.child_text("password")};
  if (login.username.empty() || login.resource.empty() || !query.find("password"))
    return fail(Errc::not_acceptable, "username, password and resource are required");
  return login;
}

}  // namespace anser::xmpp
