// `anser send`: messages from a script. What is not confirmed by the server is a failure that the script hears of.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "anser/message.h"
#include "sdk/programs/account.h"

namespace anser::programs {

struct SendOptions {
  AccountOptions account;
  std::string to;
  sdk::Message::Type type = sdk::Message::Type::chat;
  std::string subject = {};
  std::vector<std::string> words = {};  // empty: standard input
  std::string file = {};                // is sent instead of words
  bool lines = false;                   // each line of it a message; else all of it is one
  bool wait_receipt = false;            // until the recipient has it, too
  std::chrono::seconds patience{60};    // so long nothing may happen to what is under way
};

// The command with its options; what it ends with goes to `exit`.
void add_send_command(CLI::App& program, const Console& console, int& exit);

int send(const SendOptions& options, const Console& console);

}  // namespace anser::programs
