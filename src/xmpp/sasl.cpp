#include "xmpp/sasl.h"

#include <algorithm>

#include "base/log.h"
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

// Which stored key a password in clear text is checked against. Every account has this one, so names that exist and
// names that do not cost the same.
constexpr core::Hash kPlainHash = core::Hash::sha256;

const core::ScramKeys& keys_for_plain(const domain::AccountRecord& record) {
  const auto found =
      std::find_if(record.keys.begin(), record.keys.end(), [](const auto& keys) { return keys.hash == kPlainHash; });
  return found == record.keys.end() ? record.keys.front() : *found;
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

constexpr std::string_view kWrong = "the name or the password is wrong";

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
  if (shared_.guard.refuse(connection_.peer_address(), shared_.clock.tick())) {
    co_return failure("temporary-auth-failure", "too many attempts from this address have failed; try again later");
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

net::Task<SaslStep> Authenticator::refused(std::string account, std::string_view condition, std::string text) {
  const auto wait = shared_.guard.failed(connection_.peer_address(), account, shared_.clock.tick());
  log::info("xmpp", "login of {} from {} failed: {}", for_log(account), connection_.peer(), condition);
  if (wait.count() > 0) co_await net::pause_for(wait);
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
  auto account = core::Jid::make(username, host_);
  if (!account || !account->has_local())
    account = core::Jid::make("unknown", host_);  // fails below, after the same work
  const bool impossible = !core::prepare_local(username).has_value();
  auto record_task = find(*account);
  auto record = co_await std::move(record_task);
  if (!record) co_return failure("temporary-auth-failure", "accounts cannot be read at the moment");

  // The same derivation is done whether the account exists or not.
  const bool known = !impossible && record->has_value() && !(*record)->keys.empty();
  core::ScramKeys keys = known ? keys_for_plain(**record)
                               : core::fake_keys(kPlainHash, shared_.secret, username, settings_->scram_iterations);
  auto work = [keys = std::move(keys), password = std::move(password)] { return core::verify(keys, password); };
  auto right_task = net::run_on(shared_.workers, std::move(work));
  auto right = co_await std::move(right_task);
  if (!right) co_return failure("temporary-auth-failure", "too many logins at once; try again");
  if (!known || !*right) {
    auto step_task = refused(account->full(), "not-authorized", std::string{kWrong});
    SaslStep step = co_await std::move(step_task);
    co_return step;
  }
  if ((*record)->disabled) co_return failure("account-disabled", "the account is disabled");
  shared_.guard.succeeded(account->full());
  SaslStep step = success(std::move(*account), std::move(mechanism), since_);
  step.login->keys = std::move((*record)->keys);
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
                             malformed ? last.error().message : std::string{kWrong});
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
