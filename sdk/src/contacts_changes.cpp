// What the user does to the roster: each change is a request, and what comes of it is told by a push.
#include <utility>

#include "anser/address.h"
#include "sdk/src/answers.h"
#include "sdk/src/contacts.h"
#include "sdk/src/element_access.h"
#include "sdk/src/roster_items.h"

namespace anser::sdk {

// One request after the other, so that a large group is no burst.
struct Roster::Contacts::Renaming {
  std::string group, name;
  std::vector<std::string> users;  // still to do
  Result<void> result = {};
  Done done;
};

void Roster::Contacts::set(const xml::Element& item, std::function<void(Result<void>)> done) {
  xml::Element query{std::string{kRosterNs}, "query"};
  query.child(item);
  IQ set{IQ::Type::set, ElementAccess::wrap(std::move(query))};
  channel_.request(std::move(set), [done = std::move(done)](const Result<IQ>& answer) { done(outcome(answer)); });
}

void Roster::Contacts::create(RosterEntry entry, const Done& done) {
  const auto item = item_to_set(entry);
  set(item, [this, done, user = std::move(entry.user)](const Result<void>& created) {
    if (!created) return give(channel_, done, created);
    Presence subscribe{Presence::Type::subscribe};
    subscribe.set_to(std::string{bare_of(user)});
    give(channel_, done, channel_.send(subscribe));
  });
}

void Roster::Contacts::remove(const std::string& user, const Done& done) {
  xml::Element item{std::string{kRosterNs}, "item"};
  item.attr("jid", user).attr("subscription", "remove");
  set(item, [this, done](const Result<void>& removed) { give(channel_, done, removed); });
}

void Roster::Contacts::change(const std::string& user, const std::function<void(RosterEntry&)>& change,
                              const Done& done) {
  auto known = entry(user);
  if (!known) return give(channel_, done, fail(Errc::invalid_argument, "{} is no contact", user));
  change(*known);
  set(item_to_set(*known), [this, done](const Result<void>& changed) { give(channel_, done, changed); });
}

void Roster::Contacts::rename_group(std::string group, std::string name, Done done) {
  auto renaming = std::make_shared<Renaming>();
  if (group != name) {
    for (const auto& entry : entries([&](const RosterEntry& entry) { return entry.groups.contains(group); }))
      renaming->users.push_back(entry.user);
  }
  renaming->group = std::move(group);
  renaming->name = std::move(name);
  renaming->done = std::move(done);
  rename_next(renaming);
}

void Roster::Contacts::rename_next(const std::shared_ptr<Renaming>& renaming) {
  while (!renaming->users.empty()) {
    auto known = entry(renaming->users.back());
    renaming->users.pop_back();
    if (!known || known->groups.erase(renaming->group) == 0) continue;  // changed meanwhile
    known->groups.insert(renaming->name);
    return set(item_to_set(*known), [this, renaming](const Result<void>& changed) {
      if (!changed && renaming->result) renaming->result = changed;
      rename_next(renaming);
    });
  }
  give(channel_, renaming->done, renaming->result);
}

}  // namespace anser::sdk
