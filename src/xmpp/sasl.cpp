#include "xmpp/sasl.h"

#include <algorithm>

#include "core/random.h"
#include "xmpp/sasl_messages.h"
#include "xmpp/stream_text.h"

namespace anser::xmpp {
namespace {

using What = SaslStep::What;

SaslStep failure(std::string_view condition, std::string text) {
  SaslStep step;
  step.condition = condition;
  step.text = std::move(text);
  return step;
}

SaslStep success(core::Jid account, std::string mechanism, Tick since, std::string data = {}, bool temporary = false) {
  SaslStep step;
  step.what = What::success;
  step.data = std::move(data);
  step.login = Login{std::move(account), temporary, std::move(mechanism), since, {}};
  return step;
}

core::ChannelBindings bindings_of(const net::Connection& connection) {
  core::ChannelBindings found;
  const net::TlsFacts* tls = connection.tls();
  if (!tls) return found;
  // tls-unique is for TLS 1.2 only (RFC 9266 §3); the facts refuse it elsewhere.
  if (auto bytes = tls->exporter()) found.emplace("tls-exporter", std::move(*bytes));
  if (auto bytes = tls->unique()) found.emplace("tls-unique", std::move(*bytes));
  if (auto bytes = tls->server_end_point()) found.emplace("tls-server-end-point", std::move(*bytes));
  return found;
}

// RFC 6120 §6.5, XEP-0388.
std::string_view condition_of(Errc code) {
  return code == Errc::not_authorized ? "not-authorized"
         : code == Errc::forbidden    ? "account-disabled"
                                      : "temporary-auth-failure";
}

}  // namespace

Authenticator::Authenticator(Shared& shared, SharedSettings settings, std::string host,
                             const net::Connection& connection)
    : shared_(shared),
      settings_(std::move(settings)),
      host_(std::move(host)),
      connection_(connection),
      bindings_(bindings_of(connection)) {}

bool Authenticator::may_be(std::string_view authzid, const core::Jid& account) const {
  return may_act_as(authzid, account, shared_.hosts) && (!expected_ || *expected_ == account);
}

std::vector<std::string> Authenticator::certified_names() const {
  std::vector<std::string> names;
  const net::TlsFacts* tls = connection_.tls();
  const auto certificate = tls ? tls->peer_certificate() : std::nullopt;
  if (!certificate || !certificate->verified) return names;
  for (const auto& address : certificate->xmpp_addrs) {
    const auto jid = core::Jid::parse(address);
    const auto real = jid ? shared_.hosts.canonical(*jid) : std::nullopt;
    if (real && real->has_local() && real->domain() == host_) names.push_back(std::string{real->local()});
  }
  return names;
}

std::vector<std::string> Authenticator::mechanisms() const {
  const bool tls = connection_.tls() != nullptr;
  std::vector<std::string> offer;
  const auto add = [&](std::string name) {
    const auto& allowed = settings_->mechanisms;
    if (allowed.empty() || std::find(allowed.begin(), allowed.end(), name) != allowed.end())
      offer.push_back(std::move(name));
  };
  if (!certified_names().empty()) add("EXTERNAL");
  for (const bool plus : {true, false}) {
    if (plus && bindings_.empty()) continue;
    for (const auto hash : {core::Hash::sha512, core::Hash::sha256, core::Hash::sha1}) {
      add(std::string{core::name_of(core::ScramMechanism{hash, plus})});
    }
  }
  if (tls || settings_->plain_without_tls) add("PLAIN");
  if (settings_->anonymous) add("ANONYMOUS");
  return offer;
}

std::vector<std::string> Authenticator::binding_types() const {
  std::vector<std::string> types;
  for (const auto& [name, bytes] : bindings_) types.push_back(name);
  return types;
}

net::Task<SaslStep> Authenticator::start(std::string mechanism, std::optional<std::string> initial) {
  abort();
  const auto offer = mechanisms();
  if (std::find(offer.begin(), offer.end(), mechanism) == offer.end()) {
    if (mechanism == "PLAIN" && !connection_.tls()) {
      co_return failure("encryption-required", "this mechanism is allowed over TLS only");
    }
    co_return failure("invalid-mechanism", "this mechanism is not offered");
  }
  if (auto may = door::may_try(shared_, peer()); !may) {
    co_return failure("temporary-auth-failure", std::move(may.error().message));
  }
  awaited_ = mechanism;
  if (const auto scram = core::scram_mechanism(mechanism)) {
    core::ScramServer::Options options;
    options.mechanism = *scram;
    options.bindings = bindings_;
    options.plus_offered =
        std::any_of(offer.begin(), offer.end(), [](const auto& name) { return name.ends_with("-PLUS"); });
    options.downgrade_text =
        options.bindings.empty() ? core::downgrade_text(offer) : core::downgrade_text(offer, binding_types());
    scram_hash_ = scram->hash;
    scram_ = std::make_unique<core::ScramServer>(std::move(options));
  }
  if (!initial) {
    SaslStep step;
    step.what = What::challenge;  // empty: it is the client's turn (RFC 6120 §6.4.2)
    co_return step;
  }
  auto step_task = respond(std::move(*initial));
  SaslStep step = co_await std::move(step_task);
  co_return step;
}

void Authenticator::abort() {
  scram_.reset();
  awaited_.clear();
  claimed_ = {};
  known_ = disabled_ = false;
  keys_.clear();
}

net::Task<SaslStep> Authenticator::respond(std::string message) {
  const std::string mechanism = awaited_;
  if (mechanism.empty()) co_return failure("malformed-request", "no mechanism has been chosen");
  SaslStep step;
  if (mechanism == "PLAIN") {
    awaited_.clear();
    auto step_task = plain(std::move(message));
    step = co_await std::move(step_task);
  } else if (mechanism == "EXTERNAL") {
    awaited_.clear();
    auto step_task = external(std::move(message));
    step = co_await std::move(step_task);
  } else if (mechanism == "ANONYMOUS") {
    awaited_.clear();
    auto account = core::Jid::make(core::random_id(20), host_);
    // The alphabet of random_id is folded to lower case by PRECIS; 20 characters of it are unguessable all the same.
    step = account ? success(std::move(*account), "ANONYMOUS", shared_.clock.tick(), {}, true)
                   : failure("temporary-auth-failure", "no name was found");
  } else if (claimed_.empty()) {
    auto step_task = scram_first(std::move(message));
    step = co_await std::move(step_task);
  } else {
    auto step_task = scram_final(std::move(message));
    step = co_await std::move(step_task);
  }
  if (step.what != What::challenge) abort();
  co_return step;
}

net::Task<Result<std::optional<domain::AccountRecord>>> Authenticator::find(core::Jid account) {
  since_ = shared_.clock.tick();  // before it is read: a change in between makes a login repeat, never a wrong one pass
  auto work = [account = std::move(account)](domain::AccountStore& store) { return store.find_account(account); };
  auto found_task = ask<std::optional<domain::AccountRecord>>(shared_, std::move(work));
  auto found = co_await std::move(found_task);
  co_return found;
}

door::Peer Authenticator::peer() const { return {connection_.peer_address(), connection_.peer(), "xmpp"}; }

net::Task<SaslStep> Authenticator::refused(std::string account, std::string_view condition, std::string text) {
  auto failed_task = door::login_failed(shared_, peer(), std::move(account), condition);
  co_await std::move(failed_task);
  co_return failure(condition, std::move(text));
}

net::Task<SaslStep> Authenticator::plain(std::string message) {
  auto said = parse_plain(message);
  if (!said) co_return failure("malformed-request", said.error().message);
  std::string username = name_at_host(std::move(said->username), host_, shared_.hosts);
  const auto account = core::Jid::make(username, host_);
  if (account && !may_be(said->authzid, *account)) {
    auto step_task = refused(account->full(), "invalid-authzid", "only the own account can be chosen");
    SaslStep step = co_await std::move(step_task);
    co_return step;
  }
  auto step_task = check_password(std::move(username), std::move(said->password), "PLAIN");
  SaslStep step = co_await std::move(step_task);
  co_return step;
}

net::Task<SaslStep> Authenticator::check_password(std::string username, std::string password, std::string mechanism) {
  auto checked_task = door::check_password(shared_, host_, std::move(username), std::move(password), peer());
  auto checked = co_await std::move(checked_task);
  if (!checked) co_return failure(condition_of(checked.error().code), std::move(checked.error().message));
  SaslStep step = success(std::move(checked->account), std::move(mechanism), checked->since);
  step.login->keys = std::move(checked->keys);
  co_return step;
}

net::Task<SaslStep> Authenticator::external(std::string authzid) {
  const auto names = certified_names();
  std::string chosen;
  if (authzid.empty()) {
    if (names.size() == 1) chosen = names.front();
  } else {
    for (const auto& name : names) {
      const auto account = core::Jid::make(name, host_);
      if (account && may_act_as(authzid, *account, shared_.hosts)) chosen = name;
    }
  }
  if (const auto own = core::Jid::make(chosen, host_); own && !may_be(authzid, *own)) chosen.clear();
  const auto account =
      chosen.empty() ? Result<core::Jid>{fail(Errc::not_authorized, "no name")} : core::Jid::make(chosen, host_);
  if (!account) {
    // Remembered by the certificate's name: the one it asked for is a stranger's text.
    const std::string certified = names.empty() ? "unknown" : names.front() + "@" + host_;
    auto step_task = refused(certified, "invalid-authzid", "the certificate does not name this account");
    SaslStep step = co_await std::move(step_task);
    co_return step;
  }
  auto record_task = find(*account);
  auto record = co_await std::move(record_task);
  if (!record) co_return failure("temporary-auth-failure", "accounts cannot be read at the moment");
  if (!record->has_value()) {
    auto step_task = refused(account->full(), "not-authorized", "the account does not exist");
    SaslStep step = co_await std::move(step_task);
    co_return step;
  }
  if ((*record)->disabled) co_return failure("account-disabled", "the account is disabled");
  co_return success(*account, "EXTERNAL", since_);
}

net::Task<SaslStep> Authenticator::scram_first(std::string message) {
  const auto first = scram_->parse(message);
  if (!first) {
    const bool malformed = first.error().code == Errc::bad_request;
    auto step_task = refused("unknown", malformed ? "malformed-request" : "not-authorized", first.error().message);
    SaslStep step = co_await std::move(step_task);
    co_return step;
  }
  auto account = core::Jid::make(first->username, host_);
  if (!account) co_return failure("malformed-request", "the name is not one");
  if (!may_be(first->authzid, *account)) {
    auto step_task = refused(account->full(), "invalid-authzid", "only the own account can be chosen");
    SaslStep step = co_await std::move(step_task);
    co_return step;
  }
  const std::string username = first->username;
  auto record_task = find(*account);
  auto record = co_await std::move(record_task);
  if (!record) co_return failure("temporary-auth-failure", "accounts cannot be read at the moment");

  const core::ScramKeys* keys = nullptr;
  if (record->has_value()) {
    for (const auto& candidate : (*record)->keys) {
      if (candidate.hash == scram_hash_) keys = &candidate;
    }
    disabled_ = (*record)->disabled;
    keys_ = (*record)->keys;
  }
  known_ = keys != nullptr;
  claimed_ = std::move(*account);
  SaslStep step;
  step.what = What::challenge;
  step.data = scram_->challenge(
      keys ? *keys : core::fake_keys(scram_hash_, shared_.secret, username, settings_->scram_iterations));
  co_return step;
}

net::Task<SaslStep> Authenticator::scram_final(std::string message) {
  auto last = scram_->finish(message);
  if (!last || !known_) {
    const bool malformed = !last && last.error().code == Errc::bad_request;
    auto step_task = refused(claimed_.full(), malformed ? "malformed-request" : "not-authorized",
                             malformed ? last.error().message : std::string{door::kWrongPassword});
    SaslStep step = co_await std::move(step_task);
    co_return step;
  }
  if (disabled_) co_return failure("account-disabled", "the account is disabled");
  shared_.guard.succeeded(claimed_.full());
  SaslStep step = success(claimed_, "SCRAM", since_, std::move(*last));
  step.login->keys = std::move(keys_);
  co_return step;
}

}  // namespace anser::xmpp
