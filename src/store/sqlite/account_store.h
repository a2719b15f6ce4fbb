// accounts.db: accounts, rosters, block lists, documents, settings. Rows of an account are addressed by its integer id
// and go with it (ON DELETE CASCADE); addresses of contacts stand in the rows themselves, so that a roster is one range
// scan. One thread at a time.
#pragma once

#include <memory>

#include "domain/ports.h"
#include "store/sqlite/connection.h"

namespace anser::store {

class SqliteAccountStore final : public domain::AccountStore {
 public:
  static Result<std::unique_ptr<SqliteAccountStore>> open(const std::filesystem::path& file,
                                                          const Connection::Options& options);

  Result<void> begin() override;
  Result<void> commit() override;
  void rollback() override;
  Result<void> savepoint() override;
  void rollback_to_savepoint() override;

  Result<void> create_account(const domain::AccountRecord& account) override;
  Result<std::optional<domain::AccountRecord>> find_account(const domain::Jid& bare) override;
  Result<void> set_keys(const domain::Jid& bare, std::span<const core::ScramKeys> keys) override;
  Result<void> add_key(const domain::Jid& bare, const core::ScramKeys& key) override;
  Result<void> set_disabled(const domain::Jid& bare, bool disabled) override;
  Result<void> remove_account(const domain::Jid& bare) override;
  Result<std::vector<domain::AccountRecord>> list_accounts(std::string_view host, std::string_view after,
                                                           std::size_t limit) override;
  Result<std::uint64_t> count_accounts(std::string_view host) override;

  Result<domain::TokenSlots> find_tokens(const domain::Jid& bare, std::string_view client) override;
  Result<void> put_tokens(const domain::Jid& bare, std::string_view client, const domain::TokenSlots& tokens,
                          std::size_t most) override;

  Result<domain::AccountState> load_state(const domain::Jid& bare) override;
  Result<domain::Roster> load_roster(const domain::Jid& owner) override;
  Result<std::optional<domain::RosterItem>> find_roster_item(const domain::Jid& owner,
                                                             const domain::Jid& contact) override;
  Result<Changed> set_roster_entry(const domain::Jid& owner, const domain::Jid& contact, std::string_view name,
                                   std::span<const std::string> groups) override;
  Result<Changed> set_subscription(const domain::Jid& owner, const domain::Jid& contact,
                                   domain::Subscription subscription, std::string_view request) override;
  Result<std::uint64_t> remove_roster_item(const domain::Jid& owner, const domain::Jid& contact) override;

  Result<void> block(const domain::Jid& owner, std::span<const domain::Jid> who) override;
  Result<void> unblock(const domain::Jid& owner, std::span<const domain::Jid> who) override;

  Result<void> put_push(const domain::Jid& owner, const domain::PushTarget& target) override;
  Result<void> remove_push(const domain::Jid& owner, const domain::Jid& service,
                           const std::optional<std::string>& node) override;
  Result<void> set_archive_preferences(const domain::Jid& owner,
                                       const domain::ArchivePreferences& preferences) override;

  Result<std::optional<std::string>> find_document(const domain::Jid& owner, std::string_view collection,
                                                   std::string_view name) override;
  Result<void> put_document(const domain::Jid& owner, std::string_view collection, std::string_view name,
                            std::string_view bytes) override;
  Result<std::uint64_t> documents_size(const domain::Jid& owner) override;

  Result<void> set_last_activity(const domain::Jid& bare, const domain::LastActivity& last) override;
  Result<std::optional<domain::LastActivity>> find_last_activity(const domain::Jid& bare) override;

  Result<std::optional<std::string>> find_setting(std::string_view name) override;
  Result<void> put_setting(std::string_view name, std::string_view value) override;

 private:
  struct Owner {
    std::int64_t id = 0;
    std::uint64_t version = 0;  // of the roster
  };

  explicit SqliteAccountStore(std::unique_ptr<Connection> database) : database_(std::move(database)) {}

  Result<std::optional<Owner>> find_owner(const domain::Jid& bare);
  Result<Owner> owner(const domain::Jid& bare);  // not_found
  Result<std::optional<domain::ArchivePreferences>> find_archive_preferences(std::int64_t owner);
  Result<void> insert_keys(std::int64_t account, std::span<const core::ScramKeys> keys);
  Result<std::optional<domain::RosterItem>> find_item(std::int64_t owner, const domain::Jid& contact);
  Result<void> write_item(std::int64_t owner, const domain::RosterItem& item);
  Result<void> delete_item(std::int64_t owner, const domain::Jid& contact);
  Result<void> set_version(std::int64_t owner, std::uint64_t version);
  Result<void> end_rights(const domain::Jid& bare);
  // Several statements as one, inside the caller's transaction or a new one.
  template <class Body>
  auto atomically(Body body) -> decltype(body());

  std::unique_ptr<Connection> database_;
  bool savepoint_ = false;
};

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

}  // namespace anser::store
