// Negotiation, the part that speaks SASL2 (XEP-0388) with what it carries inline: Bind 2 (0386), whose work is done by
// the stream, tokens (0484), and tasks that complete an account's keys (0480).
#include <algorithm>

#include "base/base64.h"
#include "base/log.h"
#include "core/random.h"
#include "xmpp/negotiation.h"
#include "xmpp/stanzas.h"
#include "xmpp/stream.h"

namespace anser::xmpp {
namespace {

// The keys that XEP-0480 can add here. SHA-1 is not worth an upgrade.
constexpr core::Hash kUpgrades[] = {core::Hash::sha256, core::Hash::sha512};

}  // namespace

bool Negotiation::offers_sasl2() const { return connection_->tls() != nullptr || settings_->sasl2_without_tls; }

// The offer is the same for every account and for none, so that it tells nothing (§3).
void Negotiation::append_authentication(std::string& text) const {
  const auto mechanisms = authenticator_->mechanisms();
  if (mechanisms.empty() || !offers_sasl2()) return;
  text.append("<authentication xmlns='").append(kSasl2Ns).append("'>");
  for (const auto& name : mechanisms) text.append("<mechanism>").append(name).append("</mechanism>");
  text.append("<inline>").append(Stream::inline_features());
  if (const auto tokens = authenticator_->token_bindings(); !tokens.empty()) {
    text.append("<fast xmlns='").append(kFastNs).append("'>");
    for (const auto binding : tokens)
      text.append("<mechanism>").append(core::token_mechanism(binding)).append("</mechanism>");
    text.append("</fast>");
  }
  text.append("</inline>");
  for (const auto hash : kUpgrades) {
    if (!may_upgrade_to(hash)) continue;
    text.append("<upgrade xmlns='").append(kUpgradeNs).append("'>").append(upgrade_task(hash)).append("</upgrade>");
  }
  text.append("</authentication>");
}

bool Negotiation::may_upgrade_to(core::Hash hash) const {
  const auto& allowed = settings_->mechanisms;
  const auto name = core::name_of(core::ScramMechanism{hash, false});
  return allowed.empty() || std::find(allowed.begin(), allowed.end(), name) != allowed.end();
}

// §2.4: whoever says anything else before the outcome is disconnected.
void Negotiation::end_exchange() {
  exchange_.reset();
  authenticator_->abort();
  end({"policy-violation", "nothing else may be sent before the outcome of the authentication"});
}

Negotiation::Next Negotiation::fail_sasl2(std::string_view condition, std::string_view text) {
  exchange_.reset();
  authenticator_->abort();
  std::string failure = "<failure xmlns='";
  failure.append(kSasl2Ns).append("'><").append(condition).append(" xmlns='").append(kSaslNs).append("'/>");
  if (!text.empty()) {
    failure.append("<text>");
    xml::append_escaped(failure, text);
    failure.append("</text>");
  }
  send(failure.append("</failure>"));
  sasl_failed_ = true;
  return count_attempt();
}

net::Task<Negotiation::Next> Negotiation::sasl2(xml::Element element) {
  if (!offers_sasl2()) co_return fail_sasl2("encryption-required", "log in over TLS");
  const std::string_view what = element.local();
  if (what == "abort") co_return fail_sasl2("aborted", {});
  const bool waits = exchange_ != nullptr, tasks = waits && exchange_->login.has_value();
  if ((waits && what != (tasks ? exchange_->salt.empty() ? "next" : "task-data" : "response")) || !input_.empty()) {
    end_exchange();
    co_return Next::over;
  }
  if (!waits && what == "response") co_return fail_sasl2("malformed-request", "no mechanism has been chosen");
  if (!waits && what != "authenticate") {
    end({"unsupported-stanza-type", "this element is not understood here"});
    co_return Next::over;
  }
  if (what == "authenticate") {
    auto task = authenticate(std::move(element));
    const Next next = co_await std::move(task);
    co_return next;
  }
  if (tasks) {
    auto task = upgrade(std::move(element));
    const Next next = co_await std::move(task);
    co_return next;
  }
  auto message = decode_sasl2_text(element.text());
  if (!message) co_return fail_sasl2("incorrect-encoding", message.error().message);
  auto step_task = authenticator_->respond(std::move(*message));
  SaslStep step = co_await std::move(step_task);
  auto task = answer_sasl2(std::move(step));
  const Next next = co_await std::move(task);
  co_return next;
}

net::Task<Negotiation::Next> Negotiation::authenticate(xml::Element element) {
  if (authenticator_->exchanging()) {  // by SASL 1: given up, and so an attempt
    authenticator_->abort();
    if (count_attempt() == Next::over) co_return Next::over;
  }
  auto said = read_authenticate(element);
  if (!said) co_return fail_sasl2("malformed-request", said.error().message);
  std::optional<std::string> initial;
  if (said->initial) {
    auto message = decode_sasl2_text(*said->initial);
    if (!message) co_return fail_sasl2("incorrect-encoding", message.error().message);
    initial = std::move(*message);
  }
  exchange_ = std::make_unique<Exchange>();
  exchange_->said = std::move(*said);
  const Authenticate& request = exchange_->said;
  authenticator_->expect(from_);
  const auto binding = core::token_binding(request.mechanism);
  SaslStep step;
  if (binding && (!request.fast || !initial)) {
    co_return fail_sasl2("malformed-request", "a token comes with <fast/> and an initial response");
  } else if (binding) {
    TokenUse use;
    use.binding = *binding;
    use.message = std::move(*initial);
    use.agent = request.agent;
    use.count = request.fast->count;
    use.invalidate = request.fast->invalidate;
    use.wanted = wanted_token();
    auto step_task = authenticator_->use_token(std::move(use));
    step = co_await std::move(step_task);
  } else if (request.fast) {
    co_return fail_sasl2("invalid-mechanism", "this mechanism takes no token");
  } else {
    auto step_task = authenticator_->start(request.mechanism, std::move(initial));
    step = co_await std::move(step_task);
  }
  auto task = answer_sasl2(std::move(step));
  const Next next = co_await std::move(task);
  co_return next;
}

// What the client asks for, if it can use it here and can be told from others.
std::optional<core::TokenBinding> Negotiation::wanted_token() const {
  const auto wanted = core::token_binding(exchange_->said.wanted_token);
  const auto offered = authenticator_->token_bindings();
  const bool usable = wanted && std::find(offered.begin(), offered.end(), *wanted) != offered.end();
  return usable && !exchange_->said.agent.empty() ? wanted : std::nullopt;
}

net::Task<Negotiation::Next> Negotiation::answer_sasl2(SaslStep step) {
  if (step.what == SaslStep::What::failure) co_return fail_sasl2(step.condition, step.text);
  if (step.what == SaslStep::What::challenge) {
    std::string text = "<challenge xmlns='";
    send(text.append(kSasl2Ns).append("'>").append(base64_encode(step.data)).append("</challenge>"));
    co_return Next::go_on;
  }
  Exchange& exchange = *exchange_;
  exchange.login = std::move(*step.login);
  exchange.token = std::move(step.token);
  exchange.data = base64_encode(step.data);
  // Only who has shown the password may add keys: a token or a certificate must not become a password.
  for (const auto hash : exchange.said.upgrades) {
    const auto& keys = exchange.login->keys;
    const bool there = std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return key.hash == hash; });
    if (!keys.empty() && !there && may_upgrade_to(hash)) exchange.tasks.push_back(hash);
  }
  auto task = go_on_with_tasks();
  const Next next = co_await std::move(task);
  co_return next;
}

