// The contacts and who of them is there (RFC 6121 §2 to §4). What is read is a snapshot; it is complete once
// is_loaded().
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anser/connection.h"

namespace anser::sdk {

struct RosterEntry {
  // RFC 6121 §2.1.2.5. `remove` appears in no snapshot.
  enum class Subscription : std::uint8_t { none, to, from, both, remove };

  std::string user;       // the contact's address, prepared
  std::string name = {};  // "" if none was given
  std::set<std::string> groups = {};
  Subscription subscription = Subscription::none;  // Smack's type
  bool subscription_pending = false;               // ask='subscribe', Smack's status
  bool approved = false;                           // a subscription of theirs is approved in advance

  friend bool operator==(const RosterEntry&, const RosterEntry&) = default;
};
ANSER_API std::string_view name_of(RosterEntry::Subscription subscription);

// On the loop's thread.
struct RosterListener {
  std::function<void()> loaded = {};
  std::function<void(const std::vector<std::string>& users)> entries_added = {};
  std::function<void(const std::vector<std::string>& users)> entries_updated = {};
  std::function<void(const std::vector<std::string>& users)> entries_deleted = {};
  // Of contacts; of others read presence(). Also when the session is lost, and with it everybody's presence.
  std::function<void(const Presence& presence)> presence_changed = {};
  // With SubscriptionMode::manual; answer with Connection::send(Presence{subscribed or unsubscribed}).
  std::function<void(const std::string& user)> subscription_requested = {};
};

enum class SubscriptionMode : std::uint8_t { accept_all, manual, reject_all };

class ANSER_API Roster {
 public:
  bool is_loaded() const;
  // Asks the server for it (and what changed since the cached version, RFC 6121 §2.6). Login does it if configured.
  Result<void> reload();
  void reload(Done done);

  std::vector<RosterEntry> entries() const;          // by address
  std::vector<RosterEntry> unfiled_entries() const;  // those in no group
  std::optional<RosterEntry> entry(std::string_view user) const;
  bool contains(std::string_view user) const { return entry(user).has_value(); }
  std::vector<std::string> groups() const;
  std::vector<RosterEntry> entries_in(std::string_view group) const;

  // Adds the contact and asks to see its presence. Errc::stanza as the server says.
  Result<void> create_entry(std::string user, std::string name, std::set<std::string> groups);
  void create_entry(std::string user, std::string name, std::set<std::string> groups, Done done);
  // Errc::invalid_argument if there is no such entry.
  Result<void> set_name(std::string user, std::string name);
  void set_name(std::string user, std::string name, Done done);
  Result<void> set_groups(std::string user, std::set<std::string> groups);
  void set_groups(std::string user, std::set<std::string> groups, Done done);
  // Each entry of the group goes into the other; several requests, the first error is told.
  Result<void> rename_group(std::string group, std::string name);
  void rename_group(std::string group, std::string name, Done done);
  // Removes the contact, and the subscriptions both ways with it.
  Result<void> remove_entry(std::string user);
  void remove_entry(std::string user, Done done);

  // The contact's most available resource: highest priority, then the most present mode, then the latest; if none is
  // there, the last that left or an error, else an unavailable presence of the library's. Of people who are no contacts
  // too: of the last 1,000 heard of, and of 100 resources each.
  Presence presence(std::string_view user) const;
  Presence presence_of_resource(std::string_view full_address) const;
  std::vector<Presence> presences(std::string_view user) const;  // of all resources that are there

  SubscriptionMode subscription_mode() const;
  void set_subscription_mode(SubscriptionMode mode);  // accept_all at first, as in Smack

  ListenerId add_listener(RosterListener listener);
  void remove_listener(ListenerId id);

 private:
  friend struct ManagerAccess;
  explicit Roster(Channel& channel);
  ~Roster();
  Roster(const Roster&) = delete;

  class Contacts;
  std::unique_ptr<Contacts> contacts_;
};

}  // namespace anser::sdk
