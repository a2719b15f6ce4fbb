// src/xmpp/features/private_storage.cpp: XEP-0049 Private XML Storage: one element per name and namespace, for its
// owner.
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kPrivate{"jabber:iq:private", "query"};
constexpr std::string_view kCollection = "private";

std::string key_of(const xml::Element& element) {
  return std::string{element.ns()} + " " + std::string{element.local()};
}

net::Task<Reply> fetch(Shared& shared, Iq iq) {
  const xml::Element* asked = iq.payload.first_child();
  if (!asked || iq.payload.children().size() != 1) co_return fail(Errc::bad_request, "ask for one element at a time");
  auto work = [owner = iq.target, key = key_of(*asked)](domain::AccountStore& store) {
    return store.find_document(owner, kCollection, key);
  };
  auto task = ask<std::optional<std::string>>(shared, std::move(work));
  auto found = co_await std::move(task);
  if (!found) co_return pass(found);
  xml::Element query{kPrivate};
  if (found->has_value()) {
    auto element = xml::parse_element(**found);
    if (!element) co_return fail(Errc::internal, "what is stored cannot be read");
    query.child(std::move(*element));
  } else {
    query.child(xml::Element{std::string{asked->ns()}, std::string{asked->local()}});
  }
  co_return Reply{std::move(query)};
}

net::Task<Reply> store(Shared& shared, Iq iq) {
  if (iq.payload.children().empty()) co_return fail(Errc::bad_request, "nothing to store");
  std::vector<std::pair<std::string, std::string>> elements;
  for (const auto& child : iq.payload.children()) {
    if (child.ns().empty() || child.ns() == kPrivate.ns || child.ns() == xml::kClientNs) {
      co_return fail(Errc::not_acceptable, "an element needs a namespace of its own");  // §4, example 6
    }
    elements.emplace_back(key_of(child), child.to_string(xml::kClientNs));
  }
  const auto limit = shared.settings()->private_bytes;
  auto work = [owner = iq.target, elements = std::move(elements), limit](domain::AccountStore& store) -> Result<void> {
    for (const auto& [key, text] : elements) {
      if (auto put = store.put_document(owner, kCollection, key, text); !put) return put;
    }
    const auto size = store.documents_size(owner);
    if (!size) return pass(size);
    if (*size > limit) return fail(Errc::resource_limit, "an account may keep {} bytes here", limit);
    return {};
  };
  auto task = ask<void>(shared, std::move(work));
  auto stored = co_await std::move(task);
  if (!stored) co_return pass(stored);
  co_return Reply{std::nullopt};
}

}  // namespace

Feature private_storage(const Services& services) {
  Feature feature{{.xep = 49,
                   .version = "1.2",
                   .title = "Private XML Storage",
                   .disco = {kPrivate.ns},
                   .disco_account = {kPrivate.ns}}};
  Shared& shared = services.shared;
  feature.on_iq_get(
      kPrivate, [&shared](Iq iq) { return fetch(shared, std::move(iq)); }, Scope::own);
  feature.on_iq_set(
      kPrivate, [&shared](Iq iq) { return store(shared, std::move(iq)); }, Scope::own);
  return feature;
}

}  // namespace anser::xmpp