net::Task<Negotiation::Next> Negotiation::go_on_with_tasks() {
  Exchange& exchange = *exchange_;
  if (exchange.tasks.empty()) {
    auto task = welcome();
    const Next next = co_await std::move(task);
    co_return next;
  }
  std::string text = "<continue xmlns='";
  text.append(kSasl2Ns).append("'>");
  if (const std::string data = std::exchange(exchange.data, {}); !data.empty())
    text.append("<additional-data>").append(data).append("</additional-data>");
  text.append("<tasks><task>").append(upgrade_task(exchange.tasks.front())).append("</task></tasks></continue>");
  send(text);
  co_return Next::go_on;
}

// XEP-0480 §3: salt and iterations go out, the salted password comes back.
net::Task<Negotiation::Next> Negotiation::upgrade(xml::Element element) {
  Exchange& exchange = *exchange_;
  const core::Hash hash = exchange.tasks.front();
  if (element.local() == "next") {
    if (element.attr("task") != upgrade_task(hash))
      co_return fail_sasl2("malformed-request", "this is not the task that is due");
    exchange.salt = core::random_bytes(core::kSaltSize);
    exchange.iterations = settings_->scram_iterations;
    std::string text = "<task-data xmlns='";
    text.append(kSasl2Ns).append("'><salt xmlns='").append(kScramUpgradeNs).append("' iterations='");
    text.append(std::to_string(exchange.iterations)).append("'>").append(base64_encode(exchange.salt));
    send(text.append("</salt></task-data>"));
    co_return Next::go_on;
  }
  const xml::Element* said = element.find({kScramUpgradeNs, "hash"});
  const auto salted = said ? decode_sasl2_text(said->text()) : fail(Errc::bad_request, "the hash is missing");
  if (!salted || salted->size() != core::digest_size(hash))
    co_return fail_sasl2("malformed-request", "the salted password is due");
  core::ScramKeys key = core::keys_from_salted(hash, *salted, exchange.salt, exchange.iterations);
  auto added_task = authenticator_->add_key(*exchange.login, std::move(key));
  auto added = co_await std::move(added_task);
  if (!added && added.error().code == Errc::not_authorized)
    co_return fail_sasl2("not-authorized", added.error().message);
  if (!added) co_return fail_sasl2("temporary-auth-failure", "the key cannot be stored at the moment");
  log::info("xmpp", "{} has added keys for {}", exchange.login->account.full(), upgrade_task(hash));
  exchange.tasks.erase(exchange.tasks.begin());
  exchange.salt.clear();
  auto task = go_on_with_tasks();
  const Next next = co_await std::move(task);
  co_return next;
}

