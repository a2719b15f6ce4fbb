// SqliteAccountStore: what an account knows of others, its roster and what the router needs of it.
#include "store/roster_rules.h"
#include "store/sqlite/account_rows.h"
#include "store/sqlite/account_store.h"

namespace anser::store {

using namespace account_rows;
using domain::Jid;
using domain::RosterItem;
using domain::Subscription;

Result<domain::AccountState> SqliteAccountStore::load_state(const Jid& bare) {
  domain::AccountState state;
  const auto account = find_owner(bare);
  if (!account) return pass(account);
  if (!*account) return state;
  state.exists = true;
  state.roster_version = (*account)->version;

  auto contacts = database_->use("SELECT address, subscription FROM contact WHERE owner=? ORDER BY address");
  contacts.with((*account)->id);
  auto read = each(contacts, [&]() -> Result<void> {
    auto contact = stored_jid(contacts.bytes(0));
    if (!contact) return pass(contact);
    state.contacts.push_back({std::move(*contact), unpack(contacts.integer(1))});
    return {};
  });
  if (!read) return pass(read);

  auto blocked = database_->use("SELECT address FROM blocked WHERE owner=? ORDER BY address");
  blocked.with((*account)->id);
  read = each(blocked, [&]() -> Result<void> {
    auto who = stored_jid(blocked.bytes(0));
    if (!who) return pass(who);
    state.blocked.push_back(std::move(*who));
    return {};
  });
  if (!read) return pass(read);

  auto push = database_->use("SELECT service, node, options, device FROM push WHERE owner=? ORDER BY service, node");
  push.with((*account)->id);
  read = each(push, [&]() -> Result<void> {
    auto service = stored_jid(push.bytes(0));
    if (!service) return pass(service);
    state.push.push_back(
        {std::move(*service), std::string{push.bytes(1)}, std::string{push.bytes(2)}, std::string{push.bytes(3)}});
    return {};
  });
  if (!read) return pass(read);
  auto preferences = find_archive_preferences((*account)->id);
  if (!preferences) return pass(preferences);
  state.archive = std::move(*preferences);
  return state;
}

Result<std::optional<domain::ArchivePreferences>> SqliteAccountStore::find_archive_preferences(std::int64_t owner) {
  auto find = database_->use("SELECT otherwise FROM archive_default WHERE owner=?");
  const auto row = find.with(owner).step();
  if (!row) return pass(row);
  if (!*row) return std::nullopt;
  domain::ArchivePreferences preferences;
  preferences.otherwise = static_cast<domain::ArchiveDefault>(find.integer(0));
  auto rules = database_->use("SELECT keep, address FROM archive_rule WHERE owner=? ORDER BY keep, address");
  rules.with(owner);
  const auto read = each(rules, [&]() -> Result<void> {
    auto address = stored_jid(rules.bytes(1));
    if (!address) return pass(address);
    (rules.integer(0) ? preferences.always : preferences.never).push_back(std::move(*address));
    return {};
  });
  if (!read) return pass(read);
  return preferences;
}

Result<void> SqliteAccountStore::set_archive_preferences(const Jid& bare,
                                                         const domain::ArchivePreferences& preferences) {
  return atomically([&]() -> Result<void> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    auto put = database_->use("INSERT OR REPLACE INTO archive_default VALUES(?, ?)");
    if (auto done = put.with(account->id, static_cast<int>(preferences.otherwise)).run(); !done) return done;
    if (auto done = database_->use("DELETE FROM archive_rule WHERE owner=?").with(account->id).run(); !done)
      return done;
    for (const auto* list : {&preferences.never, &preferences.always}) {
      for (const auto& address : *list) {
        auto insert = database_->use("INSERT OR IGNORE INTO archive_rule VALUES(?, ?, ?)");
        insert.with(account->id, list == &preferences.always, std::string_view{address.full()});
        if (auto done = insert.run(); !done) return done;
      }
    }
    return {};
  });
}

