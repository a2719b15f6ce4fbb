// What the chat program does about contacts and presence.
#include <algorithm>
#include <utility>

#include "sdk/programs/chat_program.h"
#include "sdk/programs/fail.h"

namespace anser::programs {
namespace {

using Subscription = sdk::RosterEntry::Subscription;

constexpr std::size_t kRequests = 100;

bool sees(Subscription subscription) { return subscription == Subscription::to || subscription == Subscription::both; }

}  // namespace

void ChatProgram::show_contacts() {
  std::vector<Contact> contacts;
  for (const sdk::RosterEntry& entry : connection_.roster().entries()) {
    const sdk::Presence presence = connection_.roster().presence(entry.user);
    contacts.push_back({.address = entry.user,
                        .name = entry.name,
                        .online = presence.is_available(),
                        .mode = presence.mode(),
                        .status = presence.is_available() ? presence.status() : std::string{},
                        .waits = entry.subscription_pending && !sees(entry.subscription)});
  }
  show(view_.contacts(std::move(contacts)));
}

void ChatProgram::do_contact_command(const Command& command) {
  sdk::Roster& roster = connection_.roster();
  if (command.kind == Command::Kind::add) {
    const auto address = sdk::prepare_address(command.who);
    if (!address) return show(View::trouble(words(address.error())));
    return roster.create_entry(*address, command.text, {}, tell("added " + *address));
  }
  const auto who = view_.find(command.who);
  if (!who) return show(View::trouble(who.error().message));
  if (command.kind == Command::Kind::remove) return roster.remove_entry(*who, tell("removed " + *who));
  roster.set_name(*who, command.text, tell(*who + " is called " + command.text + " now"));
}

void ChatProgram::on_request(const std::string& user) {
  if (std::find(requests_.begin(), requests_.end(), user) == requests_.end()) {
    if (requests_.size() >= kRequests) return;  // the server keeps it
    requests_.push_back(user);
  }
  show(view_.asked(user));
}

void ChatProgram::answer_request(const Command& command) {
  if (requests_.empty()) return show(View::trouble("nobody has asked"));
  std::string user = requests_.front();
  if (!command.who.empty()) {
    auto found = view_.find(command.who);
    if (!found) return show(View::trouble(found.error().message));
    user = std::move(*found);
  }
  const auto at = std::find(requests_.begin(), requests_.end(), user);
  if (at == requests_.end()) return show(View::trouble(user + " has not asked"));

  const bool yes = command.kind == Command::Kind::accept;
  sdk::Presence answer{yes ? sdk::Presence::Type::subscribed : sdk::Presence::Type::unsubscribed};
  answer.set_to(user);
  if (const auto sent = connection_.send(answer); !sent) return show(View::trouble(words(sent.error())));
  requests_.erase(at);
  if (!yes) return show(View::note(user + " does not see when you are there"));
  show(View::note(user + " sees when you are there now"));
  const auto entry = connection_.roster().entry(user);
  if (entry && (sees(entry->subscription) || entry->subscription_pending)) return;
  connection_.roster().create_entry(user, entry ? entry->name : "", entry ? entry->groups : std::set<std::string>{},
                                    tell("asked to see when " + user + " is there, too"));
}

void ChatProgram::set_status(const Command& command) {
  const sdk::Presence presence{sdk::Presence::Type::available, command.text, 0, command.mode};
  const auto sent = connection_.send(presence);
  if (!sent) return show(View::trouble(words(sent.error())));
  show(View::note("your status is " +
                  std::string{command.mode == sdk::Presence::Mode::available ? "online" : sdk::name_of(command.mode)} +
                  (command.text.empty() ? "" : ": " + command.text)));
}

}  // namespace anser::programs
