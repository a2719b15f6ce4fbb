#include "xmpp/feature.h"

#include <algorithm>

#include "base/log.h"
#include "xml/reader.h"
#include "xmpp/errors.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kError{xml::kClientNs, "error"};

std::string key_of(std::string_view ns, std::string_view local) {
  std::string key;
  key.reserve(ns.size() + local.size() + 1);
  return key.append(ns).append(" ").append(local);
}

std::vector<Feature> make_all(const Services& services) {
  std::vector<Feature> all;
#define ANSER_FEATURE(name) all.push_back(name(services));
#include "xmpp/features.def"
#undef ANSER_FEATURE
  return all;
}

}  // namespace

xml::Element refusal(std::string_view type, std::string_view condition, std::string_view text, xml::Element extra) {
  xml::Element error{kError};
  error.attr("type", type).child(xml::Element{std::string{kStanzasNs}, std::string{condition}});
  error.child(xml::Element{std::string{kStanzasNs}, "text"}.attr("xml:lang", "en").text(text));
  error.child(std::move(extra));
  return error;
}

// Counts a request from the call of its handler until its answer was sent.
class Features::Underway {
 public:
  Underway(Features& features, domain::Session* session) : features_(features), session_(session ? session->id() : 0) {
    if (session)
      request_ = session->request_begun();
    else
      ++features_.foreign_;
  }
  ~Underway() {
    if (session_ == 0)
      --features_.foreign_;
    else if (auto* session = features_.services_.router.find_session(session_))  // it may have gone
      session->request_done(request_);
  }
  Underway(const Underway&) = delete;
  Underway& operator=(const Underway&) = delete;

 private:
  Features& features_;
  const domain::SessionId session_;
  std::uint64_t request_ = 0;
};

Features::Features(Services& services)
    : services_(services), features_(make_all(services)), host_info_(make_host_info(*this)) {
  for (const auto& feature : features_) {
    stream_features_.append(feature.info.stream);
    for (const auto& entry : feature.entries) {
      handlers_.emplace(Key{entry.type, key_of(entry.name.ns, entry.name.local)}, &entry);
    }
  }
  stream_features_.append("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='").append(kCapsNode);
  stream_features_.append("' ver='").append(caps_hash(host_info_)).append("'/>");
}

std::vector<std::string_view> Features::disco(Scope scope) const {
  std::vector<std::string_view> names;
  for (const auto& feature : features_) {
    const auto& list = covers(scope, Scope::host) ? feature.info.disco : feature.info.disco_account;
    for (const auto name : list) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

void Features::serve(domain::Account* account, domain::Session* session, domain::Envelope envelope) {
  if (envelope.type != domain::Type::get && envelope.type != domain::Type::set) return;  // nobody asked for this answer
  std::string_view inner = envelope.inner.view();
  if (const auto start = inner.find('<'); start != std::string_view::npos)
    inner.remove_prefix(start);  // white space around it
  inner = inner.substr(0, inner.rfind('>') + 1);
  auto payload = xml::parse_element(inner);
  if (!payload)
    return reply(envelope, fail(Errc::bad_request, "the request could not be read: {}", payload.error().message));

  const bool own = account && envelope.from.bare() == account->bare().full();
  const Scope scope = !account ? Scope::host : own ? Scope::own : Scope::account;
  const auto [first, last] = handlers_.equal_range(Key{envelope.type, key_of(payload->ns(), payload->local())});
  for (auto found = first; found != last; ++found) {
    if (!covers(found->second->scope, scope)) continue;
    if (!session && foreign_ >= kForeignRequests)
      return reply(envelope, fail(Errc::resource_limit, "too many ask at once; try again later"));
    core::Jid target;
    if (account) {
      target = account->bare();
    } else if (auto real = services_.router.hosts().canonical(envelope.to)) {
      target = std::move(*real);
    }
    Iq iq{std::move(envelope), std::move(*payload), scope, std::move(target), account, session};
    net::spawn(services_.core.io(), answer(found->second->handler, std::move(iq)));
    return;
  }
  reply(envelope, fail(Errc::unavailable, "nobody there answers this"));
}

net::Task<void> Features::answer(IqHandler handler, Iq iq) {
  const Underway underway{*this, iq.session};
  domain::Envelope request;  // only what the reply needs: the payload goes to the handler
  request.kind = domain::Kind::iq;
  request.type = iq.envelope.type;
  request.from = iq.envelope.from;
  request.to = iq.envelope.to;
  request.id = iq.envelope.id;
  auto task = handler(std::move(iq));
  Reply answered = co_await std::move(task);
  reply(request, std::move(answered));
}

void Features::reply(const domain::Envelope& request, Reply answered) {
  if (!answered) return services_.router.bounce(request, answered.error().code, answered.error().message);
  domain::Envelope result;
  result.kind = domain::Kind::iq;
  result.type = domain::Type::result;
  // RFC 6120 §8.1.2.1: what was asked of no address is answered by the account itself.
  result.from = request.to.empty() ? request.from.to_bare() : request.to;
  result.to = request.from;
  result.id = request.id;
  if (answered->has_value() && (*answered)->is(kError)) result.type = domain::Type::error;
  if (answered->has_value()) result.inner = domain::Bytes::copy((*answered)->to_string());
  services_.router.send(std::move(result));
}

}  // namespace anser::xmpp
