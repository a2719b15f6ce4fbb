// src/xmpp/features/archive_preferences.cpp: XEP-0441 Message Archive Management Preferences. The router asks them when
// a message is appended (src/domain/archive_preferences.h).
#include <algorithm>

#include "xmpp/archive_form.h"
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

using domain::ArchiveDefault;
using domain::ArchivePreferences;

constexpr xml::Name kPrefs{kArchiveNs, "prefs"};
constexpr std::array<std::string_view, 3> kDefaults{"always", "never", "roster"};  // in the order of ArchiveDefault

// An alias is kept under the host's real name: the router compares real names.
Result<std::vector<core::Jid>> read_list(const xml::Element& prefs, std::string_view name, const domain::Hosts& hosts) {
  std::vector<core::Jid> addresses;
  const xml::Element* list = prefs.find(name);
  if (!list) return addresses;
  for (const auto& item : list->children()) {
    if (!item.is({kArchiveNs, "jid"})) continue;
    auto address = core::Jid::parse(item.text());
    if (!address) return fail(Errc::jid_malformed, "{}: {}", name, address.error().message);
    if (auto real = hosts.canonical(*address)) address = std::move(*real);
    addresses.push_back(std::move(*address));
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

Result<ArchivePreferences> read(const xml::Element& prefs, const domain::Hosts& hosts) {
  const auto found = std::find(kDefaults.begin(), kDefaults.end(), prefs.attr("default"));
  if (found == kDefaults.end()) return fail(Errc::bad_request, "the default is always, never or roster");
  auto always = read_list(prefs, "always", hosts);
  auto never = read_list(prefs, "never", hosts);
  if (!always) return pass(always);
  if (!never) return pass(never);
  return ArchivePreferences{.otherwise = static_cast<ArchiveDefault>(found - kDefaults.begin()),
                            .always = std::move(*always),
                            .never = std::move(*never)};
}

xml::Element written(const ArchivePreferences& preferences) {
  xml::Element prefs{kPrefs};
  prefs.attr("default", kDefaults[static_cast<std::size_t>(preferences.otherwise)]);
  for (const auto* list : {&preferences.always, &preferences.never}) {
    xml::Element element{std::string{kArchiveNs}, list == &preferences.always ? "always" : "never"};
    for (const auto& address : *list) element.child("jid", address.full());
    prefs.child(std::move(element));
  }
  return prefs;
}

net::Task<Reply> show(domain::Router& router, Iq iq) {
  co_return Reply{written(router.archive_preferences(*iq.account))};
}

net::Task<Reply> change(domain::Router& router, Iq iq) {
  auto preferences = read(iq.payload, router.hosts());
  if (!preferences) co_return pass(preferences);
  xml::Element answer = written(*preferences);
  auto start = [&router, account = iq.account, preferences = std::move(*preferences)](domain::Router::Done done) {
    router.set_archive_preferences(*account, preferences, std::move(done));
  };
  auto task = stored(std::move(start));
  auto outcome = co_await std::move(task);
  if (!outcome) co_return pass(outcome);
  co_return Reply{std::move(answer)};
}

net::Task<Reply> refuse(Iq) { co_return fail(Errc::forbidden, "an archive is for its owner alone"); }

}  // namespace

Feature archive_preferences(const Services& services) {
  Feature feature{{.xep = 441, .version = "0.2.0", .title = "Message Archive Management Preferences"}};
  domain::Router& router = services.router;
  feature.on_iq_get(
      kPrefs, [&router](Iq iq) { return show(router, std::move(iq)); }, Scope::own);
  feature.on_iq_set(
      kPrefs, [&router](Iq iq) { return change(router, std::move(iq)); }, Scope::own);
  feature.on_iq_get(kPrefs, refuse, Scope::account);
  feature.on_iq_set(kPrefs, refuse, Scope::account);
  return feature;
}

}  // namespace anser::xmpp
