#include "store/sqlite/account_store.h"

#include "domain/byte_codec.h"
#include "store/roster_rules.h"

namespace anser::store {
namespace {

using domain::AccountRecord;
using domain::Jid;
using domain::RosterItem;
using domain::Subscription;

constexpr std::int32_t kApplicationId = 0x414e5301;
constexpr const char* kMigrations[] = {R"(
  CREATE TABLE account(
    id INTEGER PRIMARY KEY,
    host TEXT NOT NULL,
    address TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    created INTEGER NOT NULL,  -- microseconds since 1970, as all times here
    disabled INTEGER NOT NULL,
    roster_version INTEGER NOT NULL DEFAULT 0,
    UNIQUE(host, address));
  CREATE TABLE account_key(
    account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    hash INTEGER NOT NULL,
    salt BLOB NOT NULL,
    iterations INTEGER NOT NULL,
    stored_key BLOB NOT NULL,
    server_key BLOB NOT NULL,
    PRIMARY KEY(account, hash)) WITHOUT ROWID;
  CREATE TABLE contact(
    owner INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    address TEXT NOT NULL,
    subscription INTEGER NOT NULL,  -- 1 to, 2 from, 4 ask, 8 asked, 16 approved, 32 listed
    name TEXT NOT NULL,
    groups BLOB NOT NULL,           -- each: varint length, UTF-8
    request BLOB NOT NULL,
    PRIMARY KEY(owner, address)) WITHOUT ROWID;
  CREATE TABLE blocked(
    owner INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    address TEXT NOT NULL,
    PRIMARY KEY(owner, address)) WITHOUT ROWID;
  CREATE TABLE document(
    owner INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    collection TEXT NOT NULL,
    name TEXT NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE(owner, collection, name));
  CREATE TABLE last_activity(
    account INTEGER PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    at INTEGER NOT NULL,
    status TEXT NOT NULL);
  CREATE TABLE setting(
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL) WITHOUT ROWID;
)",
                                       R"(
  CREATE TABLE push(
    owner INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    service TEXT NOT NULL,
    node TEXT NOT NULL,
    options BLOB NOT NULL,
    device TEXT NOT NULL,
    PRIMARY KEY(owner, service, node)) WITHOUT ROWID;
)",
                                       R"(
  CREATE TABLE token(
    account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    client BLOB NOT NULL,
    slot INTEGER NOT NULL,     -- 0 current, 1 new
    seed BLOB NOT NULL,        -- with the key in tokens.key it becomes the token
    binding INTEGER NOT NULL,  -- as in core/hashed_token.h
    issued INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY(account, client, slot)) WITHOUT ROWID;
)",
                                       R"(
  CREATE TABLE archive_default(  -- of those who have set their preferences (XEP-0441)
    owner INTEGER PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    otherwise INTEGER NOT NULL);  -- 0 always, 1 never, 2 roster
  CREATE TABLE archive_rule(
    owner INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    keep INTEGER NOT NULL,        -- 0 never, 1 always
    address TEXT NOT NULL,
    PRIMARY KEY(owner, keep, address)) WITHOUT ROWID;
)"};
constexpr Schema kSchema{kApplicationId, kMigrations};

constexpr std::size_t kMaxGroupBytes =
    1 << 20;  // what a group name may have at most; the domain's own limit is far below

std::int64_t pack(const Subscription& s) {
  return s.to | s.from << 1 | s.ask << 2 | s.asked << 3 | s.approved << 4 | s.listed << 5;
}

Subscription unpack(std::int64_t bits) {
  const auto bit = [bits](int n) { return (bits >> n & 1) != 0; };
  return {.to = bit(0), .from = bit(1), .ask = bit(2), .asked = bit(3), .approved = bit(4), .listed = bit(5)};
}

std::int64_t microseconds(Time time) { return time.time_since_epoch().count(); }
Time time_of(std::int64_t microseconds) { return Time{Duration{microseconds}}; }

Result<Jid> stored_jid(std::string_view text) {
  auto jid = Jid::parse(text);
  if (!jid) return fail(Errc::internal, "accounts.db holds an address that is none: {}", jid.error().message);
  return jid;
}

std::string pack_groups(std::span<const std::string> groups) {
  std::string packed;
  for (const auto& group : groups) domain::put_string(packed, group);
  return packed;
}

