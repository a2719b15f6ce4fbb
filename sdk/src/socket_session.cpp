#include "sdk/src/socket_session.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "base/base64.h"
#include "core/random.h"
#include "net/host.h"
#include "net/http_request.h"
#include "net/tls_session.h"
#include "net/websocket.h"
#include "sdk/src/reach.h"

namespace anser::sdk {
namespace {

constexpr std::size_t kSlack = 1024 * 1024;  // of what is written besides messages, until the server reads

ConnectionConfiguration way_to(const Result<SocketUrl>& url, const SocketConfiguration& configuration) {
  ConnectionConfiguration way;
  if (url) {
    way.service_name = way.host = url->host;
    way.port = url->port;
    way.direct_tls = url->tls;
  }
  way.dns_servers = configuration.dns_servers;
  way.proxy = configuration.proxy;
  way.socket_factory = configuration.socket_factory;
  way.limits.connect = configuration.connect_limit;
  return way;
}

// What an answer that is not 101 means.
SocketEnd refusal(const anser::Error& below, const net::WebSocketOpening& opening) {
  SocketEnd end;
  end.error.message = below.message;
  if (opening.status() == 0 || opening.status() == 101) {
    end.error.code = Errc::protocol;
    return end;
  }
  end.status = opening.status();
  end.retry_after = opening.retry_after().value_or(std::chrono::seconds{0});
  switch (below.code) {
    case anser::Errc::not_authorized:
      end.error.code = Errc::authentication;
      end.error.condition = "not-authorized";
      break;
    case anser::Errc::unavailable:
      end.error.code = Errc::unreachable;
      break;
    case anser::Errc::policy_violation:
    case anser::Errc::bad_request:
      end.error.code = Errc::protocol;
      break;
    default:
      end.error.code = Errc::unsupported;
  }
  return end;
}

}  // namespace

SocketSession::SocketSession(SocketConfiguration configuration, std::shared_ptr<LoopState> loop)
    : configuration_(std::move(configuration)),
      loop_(std::move(loop)),
      core_(loop_->core()),
      url_(parse_socket_url(configuration_.url)),
      way_(way_to(url_, configuration_)),
      id_prefix_(core::random_id(16) + "-"),
      machine_(configuration_, *this, &draw_uniform),
      alarms_{net::Alarm{ring(SocketTimer::limit)},     net::Alarm{ring(SocketTimer::retry)},
              net::Alarm{ring(SocketTimer::heartbeat)}, net::Alarm{ring(SocketTimer::answer)},
              net::Alarm{ring(SocketTimer::goodbye)},   net::Alarm{ring(SocketTimer::request)}} {}

SocketSession::~SocketSession() = default;

std::function<void()> SocketSession::ring(SocketTimer timer) {
  return [this, timer] { machine_.rang(timer); };
}

// --------------------------------------------------------------------------------------------- from any thread

void SocketSession::run(std::function<void(SocketMachine&)> work) {
  if (on_loop()) {
    if (is_alive()) work(machine_);
    return;
  }
  boost::asio::post(core_.io(), [self = shared_from_this(), work = std::move(work)]() mutable {
    if (self->is_alive()) work(self->machine_);
    work = nullptr;  // here, for it may hold the last of something that belongs to this thread
  });
}

SocketMachine::Facts SocketSession::facts() const {
  const std::lock_guard lock{facts_mutex_};
  return facts_;
}

void SocketSession::open(SocketMachine::Done done) {
  ++opening_;
  run([this, done = std::move(done)](SocketMachine& machine) mutable {
    machine.open(std::move(done));
    --opening_;
  });
}

Result<std::string> SocketSession::send(SocketMessage message, DeliveryListener listener) {
  if (configuration_.protocol == SocketProtocol::raw)
    return fail(Errc::unsupported, "the protocol raw has no messages: send_text() and send_binary()");
  if (opening_ == 0 && !wanted_) return fail(Errc::wrong_state, "the socket is not open");
  if (auto fine = frames::check(message); !fine) return pass(fine);
  if (message.event_id.empty()) message.event_id = id_prefix_ + std::to_string(++last_id_);
  std::string frame = frames::encode(message);
  const std::size_t bytes = frame.size();
  if (bytes > configuration_.sent_bytes)
    return fail(Errc::invalid_argument, "the message has {} bytes, and may have {}", bytes, configuration_.sent_bytes);
  const std::size_t messages = waiting_messages_ + ++posted_messages_;
  if (messages > configuration_.queue_messages ||
      waiting_bytes_ + (posted_bytes_ += bytes) > configuration_.queue_bytes) {
    --posted_messages_;
    if (messages <= configuration_.queue_messages) posted_bytes_ -= bytes;
    return fail(Errc::queue_full, "too many messages wait");
  }
  std::string id = message.event_id;
  SocketQueue::Entry entry{id, std::move(frame), std::move(listener)};
  run([this, bytes, entry = std::move(entry)](SocketMachine& machine) mutable {
    --posted_messages_;
    posted_bytes_ -= bytes;
    machine.send(std::move(entry));
  });
  return id;
}

Result<void> SocketSession::send_now(std::size_t bytes, std::function<void(SocketMachine&)> work) {
  if (facts().status != SocketStatus::connected) return fail(Errc::wrong_state, "the socket is not connected");
  if (link_bytes_ + (posted_now_ += bytes) > configuration_.queue_bytes) {
    posted_now_ -= bytes;
    return fail(Errc::queue_full, "the server does not read fast enough");
  }
  run([this, bytes, work = std::move(work)](SocketMachine& machine) {
    posted_now_ -= bytes;
    work(machine);
  });
  return {};
}

void SocketSession::set_exception_handler(std::function<void(std::exception_ptr)> handler) {
  run([this, handler = std::make_shared<const std::function<void(std::exception_ptr)>>(std::move(handler))](
          SocketMachine&) mutable { on_exception_ = std::move(handler); });
}

void SocketSession::abandon() {
  alive_ = false;
  auto end = [self = shared_from_this()] {
    self->machine_.forget_all();
    self->on_exception_ = nullptr;
    static_cast<SocketHost&>(*self).give_up(1001, {});
    self->core_.timers().rest();
    // It may be all that holds the session, and what called us goes on in it.
    boost::asio::post(self->core_.io(), [self]() mutable {
      const auto gone = self->gone_;
      self.reset();  // first: whoever waits destroys the session
      gone->abandon();
    });
  };
  if (on_loop()) return end();
  boost::asio::post(core_.io(), std::move(end));
  if (loop_->has_thread()) gone_->wait();
}

// --------------------------------------------------------------------------------------------- what the machine wants

void SocketSession::start(std::uint64_t number) {
  stopped_ = false;
  overflow_.reset();
  gone_->attempt_begins();
  // Posted, because the last attempt may be on the stack still.
  boost::asio::post(core_.io(), [self = shared_from_this(), number]() mutable {
    auto over = [gone = self->gone_](std::exception_ptr thrown) {
      if (thrown) std::terminate();  // our own fault: an attempt tells its end, whatever happens in it
      gone->attempt_is_over();
    };
    auto token = boost::asio::bind_cancellation_slot(self->cancel_.slot(), std::move(over));
    net::Core& core = self->core_;
    boost::asio::co_spawn(core.io(), attempt(std::move(self), number), std::move(token));
  });
}

void SocketSession::give_up(std::uint16_t code, std::string_view reason) {
  stopped_ = true;
  if (link_ && link_->websocket()) {
    link_->close_websocket(code, reason);
  } else if (link_) {
    link_->abort();
  } else {
    cancel_.emit(boost::asio::cancellation_type::terminal);
  }
}

void SocketSession::say_goodbye(std::uint16_t code, std::string_view reason) {
  if (!link_ || !link_->websocket()) return;
  link_->websocket()->append_close(link_->out(), code, reason);
  link_->flush_soon();
}

void SocketSession::write(std::string_view payload, bool text) {
  if (!link_ || link_->closed() || !link_->websocket()) return;
  link_->websocket()->append(link_->out(), text ? codec::Opcode::text : codec::Opcode::binary, payload);
  link_->flush_soon();
  count_link();
  if (link_->queued() <= configuration_.queue_bytes + kSlack) return;
  overflow_ = SocketEnd{{Errc::closed, "the server does not read what it is sent"}};
  link_->abort();
}

void SocketSession::arm(SocketTimer timer, std::chrono::milliseconds after) { core_.timers().arm(alarm(timer), after); }
void SocketSession::disarm(SocketTimer timer) { alarm(timer).disarm(); }

void SocketSession::call(const std::function<void()>& application) {
  if (!is_alive()) return;
  try {
    application();
  } catch (...) {
    const auto thrown = std::current_exception();
    const auto told = on_exception_;
    if (!told || !*told || !is_alive()) return;
    try {
      (*told)(thrown);
    } catch (...) {  // there is nobody else to tell
    }
  }
}

void SocketSession::facts_changed() {
  wanted_ = machine_.facts().running;
  {
    const std::lock_guard lock{facts_mutex_};
    facts_ = machine_.facts();
  }
  core_.timers().rest();
}

void SocketSession::waiting_changed(std::size_t messages, std::size_t bytes) {
  waiting_messages_ = messages;
  waiting_bytes_ = bytes;
}

// --------------------------------------------------------------------------------------------- an attempt

net::Task<void> SocketSession::attempt(std::shared_ptr<SocketSession> self, std::uint64_t number) {
  SocketEnd end;
  auto living = self->live(number);
  try {
    end = co_await std::move(living);
  } catch (const std::exception& thrown) {
    // A cancelled task that waits again, or a system without threads or memory.
    end.error = {Errc::closed, thrown.what()};
  }
  if (self->overflow_) end = *self->overflow_;
  if (self->is_alive()) self->machine_.ended(number, std::move(end));
}

net::Task<SocketEnd> SocketSession::live(std::uint64_t number) {
  const SocketEnd stopped{{Errc::closed, "the attempt was stopped"}};
  if (stopped_) co_return stopped;
  if (!url_) co_return SocketEnd{url_.error()};
  const auto host = dns_name(url_->host);
  if (!host) co_return SocketEnd{{Errc::invalid_argument, host.error().message}};
  if (url_->tls && !tls_client_) {
    auto making = make_tls();
    auto made = co_await std::move(making);
    if (stopped_) co_return stopped;
    if (!made) co_return SocketEnd{made.error()};
    tls_client_ = std::move(*made);
  }
  auto until = Clock::now() + configuration_.connect_limit;
  auto reaching = reach(*loop_, way_, *host, std::nullopt, until);
  auto opened = co_await std::move(reaching);
  if (stopped_) co_return stopped;
  if (!opened) co_return SocketEnd{opened.error()};

  std::optional<net::Connection> link;
  link.emplace(core_, std::move(opened->socket));
  link_ = &*link;
  auto conversing = converse(number, link, *host);
  SocketEnd end;
  try {
    end = co_await std::move(conversing);
  } catch (const std::exception& thrown) {
    end.error = {Errc::closed, thrown.what()};
  }
  link_ = nullptr;
  count_link();
  if (link->tls()) tls_session_ = link->tls_session();
  link->close_after_flush();
  co_return end;
}

net::Task<SocketEnd> SocketSession::converse(std::uint64_t number, std::optional<net::Connection>& link,
                                             std::string host) {
  if (url_->tls) {
    net::TlsLimits limits;
    limits.handshake = std::chrono::ceil<std::chrono::seconds>(configuration_.connect_limit);
    auto shaking = link->connect_tls(tls_client_, limits, host, tls_session_);
    const auto shaken = co_await std::move(shaking);
    if (!shaken) co_return SocketEnd{{Errc::tls, shaken.error().message}};
  } else if (!may_say_credentials(*link)) {
    co_return SocketEnd{{Errc::insecure, "a password or token would go over the network in the clear"}};
  }
  auto made = opening(host);
  if (!made) co_return SocketEnd{made.error()};
  auto greeting = shake_hands(link, std::move(*made));
  auto failed = co_await std::move(greeting);
  if (failed) co_return *failed;
  link->on_writable([this] {
    count_link();
    machine_.writable();
  });
  machine_.opened(number);
  for (;;) {
    auto message = link->take();
    if (!message) {
      auto waiting = link->wait();
      co_await std::move(waiting);
      continue;
    }
    if (!*message) co_return why_it_ended(message->error(), *link);
    machine_.received(number, **message, link->websocket()->is_text());
  }
}

net::Task<Result<std::shared_ptr<const net::TlsClient>>> SocketSession::make_tls() {
  auto make = [this] { return tls_client(configuration_.tls, "http/1.1"); };
  using Made = Result<std::shared_ptr<const net::TlsClient>>;
  auto working = net::run_on(loop_->workers(), std::move(make));
  auto made = co_await std::move(working);
  if (!made) co_return Made{pass_as(Errc::closed, made.error())};
  co_return std::move(*made);
}

// From the request to a connection that carries messages.
net::Task<std::optional<SocketEnd>> SocketSession::shake_hands(std::optional<net::Connection>& link,
                                                               net::WebSocketOpening opening) {
  using Failed = std::optional<SocketEnd>;
  link->out().append(opening.bytes());
  link->flush_soon();
  std::string_view input;
  for (;;) {
    auto taken = link->take();
    if (!taken) {
      auto waiting = link->wait();
      co_await std::move(waiting);
      continue;
    }
    if (!*taken) co_return Failed{SocketEnd{{Errc::closed, "the connection ended before the server's answer"}}};
    input = **taken;
    const auto agreed = opening.feed(input);
    if (!agreed) co_return Failed{refusal(agreed.error(), opening)};
    if (*agreed) break;
  }
  if (configuration_.protocol == SocketProtocol::protobuf && opening.protocol().empty())
    co_return Failed{SocketEnd{{Errc::unsupported, "the server does not speak anser.protobuf"}}};
  net::WebSocket::Options options;
  options.role = codec::WebSocketRole::client;
  options.limits.message_bytes = configuration_.received_bytes;
  options.deflate = opening.deflate();
  net::Handed handed = link->hand_over(input);
  handed.websocket = std::make_unique<net::WebSocket>(options);
  link.emplace(core_, std::move(handed));
  link_ = &*link;
  co_return std::nullopt;
}

Result<net::WebSocketOpening> SocketSession::opening(const std::string& host) const {
  net::WebSocketRequest request;
  request.host = net::authority(host, url_->port);
  if (url_->has_default_port()) request.host.resize(request.host.rfind(':'));
  request.target = url_->target;
  if (configuration_.protocol == SocketProtocol::protobuf) request.protocols = {"anser.protobuf"};
  if (configuration_.compression_enabled) request.deflate.emplace();
  request.fields = configuration_.headers;

  const SocketCredentials& who = machine_.credentials();
  if (has_field("authorization") && (!who.user.empty() || !who.token.empty()))
    return fail(Errc::invalid_argument, "there are credentials and a field Authorization: one would hide the other");
  if (who.place == SocketCredentials::Place::header && !who.token.empty()) {
    request.fields.emplace_back("Authorization", "Bearer " + who.token);
  } else if (who.place == SocketCredentials::Place::header && !who.user.empty()) {
    if (who.user.find(':') != who.user.npos)
      return fail(Errc::invalid_argument, "HTTP takes no ':' in a name: say it in the first frame");
    request.fields.emplace_back("Authorization", "Basic " + base64_encode(who.user + ':' + who.password));
  } else if (who.place == SocketCredentials::Place::query) {
    if (!who.token.empty()) {
      add_parameter(request.target, "token", who.token);
    } else if (!who.user.empty()) {
      add_parameter(request.target, "user", who.user);
      add_parameter(request.target, "password", who.password);
    }
  }
  // In the first frame Auth says it; without the newer types the first AckMessage does.
  const bool says_it = who.place == SocketCredentials::Place::first_frame;
  if (configuration_.protocol == SocketProtocol::protobuf && !says_it)
    add_parameter(request.target, "acknowledges", "1");
  auto made = net::WebSocketOpening::make(std::move(request));
  if (!made) return pass_as(Errc::invalid_argument, made.error());
  return std::move(*made);
}

// The application's own, by its name in lower case.
bool SocketSession::has_field(std::string_view name) const {
  return std::ranges::any_of(configuration_.headers,
                             [name](const auto& field) { return net::lower(field.first) == name; });
}

bool SocketSession::may_say_credentials(const net::Connection& link) const {
  const SocketCredentials& who = machine_.credentials();
  const bool secret = !who.password.empty() || !who.token.empty() || has_field("authorization") || has_field("cookie");
  if (!secret || configuration_.plain_in_the_clear) return true;
  return link.is_loopback() && !configuration_.proxy;  // a proxy is not where it goes
}

SocketEnd SocketSession::why_it_ended(const anser::Error& below, const net::Connection& link) const {
  SocketEnd end;
  if (link.peer_close_code() != 0) {
    end.code = link.peer_close_code();
    end.reason = below.message;
    end.error = {Errc::stream, fmt::format("the server closed the connection ({}){}{}", end.code,
                                           below.message.empty() ? "" : ": ", below.message)};
  } else if (below.code == anser::Errc::policy_violation || below.code == anser::Errc::bad_request) {
    end.code = below.code == anser::Errc::policy_violation ? 1009 : 1002;
    end.reason = below.message;
    end.error = {Errc::protocol, "the server's frames: " + below.message};
  } else {
    end.error = {Errc::closed, below.message};
  }
  return end;
}

}  // namespace anser::sdk
