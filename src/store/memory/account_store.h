// The account store in memory: for tests, and for a server that shall forget everything. A transaction keeps what it
// changed as it was before, newest last; rolling back puts it back. One thread at a time.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "domain/ports.h"

namespace anser::store {

class MemoryAccountStore final : public domain::AccountStore {
 public:
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
  struct Data {
    domain::AccountRecord record;
    std::map<std::string, domain::RosterItem> contacts;  // by address
    std::uint64_t roster_version = 0;
    std::set<domain::Jid> blocked;
    std::map<std::pair<std::string, std::string>, domain::PushTarget> push;  // by service and node
    std::map<std::string, domain::TokenSlots> tokens;                        // by client
    std::optional<domain::ArchivePreferences> archive;
    std::map<std::pair<std::string, std::string>, std::string> documents;
    std::optional<domain::LastActivity> last_activity;
  };
  struct Undo {
    bool setting;  // or an account
    std::string key;
    std::optional<Data> account;
    std::optional<std::string> value;
  };

  Data* find(const domain::Jid& bare);
  Result<Data*> existing(const domain::Jid& bare);  // not_found
  // Before any change of an account (Result: or not_found): remembers it for a rollback.
  void remember(const std::string& address);
  Result<Data*> to_change(const domain::Jid& bare);
  void undo_down_to(std::size_t mark);

  std::map<std::string, Data> accounts_;  // by address
  std::map<std::string, std::string, std::less<>> settings_;
  bool in_transaction_ = false;
  std::size_t savepoint_ = 0;
  std::vector<Undo> undo_;
};

}  // namespace anser::store