std::vector<std::string> unpack_groups(std::string_view packed) {
  std::vector<std::string> groups;
  domain::ByteReader reader{packed};
  while (reader.ok() && !reader.rest().empty()) groups.emplace_back(reader.string(kMaxGroupBytes));
  return groups;
}

// address, subscription, name, groups, request
Result<RosterItem> read_item(const Statement& row) {
  auto contact = stored_jid(row.bytes(0));
  if (!contact) return pass(contact);
  return RosterItem{.contact = std::move(*contact),
                    .name = std::string{row.bytes(2)},
                    .groups = unpack_groups(row.bytes(3)),
                    .subscription = unpack(row.integer(1)),
                    .request = std::string{row.bytes(4)}};
}

// address, name, email, created, disabled
Result<AccountRecord> read_account(const Statement& row) {
  auto jid = stored_jid(row.bytes(0));
  if (!jid) return pass(jid);
  return AccountRecord{.jid = std::move(*jid),
                       .keys = {},
                       .name = std::string{row.bytes(1)},
                       .email = std::string{row.bytes(2)},
                       .created = time_of(row.integer(3)),
                       .disabled = row.integer(4) != 0};
}

// Calls `take` with each row.
template <class Take>
Result<void> each(Statement& statement, Take take) {
  for (;;) {
    const auto row = statement.step();
    if (!row) return pass(row);
    if (!*row) return {};
    if (Result<void> taken = take(); !taken) return taken;
  }
}

}  // namespace

Result<std::unique_ptr<SqliteAccountStore>> SqliteAccountStore::open(const std::filesystem::path& file,
                                                                     const Connection::Options& options) {
  auto database = Connection::open(file, kSchema, options);
  if (!database) return pass(database);
  return std::unique_ptr<SqliteAccountStore>{new SqliteAccountStore{std::move(*database)}};
}

// ---- transactions ---------------------------------------------------------------------------------------------------

Result<void> SqliteAccountStore::begin() {
  savepoint_ = false;
  auto begun = database_->begin();
  if (!begun && begun.error().code == Errc::timeout) return database_->begin_reading();
  return begun;
}

Result<void> SqliteAccountStore::commit() { return database_->commit(); }
void SqliteAccountStore::rollback() { database_->rollback(); }

Result<void> SqliteAccountStore::savepoint() {
  if (savepoint_) {
    if (auto done = database_->run("RELEASE job"); !done) return done;
  }
  auto done = database_->run("SAVEPOINT job");
  savepoint_ = done.has_value();
  return done;
}

void SqliteAccountStore::rollback_to_savepoint() {
  if (savepoint_ && database_->in_transaction()) static_cast<void>(database_->run("ROLLBACK TO job"));
}

// Several statements as one, inside the caller's transaction or a new one.
template <class Body>
auto SqliteAccountStore::atomically(Body body) -> decltype(body()) {
  if (database_->in_transaction()) return body();
  Transaction transaction{*database_};
  if (auto done = transaction.begin(); !done) return pass(done);
  auto result = body();
  if (!result) return result;
  if (auto done = transaction.commit(); !done) return pass(done);
  return result;
}

// ---- accounts -------------------------------------------------------------------------------------------------------

Result<std::optional<SqliteAccountStore::Owner>> SqliteAccountStore::find_owner(const Jid& bare) {
  auto statement = database_->use("SELECT id, roster_version FROM account WHERE host=? AND address=?");
  const auto row = statement.with(bare.domain(), bare.bare()).step();
  if (!row) return pass(row);
  if (!*row) return std::nullopt;
  return Owner{statement.integer(0), statement.sequence(1)};
}

Result<SqliteAccountStore::Owner> SqliteAccountStore::owner(const Jid& bare) {
  const auto found = find_owner(bare);
  if (!found) return pass(found);
  if (!*found) return fail(Errc::not_found, "no account {}", bare.bare());
  return **found;
}