net::Task<Negotiation::Next> Negotiation::welcome() {
  Exchange& exchange = *exchange_;
  if (const auto wanted = wanted_token(); wanted && !exchange.token && !exchange.login->temporary) {
    auto token_task = authenticator_->give_token(*exchange.login, exchange.said.agent, *wanted);
    auto token = co_await std::move(token_task);
    if (token)
      exchange.token = std::move(*token);
    else  // the login is good without it
      log::info("xmpp", "{} gets no token: {}", exchange.login->account.full(), token.error().message);
  }
  auto drained = co_await connection_->drained();
  if (!drained) {
    connection_->abort();
    co_return Next::over;
  }
  auto luggage = std::make_unique<Welcome>();
  luggage->data = std::move(exchange.data);
  if (exchange.token) {
    luggage->token.append("<token xmlns='").append(kFastNs).append("' token='").append(exchange.token->text);
    luggage->token.append("' expiry='").append(to_xmpp_date(exchange.token->expires)).append("'/>");
  }
  if (!exchange.said.agent.empty())
    luggage->agent_mark = client_mark(shared_, exchange.login->account, exchange.said.agent);
  luggage->bind = std::move(exchange.said.bind);
  luggage->resume = std::move(exchange.said.resume);
  Login login = std::move(*exchange.login);
  exchange_.reset();
  hand_over(std::move(login), {}, {}, std::move(luggage));
  co_return Next::over;
}

}  // namespace anser::xmpp
