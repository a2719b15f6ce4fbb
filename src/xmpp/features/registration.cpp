// src/xmpp/features/registration.cpp: XEP-0077 In-Band Registration: making an account (before login, called by the
// negotiation), changing its password and removing it (after login).
#include "xmpp/registration.h"

#include <algorithm>

#include "base/log.h"
#include "xmpp/feature.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kRegister{"jabber:iq:register", "query"};
constexpr std::size_t kMaxField = 1023;

// At most kMaxField bytes, and no half of a character at their end.
std::string shortened(std::string text) {
  if (text.size() <= kMaxField) return text;
  std::size_t end = kMaxField;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

// While it lives, the account's password is being changed.
struct PasswordChange {
  PasswordChange(LoginGuard& guard, std::string account) : guard(guard), account(std::move(account)) {}
  ~PasswordChange() { guard.password_change_over(account); }
  PasswordChange(const PasswordChange&) = delete;
  PasswordChange& operator=(const PasswordChange&) = delete;
  LoginGuard& guard;
  const std::string account;
};

net::Task<Reply> show(Shared& shared, Iq iq) {
  // §3.1: whoever has a session is registered already, and is told so with what is known.
  xml::Element query{kRegister};
  query.child("registered").child("username", iq.envelope.from.local()).child("password");
  query.child("instructions", shared.settings()->registration_instructions);
  co_return Reply{std::move(query)};
}

net::Task<Reply> remove(const Services& services, Iq iq) {
  const auto session = iq.session ? iq.session->id() : 0;
  const core::Jid account = core::Jid::parse(iq.envelope.from.bare()).value_or(core::Jid{});
  domain::Router& router = services.router;
  auto start = [&router, account, session](domain::Router::Done done) {
    router.remove_account(account, session, std::move(done));
  };
  auto removed_task = stored(std::move(start));
  auto removed = co_await std::move(removed_task);
  if (!removed) co_return pass(removed);
  log::info("xmpp", "{} has removed its account", account.full());
  // The result goes out first, then the stream ends (§3.2).
  boost::asio::post(services.core.io(),
                    [&router, account] { router.end_sessions(account, 0, domain::CloseReason::account_removed); });
  co_return Reply{std::nullopt};
}

net::Task<Reply> change(const Services& services, Iq iq) {
  const core::Jid account = core::Jid::parse(iq.envelope.from.bare()).value_or(core::Jid{});
  const auto session = iq.session ? iq.session->id() : 0;
  if (iq.payload.find("remove")) {
    if (iq.payload.children().size() != 1) co_return fail(Errc::bad_request, "a removal stands alone");  // §3.2
    auto removed_task = remove(services, std::move(iq));
    Reply removed = co_await std::move(removed_task);
    co_return removed;
  }
  const std::string username = iq.payload.child_text("username");
  std::string password = iq.payload.child_text("password");
  if (username.empty() || password.empty()) co_return fail(Errc::bad_request, "username and password are required");
  const auto named = core::Jid::make(username, account.domain());
  const auto whole = core::Jid::parse(username);
  const bool own = (named && *named == account) || (whole && whole->full() == account.full());
  if (!own) co_return fail(Errc::not_allowed, "only the own password can be changed");

  Shared& shared = services.shared;
  if (!shared.guard.begin_password_change(account.full(), shared.clock.tick())) {
    co_return fail(Errc::resource_limit, "too many passwords are being changed; try again later");
  }
  const PasswordChange under_way{shared.guard, account.full()};
  auto keys_task = derive_all(shared, std::move(password), shared.settings()->scram_iterations);
  auto keys = co_await std::move(keys_task);
  if (!keys) co_return pass(keys);
  auto work = [account, keys = std::move(*keys)](domain::AccountStore& store) { return store.set_keys(account, keys); };
  auto stored_keys_task = ask<void>(shared, std::move(work));
  auto stored_keys = co_await std::move(stored_keys_task);
  if (!stored_keys) co_return pass(stored_keys);
  log::info("xmpp", "{} has changed its password", account.full());
  services.router.end_sessions(account, session, domain::CloseReason::password_changed);
  co_return Reply{std::nullopt};
}

}  // namespace

