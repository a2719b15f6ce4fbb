// Which account a program logs in to, how it finds the server and where the password comes from: the same options for
// every program.
#pragma once

#include <cstdint>
#include <string>

#include "anser/configuration.h"
#include "sdk/programs/console.h"

namespace CLI {
class App;
}

namespace anser::programs {

struct AccountOptions {
  std::string account;        // local@domain, perhaps with a resource
  std::string password_file;  // "": ANSER_PASSWORD, else it is asked for
  std::string host = {};      // "": as DNS says
  std::uint16_t port = 0;     // 0: the usual one
  bool direct_tls = false;
  std::string ca = {};  // PEM; "": the system's
  bool insecure = false;
  std::string xml_log = {};  // a file for the XML of both directions; "": none
};

struct Login {
  sdk::ConnectionConfiguration configuration;
  std::string account;  // bare
  std::string username, password, resource;
};

void add_account_options(CLI::App& command, AccountOptions& options);

// Errc::invalid_argument: the account is none. Errc::io: no password can be had.
sdk::Result<Login> make_login(const AccountOptions& options, const Console& console);

}  // namespace anser::programs
