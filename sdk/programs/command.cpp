#include "sdk/programs/command.h"

#include <algorithm>
#include <array>
#include <optional>

#include "sdk/programs/fail.h"
#include "sdk/programs/text.h"

namespace anser::programs {
namespace {

using Kind = Command::Kind;
using Mode = sdk::Presence::Mode;

constexpr std::string_view kBlank = " \t";

// What a command takes: whether it must be there, and whether more may follow.
enum class Takes { nothing, maybe_who, who, who_and_maybe_text, who_and_text, mode, path };

struct Known {
  std::string_view name;
  Kind kind;
  Takes takes;
  std::string_view usage, meaning;
};

constexpr std::array kCommands{
    Known{"help", Kind::help, Takes::nothing, "/help", "this"},
    Known{"roster", Kind::roster, Takes::nothing, "/roster", "your contacts, who is there first"},
    Known{"chat", Kind::chat, Takes::who, "/chat WHO", "open a chat, by number, name or address"},
    Known{"close", Kind::close, Takes::nothing, "/close", "leave the chat"},
    Known{"me", Kind::say, Takes::nothing, "/me TEXT", "say what you do"},
    Known{"send", Kind::send, Takes::path, "/send PATH", "send a file"},
    Known{"more", Kind::more, Takes::nothing, "/more", "what was said before"},
    Known{"history", Kind::history, Takes::nothing, "/history", "the last page of the chat again"},
    Known{"add", Kind::add, Takes::who_and_maybe_text, "/add ADDRESS [NAME]", "add a contact"},
    Known{"rename", Kind::rename, Takes::who_and_text, "/rename WHO NAME", "call a contact by another name"},
    Known{"remove", Kind::remove, Takes::who, "/remove WHO", "remove a contact"},
    Known{"accept", Kind::accept, Takes::maybe_who, "/accept [WHO]", "let somebody see when you are there"},
    Known{"reject", Kind::reject, Takes::maybe_who, "/reject [WHO]", "do not"},
    Known{"status", Kind::status, Takes::mode, "/status online|chat|away|xa|dnd [TEXT]", "tell how you are"},
    Known{"quit", Kind::quit, Takes::nothing, "/quit", "leave"},
};

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// The first word or quoted name; `rest` is what follows it.
std::string_view take_word(std::string_view& rest) {
  rest = trimmed(rest);
  std::string_view word;
  if (rest.starts_with('"') && rest.find('"', 1) != std::string_view::npos) {
    word = rest.substr(1, rest.find('"', 1) - 1);
    rest.remove_prefix(word.size() + 2);
  } else {
    word = rest.substr(0, rest.find_first_of(kBlank));
    rest.remove_prefix(word.size());
  }
  rest = trimmed(rest);
  return word;
}

// All of it, with or without quotes.
std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

std::optional<Mode> mode_named(std::string_view word) {
  if (word == "online" || word == "available") return Mode::available;
  for (const Mode mode : {Mode::chat, Mode::away, Mode::xa, Mode::dnd}) {
    if (word == sdk::name_of(mode)) return mode;
  }
  return std::nullopt;
}

sdk::Result<Command> parse_arguments(const Known& known, std::string_view rest) {
  Command command{.kind = known.kind};
  const auto usage = [&known] {
    return fail(sdk::Errc::invalid_argument, "it goes like this: " + std::string{known.usage});
  };
  switch (known.takes) {
    case Takes::nothing:
      if (!rest.empty()) return usage();
      break;
    case Takes::maybe_who:
    case Takes::who:
      command.who = unquoted(rest);
      if (command.who.empty() && known.takes == Takes::who) return usage();
      break;
    case Takes::who_and_maybe_text:
    case Takes::who_and_text:
      command.who = take_word(rest);
      command.text = unquoted(rest);
      if (command.who.empty() || (command.text.empty() && known.takes == Takes::who_and_text)) return usage();
      break;
    case Takes::path:
      command.text = unquoted(rest);
      if (command.text.empty()) return usage();
      break;
    case Takes::mode: {
      const auto mode = mode_named(take_word(rest));
      if (!mode) return usage();
      command.mode = *mode;
      command.text = rest;
      break;
    }
  }
  return command;
}

}  // namespace

sdk::Result<Command> parse_command(std::string_view line) {
  if (trimmed(line).empty()) return Command{};
  if (!line.starts_with('/')) return Command{.kind = Kind::say, .text = std::string{line}};
  if (line.starts_with("//")) return Command{.kind = Kind::say, .text = std::string{line.substr(1)}};

  std::string_view rest = line.substr(1);
  const std::string_view name = rest.substr(0, rest.find_first_of(kBlank));
  rest = trimmed(rest.substr(name.size()));
  if (name == "me") {
    if (rest.empty()) return fail(sdk::Errc::invalid_argument, "it goes like this: /me TEXT");
    return Command{.kind = Kind::say, .text = std::string{line}};
  }
  const auto known = std::find_if(kCommands.begin(), kCommands.end(), [name](auto& c) { return c.name == name; });
  if (known != kCommands.end()) return parse_arguments(*known, rest);
  return fail(sdk::Errc::invalid_argument, "there is no command /" + std::string{name} +
                                               "; /help lists them, and // sends a text that begins with a slash");
}

std::vector<std::string> command_help() {
  std::vector<std::string> lines;
  for (const Known& known : kCommands) lines.push_back("  " + padded(known.usage, 42) + std::string{known.meaning});
  lines.emplace_back("Everything else is said in the open chat.");
  return lines;
}

}  // namespace anser::programs
