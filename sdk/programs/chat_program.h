// Brings connection, view and terminal together. The library's functions are called back on its own thread; all that
// they do is to leave a piece of work in the inbox, which the program's thread does. So nothing here has a lock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "anser/anser.h"
#include "sdk/programs/account.h"
#include "sdk/programs/command.h"
#include "sdk/programs/inbox.h"
#include "sdk/programs/terminal.h"
#include "sdk/programs/view.h"

namespace anser::programs {

class ChatProgram {
 public:
  ChatProgram(Login login, Terminal& terminal);

  // Until the person leaves. An error if there was no login, or the connection ended for good.
  sdk::Result<void> run();

 private:
  using Clock = std::chrono::steady_clock;
  using Time = std::chrono::system_clock::time_point;

  // On the library's thread.
  void listen();
  void post(std::function<void()> work) { inbox_.post(std::move(work)); }
  void contacts_changed();
  sdk::Done tell(std::string well);  // prints the sentence, or why not

  // On the program's.
  void log_in();
  bool serve();  // what waits in the inbox, and what the clock says; false: the end
  int until_next() const;
  void show(const Lines& lines);
  void do_command(const Command& command);
  void do_contact_command(const Command& command);
  void say(const std::string& text);
  void say_to(const std::string& peer, sdk::Message message);
  void send_file(std::string path);
  void open(const std::string& address);
  void ask_archive(bool older);
  void on_page(const std::string& peer, bool older, const sdk::Result<sdk::ArchivePage>& page);
  void on_message(sdk::Chat chat, const sdk::Message& message);
  void on_carbon(sdk::CarbonManager::Direction direction, const sdk::Message& message);
  void on_request(const std::string& user);
  void on_lost(const sdk::Error& why);
  void answer_request(const Command& command);
  void set_status(const Command& command);
  void show_contacts();
  void on_typing(bool is_typing);
  sdk::Chat& chat_with(const std::string& peer);
  std::optional<Said> said_of(const sdk::Message& message, std::optional<Time> when) const;
  void await_last_words();

  Login login_;
  Terminal& terminal_;
  View view_;
  Inbox<std::function<void()>> inbox_;
  std::atomic<bool> contacts_posted_ = false;

  bool logged_in_ = false, over_ = false;
  std::optional<sdk::Error> ended_;
  std::optional<Clock::time_point> introduce_at_;  // the first roster: once presence has had time to arrive
  std::optional<Clock::time_point> pause_at_;      // no key since then: no longer composing
  std::map<std::string, sdk::Chat> chats_;         // by bare address: where an answer goes
  std::string oldest_;                             // of what is shown of the open chat, for /more
  bool all_shown_ = false;
  std::vector<std::string> requests_;  // subscriptions, oldest first
  std::size_t under_way_ = 0;          // messages that the server has not confirmed
  std::string id_prefix_;
  std::uint64_t last_id_ = 0;

  sdk::Connection connection_;  // last: its end comes first
};

}  // namespace anser::programs
