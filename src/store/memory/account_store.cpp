#include "store/memory/account_store.h"

#include <algorithm>

#include "base/assert.h"
#include "store/roster_rules.h"

namespace anser::store {

using domain::AccountRecord;
using domain::Jid;
using domain::RosterItem;

// ---- transactions ---------------------------------------------------------------------------------------------------

Result<void> MemoryAccountStore::begin() {
  ANSER_ASSERT(!in_transaction_);
  in_transaction_ = true;
  savepoint_ = 0;
  return {};
}

Result<void> MemoryAccountStore::commit() {
  in_transaction_ = false;
  undo_.clear();
  return {};
}

void MemoryAccountStore::rollback() {
  undo_down_to(0);
  in_transaction_ = false;
}

Result<void> MemoryAccountStore::savepoint() {
  savepoint_ = undo_.size();
  return {};
}

void MemoryAccountStore::rollback_to_savepoint() { undo_down_to(savepoint_); }

void MemoryAccountStore::undo_down_to(std::size_t mark) {
  for (; undo_.size() > mark; undo_.pop_back()) {
    Undo& last = undo_.back();
    if (last.setting) {
      if (last.value)
        settings_[last.key] = std::move(*last.value);
      else
        settings_.erase(last.key);
    } else if (last.account) {
      accounts_[last.key] = std::move(*last.account);
    } else {
      accounts_.erase(last.key);
    }
  }
}

void MemoryAccountStore::remember(const std::string& address) {
  if (!in_transaction_) return;
  const auto found = accounts_.find(address);
  undo_.push_back({.setting = false,
                   .key = address,
                   .account = found == accounts_.end() ? std::nullopt : std::optional{found->second},
                   .value = std::nullopt});
}

MemoryAccountStore::Data* MemoryAccountStore::find(const Jid& bare) {
  const auto found = accounts_.find(std::string{bare.bare()});
  return found == accounts_.end() ? nullptr : &found->second;
}

Result<MemoryAccountStore::Data*> MemoryAccountStore::existing(const Jid& bare) {
  Data* account = find(bare);
  if (!account) return fail(Errc::not_found, "no account {}", bare.bare());
  return account;
}

Result<MemoryAccountStore::Data*> MemoryAccountStore::to_change(const Jid& bare) {
  auto account = existing(bare);
  if (account) remember(std::string{bare.bare()});
  return account;
}

// ---- accounts -------------------------------------------------------------------------------------------------------

Result<void> MemoryAccountStore::create_account(const AccountRecord& account) {
  if (find(account.jid)) return fail(Errc::conflict, "the account {} exists already", account.jid.bare());
  const std::string address{account.jid.bare()};
  remember(address);
  accounts_[address].record = account;
  accounts_[address].roster_version = static_cast<std::uint64_t>(account.created.time_since_epoch().count());
  return {};
}

Result<std::optional<AccountRecord>> MemoryAccountStore::find_account(const Jid& bare) {
  const Data* account = find(bare);
  return account ? std::optional{account->record} : std::nullopt;
}

Result<void> MemoryAccountStore::set_keys(const Jid& bare, std::span<const core::ScramKeys> keys) {
  const auto account = to_change(bare);
  if (!account) return pass(account);
  (*account)->record.keys.assign(keys.begin(), keys.end());
  (*account)->tokens.clear();
  return {};
}

Result<void> MemoryAccountStore::add_key(const Jid& bare, const core::ScramKeys& key) {
  const auto account = to_change(bare);
  if (!account) return pass(account);
  auto& keys = (*account)->record.keys;
  const auto next = std::find_if(keys.begin(), keys.end(), [&](const auto& other) { return other.hash >= key.hash; });
  if (next != keys.end() && next->hash == key.hash) return fail(Errc::conflict, "{} has such a key", bare.bare());
  keys.insert(next, key);
  return {};
}

Result<domain::TokenSlots> MemoryAccountStore::find_tokens(const Jid& bare, std::string_view client) {
  const Data* account = find(bare);
  if (!account) return domain::TokenSlots{};
  const auto found = account->tokens.find(std::string{client});
  return found == account->tokens.end() ? domain::TokenSlots{} : found->second;
}

Result<void> MemoryAccountStore::put_tokens(const Jid& bare, std::string_view client, const domain::TokenSlots& tokens,
                                            std::size_t most) {
  const auto account = to_change(bare);
  if (!account) return pass(account);
  auto& clients = (*account)->tokens;
  const std::string mark{client};
  clients.erase(mark);
  if (tokens.empty()) return {};
  const auto newest = [](const auto& entry) {
    const domain::TokenSlots& slots = entry.second;
    return slots.fresh ? slots.fresh->issued : slots.current->issued;
  };
  while (!clients.empty() && clients.size() >= most) {
    clients.erase(std::min_element(clients.begin(), clients.end(),
                                   [&](const auto& a, const auto& b) { return newest(a) < newest(b); }));
  }
  clients.emplace(mark, tokens);
  return {};
}

Result<void> MemoryAccountStore::set_disabled(const Jid& bare, bool disabled) {
  const auto account = to_change(bare);
  if (!account) return pass(account);
  (*account)->record.disabled = disabled;
  return {};
}

Result<void> MemoryAccountStore::remove_account(const Jid& bare) {
  const auto account = to_change(bare);
  if (!account) return pass(account);
  accounts_.erase(std::string{bare.bare()});
  for (auto& [owner, data] : accounts_) {
    const auto found = data.contacts.find(std::string{bare.bare()});
    if (found == data.contacts.end()) continue;
    remember(owner);
    RosterItem& item = found->second;
    const auto after = without_rights(item.subscription);
    if (visibly_different(item.subscription, after)) ++data.roster_version;
    apply_subscription(item, after, {});
    if (nothing_left(after)) data.contacts.erase(found);
  }
  return {};
}

Result<std::vector<AccountRecord>> MemoryAccountStore::list_accounts(std::string_view host, std::string_view after,
                                                                     std::size_t limit) {
  std::vector<AccountRecord> accounts;
  for (auto next = accounts_.upper_bound(std::string{after}); next != accounts_.end() && accounts.size() < limit;
       ++next) {
    if (next->second.record.jid.domain() != host) continue;
    accounts.push_back(next->second.record);
    accounts.back().keys.clear();
  }
  return accounts;
}

Result<std::uint64_t> MemoryAccountStore::count_accounts(std::string_view host) {
  std::uint64_t count = 0;
  for (const auto& [address, account] : accounts_) count += account.record.jid.domain() == host;
  return count;
}

// ---- roster ---------------------------------------------------------------------------------------------------------

Result<domain::AccountState> MemoryAccountStore::load_state(const Jid& bare) {
  domain::AccountState state;
  const Data* account = find(bare);
  if (!account) return state;
  state.exists = true;
  state.roster_version = account->roster_version;
  for (const auto& [address, item] : account->contacts) state.contacts.push_back({item.contact, item.subscription});
  state.blocked.assign(account->blocked.begin(), account->blocked.end());
  for (const auto& [key, target] : account->push) state.push.push_back(target);
  state.archive = account->archive;
  return state;
}

Result<domain::Roster> MemoryAccountStore::load_roster(const Jid& owner) {
  const auto account = existing(owner);
  if (!account) return pass(account);
  domain::Roster roster{.version = (*account)->roster_version, .items = {}};
  for (const auto& [address, item] : (*account)->contacts) {
    if (item.subscription.listed) roster.items.push_back(item);
  }
  return roster;
}

Result<std::optional<RosterItem>> MemoryAccountStore::find_roster_item(const Jid& owner, const Jid& contact) {
  const auto account = existing(owner);
  if (!account) return pass(account);
  const auto found = (*account)->contacts.find(std::string{contact.bare()});
  return found == (*account)->contacts.end() ? std::nullopt : std::optional{found->second};
}

Result<domain::AccountStore::Changed> MemoryAccountStore::set_roster_entry(const Jid& owner, const Jid& contact,
                                                                           std::string_view name,
                                                                           std::span<const std::string> groups) {
  const auto account = to_change(owner);
  if (!account) return pass(account);
  RosterItem& item = (*account)->contacts[std::string{contact.bare()}];
  item.contact = contact.to_bare();
  item.name = name;
  item.groups.assign(groups.begin(), groups.end());
  item.subscription.listed = true;
  return Changed{item, ++(*account)->roster_version};
}

Result<domain::AccountStore::Changed> MemoryAccountStore::set_subscription(const Jid& owner, const Jid& contact,
                                                                           domain::Subscription subscription,
                                                                           std::string_view request) {
  const auto account = to_change(owner);
  if (!account) return pass(account);
  const std::string address{contact.bare()};
  RosterItem& item = (*account)->contacts[address];
  item.contact = contact.to_bare();
  if (visibly_different(item.subscription, subscription)) ++(*account)->roster_version;
  apply_subscription(item, subscription, request);

  Changed changed{item, (*account)->roster_version};
  if (nothing_left(subscription)) (*account)->contacts.erase(address);
  return changed;
}

Result<std::uint64_t> MemoryAccountStore::remove_roster_item(const Jid& owner, const Jid& contact) {
  const auto account = to_change(owner);
  if (!account) return pass(account);
  const auto found = (*account)->contacts.find(std::string{contact.bare()});
  if (found == (*account)->contacts.end() || !found->second.subscription.listed) {
    return fail(Errc::not_found, "{} is not in the roster of {}", contact.bare(), owner.bare());
  }
  (*account)->contacts.erase(found);
  return ++(*account)->roster_version;
}

// ---- the rest -------------------------------------------------------------------------------------------------------

Result<void> MemoryAccountStore::block(const Jid& owner, std::span<const Jid> who) {
  const auto account = to_change(owner);
  if (!account) return pass(account);
  (*account)->blocked.insert(who.begin(), who.end());
  return {};
}

Result<void> MemoryAccountStore::unblock(const Jid& owner, std::span<const Jid> who) {
  const auto account = to_change(owner);
  if (!account) return pass(account);
  if (who.empty()) (*account)->blocked.clear();
  for (const auto& jid : who) (*account)->blocked.erase(jid);
  return {};
}

Result<void> MemoryAccountStore::put_push(const Jid& owner, const domain::PushTarget& target) {
  const auto account = to_change(owner);
  if (!account) return pass(account);
  (*account)->push[{target.service.full(), target.node}] = target;
  return {};
}

Result<void> MemoryAccountStore::remove_push(const Jid& owner, const Jid& service,
                                             const std::optional<std::string>& node) {
  const auto account = to_change(owner);
  if (!account) return pass(account);
  std::erase_if((*account)->push, [&](const auto& entry) {
    return entry.first.first == service.full() && (!node || entry.first.second == *node);
  });
  return {};
}

Result<void> MemoryAccountStore::set_archive_preferences(const Jid& owner,
                                                         const domain::ArchivePreferences& preferences) {
  const auto account = to_change(owner);
  if (!account) return pass(account);
  auto& kept = (*account)->archive.emplace(preferences);
  for (auto* list : {&kept.always, &kept.never}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  return {};
}

Result<std::optional<std::string>> MemoryAccountStore::find_document(const Jid& owner, std::string_view collection,
                                                                     std::string_view name) {
  const auto account = existing(owner);
  if (!account) return pass(account);
  const auto found = (*account)->documents.find({std::string{collection}, std::string{name}});
  return found == (*account)->documents.end() ? std::nullopt : std::optional{found->second};
}

Result<void> MemoryAccountStore::put_document(const Jid& owner, std::string_view collection, std::string_view name,
                                              std::string_view bytes) {
  const auto account = to_change(owner);
  if (!account) return pass(account);
  (*account)->documents[{std::string{collection}, std::string{name}}] = bytes;
  return {};
}

Result<std::uint64_t> MemoryAccountStore::documents_size(const Jid& owner) {
  const auto account = existing(owner);
  if (!account) return pass(account);
  std::uint64_t size = 0;
  for (const auto& [key, bytes] : (*account)->documents) size += bytes.size();
  return size;
}

Result<void> MemoryAccountStore::set_last_activity(const Jid& bare, const domain::LastActivity& last) {
  const auto account = to_change(bare);
  if (!account) return pass(account);
  (*account)->last_activity = last;
  return {};
}

Result<std::optional<domain::LastActivity>> MemoryAccountStore::find_last_activity(const Jid& bare) {
  const auto account = existing(bare);
  if (!account) return pass(account);
  return (*account)->last_activity;
}

Result<std::optional<std::string>> MemoryAccountStore::find_setting(std::string_view name) {
  const auto found = settings_.find(name);
  return found == settings_.end() ? std::nullopt : std::optional{found->second};
}

Result<void> MemoryAccountStore::put_setting(std::string_view name, std::string_view value) {
  const auto found = settings_.find(name);
  if (in_transaction_) {
    undo_.push_back({.setting = true,
                     .key = std::string{name},
                     .account = std::nullopt,
                     .value = found == settings_.end() ? std::nullopt : std::optional{found->second}});
  }
  settings_[std::string{name}] = value;
  return {};
}

}  // namespace anser::store
