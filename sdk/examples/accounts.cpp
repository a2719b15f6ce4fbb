// accounts HOST PORT CERTIFICATES: makes an account, changes its password, deletes it.
#include "example.h"

using namespace example;

int main(int, char** arguments) {
  {
    sdk::Connection connection{configuration(arguments)};
    need(connection.connect());
    // [create]
    sdk::AccountManager& accounts = connection.account_manager();
    if (!need(accounts.supports_account_creation())) return 1;
    for (const std::string& name : need(accounts.account_attributes())) std::cout << "asks for " << name << '\n';
    need(accounts.create_account("mercutio", "secret"));
    // [/create]
    // [change]
    need(connection.login("mercutio", "secret"));
    need(accounts.change_password("a plague"));
    // [/change]
    std::cout << "made and changed\n";
    connection.disconnect();
  }
  sdk::Connection connection{configuration(arguments)};
  need(connection.connect());
  // [refused]
  const auto refused = connection.login("mercutio", "secret");
  std::cout << name_of(refused.error().code) << ' ' << refused.error().condition << '\n';
  // [/refused]
  // [delete]
  need(connection.login("mercutio", "a plague"));
  need(connection.account_manager().delete_account());
  // [/delete]
  std::cout << "deleted\n";
}
