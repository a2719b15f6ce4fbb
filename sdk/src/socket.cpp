#include "anser/socket.h"

#include <utility>

#include "base/utf8.h"
#include "sdk/src/promised.h"
#include "sdk/src/socket_session.h"

namespace anser::sdk {
namespace {

// One function takes the other's place; the former may be running.
template <class Handler, class Function>
void replace(SocketSession& session, Handler SocketHandlers::*which, Function function) {
  Handler made;
  if (function) made = std::make_shared<const Function>(std::move(function));
  session.run(
      [which, made = std::move(made)](SocketMachine& machine) mutable { (machine.handlers.*which).swap(made); });
}

// An answer that carries nothing, or a value.
std::function<void(Result<SocketReply>)> plain(std::function<void(Result<void>)> done) {
  return [done = std::move(done)](const Result<SocketReply>& reply) {
    if (done) done(reply ? Result<void>{} : tl::make_unexpected(reply.error()));
  };
}

std::function<void(Result<SocketReply>)> with_page(std::function<void(Result<SocketHistoryPage>)> done) {
  return [done = std::move(done)](Result<SocketReply> reply) {
    if (!done) return;
    if (!reply) return done(pass(reply));
    auto* const page = std::get_if<SocketHistoryPage>(&*reply);
    if (!page) return done(fail(Errc::protocol, "the server answered something else"));
    done(std::move(*page));
  };
}

// Asks if what is asked may be said, else answers in the same way: later, on the loop's thread.
template <class Frame>
void ask(SocketSession& session, Result<void> fine, Frame frame, std::function<void(Result<SocketReply>)> done) {
  session.run([fine = std::move(fine), frame = std::move(frame), done = std::move(done)](SocketMachine& machine) {
    machine.request(fine, frame, done);
  });
}

template <class Value, class Work>
Result<void> send_now(SocketSession& session, const Value& value, Work work) {
  if (session.configuration().protocol != SocketProtocol::protobuf)
    return fail(Errc::unsupported, "only the protocol protobuf has this");
  if (auto fine = frames::check(value); !fine) return fine;
  std::string frame = frames::encode(value);
  if (auto fine = frames::check_other(frame); !fine) return fine;
  const std::size_t bytes = frame.size();
  return session.send_now(
      bytes, [frame = std::move(frame), work = std::move(work)](SocketMachine& machine) { work(machine, frame); });
}

void write_frame(SocketMachine& machine, const std::string& frame) { machine.write_now(frame, false); }

Result<void> send_frame(SocketSession& session, std::string data, bool text) {
  if (session.configuration().protocol != SocketProtocol::raw)
    return fail(Errc::unsupported, "only the protocol raw sends frames as they are");
  if (data.size() > session.configuration().sent_bytes)
    return fail(Errc::invalid_argument, "the frame has {} bytes, and may have {}", data.size(),
                session.configuration().sent_bytes);
  if (text && !is_utf8(data)) return fail(Errc::invalid_argument, "the text is not UTF-8");
  const std::size_t bytes = data.size();
  return session.send_now(bytes,
                          [data = std::move(data), text](SocketMachine& machine) { machine.write_now(data, text); });
}

}  // namespace

Socket::Socket(SocketConfiguration configuration, Loop loop)
    : session_(std::make_shared<SocketSession>(std::move(configuration), LoopAccess::state(loop))) {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    if (session_) session_->abandon();
    session_ = std::move(other.session_);
  }
  return *this;
}
Socket::~Socket() {
  if (session_) session_->abandon();
}

void Socket::on_open(std::function<void()> handler) { replace(*session_, &SocketHandlers::open, std::move(handler)); }
void Socket::on_message(std::function<void(const SocketMessage&)> handler) {
  replace(*session_, &SocketHandlers::message, std::move(handler));
}
void Socket::on_error(std::function<void(const Error&)> handler) {
  replace(*session_, &SocketHandlers::error, std::move(handler));
}
void Socket::on_close(std::function<void(const SocketClose&)> handler) {
  replace(*session_, &SocketHandlers::close, std::move(handler));
}
void Socket::on_retry(std::function<void(int, std::chrono::milliseconds)> handler) {
  replace(*session_, &SocketHandlers::retry, std::move(handler));
}
void Socket::on_presence(std::function<void(const SocketPresence&)> handler) {
  replace(*session_, &SocketHandlers::presence, std::move(handler));
}
void Socket::on_typing(std::function<void(const SocketTyping&)> handler) {
  replace(*session_, &SocketHandlers::typing, std::move(handler));
}
void Socket::on_receipt(std::function<void(const SocketReceipt&)> handler) {
  replace(*session_, &SocketHandlers::receipt, std::move(handler));
}
void Socket::on_contacts(std::function<void(const std::vector<SocketContact>&, bool)> handler) {
  replace(*session_, &SocketHandlers::contacts, std::move(handler));
}
void Socket::on_frame(std::function<void(std::string_view, bool)> handler) {
  replace(*session_, &SocketHandlers::frame, std::move(handler));
}
void Socket::on_exception(std::function<void(std::exception_ptr)> handler) {
  session_->set_exception_handler(std::move(handler));
}