Result<void> SqliteAccountStore::create_account(const AccountRecord& account) {
  return atomically([&]() -> Result<void> {
    const auto there = find_owner(account.jid);
    if (!there) return pass(there);
    if (*there) return fail(Errc::conflict, "the account {} exists already", account.jid.bare());

    // Roster versions begin with the time, so that no cache of an earlier owner of the name matches.
    auto insert = database_->use(
        "INSERT INTO account(host, address, name, email, created, disabled, roster_version) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?5)");
    insert.with(account.jid.domain(), account.jid.bare(), std::string_view{account.name},
                std::string_view{account.email}, microseconds(account.created), account.disabled);
    if (auto done = insert.run(); !done) return done;
    return insert_keys(database_->last_insert_id(), account.keys);
  });
}

Result<void> SqliteAccountStore::insert_keys(std::int64_t account, std::span<const core::ScramKeys> keys) {
  for (const auto& key : keys) {
    auto insert = database_->use("INSERT OR REPLACE INTO account_key VALUES(?, ?, ?, ?, ?, ?)");
    insert.with(account, static_cast<int>(key.hash), Blob{key.salt}, key.iterations, Blob{key.stored_key},
                Blob{key.server_key});
    if (auto done = insert.run(); !done) return done;
  }
  return {};
}

Result<std::optional<AccountRecord>> SqliteAccountStore::find_account(const Jid& bare) {
  auto find =
      database_->use("SELECT address, name, email, created, disabled, id FROM account WHERE host=? AND address=?");
  const auto row = find.with(bare.domain(), bare.bare()).step();
  if (!row) return pass(row);
  if (!*row) return std::nullopt;
  auto account = read_account(find);
  if (!account) return pass(account);

  auto keys = database_->use(
      "SELECT hash, salt, iterations, stored_key, server_key FROM account_key WHERE account=? ORDER BY hash");
  keys.with(find.integer(5));
  const auto read = each(keys, [&]() -> Result<void> {
    account->keys.push_back({.hash = static_cast<core::Hash>(keys.integer(0)),
                             .salt = std::string{keys.bytes(1)},
                             .iterations = static_cast<std::uint32_t>(keys.integer(2)),
                             .stored_key = std::string{keys.bytes(3)},
                             .server_key = std::string{keys.bytes(4)}});
    return {};
  });
  if (!read) return pass(read);
  return std::optional{std::move(*account)};
}

Result<void> SqliteAccountStore::set_keys(const Jid& bare, std::span<const core::ScramKeys> keys) {
  return atomically([&]() -> Result<void> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    auto clear = database_->use("DELETE FROM account_key WHERE account=?");
    if (auto done = clear.with(account->id).run(); !done) return done;
    auto forget = database_->use("DELETE FROM token WHERE account=?");
    if (auto done = forget.with(account->id).run(); !done) return done;
    return insert_keys(account->id, keys);
  });
}

Result<void> SqliteAccountStore::add_key(const Jid& bare, const core::ScramKeys& key) {
  return atomically([&]() -> Result<void> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    {
      auto find = database_->use("SELECT 1 FROM account_key WHERE account=? AND hash=?");
      const auto there = find.with(account->id, static_cast<int>(key.hash)).step();
      if (!there) return pass(there);
      if (*there) return fail(Errc::conflict, "{} has such a key", bare.bare());
    }
    return insert_keys(account->id, {&key, 1});
  });
}

Result<domain::TokenSlots> SqliteAccountStore::find_tokens(const Jid& bare, std::string_view client) {
  domain::TokenSlots slots;
  auto find = database_->use(
      "SELECT slot, seed, binding, issued, expires, count FROM token JOIN account ON token.account=account.id "
      "WHERE host=? AND address=? AND client=?");
  find.with(bare.domain(), bare.bare(), Blob{client});
  const auto read = each(find, [&]() -> Result<void> {
    (find.integer(0) == 0 ? slots.current : slots.fresh) =
        domain::LoginToken{.seed = std::string{find.bytes(1)},
                           .binding = static_cast<core::TokenBinding>(find.integer(2)),
                           .issued = time_of(find.integer(3)),
                           .expires = time_of(find.integer(4)),
                           .count = static_cast<std::uint32_t>(find.integer(5))};
    return {};
  });
  if (!read) return pass(read);
  return slots;
}

