// sdk-bench-anser: Anser's own client library on an io_context that this program runs on its only thread. Like the
// others without what is not measured: roster, carbons, reconnection, and stream management unless it is asked for.
#include <anser/anser.h>
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <memory>

#include "trial.h"

namespace anser::sdk_bench {
namespace {

constexpr std::size_t kNoLimit = 1'000'000;
constexpr std::chrono::milliseconds kIdlePause{5};

sdk::ConnectionConfiguration server_of(const Options& options) {
  sdk::ConnectionConfiguration configuration{options.host, static_cast<std::uint16_t>(options.port), options.domain};
  configuration.tls.verify = false;
  return configuration;
}

// Everything off that the measurement does not ask for.
sdk::ConnectionConfiguration bare(const Options& options) {
  auto configuration = server_of(options);
  configuration.security = options.tls ? sdk::SecurityMode::required : sdk::SecurityMode::disabled;
  configuration.roster_loaded_at_login = false;
  configuration.carbons_enabled = false;
  configuration.stream_management = options.acks;
  configuration.reconnection.allowed = false;
  return configuration;
}

void check(const sdk::Result<void>& result) {
  if (!result) give_up(result.error().message);
}

void open(sdk::Connection& connection, const Options& options, std::size_t account, std::function<void()> ready) {
  sdk::ConnectionListener listener;
  listener.closed_on_error = [](const sdk::Error& error) { give_up(error.message); };
  connection.add_connection_listener(std::move(listener));
  connection.connect([&connection, &options, account, ready = std::move(ready)](sdk::Result<void> connected) {
    check(connected);
    connection.login(options.username(account), options.password, "bench", [ready](sdk::Result<void> in) {
      check(in);
      ready();
    });
  });
}

void measure_echo(const Options& options) {
  Echo echo{options};
  boost::asio::io_context io{1};
  sdk::Connection connection{bare(options), io};
  std::string me;
  const auto send = [&] {
    while (echo.may_send()) check(connection.send(sdk::Message{me, echo.send(), sdk::Message::Type::chat}));
  };
  connection.add_stanza_listener(sdk::filter::message(sdk::Message::Type::chat), [&](const sdk::Stanza& stanza) {
    echo.came_back(static_cast<const sdk::Message&>(stanza).body());
    if (echo.done()) io.stop();
    send();
  });
  open(connection, options, 0, [&] {
    me = connection.user();
    send();
  });
  io.run();
  echo.finish();
}

void measure_idle(const Options& options) {
  Idle idle{options, kNoLimit};
  boost::asio::io_context io{1};
  std::vector<std::unique_ptr<sdk::Connection>> connections;
  const auto start = [&](std::size_t i) {
    connections.push_back(std::make_unique<sdk::Connection>(bare(options), io));
    open(*connections.back(), options, i, [&] { idle.ready(); });
  };
  while (idle.proceed(start)) io.run_for(kIdlePause);
  idle.finish();
}

void measure_connect(const Options& options) {
  Connect connect;
  sdk::Connection connection{server_of(options)};
  check(connection.connect());
  check(connection.login(options.username(0), options.password));
  connect.ready();
  connect.finish();
}

}  // namespace
}  // namespace anser::sdk_bench

int main(int argc, char** argv) {
  using namespace anser::sdk_bench;
  return run(argc, argv, {measure_echo, measure_idle, measure_connect});
}
