// anser-load: puts load on a server on this machine and says what it cost the server. One thread, raw epoll, its own
// few words of XMPP and WebSocket. script/bench runs it; by hand: anser-load pairs --port 5222 --pid $(pidof anser).
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "command.h"
#include "relay.h"
#include "ws_command.h"

namespace anser::load {
namespace {

constexpr rlim_t kWantedFiles = 100'000;

// Ten thousand sessions are ten thousand descriptors; as much as the system lets us.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWantedFiles) return;
  const rlimit wanted{kWantedFiles, std::max(limit.rlim_max, kWantedFiles)};
  if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) return;  // needs privileges
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

using Command = std::function<Result<void>()>;

// One sub-command: what it is called, and what runs when it was chosen.
CLI::App* add_command(CLI::App& app, Command& chosen, const std::string& name, const std::string& help, Command run) {
  CLI::App* command = app.add_subcommand(name, help);
  command->fallthrough();
  command->callback([&chosen, run = std::move(run)] { chosen = run; });
  return command;
}

void add_run_options(CLI::App& app, RunPlan& run) {
  app.add_option("--host", run.server.host, "the server's loopback address")->capture_default_str();
  app.add_option("--port", run.server.port, "its port")->capture_default_str();
  app.add_option("--domain", run.server.domain, "its virtual host")->capture_default_str();
  app.add_flag("--tls", run.server.tls, "STARTTLS before anything else");
  auto* acks = app.add_flag("--acks", run.server.acks, "stream management with resumption");
  app.add_flag("--bare", run.server.bare, "the server is anser-load relay, not XMPP")->excludes(acks);
  const std::map<std::string, Sasl> mechanisms{
      {"plain", Sasl::plain}, {"scram", Sasl::scram_sha1}, {"fast", Sasl::fast}};
  app.add_option("--sasl", run.server.sasl, "plain or scram (SCRAM-SHA-1)")
      ->transform(CLI::CheckedTransformer(mechanisms, CLI::ignore_case));
  app.add_option("--prefix", run.accounts.prefix, "accounts are PREFIX0, PREFIX1…")->capture_default_str();
  app.add_option("--password", run.accounts.password, "of all accounts")->capture_default_str();
  app.add_flag("--to-sessions", run.accounts.to_sessions, "write to full addresses, not to bare ones");
  app.add_option("--pid", run.pids, "the server's processes; children are found")->delimiter(',');
  app.add_option("--timeout", run.timeout_s, "seconds for the whole run")->capture_default_str();
}

// What the ws- sub-commands are told; they take what they need of it.
struct WebSocketOptions {
  WsPlan plan;
  WsWindow window;
  IdlePlan idle;
  WsBarePlan bare;
  std::size_t clients = 100;
  std::size_t in_flight = 16;
};

void add_websocket_commands(CLI::App& app, Command& chosen, const RunPlan& run, WebSocketOptions& ws) {
  ws.plan.run = fmt::format("-{}", getpid());
  const std::map<std::string, WsDialect> dialects{
      {"anser", WsDialect::anser}, {"plain", WsDialect::plain}, {"socketio", WsDialect::socketio}};
  const auto add = [&](const std::string& name, const std::string& help, Command run_it) {
    CLI::App* command = add_command(app, chosen, name, help, std::move(run_it));
    command->add_option("--dialect", ws.plan.dialect, "anser, plain or socketio")
        ->transform(CLI::CheckedTransformer(dialects, CLI::ignore_case));
    command->add_option("--clients", ws.clients)->capture_default_str()->check(CLI::PositiveNumber);
    command->add_option("--warm-up-ms", ws.window.warm_up_ms)->capture_default_str();
    command->add_option("--window-ms", ws.window.window_ms)->capture_default_str();
    return command;
  };
  const auto add_messages = [&](CLI::App* command) {
    command->add_option("--in-flight", ws.in_flight)->capture_default_str()->check(CLI::PositiveNumber);
    command->add_option("--body", ws.plan.body_bytes)->capture_default_str()->check(CLI::Range(9, 120));
    command->add_flag("--ephemeral", ws.plan.ephemeral, "stored nowhere");
  };
  add("ws-echo", "heartbeats, one in flight on each connection",
      [&] { return run_ws_echo(run, ws.plan, ws.clients, ws.window); });
  CLI::App* command = add("ws-fan-out", "one sends to everybody",
                          [&] { return run_ws_fan_out(run, ws.plan, ws.clients, ws.in_flight, ws.window); });
  add_messages(command);
  command->add_option("--group", ws.plan.group, "that everybody subscribes to; Anser's dialect");
  command->add_option("--message", ws.plan.message_bytes,
                      "bytes of a message in all, if more than its body; plain dialect");
  command = add("ws-pairs", "clients in pairs, messages in flight until they are acknowledged",
                [&] { return run_ws_pairs(run, ws.plan, ws.clients, ws.in_flight, ws.window); });
  add_messages(command);
  command = add("ws-idle", "memory of idle connections", [&] { return run_ws_idle(run, ws.plan, ws.idle); });
  command->add_option("--few", ws.idle.few)->capture_default_str();
  command->add_option("--many", ws.idle.many)->capture_default_str();
  command = add_command(app, chosen, "ws-bare", "be the bare loop",
                        [&] { return run_ws_bare(run.server.host, run.server.port, ws.bare); });
  command->add_option("--certificate", ws.bare.certificate, "PEM: speak TLS");
  command->add_option("--key", ws.bare.key, "PEM");
}

int run(int argc, char** argv) {
  CLI::App app{"Puts load on a server on this machine and says what it cost the server."};
  app.require_subcommand(1);
  Command chosen;
  RunPlan plan;
  add_run_options(app, plan);

  PairsPlan pairs;
  auto* command =
      add_command(app, chosen, "pairs", "clients in pairs, messages in flight", [&] { return run_pairs(plan, pairs); });
  command->add_option("--clients", pairs.clients)->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--in-flight", pairs.in_flight, "of each client")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--body", pairs.body_bytes)->capture_default_str()->check(CLI::Range(8, 60000));
  command->add_option("--warm-up-ms", pairs.warm_up_ms)->capture_default_str();
  command->add_option("--window-ms", pairs.window_ms)->capture_default_str();
  command->add_flag("--count-archives", pairs.count_archives, "afterwards, of new accounts");

