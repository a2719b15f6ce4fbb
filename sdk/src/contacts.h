// The inside of Roster: what is known of contacts and of who is there, and the dialogue with the server about it.
// The dialogue is the loop's. What can be read from any thread stands behind a lock, which is never held while a
// function of the application runs.
//
// A session brings the roster unless nobody wants it; between sessions the old one can still be read. Pushes are taken
// from the account alone (RFC 6121 §2.1.6, CVE-2016-10027).
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anser/roster.h"
#include "sdk/src/channel.h"
#include "sdk/src/listeners.h"
#include "sdk/src/presences.h"
#include "xml/element.h"

namespace anser::sdk {

class ANSER_HIDDEN Roster::Contacts final : public Extension {
 public:
  explicit Contacts(Channel& channel) : channel_(channel) {}

  Channel& channel() { return channel_; }

  // Any thread.
  bool is_loaded() const;
  std::optional<RosterEntry> entry(std::string_view user) const;
  template <class Wanted>
  std::vector<RosterEntry> entries(Wanted wanted) const;
  std::size_t size() const;
  std::set<std::string> groups() const;
  template <class Read>
  auto presences(Read read) const;
  std::atomic<SubscriptionMode>& subscription_mode() { return mode_; }
  ListenerId add(RosterListener listener);
  void remove(ListenerId id) { listeners_.remove(id); }

  // The loop's. `done` is the application's.
  void reload(Done done);
  void create(RosterEntry entry, const Done& done);
  void remove(const std::string& user, const Done& done);
  // What `change` makes of the entry that there is.
  void change(const std::string& user, const std::function<void(RosterEntry&)>& change, const Done& done);
  void rename_group(std::string group, std::string name, Done done);

  void on_bound(std::function<void()> done) override;
  void on_closed(bool lost) override;
  void on_presence(const Presence& presence) override;
  std::optional<IQ> on_request(const IQ& request) override;

 private:
  using Entries = std::map<std::string, RosterEntry, std::less<>>;
  struct Renaming;

  static constexpr std::size_t kWaiting = 1'000;  // calls for the same answer

  void ask(Done done);
  // Each false when a listener destroyed the connection.
  bool take_account();
  bool take_roster(const xml::Element& query);
  bool replace(Entries fresh);
  bool put(RosterEntry entry);
  bool drop(const std::string& user);
  bool forget_presences();
  void got_roster(const Result<IQ>& answer);
  void answer_waiting(const Result<void>& result);
  void read_cache();
  void write_cache();
  std::optional<IQ> refuse_push(const IQ& push, std::string condition, std::string type);
  void answer_subscription(const std::string& user);
  void set(const xml::Element& item, std::function<void(Result<void>)> done);
  void rename_next(const std::shared_ptr<Renaming>& renaming);
  bool tell_users(std::function<void(const std::vector<std::string>&)> RosterListener::*what,
                  const std::vector<std::string>& users);

  Channel& channel_;
  Listeners<RosterListener> listeners_;
  std::atomic<ListenerId> last_id_ = 0;
  std::atomic<SubscriptionMode> mode_ = SubscriptionMode::accept_all;

  mutable std::mutex mutex_;  // guards the next three
  bool loaded_ = false;
  Entries entries_;
  Presences presences_;

  std::string account_;  // whose entries these are: a bare address
  std::string version_;  // of the entries, as the server calls it; "": not known
  bool wanted_ = false;  // somebody asked for the roster, so each session brings it
  bool unsaved_ = false;
  std::vector<Done> waiting_;  // for the roster
};

template <class Wanted>
std::vector<RosterEntry> Roster::Contacts::entries(Wanted wanted) const {
  std::vector<RosterEntry> found;
  const std::lock_guard lock{mutex_};
  for (const auto& [user, entry] : entries_) {
    if (wanted(entry)) found.push_back(entry);
  }
  return found;
}

template <class Read>
auto Roster::Contacts::presences(Read read) const {
  const std::lock_guard lock{mutex_};
  return read(presences_);
}

}  // namespace anser::sdk
