// Router, the part that changes accounts: roster entries, blocking, removal. What the actor remembers changes at once
// or with the commit, the sessions are told, and `done` is called after the commit.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "domain/router.h"

namespace anser::domain {

void Router::set_roster_entry(Account& account, const Jid& contact, std::string name, std::vector<std::string> groups,
                              Done done) {
  Subscription subscription = account.subscription(contact.full());
  if (!subscription.listed && account.contacts_.size() >= limits_.roster_items) {
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
  std::vector<Jid> fresh;
  for (const Jid& address : who) {
    const auto& blocked = account.blocked_;
    if (std::find(blocked.begin(), blocked.end(), address) == blocked.end()) fresh.push_back(address);
  }
  if (account.blocked_.size() + fresh.size() > limits_.blocked) {
    return done(fail(Errc::resource_limit, "the block list is full: {} addresses are allowed", limits_.blocked));
  }
  // XEP-0191 §3.3: whoever saw our presence sees us go, and the block list holds from here on.
  for (const auto& contact : account.contacts_) {
    const bool now_blocked = std::any_of(fresh.begin(), fresh.end(), [&](const Jid& rule) {
      Account probe{account.bare_};
      probe.blocked_.push_back(rule);
      return probe.blocks(contact.contact);
    });
    if (now_blocked && contact.subscription.from) show_presence_to(account, contact.contact, false);
  }
  account.blocked_.insert(account.blocked_.end(), fresh.begin(), fresh.end());
  ++account.busy_;
  storage_.submit(
      core_, [bare = account.bare_, who](AccountStore& store) { return store.block(bare, who); },
      [this, &account, who, done = std::move(done)](Result<void> outcome) {
        --account.busy_;
        if (outcome) {
          for (Session* session : account.sessions_) {
            if (session->wants_blocklist_) session->push_blocking(true, who);
          }
        }
        done(outcome);
        rest(account);
      });
}

void Router::unblock(Account& account, std::vector<Jid> who, Done done) {
  std::vector<Jid> freed;
  const auto named = [&](const Jid& rule) {
    return who.empty() || std::find(who.begin(), who.end(), rule) != who.end();
  };
  std::copy_if(account.blocked_.begin(), account.blocked_.end(), std::back_inserter(freed), named);
  std::erase_if(account.blocked_, named);
  Account before{account.bare_};
  before.blocked_ = freed;
  for (const auto& contact : account.contacts_) {
    const bool visible_again = before.blocks(contact.contact) && !account.blocks(contact.contact);
    if (visible_again && contact.subscription.from) show_presence_to(account, contact.contact, true);
  }
  ++account.busy_;
  storage_.submit(
      core_, [bare = account.bare_, who](AccountStore& store) { return store.unblock(bare, who); },
      [this, &account, who, done = std::move(done)](Result<void> outcome) {
        --account.busy_;
        if (outcome) {
          for (Session* session : account.sessions_) {
            if (session->wants_blocklist_) session->push_blocking(false, who);
          }
        }
        done(outcome);
        rest(account);
      });
}

void Router::remove_account(const Jid& bare, SessionId spare, Done done) {
  with_account(bare, [this, spare, done = std::move(done)](Account& account) {
    if (!account.present()) return done(fail(Errc::not_found, "there is no account {}", account.bare_.full()));
    ++account.busy_;
    storage_.submit(
        core_, [bare = account.bare_](AccountStore& store) { return store.remove_account(bare); },
        [this, &account, spare, done](Result<void> outcome) {
          --account.busy_;
          if (!outcome) return done(outcome);
          append(account,
                 LogEntry{
                     .kind = RecordKind::forget, .references = {}, .owner = account.bare_, .target = 0, .envelope = {}},
                 works_.open(), false);
          // XEP-0077 §3.2: contacts are told, so that no right of the account survives it.
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
          account.contacts_.clear();
          account.blocked_.clear();
          account.offline_count_ = 0;
          account.standing_ = Account::Standing::missing;
          end_sessions(account.bare_, spare, CloseReason::account_removed);
          done({});
          rest(account);
        });
  });
}

void Router::end_sessions(const Jid& bare, SessionId spare, CloseReason reason) {
  Account* account = find(bare.full());
  if (!account) return;
  for (Session* session : std::vector<Session*>(account->sessions_)) {
    if (session->id_ == spare) continue;
    close(*session);
    session->close(reason);
  }
}

void Router::account_changed(const AccountChanged& changed) {
  switch (changed.what) {
    case AccountChanged::What::created:
      if (Account* account = find(changed.account.full());
          account && account->standing_ == Account::Standing::missing) {
        load(*account);  // remembered as missing: look again
      }
      break;
    case AccountChanged::What::password:
      end_sessions(changed.account, changed.spare, CloseReason::password_changed);
      break;
    case AccountChanged::What::removed:
      remove_account(changed.account, changed.spare, [](Result<void>) {});
      break;
  }
}

}  // namespace anser::domain
