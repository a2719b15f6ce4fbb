#include "ws/door.h"

#include <algorithm>
#include <memory>

#include "base/log.h"
#include "core/random.h"
#include "domain/shards.h"
#include "door/http_sign_in.h"
#include "net/websocket.h"
#include "ws/errors.h"
#include "ws/session.h"

namespace anser::ws {
namespace {

using net::HttpExchange;
using net::HttpRequest;
using net::HttpResponse;

constexpr std::size_t kBeforeSignIn = 16 * 1024;  // of a message

// Where and how a session will live, but for who it is.
struct Wish {
  std::string host;  // for a name without one
  std::string resource;
  Form form = Form::bare;
  bool modern = false;
  bool acknowledges = false;
  bool confidential = false;  // passwords and tokens may be said
};

HttpResponse refusal(unsigned status, std::string text) {
  HttpResponse response{.status = status, .body = std::move(text) + "\n", .type = "text/plain; charset=utf-8"};
  if (status == 401) response.fields.emplace_back("www-authenticate", door::kHttpChallenge);
  if (status == 429) response.fields.emplace_back("retry-after", door::kHttpRetryAfter);
  return response;
}

// The session begins on the core of its account.
void hand_over(Shared& shared, net::Handed handed, door::SignedIn who, Wish wish, std::string_view how,
               SharedSettings settings) {
  constexpr std::size_t kResourceLength = 8;  // it has to differ from the account's others
  const std::string resource = wish.resource.empty() ? core::random_id(kResourceLength) : std::move(wish.resource);
  auto address = who.account.with_resource(resource);
  if (!address) address = who.account.with_resource(core::random_id(kResourceLength));
  handed.admission.admitted();
  auto luggage = std::make_shared<Arrival>();
  luggage->handed = std::move(handed);
  luggage->address = std::move(*address);
  luggage->since = who.since;
  luggage->form = wish.form;
  luggage->modern = wish.modern;
  luggage->acknowledges = wish.acknowledges;
  luggage->how = how;
  luggage->settings = std::move(settings);
  const net::CoreId home = domain::core_of(who.account.bare(), shared.cores.size());
  auto& services = shared.home(home);
  shared.cores.post(home, [&services, luggage] { Session::begin(services, std::move(*luggage)); });
}

void tell(net::Connection& connection, Form form, const Error& error) {
  proto::AuthResult result;
  result.set_error(std::string{word_of(error.code)});
  result.set_text(error.message);
  std::string payload;
  append(payload, form, FrameType::auth_result, result);
  connection.websocket()->append(connection.out(), form == Form::json ? codec::Opcode::text : codec::Opcode::binary,
                                 payload);
}

void turn_away(net::Core& core, net::Handed handed, const Error& error) {
  net::Connection connection{core, std::move(handed)};
  connection.close_websocket(close_code_of(error.code), error.message);
}

// The first frame says who it is. Heartbeats are answered meanwhile.
net::Task<void> await_auth(Shared& shared, net::Core& core, net::Handed handed, Wish wish, SharedSettings settings) {
  net::Connection connection{core, std::move(handed)};
  connection.limit(settings->sign_in_timeout);
  proto::Auth auth;
  for (bool said = false; !said;) {
    const auto message = co_await connection.read();
    if (!message) {
      if (message.error().code == Errc::timeout)
        connection.close_websocket(close_code::kNotAuthorized, "nobody has signed in");
      co_return;
    }
    const bool text = connection.websocket()->is_text();
    if (text) {
      if (const auto answer = answer_heartbeat(*message)) {
        if (connection.congested()) co_return connection.abort();
        connection.websocket()->append(connection.out(), codec::Opcode::text, *answer);
        connection.flush_soon();
        continue;
      }
    }
    if (text != (wish.form == Form::json)) {
      connection.close_websocket(close_code::kUnsupported, "this kind of frame is not spoken here");
      co_return;
    }
    const auto incoming = split(wish.form, *message);
    if (!incoming || incoming->type != static_cast<std::uint16_t>(FrameType::auth)) {
      connection.close_websocket(close_code::kNotAuthorized, "sign in first");
      co_return;
    }
    if (const auto parsed = parse(wish.form, *incoming, auth); !parsed) {
      connection.close_websocket(close_code::kInvalid, parsed.error().message);
      co_return;
    }
    said = true;
  }
  wish.modern = true;
  wish.acknowledges = wish.acknowledges || auth.acknowledges();
  Result<door::SignedIn> who = fail(Errc::not_authorized, "passwords and tokens are taken over TLS only");
  if (wish.confidential) {
    door::Credentials said{.user = auth.user(), .password = auth.password(), .token = auth.token()};
    door::Peer peer{.address = connection.peer_address(), .text = connection.peer(), .door = "ws"};
    auto task = door::check(shared, wish.host, std::move(said), std::move(peer));
    who = co_await std::move(task);
  }
  if (!who) {
    tell(connection, wish.form, who.error());
    connection.close_websocket(close_code_of(who.error().code), who.error().message);
    co_return;
  }
  if (connection.closed()) co_return;
  connection.limit(std::chrono::seconds{0});
  hand_over(shared, connection.hand_over(), std::move(*who), std::move(wish),
            auth.token().empty() ? "password" : "token", std::move(settings));
}

Result<Wish> wish_of(const Shared& shared, const HttpRequest& request) {
  Wish wish;
  const auto offered = net::offered_protocols(request);
  for (const auto& protocol : offered) {
    if (const auto form = form_of(protocol); form && wish.form == Form::bare) wish.form = *form;
  }
  if (!offered.empty() && wish.form == Form::bare)
    return fail(Errc::bad_request, "the subprotocols here are anser.protobuf and anser.json");
  wish.modern = wish.form != Form::bare;
  wish.acknowledges = request.parameter("acknowledges").value_or("") == "1";
  wish.resource = request.parameter("resource").value_or("");
  wish.host = door::host_dialled(request, shared.hosts);
  return wish;
}

}  // namespace

net::Task<void> serve(Shared& shared, net::HttpExchange& exchange) {
  const SharedSettings settings = shared.settings();
  const HttpRequest& request = exchange.request();
  const net::Connection& connection = exchange.connection();
  net::Core& core = exchange.core();
  const net::HttpClient client =
      net::client_of(request, connection.peer_address(), connection.tls() != nullptr, settings->proxies);
  if (auto wrong = net::refuse_websocket(request, settings->websocket, client.tls))
    co_return exchange.respond(std::move(*wrong));
  auto wish = wish_of(shared, request);
  if (!wish) co_return exchange.respond(refusal(400, wish.error().message));
  wish->confidential = door::may_be_said(client, settings->password_without_tls);
  auto said = door::credentials_in_header(request);
  if (!said) co_return exchange.respond(refusal(400, said.error().message));
  const bool in_header = said->has_value();
  if (!in_header) *said = door::credentials_in_query(request);

  Result<door::SignedIn> who = fail(Errc::not_authorized, "passwords and tokens are taken over TLS only");
  const bool token = *said && !(*said)->token.empty();
  if (*said && wish->confidential) {
    const std::string from = client.forwarded ? client.address.to_string() : connection.peer();
    door::Peer peer{.address = client.address, .text = from, .door = "ws"};
    auto task = door::check(shared, wish->host, std::move(**said), std::move(peer));
    who = co_await std::move(task);
  }
  if (in_header && !who)
    co_return exchange.respond(refusal(door::http_status_of(who.error().code), who.error().message));

  auto handed = net::accept_websocket(exchange, settings->websocket, subprotocol(wish->form));
  if (!handed) {
    if (!exchange.responded()) exchange.respond(refusal(400, handed.error().message));
    co_return;
  }
  handed->peer.address(client.address);
  if (!*said) {
    handed->websocket->set_limits({.message_bytes = std::min(kBeforeSignIn, settings->websocket.limits.message_bytes)});
    auto waiting = await_auth(shared, core, std::move(*handed), std::move(*wish), settings);
    net::spawn(core.io(), std::move(waiting));
    co_return;
  }
  if (!who) co_return turn_away(core, std::move(*handed), who.error());
  hand_over(shared, std::move(*handed), std::move(*who), std::move(*wish), token ? "token" : "password", settings);
}

}  // namespace anser::ws