Result<void> SqliteAccountStore::put_tokens(const Jid& bare, std::string_view client, const domain::TokenSlots& tokens,
                                            std::size_t most) {
  return atomically([&]() -> Result<void> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    auto clear = database_->use("DELETE FROM token WHERE account=? AND client=?");
    if (auto done = clear.with(account->id, Blob{client}).run(); !done) return done;
    if (tokens.empty()) return {};
    auto trim = database_->use(
        "DELETE FROM token WHERE account=?1 AND client IN (SELECT client FROM token WHERE account=?1 GROUP BY client "
        "ORDER BY max(issued) DESC LIMIT -1 OFFSET ?2)");
    if (auto done = trim.with(account->id, static_cast<std::int64_t>(most) - 1).run(); !done) return done;
    for (const int slot : {0, 1}) {
      const auto& token = slot == 0 ? tokens.current : tokens.fresh;
      if (!token) continue;
      auto insert = database_->use("INSERT INTO token VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
      insert.with(account->id, Blob{client}, slot, Blob{token->seed}, static_cast<int>(token->binding),
                  microseconds(token->issued), microseconds(token->expires), token->count);
      if (auto done = insert.run(); !done) return done;
    }
    return {};
  });
}

Result<void> SqliteAccountStore::set_disabled(const Jid& bare, bool disabled) {
  auto update = database_->use("UPDATE account SET disabled=? WHERE host=? AND address=?");
  if (auto done = update.with(disabled, bare.domain(), bare.bare()).run(); !done) return done;
  if (database_->changes() == 0) return fail(Errc::not_found, "no account {}", bare.bare());
  return {};
}

Result<void> SqliteAccountStore::remove_account(const Jid& bare) {
  return atomically([&]() -> Result<void> {
    {
      auto remove = database_->use("DELETE FROM account WHERE host=? AND address=?");
      if (auto done = remove.with(bare.domain(), bare.bare()).run(); !done) return done;
      if (database_->changes() == 0) return fail(Errc::not_found, "no account {}", bare.bare());
    }
    return end_rights(bare);
  });
}

// Looks at every roster: removals are rare, and an index would cost each change of a roster.
Result<void> SqliteAccountStore::end_rights(const Jid& bare) {
  std::vector<std::pair<std::int64_t, Subscription>> owners;
  {
    auto find = database_->use("SELECT owner, subscription FROM contact WHERE address=?");
    find.with(bare.bare());
    const auto read = each(find, [&]() -> Result<void> {
      owners.emplace_back(find.integer(0), unpack(find.integer(1)));
      return {};
    });
    if (!read) return read;
  }
  for (const auto& [owner, before] : owners) {
    const Subscription after = without_rights(before);
    auto change = nothing_left(after)
                      ? database_->use("DELETE FROM contact WHERE owner=?1 AND address=?2 AND ?3=?3")
                      : database_->use("UPDATE contact SET subscription=?3, request=x'' WHERE owner=?1 AND address=?2");
    if (auto done = change.with(owner, bare.bare(), pack(after)).run(); !done) return done;
    if (!visibly_different(before, after)) continue;
    auto count = database_->use("UPDATE account SET roster_version=roster_version+1 WHERE id=?");
    if (auto done = count.with(owner).run(); !done) return done;
  }
  return {};
}

Result<std::vector<AccountRecord>> SqliteAccountStore::list_accounts(std::string_view host, std::string_view after,
                                                                     std::size_t limit) {
  std::vector<AccountRecord> accounts;
  auto list = database_->use(
      "SELECT address, name, email, created, disabled FROM account WHERE host=? AND address>? ORDER BY address LIMIT "
      "?");
  list.with(host, after, static_cast<std::int64_t>(limit));
  const auto read = each(list, [&]() -> Result<void> {
    auto account = read_account(list);
    if (!account) return pass(account);
    accounts.push_back(std::move(*account));
    return {};
  });
  if (!read) return pass(read);
  return accounts;
}

Result<std::uint64_t> SqliteAccountStore::count_accounts(std::string_view host) {
  auto count = database_->use("SELECT count(*) FROM account WHERE host=?");
  const auto row = count.with(host).step();
  if (!row) return pass(row);
  return count.sequence(0);
}

// ---- roster ---------------------------------------------------------------------------------------------------------

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

// ---- the rest -------------------------------------------------------------------------------------------------------

Result<void> SqliteAccountStore::block(const Jid& bare, std::span<const Jid> who) {
  return atomically([&]() -> Result<void> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    for (const auto& jid : who) {
      auto insert = database_->use("INSERT OR IGNORE INTO blocked VALUES(?, ?)");
      if (auto done = insert.with(account->id, std::string_view{jid.full()}).run(); !done) return done;
    }
    return {};
  });
}

