// What was typed at `anser chat`: a command, or text for the chat that is open. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "anser/error.h"
#include "anser/presence.h"

namespace anser::programs {

struct Command {
  enum class Kind {
    nothing,
    say,  // text; "/me" stays in it, as everybody sends it (XEP-0245)
    help,
    roster,
    add,     // who, perhaps text: a name
    remove,  // who
    rename,  // who, text
    chat,    // who
    close,
    status,  // mode, perhaps text
    history,
    more,
    send,    // text: a file's path
    accept,  // who, or "": the one who asked first
    reject,
    quit,
  };

  Kind kind = Kind::nothing;
  std::string who = {};  // a number, a name or an address, as it was typed
  std::string text = {};
  sdk::Presence::Mode mode = sdk::Presence::Mode::available;

  friend bool operator==(const Command&, const Command&) = default;
};

// A name with spaces stands in quotes where something follows it. A text that begins with a slash has two. Errors are
// sentences for whoever typed.
sdk::Result<Command> parse_command(std::string_view line);

// The lines of /help.
std::vector<std::string> command_help();

}  // namespace anser::programs
