// The login of before XMPP 1.0 (XEP-0078): a form, and the name with a password or its digest. It binds the resource.
#include "core/crypto.h"
#include "core/text.h"
#include "sdk/src/negotiation.h"
#include "xml/writer.h"

namespace anser::sdk {
namespace {

constexpr xml::Name kQuery{kOldAuthNs, "query"};
constexpr std::string_view kResource = "anser";  // the protocol wants one

}  // namespace

Next Negotiation::begin_old_login(std::string& out) {
  if (credentials_.kind != Credentials::Kind::password)
    return refuse({Errc::unsupported, "without SASL there is only the login with a name and a password"});
  if (credentials_.password.empty() || !core::is_xml_text(credentials_.password))
    return refuse({Errc::invalid_argument, "no account can have that password"});
  if (credentials_.resource.empty()) credentials_.resource = kResource;
  xml::Writer writer{out};
  writer.open("iq").attr("type", "get").attr("to", service_).attr("id", "auth-1").open("query", kOldAuthNs);
  writer.element("username", credentials_.username).close().close();
  state_ = State::old_fields;
  return Next::wait;
}

Next Negotiation::answer_old_fields(const xml::Element& element, std::string& out) {
  if (!answers(element, "auth-1")) return unexpected(element, out);
  if (element.attr("type") == "error") {
    auto error = iq_error(element, "log us in without SASL");
    if (error.condition == "service-unavailable" || error.condition == "feature-not-implemented")
      error.code = Errc::unsupported;
    return refuse(std::move(error));
  }
  const auto* query = element.find(kQuery);
  if (!query) return wrong(out, "the server does not say what it wants for a login");
  const bool digest = query->find("digest") != nullptr && !facts_.stream_id.empty();
  if (!digest && !query->find("password"))
    return refuse({Errc::unsupported, "the server takes neither a password nor its digest"});
  if (!digest && !tls_ && !configuration_.plain_in_the_clear)
    return refuse({Errc::insecure, "the server wants the password as it is, and the connection is not secure"});

  xml::Writer writer{out};
  writer.open("iq").attr("type", "set").attr("to", service_).attr("id", "auth-2").open("query", kOldAuthNs);
  writer.element("username", credentials_.username);
  if (digest)
    writer.element("digest", core::hex(core::digest(core::Hash::sha1, facts_.stream_id + credentials_.password)));
  else
    writer.element("password", credentials_.password);
  writer.element("resource", credentials_.resource).close().close();
  state_ = State::old_login;
  return Next::wait;
}

Next Negotiation::answer_old_login(const xml::Element& element, std::string& out) {
  if (!answers(element, "auth-2")) return unexpected(element, out);
  if (element.attr("type") == "error") {
    auto error = iq_error(element, "let us in");
    if (error.condition == "not-authorized" || error.condition == "forbidden") error.code = Errc::authentication;
    return refuse(std::move(error));
  }
  const auto address = account_.with_resource(credentials_.resource);
  if (!address) return wrong(out, "there is no such address");
  facts_.mechanism = kOldAuthNs;
  facts_.address = address->full();
  return finish();
}

}  // namespace anser::sdk
