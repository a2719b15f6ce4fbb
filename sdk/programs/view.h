// What a chat program shows, as lines and a prompt: it is told what happened and says what to draw. Knows no connection
// and no terminal. All of its text is safe to be written to one (text.h). On the program's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anser/connection.h"
#include "anser/presence.h"

namespace anser::programs {

enum class Style { plain, note, mine, theirs, trouble };

// `head` in its style, then `text` plainly.
struct Line {
  Style style = Style::plain;
  std::string head;
  std::string text = {};

  friend bool operator==(const Line&, const Line&) = default;
};
using Lines = std::vector<Line>;

struct Contact {
  std::string address;
  std::string name = {};
  bool online = false;
  sdk::Presence::Mode mode = sdk::Presence::Mode::available;
  std::string status = {};
  bool is_contact = true;  // else somebody with whom there is a chat
  bool waits = false;      // has not yet agreed to be seen

  friend bool operator==(const Contact&, const Contact&) = default;
};

// Something that was said, by us or to us.
struct Said {
  std::string peer;  // bare
  bool mine = false;
  std::string text;
  std::chrono::system_clock::time_point when;
  std::string id = {};          // the message's
  std::string archive_id = {};  // "" if it has none
};

class View {
 public:
  // Beyond them the least used are forgotten.
  static constexpr std::size_t kChats = 1'024, kKeptMessages = 200, kTracked = 1'000;

  // `marks_as_lines`: what became of a message is a line, for where there is no prompt.
  View(std::string account, bool marks_as_lines);

  // ---- contacts. The lines tell who came and went since the last call, once announce() was called.
  Lines contacts(std::vector<Contact> contacts);
  void announce() { announcing_ = true; }
  Lines roster(bool all);
  // A number of the last roster(), a contact's name (or its beginning), or an address. Else a sentence why not.
  sdk::Result<std::string> find(std::string_view who) const;
  std::string name_of(std::string_view address) const;

  // ---- chats
  const std::string& open() const { return open_; }  // whose chat it is; "" if none
  // Now open; its history is awaited, and shown by history() or no_history().
  Lines open(const std::string& address);
  Lines close();
  Lines said(Said said, std::chrono::system_clock::time_point now);
  // A page, oldest first. `older`: it was asked for by going back.
  Lines history(const std::string& address, const std::vector<Said>& page, bool complete, bool older,
                std::chrono::system_clock::time_point now);
  Lines no_history(const std::string& address, const sdk::Error& why, std::chrono::system_clock::time_point now);
  void typing(const std::string& address, bool is_typing);
  void sending(const std::string& address, const std::string& id, std::string_view text);
  Lines delivery(const sdk::Delivery& delivery);

  // ---- the connection
  Lines online(bool resumed);
  Lines offline(const sdk::Error& why);
  Lines reconnecting_in(std::chrono::milliseconds wait);
  Lines asked(const std::string& user);  // a subscription request

  static Lines note(std::string_view text);
  static Lines trouble(std::string_view text);

  std::string prompt() const;

 private:
  enum class Mark { none, sending, stored, delivered, failed };
  struct Chat {
    std::size_t unread = 0;
    std::size_t used = 0;  // a count that grows: which was used last
    bool typing = false;
    bool awaits_history = false;
    Mark mark = Mark::none;
    std::string last_sent = {};  // the id that `mark` is about
    std::deque<Said> kept = {};  // unread, or said while the history was awaited
  };
  struct Tracked {
    std::string id, address, words;
  };

  Chat& chat(const std::string& address);
  Lines kept_lines(Chat& chat, const std::set<std::string>& shown, std::chrono::system_clock::time_point now);
  Lines lines_of(const Said& said, std::chrono::system_clock::time_point now) const;
  const Contact* contact(std::string_view address) const;

  const std::string account_;
  const bool marks_as_lines_;
  bool announcing_ = false, online_ = false;
  std::vector<Contact> contacts_;     // as roster() sorts them
  std::vector<std::string> listing_;  // the last roster(), by number
  std::map<std::string, Chat> chats_;
  std::size_t uses_ = 0;
  std::string open_;
  std::deque<Tracked> tracked_;
};

}  // namespace anser::programs
