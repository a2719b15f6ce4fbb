// roster HOST PORT CERTIFICATES: romeo adds juliet to his contacts and sees her come. Both log in here, so that one
// program shows both sides.
#include "example.h"

using namespace example;

namespace {

void show(const sdk::Roster& roster) {
  // [entries]
  for (const sdk::RosterEntry& entry : roster.entries()) {
    std::cout << entry.user << " \"" << entry.name << "\" " << name_of(entry.subscription);
    for (const std::string& group : entry.groups) std::cout << " [" << group << "]";
    const sdk::Presence presence = roster.presence(entry.user);
    std::cout << ' ' << name_of(presence.type());
    if (presence.is_available()) std::cout << ' ' << name_of(presence.mode()) << " \"" << presence.status() << '"';
    std::cout << '\n';
  }
  // [/entries]
}

}  // namespace

int main(int, char** arguments) {
  Awaited<bool> agreed, removed;
  Awaited<std::string> seen;
  sdk::Connection romeo{configuration(arguments)}, juliet{configuration(arguments)};
  need(romeo.connect());
  need(juliet.connect());

  // [mode]
  juliet.roster().set_subscription_mode(sdk::SubscriptionMode::manual);
  juliet.roster().add_listener({.subscription_requested = [&juliet](const std::string& user) {
    std::cout << user << " asks\n";
    sdk::Presence yes{sdk::Presence::Type::subscribed};
    yes.set_to(user);
    if (auto sent = juliet.send(yes); !sent) std::cerr << sent.error().message << '\n';
  }});
  // [/mode]
  need(romeo.login("romeo", "secret"));
  need(juliet.login("juliet", "secret"));

  // [create]
  sdk::Roster& roster = romeo.roster();
  roster.add_listener({.entries_updated =
                           [&](const std::vector<std::string>& users) {
                             const auto entry = roster.entry(users.front());
                             if (entry && entry->subscription == sdk::RosterEntry::Subscription::to) agreed.set(true);
                           },
                       .entries_deleted = [&](const std::vector<std::string>&) { removed.set(true); },
                       .presence_changed =
                           [&](const sdk::Presence& presence) {
                             if (presence.mode() == sdk::Presence::Mode::away) seen.set(presence.status());
                           }});
  need(roster.create_entry("juliet@localhost", "Juliet", {"Verona"}));
  // [/create]

  // [presence]
  need(juliet.send(sdk::Presence{sdk::Presence::Type::available, "on the balcony", 5, sdk::Presence::Mode::away}));
  // [/presence]
  const std::string status = seen.get();
  agreed.get();
  std::cout << "juliet is " << status << '\n';
  show(roster);

  // [change]
  need(roster.set_name("juliet@localhost", "My Juliet"));
  need(roster.rename_group("Verona", "Capulet"));
  need(roster.remove_entry("juliet@localhost"));
  // [/change]
  removed.get();
  std::cout << roster.entries().size() << " contacts left\n";
  juliet.disconnect();
  romeo.disconnect();
}
