#include "anser/roster.h"

#include <algorithm>
#include <utility>

#include "anser/address.h"
#include "core/jid.h"
#include "sdk/src/answers.h"
#include "sdk/src/contacts.h"
#include "sdk/src/senders.h"

namespace anser::sdk {
namespace {

Result<void> check_groups(const std::set<std::string>& groups) {
  if (groups.contains("")) return fail(Errc::invalid_argument, "a group must have a name");
  return {};
}

}  // namespace

Roster::Roster(Channel& channel) : contacts_(std::make_unique<Contacts>(channel)) {}
Roster::~Roster() = default;

Extension& ManagerAccess::extension(Roster& roster) { return *roster.contacts_; }

bool Roster::is_loaded() const { return contacts_->is_loaded(); }

Result<void> Roster::reload() {
  return wait_for<void>(contacts_->channel(), [&](Done done) { reload(std::move(done)); });
}

void Roster::reload(Done done) {
  contacts_->channel().run([contacts = contacts_.get(), done = std::move(done)] { contacts->reload(done); });
}

std::vector<RosterEntry> Roster::entries() const {
  return contacts_->entries([](const RosterEntry&) { return true; });
}

std::vector<RosterEntry> Roster::unfiled_entries() const {
  return contacts_->entries([](const RosterEntry& entry) { return entry.groups.empty(); });
}

std::optional<RosterEntry> Roster::entry(std::string_view user) const {
  return contacts_->entry(prepared_or_empty(user));
}

std::vector<std::string> Roster::groups() const {
  const auto groups = contacts_->groups();
  return {groups.begin(), groups.end()};
}

std::vector<RosterEntry> Roster::entries_in(std::string_view group) const {
  return contacts_->entries([group = std::string{group}](const auto& entry) { return entry.groups.contains(group); });
}

Result<void> Roster::create_entry(std::string user, std::string name, std::set<std::string> groups) {
  return wait_for<void>(contacts_->channel(), [&](Done done) {
    create_entry(std::move(user), std::move(name), std::move(groups), std::move(done));
  });
}

void Roster::create_entry(std::string user, std::string name, std::set<std::string> groups, Done done) {
  contacts_->channel().run([contacts = contacts_.get(), user = std::move(user), name = std::move(name),
                            groups = std::move(groups), done = std::move(done)] {
    const auto prepared = prepare_address(user);
    if (!prepared) return give(contacts->channel(), done, pass(prepared));
    if (auto good = check_groups(groups); !good) return give(contacts->channel(), done, good);
    contacts->create(RosterEntry{*prepared, name, groups}, done);
  });
}

Result<void> Roster::set_name(std::string user, std::string name) {
  return wait_for<void>(contacts_->channel(),
                        [&](Done done) { set_name(std::move(user), std::move(name), std::move(done)); });
}

void Roster::set_name(std::string user, std::string name, Done done) {
  contacts_->channel().run(
      [contacts = contacts_.get(), user = std::move(user), name = std::move(name), done = std::move(done)] {
        contacts->change(
            prepared_or_empty(user), [&](RosterEntry& entry) { entry.name = name; }, done);
      });
}

Result<void> Roster::set_groups(std::string user, std::set<std::string> groups) {
  return wait_for<void>(contacts_->channel(),
                        [&](Done done) { set_groups(std::move(user), std::move(groups), std::move(done)); });
}

void Roster::set_groups(std::string user, std::set<std::string> groups, Done done) {
  contacts_->channel().run(
      [contacts = contacts_.get(), user = std::move(user), groups = std::move(groups), done = std::move(done)] {
        if (auto good = check_groups(groups); !good) return give(contacts->channel(), done, good);
        contacts->change(
            prepared_or_empty(user), [&](RosterEntry& entry) { entry.groups = groups; }, done);
      });
}

Result<void> Roster::rename_group(std::string group, std::string name) {
  return wait_for<void>(contacts_->channel(),
                        [&](Done done) { rename_group(std::move(group), std::move(name), std::move(done)); });
}

void Roster::rename_group(std::string group, std::string name, Done done) {
  contacts_->channel().run(
      [contacts = contacts_.get(), group = std::move(group), name = std::move(name), done = std::move(done)] {
        if (auto good = check_groups({name}); !good) return give(contacts->channel(), done, good);
        contacts->rename_group(group, name, done);
      });
}

Result<void> Roster::remove_entry(std::string user) {
  return wait_for<void>(contacts_->channel(), [&](Done done) { remove_entry(std::move(user), std::move(done)); });
}

void Roster::remove_entry(std::string user, Done done) {
  contacts_->channel().run([contacts = contacts_.get(), user = std::move(user), done = std::move(done)] {
    const auto prepared = prepare_address(user);
    if (!prepared) return give(contacts->channel(), done, pass(prepared));
    contacts->remove(*prepared, done);
  });
}

Presence Roster::presence(std::string_view user) const {
  const auto bare = prepared_or_empty(bare_of(user));
  return contacts_->presences([&](const Presences& presences) { return presences.best(bare); });
}

Presence Roster::presence_of_resource(std::string_view full_address) const {
  const auto jid = core::Jid::parse(full_address).value_or(core::Jid{});
  return contacts_->presences([&](const Presences& presences) { return presences.of(jid.bare(), jid.resource()); });
}

std::vector<Presence> Roster::presences(std::string_view user) const {
  const auto bare = prepared_or_empty(bare_of(user));
  return contacts_->presences([&](const Presences& presences) { return presences.all(bare); });
}

SubscriptionMode Roster::subscription_mode() const { return contacts_->subscription_mode(); }
void Roster::set_subscription_mode(SubscriptionMode mode) { contacts_->subscription_mode() = mode; }

ListenerId Roster::add_listener(RosterListener listener) { return contacts_->add(std::move(listener)); }
void Roster::remove_listener(ListenerId id) { contacts_->remove(id); }

}  // namespace anser::sdk
