// Authenticator, the part for SASL2 alone: the tokens of FAST (XEP-0484, domain/login_tokens.h) and keys that an
// account lacks (XEP-0480). Each rule is applied in one job of the accounts' thread, together with what it writes.
#include <algorithm>

#include "base/log.h"
#include "xmpp/sasl.h"
#include "xmpp/sasl_messages.h"
#include "xmpp/stream_text.h"

namespace anser::xmpp {
namespace {

using domain::AccountStore;
using What = domain::TokenVerdict::What;

SaslStep failure(std::string_view condition, std::string text) {
  SaslStep step;
  step.condition = condition;
  step.text = std::move(text);
  return step;
}

// What a job needs of the program and of the client.
struct Tokens {
  std::string key;
  core::Jid account;
  std::string client;
  Time now;
  std::chrono::seconds lifetime;
  std::size_t most;

  std::string text_of(const domain::LoginToken& token) const {
    return core::make_token(key, account.full(), client, token.binding, token.seed);
  }
  IssuedToken issue(domain::TokenSlots& slots, core::TokenBinding binding) const {
    const auto& token = domain::issue_token(slots, binding, now, lifetime);
    return {text_of(token), token.expires};
  }
};

struct Outcome {
  What what = What::wrong;
  bool disabled = false;
  std::string answer;
  std::optional<IssuedToken> token;
};

Result<Outcome> apply(AccountStore& store, const Tokens& tokens, const TokenUse& use, std::string_view channel_binding,
                      std::string_view proof) {
  auto slots = store.find_tokens(tokens.account, tokens.client);
  if (!slots) return pass(slots);
  const domain::TokenSlots before = *slots;
  const auto proves = [&](const domain::LoginToken& token) {
    return core::constant_time_equal(core::token_proof(tokens.text_of(token), channel_binding), proof);
  };
  const domain::TokenClaim claim{.binding = use.binding, .count = use.count, .invalidate = use.invalidate};
  const auto verdict = domain::present_token(*slots, claim, tokens.now, proves);
  Outcome outcome;
  outcome.what = verdict.what;
  if (verdict.what != What::accepted) return outcome;
  const auto record = store.find_account(tokens.account);
  if (!record) return pass(record);
  outcome.disabled = !record->has_value() || (*record)->disabled;
  if (outcome.disabled) return outcome;
  outcome.answer = core::token_answer(tokens.text_of(verdict.token), channel_binding);
  if (use.wanted)
    outcome.token = tokens.issue(*slots, *use.wanted);
  else if (!use.invalidate && domain::is_due(verdict.token, tokens.now))
    outcome.token = tokens.issue(*slots, use.binding);
  if (*slots == before) return outcome;
  if (auto put = store.put_tokens(tokens.account, tokens.client, *slots, tokens.most); !put) return pass(put);
  return outcome;
}

// Is the password still the one that was shown?
Result<void> check_unchanged(AccountStore& store, const core::Jid& account, const std::vector<core::ScramKeys>& shown) {
  const auto record = store.find_account(account);
  if (!record) return pass(record);
  const bool same = record->has_value() && std::all_of(shown.begin(), shown.end(), [&](const auto& key) {
                      return std::find((*record)->keys.begin(), (*record)->keys.end(), key) != (*record)->keys.end();
                    });
  if (!same) return fail(Errc::not_authorized, "the account has changed since this login");
  return {};
}

}  // namespace

std::string client_mark(const Shared& shared, const core::Jid& account, std::string_view agent) {
  constexpr std::size_t kMark = 16;
  std::string what = "client ";
  what.append(account.full()).append(1, '\0').append(agent);
  return core::hmac(core::Hash::sha256, shared.secret, what).substr(0, kMark);
}

std::vector<core::TokenBinding> Authenticator::token_bindings() const {
  std::vector<core::TokenBinding> found;
  const bool tls = connection_.tls() != nullptr;
  if (settings_->token_lifetime.count() == 0 || (!tls && !settings_->sasl2_without_tls)) return found;
  for (const auto binding : core::kTokenBindings) {
    const auto name = core::channel_binding_of(binding);
    if (name.empty() || bindings_.contains(name)) found.push_back(binding);
  }
  // HT wants a TLS whose sessions are hashed into its keys (RFC 7627): without it there is neither of the first two.
  if (tls && !bindings_.contains("tls-exporter") && !bindings_.contains("tls-unique")) found.clear();
  return found;
}

net::Task<SaslStep> Authenticator::use_token(TokenUse use) {
  abort();
  const auto offered = token_bindings();
  if (std::find(offered.begin(), offered.end(), use.binding) == offered.end())
    co_return failure("invalid-mechanism", "this mechanism is not offered");
  const auto said = core::parse_token_message(use.message);
  if (!said) co_return failure("malformed-request", said.error().message);
  if (use.agent.empty()) co_return failure("malformed-request", "a token is used with the id of its user-agent");
  if (auto may = door::may_try(shared_, peer()); !may) {
    co_return failure("temporary-auth-failure", std::move(may.error().message));
  }
  auto account = core::Jid::make(name_at_host(said->authcid, host_, shared_.hosts), host_);
  const bool possible = account && account->has_local();
  if (!possible) account = core::Jid::make("unknown", host_);  // fails below, after the same work
  if (possible && !may_be({}, *account)) {
    auto step_task = refused(account->full(), "invalid-authzid", "only the own account can be chosen");
    SaslStep step = co_await std::move(step_task);
    co_return step;
  }
  since_ = shared_.clock.tick();
  Tokens tokens{shared_.token_key,
                *account,
                client_mark(shared_, *account, use.agent),
                shared_.clock.now(),
                settings_->token_lifetime,
                settings_->tokens_per_account};
  const auto bound = bindings_.find(core::channel_binding_of(use.binding));
  std::string channel_binding = bound == bindings_.end() ? std::string{} : bound->second;
  auto work = [tokens = std::move(tokens), use = std::move(use), channel_binding = std::move(channel_binding),
               proof = said->proof](AccountStore& store) { return apply(store, tokens, use, channel_binding, proof); };
  auto outcome_task = ask<Outcome>(shared_, std::move(work));
  auto outcome = co_await std::move(outcome_task);
  if (!outcome) co_return failure("temporary-auth-failure", "accounts cannot be read at the moment");
  if (possible && outcome->what == What::expired) {
    log::info("xmpp", "login of {} from {} failed: its token has expired", for_log(account->full()),
              connection_.peer());
    co_return failure("credentials-expired", "the token has expired");
  }
  if (!possible || outcome->what != What::accepted) {
    auto step_task = refused(account->full(), "not-authorized", "the name or the token is wrong");
    SaslStep step = co_await std::move(step_task);
    co_return step;
  }
  if (outcome->disabled) co_return failure("account-disabled", "the account is disabled");
  shared_.guard.succeeded(account->full());
  SaslStep step;
  step.what = SaslStep::What::success;
  step.data = std::move(outcome->answer);
  step.login = Login{std::move(*account), false, "FAST", since_, {}};
  step.token = std::move(outcome->token);
  co_return step;
}

net::Task<Result<IssuedToken>> Authenticator::give_token(const Login& login, std::string agent,
                                                         core::TokenBinding binding) {
  Tokens tokens{shared_.token_key,
                login.account,
                client_mark(shared_, login.account, agent),
                shared_.clock.now(),
                settings_->token_lifetime,
                settings_->tokens_per_account};
  auto work = [tokens = std::move(tokens), keys = login.keys, binding](AccountStore& store) -> Result<IssuedToken> {
    if (auto same = check_unchanged(store, tokens.account, keys); !same) return pass(same);
    auto slots = store.find_tokens(tokens.account, tokens.client);
    if (!slots) return pass(slots);
    IssuedToken token = tokens.issue(*slots, binding);
    if (auto put = store.put_tokens(tokens.account, tokens.client, *slots, tokens.most); !put) return pass(put);
    return token;
  };
  auto token_task = ask<IssuedToken>(shared_, std::move(work));
  auto token = co_await std::move(token_task);
  co_return token;
}

net::Task<Result<void>> Authenticator::add_key(const Login& login, core::ScramKeys key) {
  auto work = [account = login.account, keys = login.keys, key = std::move(key)](AccountStore& store) -> Result<void> {
    if (auto same = check_unchanged(store, account, keys); !same) return same;
    auto added = store.add_key(account, key);
    if (!added && added.error().code == Errc::conflict) return {};  // another client was quicker
    return added;
  };
  auto added_task = ask<void>(shared_, std::move(work));
  auto added = co_await std::move(added_task);
  co_return added;
}

}  // namespace anser::xmpp
