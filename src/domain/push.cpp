// Router, the part that wakes up devices that are not looking (XEP-0357): their push services are told that something
// waits. A notification is an iq in the account's name; its answer comes back to the account.
#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "domain/push.h"
#include "domain/router.h"

namespace anser::domain {
namespace {

constexpr std::string_view kIdPrefix = "anser-push-";

}  // namespace

// ---- who wants to be told -------------------------------------------------------------------------------------------

void Router::enable_push(Account& account, PushTarget target, Done done) {
  if (account.temporary_) return done(fail(Errc::not_allowed, "an account for a while has no push service"));
  if (!account.push_) account.push_ = std::make_unique<std::vector<PushRegistration>>();
  auto& all = *account.push_;
  const auto same = [&](const PushRegistration& push) { return push.is(target.service, target.node); };
  if (const auto found = std::find_if(all.begin(), all.end(), same); found != all.end()) {
    found->set_target(target);
  } else if (all.size() >= limits_.push_registrations) {
    return done(fail(Errc::resource_limit, "{} push services are allowed", limits_.push_registrations));
  } else {
    all.emplace_back(target);
  }
  change_push(
      account, [bare = account.bare_, target](AccountStore& store) { return store.put_push(bare, target); },
      std::move(done));
}

void Router::disable_push(Account& account, const Jid& service, std::optional<std::string> node, Done done) {
  if (!account.push_) return done({});
  std::erase_if(*account.push_, [&](const PushRegistration& push) {
    return push.target().service == service && (!node || push.target().node == *node);
  });
  change_push(
      account,
      [bare = account.bare_, service, node = std::move(node)](AccountStore& store) {
        return store.remove_push(bare, service, node);
      },
      std::move(done));
}

void Router::change_push(Account& account, Storage::Work work, Done done) {
  ++account.busy_;
  storage_.submit(core_, std::move(work), [this, &account, done = std::move(done)](Result<void> outcome) {
    --account.busy_;
    if (!outcome) refresh(account);
    done(outcome);
    rest(account);
  });
}

// ---- when they are told ---------------------------------------------------------------------------------------------

// Nobody was there to take it.
void Router::push_kept(Account& account, const Envelope& message) {
  if (!account.push_ || !worth_a_push(message, account.bare_)) return;
  for (std::size_t i = 0; i < account.push_->size(); ++i) {
    auto& push = (*account.push_)[i];
    if (push.news(message, clock_.tick())) publish(account, push);
  }
}

// Sessions took it, as itself or as a copy. While somebody reads along on one device, only those devices are woken that
// have it and do not look; else all are.
void Router::push_handed(Account& account, const Envelope& message, const std::function<bool(const Session&)>& took) {
  if (!account.push_ || !worth_a_push(message, account.bare_)) return;
  const bool read = std::any_of(account.sessions_.begin(), account.sessions_.end(),
                                [&](const Session* session) { return took(*session) && session->attentive(); });
  for (std::size_t i = 0; i < account.push_->size(); ++i) {
    auto& push = (*account.push_)[i];
    const Session* device = account.find_session(push.target().device);
    const bool asleep = device && took(*device) && !device->attentive();
    if ((!read || asleep) && push.news(message, clock_.tick())) publish(account, push);
  }
}

// ---- telling --------------------------------------------------------------------------------------------------------

void Router::publish(Account& account, PushRegistration& push) {
  const PushTarget& target = push.target();
  const std::uint64_t number = next_push_++;
  push.begin(number, clock_.tick());
  const bool reachable = hosts_.resolve(target.service.domain()) && target.service.has_local();
  if (!push_writer_ || !reachable || account.blocks(target.service)) return push.failed(clock_.tick());

  Envelope iq;
  iq.kind = Kind::iq;
  iq.type = Type::set;
  iq.from = account.bare_;
  iq.to = target.service;
  iq.id = fmt::format("{}{}", kIdPrefix, number);
  iq.facts.to_any_session = true;
  iq.inner = push_writer_->notification({target, std::max(push.count(), account.offline_count_), push.last()});
  send(std::move(iq));
}

void Router::push_answered(Account& account, const Envelope& answer) {
  if (!account.push_ || !answer.id.starts_with(kIdPrefix)) return;
  std::uint64_t number = 0;
  const std::string_view digits = std::string_view{answer.id}.substr(kIdPrefix.size());
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const auto found = std::find_if(account.push_->begin(), account.push_->end(), [&](const PushRegistration& push) {
    const Jid& service = push.target().service;
    const bool its_answer = answer.from == service || (service.is_bare() && answer.from.bare() == service.full());
    return its_answer && push.under_way(number);
  });
  if (found == account.push_->end()) return;
  if (answer.type == Type::result) {
    if (found->taken(clock_.tick())) publish(account, *found);
  } else if (answer.failure || !push_writer_->refuses(answer)) {
    found->failed(clock_.tick());
  } else {
    const PushTarget refused = found->target();
    log::info("domain", "{} refuses notifications for {}; they end", refused.service.full(), account.bare_.full());
    disable_push(account, refused.service, refused.node, [](Result<void>) {});
  }
}

}  // namespace anser::domain
