#include "sdk/src/contacts.h"

#include <utility>

#include "core/jid.h"
#include "sdk/src/answers.h"
#include "sdk/src/element_access.h"
#include "sdk/src/roster_cache.h"
#include "sdk/src/roster_items.h"
#include "sdk/src/senders.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kVersions = "urn:xmpp:features:rosterver";

}  // namespace

bool Roster::Contacts::is_loaded() const {
  const std::lock_guard lock{mutex_};
  return loaded_;
}

std::optional<RosterEntry> Roster::Contacts::entry(std::string_view user) const {
  const std::lock_guard lock{mutex_};
  const auto found = entries_.find(user);
  return found == entries_.end() ? std::nullopt : std::optional{found->second};
}

std::size_t Roster::Contacts::size() const {
  const std::lock_guard lock{mutex_};
  return entries_.size();
}

std::set<std::string> Roster::Contacts::groups() const {
  std::set<std::string> groups;
  const std::lock_guard lock{mutex_};
  for (const auto& [user, entry] : entries_) groups.insert(entry.groups.begin(), entry.groups.end());
  return groups;
}

ListenerId Roster::Contacts::add(RosterListener listener) {
  const ListenerId id = ++last_id_;
  return listeners_.add(id, std::move(listener)) ? id : 0;
}

void Roster::Contacts::on_bound(std::function<void()> done) {
  {
    const std::lock_guard lock{mutex_};
    loaded_ = false;
  }
  if (!forget_presences() || !take_account()) return done();
  if (!wanted_ && !channel_.configuration().roster_loaded_at_login) return done();
  ask([done = std::move(done)](const Result<void>&) { done(); });
}

void Roster::Contacts::on_closed(bool lost) {
  write_cache();
  if (lost) forget_presences();
}

void Roster::Contacts::reload(Done done) {
  if (!channel_.is_authenticated()) return give(channel_, done, fail(Errc::wrong_state, "not logged in"));
  ask(std::move(done));
}

// The login does, before it is complete.
void Roster::Contacts::ask(Done done) {
  if (waiting_.size() >= kWaiting)
    return give(channel_, done, fail(Errc::queue_full, "{} calls wait for the roster already", kWaiting));
  wanted_ = true;
  waiting_.push_back(std::move(done));
  if (waiting_.size() > 1 || !take_account()) return;
  Element query{"query", kRosterNs};
  if (channel_.has_stream_feature("ver", kVersions)) {
    if (version_.empty()) read_cache();
    if (!channel_.is_alive()) return;
    query.set_attribute("ver", version_);
  }
  channel_.request(IQ{IQ::Type::get, query}, [this](const Result<IQ>& answer) { got_roster(answer); });
}

// Another account's contacts are forgotten.
bool Roster::Contacts::take_account() {
  auto own = own_bare(channel_);
  if (own == account_) return true;
  account_ = std::move(own);
  version_.clear();
  unsaved_ = false;
  return replace({});
}

void Roster::Contacts::got_roster(const Result<IQ>& answer) {
  if (!answer) return answer_waiting(pass(answer));
  const auto query = answer->payload();
  // Without one what is known is up to date, and pushes bring the rest (§2.6.3).
  if (query && query->is("query", kRosterNs) && !take_roster(ElementAccess::tree(*query))) return;
  {
    const std::lock_guard lock{mutex_};
    loaded_ = true;
  }
  write_cache();
  const bool alive = listeners_.tell(channel_, [](const RosterListener& listener) {
    if (listener.loaded) listener.loaded();
  });
  if (alive) answer_waiting({});
}

bool Roster::Contacts::take_roster(const xml::Element& query) {
  Entries fresh;
  std::size_t bad = 0;
  for (const auto& item : query.children()) {
    if (!item.is({kRosterNs, "item"})) continue;
    auto entry = read_item(item);
    if (!entry || fresh.size() >= RosterCache::kEntries) {
      ++bad;
      continue;
    }
    // Says nothing in a result (§2.1.2.5).
    if (entry->subscription == RosterEntry::Subscription::remove) entry->subscription = RosterEntry::Subscription::none;
    auto user = entry->user;
    fresh.insert_or_assign(std::move(user), std::move(*entry));
  }
  if (bad != 0) channel_.complain(fmt::format("{} roster items have no address, or are too many", bad));
  version_ = query.attr("ver");
  unsaved_ = true;
  return replace(std::move(fresh));
}

void Roster::Contacts::answer_waiting(const Result<void>& result) {
  for (const auto& done : std::exchange(waiting_, {})) {
    if (!channel_.is_alive()) return;
    give(channel_, done, result);
  }
}

bool Roster::Contacts::tell_users(std::function<void(const std::vector<std::string>&)> RosterListener::*what,
                                  const std::vector<std::string>& users) {
  if (users.empty()) return channel_.is_alive();
  return listeners_.tell(channel_, [&](const RosterListener& listener) {
    if (listener.*what) (listener.*what)(users);
  });
}

bool Roster::Contacts::replace(Entries fresh) {
  std::vector<std::string> added, updated, deleted;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [user, entry] : fresh) {
      const auto known = entries_.find(user);
      if (known == entries_.end()) {
        added.push_back(user);
        presences_.set_contact(user, true);
      } else if (known->second != entry) {
        updated.push_back(user);
      }
    }
    for (const auto& [user, entry] : entries_) {
      if (fresh.contains(user)) continue;
      deleted.push_back(user);
      presences_.set_contact(user, false);
    }
    entries_ = std::move(fresh);
  }
  return tell_users(&RosterListener::entries_added, added) && tell_users(&RosterListener::entries_updated, updated) &&
         tell_users(&RosterListener::entries_deleted, deleted);
}

