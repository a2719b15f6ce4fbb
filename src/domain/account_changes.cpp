// Router, the part that changes accounts: roster entries, blocking, removal. What the actor remembers changes at once
// or with the commit, the sessions are told, and `done` is called after the commit.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "domain/router.h"

namespace anser::domain {
namespace {

// Many rules against many contacts: a look-up each, not a search through the list.
class BlockRules {
 public:
  explicit BlockRules(std::span<const Jid> rules) {
    for (const Jid& rule : rules) rules_.insert(rule.full());
  }
  // What Account::blocks asks of every rule.
  bool match(const Jid& who) const {
    const std::string domain{who.domain()};
    return rules_.contains(who.full()) || rules_.contains(std::string{who.bare()}) || rules_.contains(domain) ||
           (!who.resource().empty() && rules_.contains(domain + "/" + std::string{who.resource()}));
  }
  bool has(const Jid& rule) const { return rules_.contains(rule.full()); }
  // A bare address: a rule with a resource does not cover it.
  bool cover(const Jid& bare) const {
    return rules_.contains(bare.full()) || rules_.contains(std::string{bare.domain()});
  }

 private:
  std::unordered_set<std::string> rules_;
};

}  // namespace

void Router::set_roster_entry(Account& account, const Jid& contact, std::string name, std::vector<std::string> groups,
                              Done done) {
  Subscription subscription = account.subscription(contact.full());
  if (!subscription.listed && account.listed_contacts() >= limits_.roster_items) {
    return done(fail(Errc::resource_limit, "the roster is full: {} entries are allowed", limits_.roster_items));
  }
  subscription.listed = true;
  account.set_subscription(contact, subscription);
  ++account.busy_;
  storage_.run<AccountStore::Changed>(
      core_,
      [bare = account.bare_, contact, name = std::move(name), groups = std::move(groups)](AccountStore& store) {
        return store.set_roster_entry(bare, contact, name, groups);
      },
      [this, &account, done = std::move(done)](Result<AccountStore::Changed> changed) {
        --account.busy_;
        if (!changed) {
          refresh(account);
          done(pass(changed));
          return rest(account);
        }
        account.roster_version_ = changed->version;
        for (Session* session : account.sessions_) {
          if (session->interested_) session->push_roster(changed->item, changed->version);
        }
        done({});
        rest(account);
      });
}

void Router::remove_roster_entry(Account& account, const Jid& contact, Done done) {
  const Subscription before = account.subscription(contact.full());
  if (!before.listed) return done(fail(Errc::not_found, "{} is not in the roster", contact.full()));

  // RFC 6121 §2.5.2: both directions end, and the contact is told.
  account.forget_contact(contact.full());
  ++account.busy_;
  storage_.run<std::uint64_t>(
      core_, [bare = account.bare_, contact](AccountStore& store) { return store.remove_roster_item(bare, contact); },
      [this, &account, contact, before, done = std::move(done)](Result<std::uint64_t> version) {
        --account.busy_;
        if (!version) {
          refresh(account);
          done(pass(version));
          return rest(account);
        }
        account.roster_version_ = *version;
        for (Session* session : account.sessions_) {
          if (session->interested_) session->push_roster_removal(contact, *version);
        }
        Envelope notice;
        notice.kind = Kind::presence;
        notice.from = account.bare_;
        notice.to = contact;
        if (before.to || before.ask) {
          notice.type = Type::unsubscribe;
          send(notice);
        }
        if (before.from || before.asked) {
          show_presence_to(account, contact, false);
          notice.type = Type::unsubscribed;
          send(notice);
        }
        done({});
        rest(account);
      });
}

void Router::block(Account& account, std::vector<Jid> who, Done done) {
  const BlockRules known{account.blocked()};
  std::vector<Jid> fresh;
  std::copy_if(who.begin(), who.end(), std::back_inserter(fresh), [&](const Jid& rule) { return !known.has(rule); });
  if (account.blocked().size() + fresh.size() > limits_.blocked) {
    return done(fail(Errc::resource_limit, "the block list is full: {} addresses are allowed", limits_.blocked));
  }
  // XEP-0191 §3.3: whoever saw our presence sees us go, and the block list holds from here on.
  const BlockRules added{fresh};
  for (const auto& contact : account.contacts_) {
    if (contact.subscription.from && added.cover(contact.contact)) show_presence_to(account, contact.contact, false);
  }
  for (const Jid& rule : fresh) {
    const bool one_device = rule.has_local() && !rule.resource().empty();
    if (one_device && account.subscription(rule.bare()).from) show_presence_to(account, rule, false);
  }
  for (Session* session : account.sessions_) end_directed(*session, [&](const Jid& to) { return added.match(to); });
  fresh.insert(fresh.begin(), account.blocked().begin(), account.blocked().end());
  account.set_blocked(std::move(fresh));
  ++account.busy_;
  storage_.submit(
      core_, [bare = account.bare_, who](AccountStore& store) { return store.block(bare, who); },
      [this, &account, who, done = std::move(done)](Result<void> outcome) {
        --account.busy_;
        if (!outcome) refresh(account);
        for (Session* session : account.sessions_) {
          if (outcome && session->wants_blocklist_) session->push_blocking(true, who);
        }
        done(outcome);
        rest(account);
      });
}

// Who got directed presence and may see no more of it sees the session go (RFC 6121 §4.6.3).
void Router::end_directed(Session& session, const std::function<bool(const Jid&)>& ends) {
  if (!session.directed_) return;
  auto& directed = *session.directed_;
  const auto first = std::stable_partition(directed.begin(), directed.end(), [&](const Jid& to) { return !ends(to); });
  const std::vector<Jid> ended(first, directed.end());
  directed.erase(first, directed.end());
  for (const Jid& to : ended) {
    Envelope gone;
    gone.kind = Kind::presence;
    gone.type = Type::unavailable;
    gone.from = session.jid_;
    gone.to = to;
    send(std::move(gone));
  }
}

ArchivePreferences Router::archive_preferences(const Account& account) const {
  if (account.archive_) return *account.archive_;
  return {.otherwise = limits_.archive_default, .always = {}, .never = {}};
}

void Router::set_archive_preferences(Account& account, ArchivePreferences preferences, Done done) {
  if (preferences.always.size() + preferences.never.size() > limits_.archive_rules) {
    return done(fail(Errc::resource_limit, "the lists are too long: {} addresses are allowed", limits_.archive_rules));
  }
  if (account.temporary_) return done(fail(Errc::not_allowed, "an anonymous account has no archive"));
  account.archive_ = std::make_unique<ArchivePreferences>(preferences);
  ++account.busy_;
  storage_.submit(
      core_,
      [bare = account.bare_, preferences = std::move(preferences)](AccountStore& store) {
        return store.set_archive_preferences(bare, preferences);
      },
      [this, &account, done = std::move(done)](Result<void> outcome) {
        --account.busy_;
        if (!outcome) refresh(account);
        done(outcome);
        rest(account);
      });
}

void Router::unblock(Account& account, std::vector<Jid> who, Done done) {
  const BlockRules named{who}, before{account.blocked()};
  std::vector<Jid> lifted, stay;
  for (const Jid& rule : account.blocked()) (who.empty() || named.has(rule) ? lifted : stay).push_back(rule);
  account.set_blocked(std::move(stay));
  const BlockRules after{account.blocked()};
  for (const auto& contact : account.contacts_) {
    const bool visible_again = before.cover(contact.contact) && !after.cover(contact.contact);
    if (visible_again && contact.subscription.from) show_presence_to(account, contact.contact, true);
  }
  for (const Jid& rule : lifted) {
    const bool one_device = rule.has_local() && !rule.resource().empty();
    if (one_device && !account.blocks(rule) && account.subscription(rule.bare()).from) {
      show_presence_to(account, rule, true);
    }
  }
  ++account.busy_;
  storage_.submit(
      core_, [bare = account.bare_, who](AccountStore& store) { return store.unblock(bare, who); },
      [this, &account, who, done = std::move(done)](Result<void> outcome) {
        --account.busy_;
        if (!outcome) refresh(account);
        for (Session* session : account.sessions_) {
          if (outcome && session->wants_blocklist_) session->push_blocking(false, who);
        }
        done(outcome);
        rest(account);
      });
}

// First the log forgets what waits for the account and what it archived, then accounts.db forgets the account and every
// right that others gave it: whatever happens between the two, whoever registers the name next inherits nothing.
void Router::remove_account(const Jid& bare, SessionId spare, Done done) {
  with_account(bare, [this, spare, done = std::move(done)](Account& account) {
    if (account.standing_ == Account::Standing::unknown) {
      return done(fail(Errc::resource_limit, "the server is too busy for this; try again later"));
    }
    if (!account.present()) return done(fail(Errc::not_found, "there is no account {}", account.bare_.full()));
    ++account.busy_;
    hand_in();  // what it has sent is kept for it no more
    --account.busy_;
    const std::uint64_t ticket = next_ticket_;
    LogEntry entry;
    entry.kind = RecordKind::forget;
    entry.owner = account.bare_;
    account.standing_ = Account::Standing::missing;  // nothing new is kept for it
    const auto stays = [this, &account, done](const Error& why) {
      account.standing_ = Account::Standing::present;
      refresh(account);
      done(tl::make_unexpected(why));
    };
    if (!append(account, std::move(entry), works_.open(), false)) {
      return stays({Errc::resource_limit, "the log takes no more at the moment"});
    }
    when_appended_[ticket] = [this, &account, spare, done, stays](bool stored) {
      if (!stored) return stays({Errc::disk_full, "the disk is full"});
      ++account.busy_;
      storage_.submit(
          core_, [bare = account.bare_](AccountStore& store) { return store.remove_account(bare); },
          [this, &account, spare, done, stays](Result<void> outcome) {
            --account.busy_;
            if (!outcome) return stays(outcome.error());
            note_change(account.bare_);
            tell_contacts_of_removal(account);
            account.contacts_.clear();
            account.set_blocked({});
            account.push_.reset();
            account.offline_count_ = 0;
            account.offline_.reset();
            end_sessions(account.bare_, spare, CloseReason::account_removed);
            done({});
            rest(account);
          });
    };
  });
}

// XEP-0077 §3.2: contacts are told. Their stored side has changed with the removal; this is for those who are here.
void Router::tell_contacts_of_removal(Account& account) {
  for (const auto& contact : std::vector<ContactState>(account.contacts_)) {
    Envelope notice;
    notice.kind = Kind::presence;
    notice.from = account.bare_;
    notice.to = contact.contact;
    if (contact.subscription.from) show_presence_to(account, contact.contact, false);
    for (const Type type : {Type::unsubscribe, Type::unsubscribed}) {
      notice.type = type;
      send(notice);
    }
  }
  for (unsigned core = 0; core < cores_; ++core) {
    post_.send(core_, static_cast<CoreId>(core), AccountChanged{account.bare_, AccountChanged::What::gone, 0});
  }
}

// What no notice reaches: an approval in advance, a request that nobody has seen.
void Router::forget_removed(const Jid& gone) {
  accounts_.each([&](Account& account) {
    Subscription subscription = account.subscription(gone.full());
    if (subscription == Subscription{}) return;
    subscription.approved = subscription.asked = false;
    account.set_subscription(gone, subscription);
  });
}

void Router::refresh(Account& account) {
  ++account.busy_;
  storage_.run<AccountState>(
      core_, [bare = account.bare_](AccountStore& store) { return store.load_state(bare); },
      [this, &account](Result<AccountState> state) {
        --account.busy_;
        if (state && state->exists) {
          take_state(account, std::move(*state));
        } else if (!state) {
          log::error("domain", "{} could not be read again: {}", account.bare_.full(), state.error().message);
        }
        rest(account);
      });
}

void Router::end_sessions(const Jid& bare, SessionId spare, CloseReason reason) {
  note_change(bare);
  Account* account = find(bare.full());
  if (!account) return;
  for (Session* session : std::vector<Session*>(account->sessions_.begin(), account->sessions_.end())) {
    if (session->id_ == spare) continue;
    close(*session);
    session->close(reason);
  }
}

void Router::account_changed(const AccountChanged& changed) {
  switch (changed.what) {
    case AccountChanged::What::created:
      if (find(changed.account.full())) {
        // Remembered as missing, or read just before: look again.
        with_account(changed.account, [this](Account& account) {
          if (account.standing_ == Account::Standing::missing) load(account);
        });
      }
      break;
    case AccountChanged::What::password:
      end_sessions(changed.account, changed.spare, CloseReason::password_changed);
      break;
    case AccountChanged::What::removed:
      remove_account(changed.account, changed.spare, [](Result<void>) {});
      break;
    case AccountChanged::What::gone:
      forget_removed(changed.account);
      break;
  }
}

}  // namespace anser::domain
