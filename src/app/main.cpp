#include <iostream>

#include "app/cli.h"
#include "app/password_prompt.h"
#include "app/server.h"

int main(int argc, char** argv) {
  using namespace anser::app;
  const Console console{std::cin, std::cout, std::cerr, &ask_password};
  return run_command(argc, argv, &serve, console);
}
