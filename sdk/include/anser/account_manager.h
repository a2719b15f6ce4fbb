// In-band registration (XEP-0077): making an account before login, changing its password and deleting it after. The
// forms with `done` return at once; the others wait (see anser/loop.h).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "anser/connection.h"

namespace anser::sdk {

class ANSER_API AccountManager {
 public:
  using Attributes = std::map<std::string, std::string>;

  // Does this server make accounts for strangers? It is asked once a connection.
  Result<bool> supports_account_creation();
  // The names that a new account must have values for: "username", "password", "email" and so on.
  Result<std::vector<std::string>> account_attributes();
  // The form's value for it ("" mostly), and its instructions for people.
  Result<std::string> account_attribute(const std::string& name);
  Result<std::string> account_instructions();

  // Attributes that the server asks for and that are not given are sent empty. Errc::stanza with "conflict" (exists),
  // "not-acceptable" (something is missing), "not-allowed"…; unsupported, with the server's words on where else;
  // wrong_state after login; insecure where the password could be read on the way, unless the configuration says
  // `plain_in_the_clear`.
  Result<void> create_account(std::string username, std::string password, Attributes attributes = {});
  void create_account(std::string username, std::string password, Attributes attributes, Done done);
  // A later reconnection uses the new one. Errc::wrong_state before login; insecure, as above.
  Result<void> change_password(std::string new_password);
  void change_password(std::string new_password, Done done);
  // Afterwards the server ends the connection.
  Result<void> delete_account();
  void delete_account(Done done);

 private:
  friend struct ManagerAccess;
  explicit AccountManager(Channel& channel);
  ~AccountManager();
  AccountManager(const AccountManager&) = delete;

  class Registration;
  std::unique_ptr<Registration> registration_;
};

}  // namespace anser::sdk
