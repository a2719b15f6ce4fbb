#include "store/sqlite/account_store.h"

#include "store/roster_rules.h"
#include "store/sqlite/account_rows.h"
#include "store/sqlite/account_schema.h"

namespace anser::store {

using namespace account_rows;
using domain::AccountRecord;
using domain::Jid;
using domain::Subscription;

Result<std::unique_ptr<SqliteAccountStore>> SqliteAccountStore::open(const std::filesystem::path& file,
                                                                     const Connection::Options& options) {
  auto database = Connection::open(file, account_schema::kSchema, options);
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
