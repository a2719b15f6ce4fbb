// src/xmpp/features/vcard.cpp: XEP-0054 vcard-temp: everybody may read an account's card, its owner writes it.
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kVcard{"vcard-temp", "vCard"};
constexpr std::string_view kCollection = "vcard";

net::Task<Reply> show(Shared& shared, Iq iq) {
  auto work = [owner = iq.target](domain::AccountStore& store) {
    return store.find_document(owner, kCollection, "card");
  };
  auto task = ask<std::optional<std::string>>(shared, std::move(work));
  auto found = co_await std::move(task);
  if (!found) co_return pass(found);
  if (!found->has_value()) {
    if (iq.scope == Scope::own) co_return Reply{xml::Element{kVcard}};  // §3.1, example 3
    co_return fail(Errc::unavailable, "nobody there answers this");     // as for an account that does not exist
  }
  auto card = xml::parse_element(**found);
  if (!card) co_return fail(Errc::internal, "what is stored cannot be read");
  co_return Reply{std::move(*card)};
}

net::Task<Reply> change(Shared& shared, Iq iq) {
  std::string text = iq.payload.to_string(xml::kClientNs);
  const auto limit = shared.settings()->vcard_bytes;
  if (text.size() > limit) co_return fail(Errc::resource_limit, "a vCard may have {} bytes", limit);
  auto work = [owner = iq.target, text = std::move(text)](domain::AccountStore& store) {
    return store.put_document(owner, kCollection, "card", text);
  };
  auto task = ask<void>(shared, std::move(work));
  auto stored = co_await std::move(task);
  if (!stored) co_return pass(stored);
  co_return Reply{std::nullopt};
}

net::Task<Reply> show_server(const Services&) {
  co_return Reply{xml::Element{kVcard}.child("FN", "Anser").child("DESC", "An instant-messaging server")};
}

net::Task<Reply> refuse(Iq) { co_return fail(Errc::forbidden, "only its owner changes a vCard"); }

}  // namespace

Feature vcard(const Services& services) {
  Feature feature{
      {.xep = 54, .version = "1.3.0", .title = "vcard-temp", .disco = {kVcard.ns}, .disco_account = {kVcard.ns}}};
  Shared& shared = services.shared;
  feature.on_iq_get(
      kVcard, [&shared](Iq iq) { return show(shared, std::move(iq)); }, Scope::own | Scope::account);
  feature.on_iq_get(
      kVcard, [&services](const Iq&) { return show_server(services); }, Scope::host);
  feature.on_iq_set(
      kVcard, [&shared](Iq iq) { return change(shared, std::move(iq)); }, Scope::own);
  feature.on_iq_set(kVcard, refuse, Scope::host | Scope::account);
  return feature;
}

}  // namespace anser::xmpp