  LatencyPlan latency;
  command = add_command(app, chosen, "latency", "two sessions, one message at a time",
                        [&] { return run_latency(plan, latency); });
  command->add_option("--messages", latency.messages)->capture_default_str();
  command->add_option("--gap-ms", latency.gap_ms)->capture_default_str();
  command->add_flag("--count-archives", latency.count_archives, "afterwards, of new accounts");

  OfflinePlan offline;
  command =
      add_command(app, chosen, "offline", "messages to those who are away", [&] { return run_offline(plan, offline); });
  command->add_option("--senders", offline.senders)->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--recipients", offline.recipients)->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--recipient-prefix", offline.recipient_prefix)->capture_default_str();
  command->add_option("--most-each", offline.most_each)->capture_default_str();
  command->add_option("--window-ms", offline.window_ms)->capture_default_str();

  IdlePlan idle;
  command = add_command(app, chosen, "idle", "memory of idle sessions", [&] { return run_idle(plan, idle); });
  command->add_option("--few", idle.few)->capture_default_str();
  command->add_option("--many", idle.many)->capture_default_str();

  ContactsPlan contacts;
  command = add_command(app, chosen, "contacts", "mutual subscriptions in groups",
                        [&] { return run_contacts(plan, contacts); });
  command->add_option("--accounts", contacts.accounts)->capture_default_str();
  command->add_option("--contacts", contacts.contacts, "of each account")->capture_default_str();

  ScalePlan scale;
  command = add_command(app, chosen, "scale", "a message's cost with few and many sessions",
                        [&] { return run_scale(plan, scale); });
  command->add_option("--sessions", scale.sessions, "even numbers, growing")->delimiter(',')->capture_default_str();
  auto* few_port =
      command->add_option("--few-port", scale.few_port, "of a second server, for the fewest; both take turns");
  auto* few_pid = command->add_option("--few-pid", scale.few_pids, "its processes")->delimiter(',');
  command->add_flag("--paced", scale.paced, "a turn for each line on standard input, instead of --windows")
      ->needs(few_port);
  few_port->needs(few_pid);
  few_pid->needs(few_port);
  command->add_option("--in-flight", scale.in_flight, "altogether")->capture_default_str();
  command->add_option("--windows", scale.windows)->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--window-ms", scale.window_ms)->capture_default_str();

  LoginPlan login;
  command = add_command(app, chosen, "login", "logins, one after another", [&] { return run_login(plan, login); });
  command->add_option("--accounts", login.accounts)->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--at-once", login.at_once)->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--window-ms", login.window_ms)->capture_default_str();

  std::size_t count = 100;
  command = add_command(app, chosen, "register", "make accounts in band", [&] { return run_register(plan, count); });
  command->add_option("--count", count)->capture_default_str();
  command->add_option("--first", plan.accounts.first, "number of the first")->capture_default_str();

  std::uint32_t iterations = core::kDefaultIterations;
  command = add_command(app, chosen, "derive", "time of a password derivation", [&] { return run_derive(iterations); });
  command->add_option("--iterations", iterations)->capture_default_str();

  add_command(app, chosen, "relay", "be the bare relay", [&] { return run_relay(plan.server.host, plan.server.port); });

  WebSocketOptions ws;
  add_websocket_commands(app, chosen, plan, ws);

  CLI11_PARSE(app, argc, argv);
  raise_file_limit();
  const auto done = chosen();
  if (done) return 0;
  fmt::print(stderr, "anser-load: {}\n", done.error().message);
  return 1;
}

}  // namespace
}  // namespace anser::load

int main(int argc, char** argv) { return anser::load::run(argc, argv); }
