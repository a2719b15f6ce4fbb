// sdk-bench-strophe: libstrophe in its own loop, xmpp_run_once(), without logging.
#include <fmt/format.h>
#include <strophe.h>

#include "trial.h"

namespace anser::sdk_bench {
namespace {

constexpr unsigned long kWaitMs = 1'000;  // for a socket; it returns as soon as one is readable
constexpr unsigned long kIdleWaitMs = 5;

struct Context {
  Context() {
    xmpp_initialize();
    context = xmpp_ctx_new(nullptr, nullptr);
    if (!context) give_up("libstrophe cannot make a context");
  }
  ~Context() {
    xmpp_ctx_free(context);
    xmpp_shutdown();
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  xmpp_ctx_t* context = nullptr;
};

// One connection; `on_ready` and `on_body` are called from within xmpp_run_once().
struct Session {
  std::function<void()> on_ready;
  std::function<void(std::string_view)> on_body;
  xmpp_conn_t* connection = nullptr;
};

int message_arrived(xmpp_conn_t* connection, xmpp_stanza_t* stanza, void* data) {
  char* body = xmpp_message_get_body(stanza);
  if (body) static_cast<Session*>(data)->on_body(body);
  xmpp_free(xmpp_conn_get_context(connection), body);
  return 1;  // keep the handler
}

void connection_changed(xmpp_conn_t* connection, xmpp_conn_event_t event, int error, xmpp_stream_error_t*, void* data) {
  auto& session = *static_cast<Session*>(data);
  if (event != XMPP_CONN_CONNECT) give_up(fmt::format("libstrophe lost its connection, error {}", error));
  if (session.on_body) xmpp_handler_add(connection, message_arrived, nullptr, "message", nullptr, data);
  session.on_ready();
}

// The session must stay where it is as long as the loop runs.
void open(Context& loop, Session& session, const Options& options, std::size_t account, long flags) {
  session.connection = xmpp_conn_new(loop.context);
  xmpp_conn_set_flags(session.connection, flags);
  xmpp_conn_set_jid(session.connection, (options.account(account) + "/bench").c_str());
  xmpp_conn_set_pass(session.connection, options.password.c_str());
  const auto port = static_cast<unsigned short>(options.port);
  const int error = xmpp_connect_client(session.connection, options.host.c_str(), port, connection_changed, &session);
  if (error != XMPP_EOK) give_up(fmt::format("libstrophe does not connect, error {}", error));
}

long flags_for(const Options& options) {
  const long tls = options.tls ? XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_TRUST_TLS : XMPP_CONN_FLAG_DISABLE_TLS;
  return tls | (options.acks ? 0 : static_cast<long>(XMPP_CONN_FLAG_DISABLE_SM));
}

void measure_echo(const Options& options) {
  Echo echo{options};
  Context loop;
  Session session;
  std::string me;
  const auto send = [&] {
    while (echo.may_send()) {
      const std::string& body = echo.send();
      xmpp_stanza_t* message = xmpp_message_new(loop.context, "chat", me.c_str(), echo.id().c_str());
      xmpp_message_set_body(message, body.c_str());
      xmpp_send(session.connection, message);
      xmpp_stanza_release(message);
    }
  };
  session.on_ready = [&] {
    me = xmpp_conn_get_bound_jid(session.connection);
    send();
  };
  session.on_body = [&](std::string_view body) {
    echo.came_back(body);
    send();
  };
  open(loop, session, options, 0, flags_for(options));
  while (!echo.done()) xmpp_run_once(loop.context, kWaitMs);
  echo.finish();
}

void measure_idle(const Options& options) {
  Idle idle{options, kMostWithSelect};
  Context loop;
  std::vector<Session> sessions(idle.connections());
  const auto start = [&](std::size_t i) {
    sessions[i].on_ready = [&] { idle.ready(); };
    open(loop, sessions[i], options, i, flags_for(options));
  };
  while (idle.proceed(start)) xmpp_run_once(loop.context, kIdleWaitMs);
  idle.finish();
}

void measure_connect(const Options& options) {
  Context loop;
  Session session;
  Connect connect;
  session.on_ready = [&] { connect.ready(); };
  open(loop, session, options, 0, XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_TRUST_TLS);
  while (!connect.done()) xmpp_run_once(loop.context, kWaitMs);
  connect.finish();
}

}  // namespace
}  // namespace anser::sdk_bench

int main(int argc, char** argv) {
  using namespace anser::sdk_bench;
  return run(argc, argv, {measure_echo, measure_idle, measure_connect});
}
