// coroutine HOST PORT CERTIFICATES: the same on an io_context of the program's own.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "anser/asio.h"
#include "example.h"

using namespace example;

// [coroutine]
namespace asio = boost::asio;

asio::awaitable<sdk::Result<std::string>> ask_time(sdk::Connection& connection) {
  auto done = co_await sdk::async_connect(connection, asio::use_awaitable);
  if (!done) co_return tl::unexpected{done.error()};
  done = co_await sdk::async_login(connection, "romeo", "secret", "balcony", asio::use_awaitable);
  if (!done) co_return tl::unexpected{done.error()};
  sdk::IQ question{sdk::IQ::Type::get, sdk::Element{"time", "urn:xmpp:time"}, "localhost"};
  auto answer = co_await sdk::async_request(connection, std::move(question), asio::use_awaitable);
  if (!answer) co_return tl::unexpected{answer.error()};
  co_return answer->payload()->child_text("tzo");
}

asio::awaitable<void> talk(sdk::Connection& connection) {
  auto zone = co_await ask_time(connection);
  if (!zone) {
    std::cerr << zone.error().message << '\n';
    co_return;
  }
  std::cout << connection.user() << ": the server's time zone is " << *zone << '\n';
  // On the loop's thread what would wait says so, and does not.
  std::cout << name_of(connection.roster().reload().error().code) << '\n';
  connection.disconnect();
}

int main(int, char** arguments) {
  asio::io_context io;
  sdk::Connection connection{configuration(arguments), io};
  asio::co_spawn(io, talk(connection), asio::detached);
  io.run();
}
// [/coroutine]
