// Router, the part that carries presence: RFC 6121 §3 (subscriptions) and §4 (who is there).
#include <algorithm>

#include "base/log.h"
#include "domain/router.h"

namespace anser::domain {
namespace {

// Requests of strangers that an account keeps for its next login, whole (RFC 6121 §3.1.3). All of them together are
// written to a client at once, so what they say beside who asks is bounded.
constexpr std::size_t kWaitingRequests = 200;
constexpr std::size_t kRequestBytes = 4096;

// A blocked contact's words do not come through, but what he gives up is given up (a deleted account's notices).
bool ends_rights(Type type) { return type == Type::unsubscribe || type == Type::unsubscribed; }

}  // namespace

// ---- what a session says of itself ----------------------------------------------------------------------------------

Envelope Router::presence_of(const Session& session) const {
  Envelope envelope;
  envelope.kind = Kind::presence;
  envelope.type = Type::available;
  envelope.from = session.jid_;
  envelope.id = session.presence_->id.view();
  envelope.inner = session.presence_->inner;
  envelope.lang = session.presence_->lang.view();
  envelope.extra = session.presence_->extra.view();
  envelope.facts.priority = session.priority_;
  return envelope;
}

void Router::own_presence(Session& session, Account& account, Envelope presence) {
  if (presence.type == Type::unavailable) {
    if (session.available() || session.directed_) become_unavailable(session, account, std::move(presence), true);
    return;
  }
  if (presence.type != Type::available) {
    return bounce(presence, Errc::bad_request, "this type of presence needs an address");
  }
  const bool first = !session.available();
  const bool was_eligible = Account::eligible(session);
  session.presence_ = std::make_unique<Presence>(
      Presence{presence.inner, Bytes::copy(presence.id), Bytes::copy(presence.lang), Bytes::copy(presence.extra)});
  if (!was_eligible || presence.facts.priority > session.priority_) session.takes_since_ = account.shared_;
  session.priority_ = presence.facts.priority;
  session.state_changed();

  broadcast(account, presence);
  deliver_to_available(account, presence);  // §4.2.2: to all the account's resources, this one too
  if (first) {
    ask_presence(session, account);
    deliver_requests(session, account);
  }
  if (Account::eligible(session) && (!was_eligible || account.unread_)) fetch_offline(account, session);
}

// Who is there, of the account's own devices and of its contacts.
void Router::ask_presence(Session& session, Account& account) {
  for (const Session* other : account.sessions_) {
    if (other == &session || !other->available()) continue;
    session.deliver(presence_of(*other), {});
  }
  std::vector<std::vector<Jid>> contacts(cores_);
  for (const auto& contact : account.contacts_) {
    if (contact.subscription.to && !account.blocks(contact.contact)) {
      contacts[home_of(contact.contact)].push_back(contact.contact);
    }
  }
  for (unsigned core = 0; core < cores_; ++core) {
    if (contacts[core].empty()) continue;
    session.touched_ |= std::uint64_t{1} << core;
    Probe probe{session.jid_, std::move(contacts[core])};
    if (core == core_)
      receive_probe(std::move(probe));
    else
      post_.send(core_, static_cast<CoreId>(core), std::move(probe));
  }
}

void Router::become_unavailable(Session& session, Account& account, Envelope presence, bool to_itself) {
  session.state_changed();
  if (session.presence_) {
    session.presence_.reset();
    broadcast(account, presence);
    deliver_to_available(account, presence);
    if (to_itself) session.deliver(presence, {});  // §4.5.2
  }
  if (session.directed_) {
    // §4.6.3: whoever got directed presence learns of the end, once.
    const auto directed = std::move(session.directed_);
    session.directed_changed();
    for (const Jid& recipient : *directed) {
      if (recipient.is_bare() && account.subscription(recipient.full()).from) continue;
      if (account.blocks(recipient)) continue;
      Envelope copy = presence;
      copy.to = recipient;
      send(std::move(copy));
    }
  }
  if (!account.any_available() && !account.temporary_) {
    storage_.submit(
        core_,
        [bare = account.bare_, last = LastActivity{clock_.now(), std::string{presence.inner.view()}}](
            AccountStore& store) { return store.set_last_activity(bare, last); },
        [](Result<void>) {});
  }
}

void Router::note_directed(Session& session, Account& account, const Envelope& presence, const Jid& target) {
  if (presence.type == Type::unavailable) {
    if (session.directed_ && std::erase(*session.directed_, target) > 0) session.directed_changed();
    return;
  }
  if (target.is_bare() && account.subscription(target.full()).from) return;
  if (!session.directed_) session.directed_ = std::make_unique<std::vector<Jid>>();
  auto& directed = *session.directed_;
  if (std::find(directed.begin(), directed.end(), target) != directed.end()) return;
  // The oldest is forgotten: it will not hear of the end, which is what the bound costs.
  if (directed.size() >= limits_.directed_presences) directed.erase(directed.begin());
  directed.push_back(target);
  session.directed_changed();
}

// ---- to the contacts ------------------------------------------------------------------------------------------------

void Router::broadcast(Account& account, const Envelope& presence) {
  std::vector<Jid> contacts;
  for (const auto& contact : account.contacts_) {
    if (contact.subscription.from && !account.blocks(contact.contact)) contacts.push_back(contact.contact);
  }
  if (!contacts.empty()) broadcast_to(account, presence, std::move(contacts));
}

void Router::broadcast_to(const Account& account, const Envelope& presence, std::vector<Jid> contacts) {
  std::vector<std::vector<Jid>> by_core(cores_), except(cores_);
  for (auto& contact : contacts) by_core[home_of(contact)].push_back(std::move(contact));
  for (const Jid& rule : account.blocked()) {
    if (rule.has_local() && !rule.resource().empty()) except[home_of(rule)].push_back(rule);
  }
  for (unsigned core = 0; core < cores_; ++core) {
    if (by_core[core].empty()) continue;
    touch_core(presence.from, static_cast<CoreId>(core));
    Broadcast letter{presence, std::move(by_core[core]), std::move(except[core])};
    if (core == core_)
      receive_broadcast(std::move(letter));
    else
      post_.send(core_, static_cast<CoreId>(core), std::move(letter));
  }
}

void Router::receive_broadcast(Broadcast letter) {
  for (const Jid& contact : letter.contacts) {
    // Presence for somebody who is not there is nothing to keep (§8.5.2.2.2), so nobody is loaded for it.
    Account* account = find(contact.full());
    if (!account || !account->any_available()) continue;
    letter.presence.to = contact;
    const auto excepted = [&](const Jid& who) {
      return std::find(letter.except.begin(), letter.except.end(), who) != letter.except.end();
    };
    const bool apart = std::any_of(account->sessions_.begin(), account->sessions_.end(),
                                   [&](const Session* session) { return excepted(session->jid_); });
    if (!apart) {
      deliver_presence(*account, Envelope{letter.presence}, contact, 0);
      continue;
    }
    for (const Session* session : account->sessions_) {
      if (session->available() && !excepted(session->jid_))
        deliver_presence(*account, Envelope{letter.presence}, session->jid_, 0);
    }
  }
}

void Router::show_presence_to(Account& account, const Jid& contact, bool available) {
  for (const Session* session : account.sessions_) {
    if (!session->available()) continue;
    Envelope presence;
    if (available) {
      presence = presence_of(*session);
    } else {
      presence.kind = Kind::presence;
      presence.type = Type::unavailable;
      presence.from = session->jid_;
    }
    if (contact.is_bare()) {
      broadcast_to(account, presence, {contact});
    } else {
      presence.to = contact;
      send(std::move(presence));
    }
  }
}

void Router::receive_probe(Probe letter) {
  for (const Jid& contact : letter.contacts) {
    Account& account = summon(contact);
    touch(account);
    if (account.standing_ == Account::Standing::loading) {
      if (!account.waiting_) account.waiting_ = std::make_unique<std::vector<Account::Waiting>>();
      account.waiting_->push_back({works_.open(), Probe{letter.from, {}}});
      continue;
    }
    answer_probe(account, letter.from, {});
    rest(account);
  }
}

// §4.3.2. A full address in `from` gets the answers; the bare one must be allowed to see them.
void Router::answer_probe(Account& account, const Jid& from, std::string_view resource) {
  const bool own = from.bare() == account.bare_.full();
  Envelope reply;
  reply.kind = Kind::presence;
  reply.to = from;
  if (!own && account.blocks(from)) return;  // XEP-0191 §3.3: no answer at all
  if (!account.present() || (!own && !account.subscription(from.bare()).from)) {
    reply.type = Type::unsubscribed;
    reply.from = account.bare_;
    reply.to = from.to_bare();
    return send(std::move(reply));
  }
  bool any = false;
  for (const Session* session : account.sessions_) {
    if (!session->available() || (!resource.empty() && session->jid_.resource() != resource)) continue;
    any = true;
    Envelope presence = presence_of(*session);
    presence.to = from;
    send(std::move(presence));
  }
  if (any) return;
  reply.type = Type::unavailable;
  reply.from = account.bare_;
  send(std::move(reply));
}

// ---- from the contacts ----------------------------------------------------------------------------------------------

void Router::deliver_presence(Account& account, Envelope&& envelope, const Jid& target, WorkId work) {
  if (is_subscription(envelope.type)) return inbound_subscription(account, std::move(envelope), work);
  if (envelope.type == Type::probe) {
    answer_probe(account, envelope.from, target.resource());
    return finish(work);
  }
  const bool own = envelope.from.bare() == account.bare_.full();
  if (!account.present() || (!own && !envelope.failure && account.blocks(envelope.from))) return finish(work);
  if (account.outbox_ && !account.outbox_->empty()) return hold(account, std::move(envelope), target, {}, work);
  if (target.resource().empty()) {
    if (envelope.type != Type::error) deliver_to_available(account, envelope);
  } else if (Session* session = account.find_session(target.resource())) {
    session->deliver(envelope, {});
  }
  finish(work);
}

void Router::deliver_to_available(Account& account, const Envelope& presence) {
  for (Session* session : account.sessions_) {
    if (session->available()) session->deliver(presence, {});
  }
}

// ---- subscriptions --------------------------------------------------------------------------------------------------

void Router::outbound_subscription(Session& session, Account& account, Envelope presence, const Jid& contact) {
  if (contact.full() == account.bare_.full() || !contact.has_local())
    return;  // nobody subscribes to himself or to a host
  const Subscription before = account.subscription(contact.full());
  if (!before.listed && presence.type == Type::subscribe && account.listed_contacts() >= limits_.roster_items) {
    return bounce(presence, Errc::resource_limit,
                  fmt::format("the roster is full: {} entries are allowed", limits_.roster_items));
  }
  if (presence.type == Type::subscribe && presence.inner.size() + presence.extra.size() > kRequestBytes) {
    return bounce(presence, Errc::policy_violation, fmt::format("a request may say {} bytes", kRequestBytes));
  }
  const SubscriptionChange change = outbound(before, presence.type);
  session.touched_ |= std::uint64_t{1} << core_;  // a fence waits for the commit below
  presence.from = account.bare_;                  // §3.1.2: from the bare address
  presence.to = contact;
  store_subscription(account, contact, change, {},
                     [this, &account, contact, change, before, presence = std::move(presence)](bool stored) {
                       if (!stored) return bounce(presence, Errc::storage_failed, "the change could not be stored");
                       if (change.pass_on) send(presence);
                       if (!before.from && change.next.from) show_presence_to(account, contact, true);
                       if (before.from && !change.next.from) show_presence_to(account, contact, false);
                     });
}

void Router::inbound_subscription(Account& account, Envelope presence, WorkId work) {
  const auto contact = hosts_.canonical(presence.from.to_bare());
  if (!account.present() || account.temporary_ || !contact ||
      (account.blocks(*contact) && !ends_rights(presence.type)) || contact->full() == account.bare_.full()) {
    return finish(work);
  }
  const Subscription before = account.subscription(contact->full());
  if (!before.listed && !before.asked && presence.type == Type::subscribe &&
      account.waiting_requests() >= kWaitingRequests) {
    bounce(presence, Errc::resource_limit, "too many requests wait for an answer there");
    return finish(work);
  }
  const SubscriptionChange change = inbound(before, presence.type);
  presence.to = account.bare_;
  if (change.next == before) {
    if (change.reply) {
      Envelope reply;
      reply.kind = Kind::presence;
      reply.type = change.reply_type;
      reply.from = account.bare_;
      reply.to = *contact;
      send(std::move(reply));
      if (change.reply_type == Type::subscribed) show_presence_to(account, *contact, true);
    }
    return finish(work);
  }
  if (work == 0) work = works_.open();
  std::string request;
  if (presence.type == Type::subscribe) encode(presence, request);
  raise_barrier(account, work);  // what the contact sends next must not overtake it (RFC 6120 §10.1)
  // The stanza comes before the push that it caused (§3.1.6, §3.3.3).
  store_subscription(
      account, *contact, change, std::move(request),
      [this, &account, contact = *contact, change, before, work, presence = std::move(presence)](bool stored) {
        if (stored) {
          if (change.pass_on && !account.blocks(contact)) {
            if (presence.type == Type::subscribe) {
              deliver_to_available(account, presence);
            } else {
              for (Session* session : account.sessions_) {
                if (session->interested_ || session->available()) session->deliver(presence, {});
              }
            }
          }
          if (change.reply) {
            Envelope reply;
            reply.kind = Kind::presence;
            reply.type = change.reply_type;
            reply.from = account.bare_;
            reply.to = contact;
            send(std::move(reply));
          }
          if (!before.from && change.next.from) show_presence_to(account, contact, true);
          if (before.from && !change.next.from) show_presence_to(account, contact, false);
        }
        lift_barrier(account, work);
        finish(work);
      });
}

// The actor knows the new state at once; the database, the pushes and what follows come with the commit.
void Router::store_subscription(Account& account, const Jid& contact, const SubscriptionChange& change,
                                std::string request, std::function<void(bool)> then) {
  const Subscription before = account.subscription(contact.full());
  if (before == change.next) return then(true);
  account.set_subscription(contact, change.next);
  if (account.temporary_) return then(true);
  ++account.busy_;
  const WorkId work = works_.open();
  storage_.run<AccountStore::Changed>(
      core_,
      [bare = account.bare_, contact, next = change.next, request = std::move(request)](AccountStore& store) {
        return store.set_subscription(bare, contact, next, request);
      },
      [this, &account, push = change.push, work, then = std::move(then)](Result<AccountStore::Changed> changed) {
        if (!changed) {
          log::error("domain", "a subscription of {} could not be stored: {}", account.bare_.full(),
                     changed.error().message);
          refresh(account);
        }
        then(changed.has_value());
        if (changed) {
          account.roster_version_ = changed->version;
          for (Session* session : account.sessions_) {
            if (push && session->interested_) session->push_roster(changed->item, changed->version);
          }
        }
        --account.busy_;
        finish(work);
        rest(account);
      });
}

// §3.1.3: requests that came while nobody was there are shown at every login until they are answered.
void Router::deliver_requests(Session& session, Account& account) {
  for (const auto& contact : account.contacts_) {
    if (!contact.subscription.asked || account.blocks(contact.contact)) continue;
    ++account.busy_;
    // An answered ping says that the requests are there too.
    const WorkId work = works_.open();
    session.touched_ |= std::uint64_t{1} << core_;
    storage_.run<std::optional<RosterItem>>(
        core_,
        [bare = account.bare_, who = contact.contact](AccountStore& store) {
          return store.find_roster_item(bare, who);
        },
        [this, &account, id = session.id_, work](Result<std::optional<RosterItem>> item) {
          --account.busy_;
          Session* waiting = account.find_session(id);
          if (waiting && item && *item && (*item)->subscription.asked) {
            std::string_view stored = (*item)->request;
            if (const auto request = decode_envelope(stored)) waiting->deliver(*request, {});
          }
          finish(work);
          rest(account);
        });
  }
}

}  // namespace anser::domain
