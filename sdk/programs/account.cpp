#include "sdk/programs/account.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "anser/address.h"
#include "sdk/programs/fail.h"

namespace anser::programs {
namespace {

constexpr std::size_t kMaxPassword = 1024;

sdk::Result<std::string> read_password(const std::string& file) {
  std::ifstream in{file};
  if (!in) return fail(sdk::Errc::io, "cannot read " + file + ": " + std::strerror(errno));
  std::string password;
  for (int c = in.get(); c != std::ifstream::traits_type::eof() && c != '\n'; c = in.get()) {
    if (password.size() == kMaxPassword) return fail(sdk::Errc::io, "the first line of " + file + " is no password");
    password += static_cast<char>(c);
  }
  if (password.ends_with('\r')) password.pop_back();
  if (password.empty()) return fail(sdk::Errc::io, "there is no password on the first line of " + file);
  return password;
}

sdk::Result<std::string> get_password(const AccountOptions& options, const std::string& account,
                                      const Console& console) {
  if (!options.password_file.empty()) return read_password(options.password_file);
  if (const char* given = std::getenv("ANSER_PASSWORD"); given && *given) return std::string{given};
  auto asked = console.ask("Password for " + account + ": ");
  if (!asked && asked.error().code == sdk::Errc::unsupported) {
    return fail(sdk::Errc::io,
                "there is no terminal to ask for the password at: use --password-file or ANSER_PASSWORD");
  }
  return asked;
}

}  // namespace

void add_account_options(CLI::App& command, AccountOptions& options) {
  command.add_option("--account", options.account, "whose account: local@domain, with /resource if you like")
      ->type_name("ADDRESS")
      ->required();
  command
      .add_option("--password-file", options.password_file,
                  "its first line is the password; else ANSER_PASSWORD, else you are asked")
      ->type_name("FILE");
  command.add_option("--host", options.host, "the server's host, if not what DNS says of the domain")
      ->type_name("HOST");
  command.add_option("--port", options.port, "its port (5222)")->type_name("PORT")->check(CLI::Range(1, 65'535));
  command.add_flag("--direct-tls", options.direct_tls, "TLS from the first byte, as on port 5223");
  CLI::Option* ca = command
                        .add_option("--ca", options.ca,
                                    "believe the certificates in this file (PEM), not the "
                                    "system's")
                        ->type_name("FILE");
  command.add_flag("--insecure", options.insecure, "take any certificate; for tests only")->excludes(ca);
  command.add_option("--xml-log", options.xml_log, "append what is sent and received to this file, without secrets")
      ->type_name("FILE");
}

sdk::Result<Login> make_login(const AccountOptions& options, const Console& console) {
  auto address = sdk::prepare_address(options.account);
  if (!address) return tl::make_unexpected(address.error());
  if (sdk::local_of(*address).empty())
    return fail(sdk::Errc::invalid_argument, "the account has to be an address like romeo@example.org");

  Login login;
  login.account = sdk::bare_of(*address);
  login.username = sdk::local_of(*address);
  login.resource = sdk::resource_of(*address);
  auto password = get_password(options, login.account, console);
  if (!password) return tl::make_unexpected(password.error());
  login.password = std::move(*password);

  auto& configuration = login.configuration;
  configuration.service_name = sdk::domain_of(*address);
  configuration.host = options.host;
  // A port or direct TLS without a host: the domain is the host.
  if (configuration.host.empty() && (options.port != 0 || options.direct_tls))
    configuration.host = configuration.service_name;
  configuration.direct_tls = options.direct_tls;
  configuration.port = options.port != 0 ? options.port : options.direct_tls ? 5223 : 5222;
  configuration.tls.verify = !options.insecure;
  configuration.tls.truststore_path = options.ca;
  if (!options.ca.empty()) configuration.tls.truststore_type = "PEM";
  if (!options.xml_log.empty()) {
    auto debugger = sdk::debug_to_file(options.xml_log);
    if (!debugger) return tl::make_unexpected(debugger.error());
    configuration.debugger = std::move(*debugger);
  }
  return login;
}

}  // namespace anser::programs
