#include "net/tls_channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "net/tls_client_context.h"
#include "net/tls_contexts.h"
#include "net/tls_session.h"

namespace anser::net {

// A BIO of our own: OpenSSL's would raise SIGPIPE, and ask the socket again after a short read.
struct TlsWire {
  static int write(BIO* bio, const char* data, int size) {
    const auto* channel = static_cast<TlsChannel*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const ssize_t sent = ::send(channel->socket_, data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
  }

  static int read(BIO* bio, char* into, int size) {
    auto* channel = static_cast<TlsChannel*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (channel->drained_) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const ssize_t got = ::recv(channel->socket_, into, static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (got > 0 && got < size) channel->drained_ = true;
    if (got < 0 && errno == EAGAIN) channel->drained_ = true;
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    return static_cast<int>(got);
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "anser socket");
      ANSER_ASSERT(method != nullptr);
      BIO_meth_set_write(method, &TlsWire::write);
      BIO_meth_set_read(method, &TlsWire::read);
      BIO_meth_set_ctrl(method, &TlsWire::control);
      return method;
    }();
    return made;
  }
};

Result<std::unique_ptr<TlsChannel>> TlsChannel::accept(std::shared_ptr<const TlsServer> server, int socket,
                                                       std::string_view host) {
  ERR_clear_error();
  SSL_CTX* chosen = server->contexts_->find(host);
  SslPtr ssl{SSL_new(chosen ? chosen : server->contexts_->first())};
  if (!ssl) return fail(Errc::io, "no TLS for a new connection: {}", openssl_reason());
  std::unique_ptr<TlsChannel> channel{new TlsChannel{std::move(server), nullptr, std::move(ssl), socket}};
  const auto attached = channel->attach_wire();
  if (!attached) return pass(attached);
  SSL_set_accept_state(channel->ssl_.get());
  return channel;
}

Result<std::unique_ptr<TlsChannel>> TlsChannel::connect(std::shared_ptr<const TlsClient> client, int socket,
                                                        std::string_view service, const TlsSession* session) {
  ERR_clear_error();
  auto name = ServiceName::make(service, client->context_->srv_service);
  if (!name) return pass(name);
  SslPtr ssl{SSL_new(client->context_->ctx.get())};
  if (!ssl) return fail(Errc::io, "no TLS for a new connection: {}", openssl_reason());
  if (!name->is_address() && SSL_set_tlsext_host_name(ssl.get(), name->canonical().c_str()) != 1) {
    return fail(Errc::io, "no TLS for a new connection: {}", openssl_reason());
  }
  auto side = std::make_unique<TlsClientSide>(TlsClientSide{std::move(client), std::move(*name)});
  if (session && session->serves(side->client, side->name.canonical())) {
    const SslSessionPtr copy = session->copy();
    if (copy && SSL_set_session(ssl.get(), copy.get()) == 1) side->offered = session->verdict();
  }
  set_side(ssl.get(), side.get());

  std::unique_ptr<TlsChannel> channel{new TlsChannel{nullptr, std::move(side), std::move(ssl), socket}};
  const auto attached = channel->attach_wire();
  if (!attached) return pass(attached);
  SSL_set_connect_state(channel->ssl_.get());
  return channel;
}

TlsChannel::TlsChannel(std::shared_ptr<const TlsServer> server, std::unique_ptr<TlsClientSide> client, SslPtr ssl,
                       int socket)
    : server_(std::move(server)),
      client_(std::move(client)),
      socket_(socket),
      ssl_(std::move(ssl)),
      facts_(ssl_.get()) {}

TlsChannel::~TlsChannel() = default;

Result<void> TlsChannel::attach_wire() {
  BIO* bio = BIO_new(TlsWire::method());
  if (!bio) return fail(Errc::io, "no TLS for a new connection: {}", openssl_reason());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  return {};
}

TlsChannel::State TlsChannel::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return why(result);
  if (client_) {
    if (SSL_session_reused(ssl_.get()) == 1) client_->verdict = std::move(client_->offered);
    client_->offered = {};
    ANSER_ASSERT(client_->verdict.verified || !client_->verdict.enforced);
  }
  established_ = true;
  return State::going;
}

TlsChannel::Step TlsChannel::read(std::span<char> into) {
  Step step;
  if (!established_) {
    step.state = State::failed;
    return step;
  }
  while (step.size < into.size()) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data() + step.size, into.size() - step.size, &got);
    if (result != 1) {
      step.state = why(result);
      break;
    }
    step.size += got;
  }
  return step;
}

TlsChannel::Step TlsChannel::write(std::string_view from) {
  Step step;
  if (reason_ || !established_) {
    step.state = State::failed;
    return step;
  }
  ERR_clear_error();
  const int result = SSL_write_ex(ssl_.get(), from.data(), std::min(from.size(), kRecord), &step.size);
  if (result != 1) step.state = why(result);
  return step;
}

void TlsChannel::say_goodbye() {
  if (reason_ || !established_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

TlsChannel::State TlsChannel::why(int result) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return State::want_read;
    case SSL_ERROR_WANT_WRITE:
      return State::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return State::closed;
    case SSL_ERROR_SYSCALL:
      fail_for(saved_errno == 0 ? "the peer went away" : std::strerror(saved_errno));
      ERR_clear_error();
      // Before the handshake's end nothing can have been cut off: whoever only looked at the port has left.
      return saved_errno == 0 && !established_ ? State::closed : State::failed;
    default:
      fail_for(client_ ? client_reason() : openssl_reason());
      if (client_ && client_->refused) fail_for(client_->verdict.objection);
      return State::failed;
  }
}

Errc TlsChannel::code() const { return client_ && client_->refused ? Errc::not_authorized : Errc::io; }

std::shared_ptr<const TlsSession> TlsChannel::session() const {
  SSL_SESSION* running = client_ && established_ ? SSL_get0_session(ssl_.get()) : nullptr;
  if (!running || SSL_SESSION_is_resumable(running) != 1) return nullptr;
  SslSessionPtr copy{SSL_SESSION_dup(running)};
  if (!copy) return nullptr;
  return std::make_shared<const TlsSession>(std::move(copy), client_->client, client_->name.canonical(),
                                            client_->verdict);
}

}  // namespace anser::net
