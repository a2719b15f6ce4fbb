#include "sdk/programs/chat.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "sdk/programs/chat_program.h"
#include "sdk/programs/fail.h"
#include "sdk/programs/text.h"

namespace anser::programs {

int chat(const AccountOptions& options, const Console& console) {
  use_utf8_locale();
  auto login = make_login(options, console);
  if (!login) {
    console.err << "anser: " << shown(words(login.error())) << '\n';
    return kFailed;
  }
  const auto terminal = make_terminal(console);
  const auto ended = ChatProgram{std::move(*login), *terminal}.run();
  if (ended) return kDone;
  console.err << "anser: " << shown(words(ended.error())) << '\n';
  return kFailed;
}

void add_chat_command(CLI::App& program, const Console& console, int& exit) {
  const auto options = std::make_shared<AccountOptions>();
  CLI::App& command = *program.add_subcommand("chat", "chat at the terminal");
  add_account_options(command, *options);
  command.callback([options, &console, &exit] { exit = chat(*options, console); });
}

}  // namespace anser::programs