Result<void> SqliteAccountStore::unblock(const Jid& bare, std::span<const Jid> who) {
  return atomically([&]() -> Result<void> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    if (who.empty()) return database_->use("DELETE FROM blocked WHERE owner=?").with(account->id).run();
    for (const auto& jid : who) {
      auto remove = database_->use("DELETE FROM blocked WHERE owner=? AND address=?");
      if (auto done = remove.with(account->id, std::string_view{jid.full()}).run(); !done) return done;
    }
    return {};
  });
}

Result<void> SqliteAccountStore::put_push(const Jid& bare, const domain::PushTarget& target) {
  return atomically([&]() -> Result<void> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    auto put = database_->use("INSERT OR REPLACE INTO push VALUES(?, ?, ?, ?, ?)");
    put.with(account->id, std::string_view{target.service.full()}, std::string_view{target.node}, Blob{target.options},
             std::string_view{target.device});
    return put.run();
  });
}

Result<void> SqliteAccountStore::remove_push(const Jid& bare, const Jid& service,
                                             const std::optional<std::string>& node) {
  return atomically([&]() -> Result<void> {
    const auto account = owner(bare);
    if (!account) return pass(account);
    const std::string_view address{service.full()};
    if (!node) return database_->use("DELETE FROM push WHERE owner=? AND service=?").with(account->id, address).run();
    auto remove = database_->use("DELETE FROM push WHERE owner=? AND service=? AND node=?");
    return remove.with(account->id, address, std::string_view{*node}).run();
  });
}

Result<std::optional<std::string>> SqliteAccountStore::find_document(const Jid& bare, std::string_view collection,
                                                                     std::string_view name) {
  const auto account = owner(bare);
  if (!account) return pass(account);
  auto find = database_->use("SELECT bytes FROM document WHERE owner=? AND collection=? AND name=?");
  const auto row = find.with(account->id, collection, name).step();
  if (!row) return pass(row);
  if (!*row) return std::nullopt;
  return std::string{find.bytes(0)};
}

Result<void> SqliteAccountStore::put_document(const Jid& bare, std::string_view collection, std::string_view name,
                                              std::string_view bytes) {
  const auto account = owner(bare);
  if (!account) return pass(account);
  auto put = database_->use("INSERT OR REPLACE INTO document VALUES(?, ?, ?, ?)");
  return put.with(account->id, collection, name, Blob{bytes}).run();
}

Result<std::uint64_t> SqliteAccountStore::documents_size(const Jid& bare) {
  const auto account = owner(bare);
  if (!account) return pass(account);
  auto sum = database_->use("SELECT coalesce(sum(length(bytes)), 0) FROM document WHERE owner=?");
  const auto row = sum.with(account->id).step();
  if (!row) return pass(row);
  return sum.sequence(0);
}

Result<void> SqliteAccountStore::set_last_activity(const Jid& bare, const domain::LastActivity& last) {
  const auto account = owner(bare);
  if (!account) return pass(account);
  auto put = database_->use("INSERT OR REPLACE INTO last_activity VALUES(?, ?, ?)");
  return put.with(account->id, microseconds(last.at), std::string_view{last.status}).run();
}

Result<std::optional<domain::LastActivity>> SqliteAccountStore::find_last_activity(const Jid& bare) {
  const auto account = owner(bare);
  if (!account) return pass(account);
  auto find = database_->use("SELECT at, status FROM last_activity WHERE account=?");
  const auto row = find.with(account->id).step();
  if (!row) return pass(row);
  if (!*row) return std::nullopt;
  return domain::LastActivity{.at = time_of(find.integer(0)), .status = std::string{find.bytes(1)}};
}

Result<std::optional<std::string>> SqliteAccountStore::find_setting(std::string_view name) {
  auto find = database_->use("SELECT value FROM setting WHERE name=?");
  const auto row = find.with(name).step();
  if (!row) return pass(row);
  if (!*row) return std::nullopt;
  return std::string{find.bytes(0)};
}

Result<void> SqliteAccountStore::put_setting(std::string_view name, std::string_view value) {
  return database_->use("INSERT OR REPLACE INTO setting VALUES(?, ?)").with(name, Blob{value}).run();
}

}  // namespace anser::store