void Socket::open(std::function<void(Result<void>)> done) { session_->open(std::move(done)); }
void Socket::close(std::uint16_t code, std::string reason) {
  session_->run(
      [code, reason = std::move(reason)](SocketMachine& machine) mutable { machine.close(code, std::move(reason)); });
}
void Socket::network_changed() {
  session_->run([](SocketMachine& machine) { machine.network_changed(); });
}
void Socket::set_credentials(SocketCredentials credentials) {
  session_->run([credentials = std::move(credentials)](SocketMachine& machine) mutable {
    machine.set_credentials(std::move(credentials));
  });
}

const SocketConfiguration& Socket::configuration() const { return session_->configuration(); }
SocketStatus Socket::status() const { return session_->facts().status; }
std::uint16_t Socket::close_code() const { return session_->facts().close_code; }
std::string Socket::close_reason() const { return session_->facts().close_reason; }
std::optional<Error> Socket::last_error() const { return session_->facts().last_error; }
std::string Socket::address() const { return session_->facts().address; }
std::size_t Socket::waiting() const { return session_->waiting(); }

Result<std::string> Socket::send(SocketMessage message, DeliveryListener listener) {
  return session_->send(std::move(message), std::move(listener));
}
void Socket::acknowledge(std::string event_id) {
  session_->run([id = std::move(event_id)](SocketMachine& machine) { machine.acknowledge(id); });
}

Result<void> Socket::send_presence(SocketPresence presence) {
  return send_now(*session_, presence,
                  [presence](SocketMachine& machine, const std::string&) { machine.send(presence); });
}
Result<void> Socket::send_typing(SocketTyping typing) { return send_now(*session_, typing, &write_frame); }
Result<void> Socket::send_receipt(SocketReceipt receipt) { return send_now(*session_, receipt, &write_frame); }
Result<void> Socket::send_text(std::string text) { return send_frame(*session_, std::move(text), true); }
Result<void> Socket::send_binary(std::string data) { return send_frame(*session_, std::move(data), false); }

void Socket::history(SocketHistoryQuery query, std::function<void(Result<SocketHistoryPage>)> done) {
  auto fine = frames::check(query);
  auto frame = [query = std::move(query)](std::string id) { return frames::history_request(std::move(id), query); };
  ask(*session_, std::move(fine), std::move(frame), with_page(std::move(done)));
}
std::future<Result<SocketHistoryPage>> Socket::history(SocketHistoryQuery query) {
  return promised<SocketHistoryPage>([&](auto done) { history(std::move(query), std::move(done)); });
}
void Socket::contacts(std::function<void(Result<std::vector<SocketContact>>)> done) {
  session_->run([done = std::move(done)](SocketMachine& machine) mutable { machine.ask_contacts(std::move(done)); });
}
std::future<Result<std::vector<SocketContact>>> Socket::contacts() {
  return promised<std::vector<SocketContact>>([&](auto done) { contacts(std::move(done)); });
}
void Socket::set_contact(SocketContact contact, std::function<void(Result<void>)> done) {
  auto fine = frames::check(contact);
  auto frame = [contact = std::move(contact)](std::string id) { return frames::set_contact(std::move(id), contact); };
  ask(*session_, std::move(fine), std::move(frame), plain(std::move(done)));
}
void Socket::remove_contact(std::string address, std::function<void(Result<void>)> done) {
  SocketContact contact;
  contact.address = std::move(address);
  contact.subscription = "remove";
  set_contact(std::move(contact), std::move(done));
}
void Socket::subscribe(std::string group, std::function<void(Result<void>)> done) {
  session_->run([group = std::move(group), done = std::move(done)](SocketMachine& machine) mutable {
    machine.subscribe(group, std::move(done));
  });
}
void Socket::unsubscribe(std::string group, std::function<void(Result<void>)> done) {
  session_->run([group = std::move(group), done = std::move(done)](SocketMachine& machine) mutable {
    machine.unsubscribe(group, std::move(done));
  });
}

}  // namespace anser::sdk