bool Roster::Contacts::put(RosterEntry entry) {
  const std::vector<std::string> users{entry.user};
  const bool added = [&] {
    const std::lock_guard lock{mutex_};
    presences_.set_contact(entry.user, true);
    return entries_.insert_or_assign(users.front(), std::move(entry)).second;
  }();
  return tell_users(added ? &RosterListener::entries_added : &RosterListener::entries_updated, users);
}

bool Roster::Contacts::drop(const std::string& user) {
  const bool had = [&] {
    const std::lock_guard lock{mutex_};
    presences_.set_contact(user, false);
    return entries_.erase(user) != 0;
  }();
  return !had || tell_users(&RosterListener::entries_deleted, {user});
}

std::optional<IQ> Roster::Contacts::refuse_push(const IQ& push, std::string condition, std::string type) {
  return IQ::error_for(push, StanzaError{std::move(condition), std::move(type)});
}

std::optional<IQ> Roster::Contacts::on_request(const IQ& request) {
  if (request.type() != IQ::Type::set || !request.has_extension("query", kRosterNs)) return std::nullopt;
  // Some servers name the session instead of the account.
  const bool own = is_account_or_none(channel_, request.from()) || request.from() == channel_.user();
  if (!own || !channel_.is_authenticated()) {
    channel_.complain(fmt::format("a roster push from {}, who must not, was refused", request.from()));
    return refuse_push(request, "service-unavailable", "cancel");
  }
  const auto query = request.payload();
  const auto& tree = ElementAccess::tree(*query);
  const xml::Element* item = tree.first_child();
  if (tree.children().size() != 1 || !item->is({kRosterNs, "item"}))
    return refuse_push(request, "bad-request", "modify");
  const auto known = entry(prepared_or_empty(item->attr("jid")));
  auto entry = read_item(*item, known ? &*known : nullptr);
  if (!entry) return refuse_push(request, "bad-request", "modify");
  const bool removed = entry->subscription == RosterEntry::Subscription::remove;
  if (!removed && !known && size() >= RosterCache::kEntries) return refuse_push(request, "resource-constraint", "wait");
  if (tree.has_attr("ver")) version_ = tree.attr("ver");
  unsaved_ = true;
  if (removed) {
    drop(entry->user);
  } else {
    put(std::move(*entry));
  }
  return IQ::result_for(request);
}

void Roster::Contacts::on_presence(const Presence& presence) {
  // Without one it is the account's (RFC 6120 §8.1.2.1).
  const auto from = core::Jid::parse(presence.from().empty() ? own_bare(channel_) : presence.from());
  if (!from) return;
  const std::string bare{from->bare()};
  switch (presence.type()) {
    case Presence::Type::subscribe:
      if (!presence.from().empty()) answer_subscription(bare);
      return;
    case Presence::Type::available:
    case Presence::Type::unavailable:
    case Presence::Type::error:
      break;
    default:
      return;  // pushes tell what subscriptions have become
  }
  const bool is_contact = [&] {
    const std::lock_guard lock{mutex_};
    const bool contact = entries_.contains(bare);
    presences_.apply(presence, bare, std::string{from->resource()}, contact);
    return contact;
  }();
  if (!is_contact) return;
  listeners_.tell(channel_, [&](const RosterListener& listener) {
    if (listener.presence_changed) listener.presence_changed(presence);
  });
}

void Roster::Contacts::answer_subscription(const std::string& user) {
  const auto mode = mode_.load();
  if (mode == SubscriptionMode::manual) {
    listeners_.tell(channel_, [&](const RosterListener& listener) {
      if (listener.subscription_requested) listener.subscription_requested(user);
    });
    return;
  }
  const bool accept = mode == SubscriptionMode::accept_all;
  Presence answer{accept ? Presence::Type::subscribed : Presence::Type::unsubscribed};
  answer.set_to(user);
  if (auto sent = channel_.send(answer); !sent) channel_.complain(sent.error().message);
}

bool Roster::Contacts::forget_presences() {
  const auto gone = [&] {
    const std::lock_guard lock{mutex_};
    return presences_.clear();
  }();
  for (const auto& presence : gone) {
    const bool alive = listeners_.tell(channel_, [&](const RosterListener& listener) {
      if (listener.presence_changed) listener.presence_changed(presence);
    });
    if (!alive) return false;
  }
  return channel_.is_alive();
}

void Roster::Contacts::read_cache() {
  const auto& configuration = channel_.configuration();
  if (configuration.roster_cache.empty()) return;
  auto cache = RosterCache::load(configuration.roster_cache, account_, configuration.service_name);
  if (!cache) return channel_.complain(cache.error().message);  // the first time there is none
  version_ = std::move(cache->version);
  Entries entries;
  for (auto& entry : cache->entries) {
    auto user = entry.user;
    entries.insert_or_assign(std::move(user), std::move(entry));
  }
  replace(std::move(entries));
}

// Where it stands is told in order, so the file is of one moment: what comes later the server tells again.
void Roster::Contacts::write_cache() {
  const auto& configuration = channel_.configuration();
  if (configuration.roster_cache.empty() || !unsaved_ || version_.empty()) return;
  unsaved_ = false;
  const RosterCache cache{account_, configuration.service_name, version_, entries([](auto&) { return true; })};
  if (auto saved = cache.save(configuration.roster_cache); !saved) channel_.complain(saved.error().message);
}

}  // namespace anser::sdk
