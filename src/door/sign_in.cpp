#include "door/sign_in.h"

#include <algorithm>

#include "base/log.h"
#include "door/ask.h"
#include "door/names.h"

namespace anser::door {
namespace {

constexpr std::string_view kNobody = "unknown";  // the account of a token that names none

using Found = std::optional<domain::AccountRecord>;

// Which stored key a password in clear text is checked against. Every account has this one, so names that exist and
// names that do not cost the same.
constexpr core::Hash kPlainHash = core::Hash::sha256;

const core::ScramKeys& keys_for_plain(const domain::AccountRecord& record) {
  const auto found =
      std::find_if(record.keys.begin(), record.keys.end(), [](const auto& keys) { return keys.hash == kPlainHash; });
  return found == record.keys.end() ? record.keys.front() : *found;
}

net::Task<Result<Found>> find_account(Shared& shared, core::Jid account) {
  auto work = [account = std::move(account)](domain::AccountStore& store) { return store.find_account(account); };
  auto found_task = ask<Found>(shared, std::move(work));
  auto found = co_await std::move(found_task);
  co_return found;
}

tl::unexpected<Error> unreadable() { return fail(Errc::storage_failed, "accounts cannot be read at the moment"); }

tl::unexpected<Error> disabled() { return fail(Errc::forbidden, "the account is disabled"); }

}  // namespace

Result<void> may_try(Shared& shared, const Peer& peer) {
  if (!shared.guard.refuse(peer.address, shared.clock.tick())) return {};
  return fail(Errc::resource_limit, "too many attempts from this address have failed; try again later");
}

net::Task<void> login_failed(Shared& shared, Peer peer, std::string account, std::string_view why) {
  // Whoever names no account is slowed by himself, not together with all others who name none.
  const std::string counted = account == kNobody ? peer.address.to_string() : account;
  const auto wait = shared.guard.failed(peer.address, counted, shared.clock.tick());
  log::info(peer.door, "login of {} from {} failed: {}", for_log(account), peer.text, why);
  if (wait.count() > 0) co_await net::pause_for(wait);
}

net::Task<Result<SignedIn>> check_password(Shared& shared, std::string host, std::string username, std::string password,
                                           Peer peer) {
  if (auto may = may_try(shared, peer); !may) co_return pass(may);
  username = name_at_host(std::move(username), host, shared.hosts);
  auto account = core::Jid::make(username, host);
  if (!account || !account->has_local())
    account = core::Jid::make("unknown", host);  // fails below, after the same work
  const bool impossible = !core::prepare_local(username).has_value();
  SignedIn signed_in;
  // Before it is read: a change in between makes a login repeat, never a wrong one pass.
  signed_in.since = shared.clock.tick();
  auto record_task = find_account(shared, *account);
  auto record = co_await std::move(record_task);
  if (!record) co_return unreadable();

  // The same derivation is done whether the account exists or not.
  const bool known = !impossible && record->has_value() && !(*record)->keys.empty();
  core::ScramKeys keys = known
                             ? keys_for_plain(**record)
                             : core::fake_keys(kPlainHash, shared.secret, username, shared.sign_in()->scram_iterations);
  auto work = [keys = std::move(keys), password = std::move(password)] { return core::verify(keys, password); };
  auto right_task = net::run_on(shared.workers, std::move(work));
  auto right = co_await std::move(right_task);
  if (!right) co_return fail(Errc::resource_limit, "too many logins at once; try again");
  if (!known || !*right) {
    auto failed_task = login_failed(shared, std::move(peer), account->full(), "not-authorized");
    co_await std::move(failed_task);
    co_return fail(Errc::not_authorized, "{}", kWrongPassword);
  }
  if ((*record)->disabled) co_return disabled();
  shared.guard.succeeded(account->full());
  signed_in.account = std::move(*account);
  signed_in.keys = std::move((*record)->keys);
  co_return signed_in;
}

net::Task<Result<SignedIn>> check_token(Shared& shared, std::string host, std::string token, Peer peer) {
  if (auto may = may_try(shared, peer); !may) co_return pass(may);
  const auto settings = shared.sign_in();
  const auto name = settings->tokens ? settings->tokens->name_in(token, shared.clock.now())
                                     : Result<std::string>{fail(Errc::not_authorized, "tokens are not taken here")};
  if (!name) {
    if (name.error().code == Errc::timeout) {  // it was right once: no guess
      log::info(peer.door, "login from {} failed: its token has expired", peer.text);
    } else {
      auto failed_task = login_failed(shared, std::move(peer), std::string{kNobody}, "not-authorized");
      co_await std::move(failed_task);
    }
    co_return fail(Errc::not_authorized, "{}", name.error().message);
  }
  host = host_of_name(*name, host, shared.hosts);
  auto account = core::Jid::make(name_at_host(*name, host, shared.hosts), host);
  SignedIn signed_in;
  signed_in.since = shared.clock.tick();
  Result<Found> record = Found{};
  if (account && account->has_local()) {
    auto record_task = find_account(shared, *account);
    record = co_await std::move(record_task);
    if (!record) co_return unreadable();
  }
  if (!record->has_value()) {
    auto failed_task =
        login_failed(shared, std::move(peer), account ? account->full() : std::string{kNobody}, "not-authorized");
    co_await std::move(failed_task);
    co_return fail(Errc::not_authorized, "the account that the token names does not exist");
  }
  if ((*record)->disabled) co_return disabled();
  shared.guard.succeeded(account->full());
  signed_in.account = std::move(*account);
  co_return signed_in;
}

}  // namespace anser::door