Result<domain::Roster> SqliteAccountStore::load_roster(const Jid& bare) {
  const auto account = owner(bare);
  if (!account) return pass(account);

  domain::Roster roster{.version = account->version, .items = {}};
  auto items = database_->use(
      "SELECT address, subscription, name, groups, request FROM contact WHERE owner=? AND subscription & 32 "
      "ORDER BY address");
  items.with(account->id);
  const auto read = each(items, [&]() -> Result<void> {
    auto item = read_item(items);
    if (!item) return pass(item);
    roster.items.push_back(std::move(*item));
    return {};
  });
  if (!read) return pass(read);
  return roster;
}

Result<std::optional<RosterItem>> SqliteAccountStore::find_roster_item(const Jid& bare, const Jid& contact) {
  const auto account = owner(bare);
  if (!account) return pass(account);
  return find_item(account->id, contact);
}

Result<std::optional<RosterItem>> SqliteAccountStore::find_item(std::int64_t owner, const Jid& contact) {
  auto find =
      database_->use("SELECT address, subscription, name, groups, request FROM contact WHERE owner=? AND address=?");
  const auto row = find.with(owner, contact.bare()).step();
  if (!row) return pass(row);
  if (!*row) return std::nullopt;
  auto item = read_item(find);
  if (!item) return pass(item);
  return std::optional{std::move(*item)};
}

Result<void> SqliteAccountStore::write_item(std::int64_t owner, const RosterItem& item) {
  const std::string groups = pack_groups(item.groups);
  auto write = database_->use("INSERT OR REPLACE INTO contact VALUES(?, ?, ?, ?, ?, ?)");
  write.with(owner, item.contact.bare(), pack(item.subscription), std::string_view{item.name}, Blob{groups},
             Blob{item.request});
  return write.run();
}

Result<void> SqliteAccountStore::delete_item(std::int64_t owner, const Jid& contact) {
  auto remove = database_->use("DELETE FROM contact WHERE owner=? AND address=?");
  return remove.with(owner, contact.bare()).run();
}

Result<void> SqliteAccountStore::set_version(std::int64_t owner, std::uint64_t version) {
  auto update = database_->use("UPDATE account SET roster_version=? WHERE id=?");
  return update.with(version, owner).run();
}

Result<domain::AccountStore::Changed> SqliteAccountStore::set_roster_entry(const Jid& bare, const Jid& contact,
                                                                           std::string_view name,
                                                                           std::span<const std::string> groups) {
  return atomically([&]() -> Result<Changed> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    auto found = find_item(account->id, contact);
    if (!found) return pass(found);

    Changed changed{.item = found->value_or(new_item(contact)), .version = account->version + 1};
    changed.item.name = name;
    changed.item.groups.assign(groups.begin(), groups.end());
    changed.item.subscription.listed = true;
    if (auto done = write_item(account->id, changed.item); !done) return pass(done);
    if (auto done = set_version(account->id, changed.version); !done) return pass(done);
    return changed;
  });
}

Result<domain::AccountStore::Changed> SqliteAccountStore::set_subscription(const Jid& bare, const Jid& contact,
                                                                           Subscription subscription,
                                                                           std::string_view request) {
  return atomically([&]() -> Result<Changed> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    auto found = find_item(account->id, contact);
    if (!found) return pass(found);

    Changed changed{.item = found->value_or(new_item(contact)), .version = account->version};
    const bool visible = visibly_different(changed.item.subscription, subscription);
    apply_subscription(changed.item, subscription, request);
    const auto done =
        nothing_left(subscription) ? delete_item(account->id, contact) : write_item(account->id, changed.item);
    if (!done) return pass(done);
    if (visible) {
      if (auto counted = set_version(account->id, ++changed.version); !counted) return pass(counted);
    }
    return changed;
  });
}

Result<std::uint64_t> SqliteAccountStore::remove_roster_item(const Jid& bare, const Jid& contact) {
  return atomically([&]() -> Result<std::uint64_t> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    const auto found = find_item(account->id, contact);
    if (!found) return pass(found);
    if (!*found || !(*found)->subscription.listed) {
      return fail(Errc::not_found, "{} is not in the roster of {}", contact.bare(), bare.bare());
    }
    if (auto done = delete_item(account->id, contact); !done) return pass(done);
    if (auto done = set_version(account->id, account->version + 1); !done) return pass(done);
    return account->version + 1;
  });
}

}  // namespace anser::store
