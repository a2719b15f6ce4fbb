// src/xmpp/features/push.cpp: XEP-0357 Push Notifications: an account says which push services are to be told of news.
// When they are told is in src/domain/push.cpp, in which words in src/xmpp/push_text.cpp.
#include "xmpp/feature.h"
#include "xmpp/push_text.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kEnable{kPushNs, "enable"};
constexpr xml::Name kDisable{kPushNs, "disable"};
constexpr std::string_view kFormNs = "jabber:x:data";
constexpr std::string_view kOptionsForm = "http://jabber.org/protocol/pubsub#publish-options";
// Each registration is in memory while its account is.
constexpr std::size_t kNodeBytes = 1024;
constexpr std::size_t kOptionsBytes = 4096;

Result<core::Jid> service_in(const Iq& iq, const domain::Hosts& hosts) {
  if (!iq.payload.has_attr("jid")) return fail(Errc::bad_request, "name the push service in the attribute jid");
  auto service = core::Jid::parse(iq.payload.attr("jid"));
  if (!service) return fail(Errc::jid_malformed, "{}", service.error().message);
  if (auto real = hosts.canonical(*service)) service = std::move(*real);
  if (service->bare() == iq.target.full()) {
    return fail(Errc::not_acceptable, "an account is no push service of its own");
  }
  return service;
}

// The form as it goes into every notification; empty when there is none.
Result<std::string> options_in(const xml::Element& enable) {
  const xml::Element* form = enable.find(xml::Name{kFormNs, "x"});
  if (!form) return std::string{};
  bool right = false;
  for (const auto& field : form->children()) {
    right |= field.attr("var") == "FORM_TYPE" && field.child_text("value") == kOptionsForm;
  }
  if (!right) return fail(Errc::not_acceptable, "the form is not of type {}", kOptionsForm);
  std::string text = form->to_string("");
  if (text.size() > kOptionsBytes) return fail(Errc::policy_violation, "the options may have {} bytes", kOptionsBytes);
  return text;
}

net::Task<Reply> enable(domain::Router& router, Iq iq) {
  auto service = service_in(iq, router.hosts());
  if (!service) co_return pass(service);
  auto options = options_in(iq.payload);
  if (!options) co_return pass(options);
  const auto node = iq.payload.attr("node");
  if (node.size() > kNodeBytes) co_return fail(Errc::policy_violation, "the node may have {} bytes", kNodeBytes);
  domain::PushTarget target;
  target.service = std::move(*service);
  target.node = node;
  target.options = std::move(*options);
  target.device = iq.envelope.from.resource();
  auto start = [&router, account = iq.account, target = std::move(target)](domain::Router::Done done) {
    router.enable_push(*account, target, std::move(done));
  };
  auto task = stored(std::move(start));
  auto outcome = co_await std::move(task);
  if (!outcome) co_return pass(outcome);
  co_return Reply{std::nullopt};
}

net::Task<Reply> disable(domain::Router& router, Iq iq) {
  auto service = service_in(iq, router.hosts());
  if (!service) co_return pass(service);
  std::optional<std::string> node;
  if (iq.payload.has_attr("node")) node = std::string{iq.payload.attr("node")};
  auto start = [&router, account = iq.account, service = std::move(*service), node = std::move(node)](
                   domain::Router::Done done) { router.disable_push(*account, service, node, std::move(done)); };
  auto task = stored(std::move(start));
  auto outcome = co_await std::move(task);
  if (!outcome) co_return pass(outcome);
  co_return Reply{std::nullopt};
}

}  // namespace

Feature push(const Services& services) {
  Feature feature{{.xep = 357, .version = "0.4.1", .title = "Push Notifications", .disco_account = {kPushNs}}};
  domain::Router& router = services.router;
  feature.on_iq_set(
      kEnable, [&router](Iq iq) { return enable(router, std::move(iq)); }, Scope::own);
  feature.on_iq_set(
      kDisable, [&router](Iq iq) { return disable(router, std::move(iq)); }, Scope::own);
  return feature;
}

}  // namespace anser::xmpp