Result<std::optional<xml::Element>> registration_form(const Settings& settings) {
  xml::Element query{kRegister};
  query.child("instructions", settings.registration_instructions);
  query.child("username").child("password").child("name").child("email");
  return std::optional<xml::Element>{std::move(query)};
}

net::Task<Result<std::vector<core::ScramKeys>>> derive_all(Shared& shared, std::string password,
                                                           std::uint32_t iterations) {
  auto work = [password = std::move(password), iterations]() -> Result<std::vector<core::ScramKeys>> {
    std::vector<core::ScramKeys> keys;
    for (const auto hash : {core::Hash::sha256, core::Hash::sha1, core::Hash::sha512}) {
      auto derived = core::fresh_keys(hash, password, iterations);
      if (!derived) return fail(Errc::not_acceptable, "this password cannot be used: {}", derived.error().message);
      keys.push_back(std::move(*derived));
    }
    return keys;
  };
  auto keys_task = net::run_on(shared.workers, std::move(work));
  auto keys = co_await std::move(keys_task);
  co_return keys;
}

net::Task<Result<void>> register_account(Shared& shared, const Settings& settings, const std::string& host,
                                         boost::asio::ip::address from, xml::Element query) {
  if (query.find("remove")) co_return fail(Errc::not_allowed, "log in to remove an account");
  const auto* username = query.find("username");
  const auto* password = query.find("password");
  if (!username || !password || username->text().empty() || password->text().empty()) {
    // A password change without login arrives so, too: nobody is logged in whose password it could be.
    co_return fail(Errc::not_acceptable, "username and password are required");
  }
  domain::AccountRecord account;
  auto jid = core::Jid::make(username->text(), host);
  if (!jid || !jid->has_local()) co_return fail(Errc::not_acceptable, "this name cannot be used");
  if (username->text() == "null" && !query.find("name") && !query.find("email")) {
    // Smack 3 sends its missing user name as this word when a password is changed before login; nobody gets such an
    // account.
    co_return fail(Errc::not_acceptable, "log in to change a password");
  }
  account.jid = std::move(*jid);
  account.name = shortened(query.child_text("name"));
  account.email = shortened(query.child_text("email"));
  account.created = shared.clock.now();
  if (!shared.guard.may_register(from, shared.clock.tick())) {
    co_return fail(Errc::resource_limit, "too many accounts have been made from this address; try again later");
  }
  auto find = [jid = account.jid](domain::AccountStore& store) { return store.find_account(jid); };
  auto existing_task = ask<std::optional<domain::AccountRecord>>(shared, std::move(find));
  auto existing = co_await std::move(existing_task);
  if (!existing) co_return pass(existing);
  if (existing->has_value()) co_return fail(Errc::conflict, "this name is taken");

  auto keys_task = derive_all(shared, password->text(), settings.scram_iterations);
  auto keys = co_await std::move(keys_task);
  if (!keys) co_return pass(keys);
  account.keys = std::move(*keys);
  const core::Jid made = account.jid;
  auto work = [account = std::move(account)](domain::AccountStore& store) { return store.create_account(account); };
  auto created_task = ask<void>(shared, std::move(work));
  auto created = co_await std::move(created_task);
  if (!created) co_return pass(created);
  const auto home = domain::core_of(made.full(), shared.cores.size());
  shared.post.send(net::Core::current()->id(), home,
                   domain::AccountChanged{made, domain::AccountChanged::What::created, 0});
  log::info("xmpp", "{} has been registered from {}", made.full(), from.to_string());
  co_return Result<void>{};
}

Feature registration(const Services& services) {
  Feature feature{{.xep = 77, .version = "2.4", .title = "In-Band Registration", .disco = {kRegister.ns}}};
  Shared& shared = services.shared;
  feature.on_iq_get(kRegister, [&shared](Iq iq) { return show(shared, std::move(iq)); });
  feature.on_iq_set(kRegister, [&services](Iq iq) { return change(services, std::move(iq)); });
  return feature;
}

}  // namespace anser::xmpp
