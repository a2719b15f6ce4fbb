// A host for SocketMachine without sockets and clocks, and the conversation of a server that lets everybody in: what
// the tests of the machine share (socket_machine*_test.cpp).
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "anser.pb.h"
#include "sdk/src/socket_machine.h"

namespace anser::sdk {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

template <class Proto>
std::string frame(std::uint16_t type, const Proto& message) {
  std::string made{static_cast<char>(type & 0xff), static_cast<char>(type >> 8)};
  message.AppendToString(&made);
  return made;
}

// Sockets, timers and time as a test wants them. It counts, and fails when there is more than one of a kind.
class FakeHost final : public SocketHost {
 public:
  struct Written {
    std::string payload;
    bool text;
  };

  void start(std::uint64_t attempt) override {
    EXPECT_FALSE(running) << "a second socket beside the first";
    running = attempt;
    ++attempts;
    gave_up = false;
    said.reset();
  }
  void give_up(std::uint16_t code, std::string_view reason) override {
    gave_up = true;
    said = {code, std::string{reason}};
  }
  void say_goodbye(std::uint16_t code, std::string_view reason) override { said = {code, std::string{reason}}; }
  void write(std::string_view payload, bool text) override { written.push_back({std::string{payload}, text}); }
  bool congested() const override { return full; }
  bool has_room(std::size_t) const override { return !full; }
  std::uint64_t bytes_in() const override { return bytes; }
  void arm(SocketTimer timer, milliseconds after) override { timers[timer] = clock + after; }
  void disarm(SocketTimer timer) override { timers.erase(timer); }
  Clock::time_point now() const override { return clock; }
  void call(const std::function<void()>& application) override {
    EXPECT_FALSE(std::exchange(calling, true)) << "a function of the application within another";
    try {
      application();
    } catch (const std::exception& thrown) {
      exceptions.emplace_back(thrown.what());
    }
    calling = false;
  }
  bool is_alive() const override { return alive; }
  void facts_changed() override {}
  void waiting_changed(std::size_t messages, std::size_t) override { waiting = messages; }

  bool armed(SocketTimer timer) const { return timers.contains(timer); }
  milliseconds left(SocketTimer timer) const {
    return std::chrono::duration_cast<milliseconds>(timers.at(timer) - clock);
  }

  Clock::time_point clock{1h};
  std::map<SocketTimer, Clock::time_point> timers;
  std::optional<std::uint64_t> running;
  int attempts = 0;
  bool gave_up = false, full = false, alive = true, calling = false;
  std::optional<std::pair<std::uint16_t, std::string>> said;  // a close frame's
  std::vector<Written> written;
  std::vector<std::string> exceptions;
  std::uint64_t bytes = 0;
  std::size_t waiting = 0;
};

class SocketMachineTest : public testing::Test {
 protected:
  SocketMachineTest() {
    configuration.reconnection.base = 1s;
    configuration.reconnection.cap = 16s;
  }

  SocketMachine& machine() {
    if (!made) {
      made.emplace(configuration, host, [this](std::uint64_t most) { return drawn ? drawn(most) : most; });
      hear(made->handlers);
    }
    return *made;
  }
  void hear(SocketHandlers& handlers) {
    handlers.open = handler<>([this] { heard.emplace_back("open"); });
    handlers.message =
        handler<const SocketMessage&>([this](const auto& message) { heard.push_back("message " + message.body); });
    handlers.error = handler<const Error&>(
        [this](const Error& error) { heard.push_back(std::string{"error "} + name_of(error.code)); });
    handlers.close = handler<const SocketClose&>([this](const SocketClose& close) {
      heard.push_back("close " + std::to_string(close.code) + (close.final ? " final" : ""));
    });
    handlers.retry = handler<int, milliseconds>([this](int attempt, milliseconds after) {
      heard.push_back("retry " + std::to_string(attempt) + " " + std::to_string(after.count()));
    });
    handlers.contacts = handler<const std::vector<SocketContact>&, bool>([this](const auto& contacts, bool all) {
      heard.push_back((all ? "contacts " : "changes ") + std::to_string(contacts.size()));
    });
    handlers.frame = handler<std::string_view, bool>([this](std::string_view data, bool text) {
      heard.push_back((text ? "text " : "binary ") + std::string{data});
    });
  }
  template <class... Arguments>
  static SocketHandlers::Handler<Arguments...> handler(
      std::type_identity_t<std::function<void(Arguments...)>> function) {
    return std::make_shared<const std::function<void(Arguments...)>>(std::move(function));
  }

  // The handshake of the attempt that runs, and the server's yes.
  void shakes_hands() { machine().opened(*host.running); }
  void lets_in() {
    shakes_hands();
    receives(auth_result(true));
  }
  void receives(std::string payload, bool text = false) {
    host.bytes += payload.size();
    machine().received(*host.running, payload, text);
  }
  // What the host does once the socket is gone.
  void ends(SocketEnd end = {{Errc::closed, "reset"}}) {
    ASSERT_TRUE(host.running);
    machine().ended(*std::exchange(host.running, std::nullopt), std::move(end));
  }
  void server_closes(std::uint16_t code, std::string reason = {}) {
    ends({{Errc::stream, "the server closed the connection"}, code, std::move(reason)});
  }
  void rings(SocketTimer timer) {
    const auto armed = host.timers.extract(timer);
    ASSERT_FALSE(armed.empty()) << static_cast<int>(timer);
    host.clock = std::max(host.clock, armed.mapped());
    machine().rang(timer);
  }
  void open_it() {
    machine().open({});
    lets_in();
    heard.clear();
    host.written.clear();
  }
  void send(std::string id, std::string body = "hello") {
    SocketMessage message{"juliet", std::move(body)};
    message.event_id = id;
    machine().send({id, frames::encode(message), [this](const Delivery& delivery) {
                      constexpr const char* kNames[] = {"stored", "delivered", "unconfirmed", "failed"};
                      heard.push_back(kNames[static_cast<int>(delivery.outcome)] + (" " + delivery.id));
                    }});
  }
  std::vector<std::string> written_ids() const {
    std::vector<std::string> ids;
    for (const auto& [payload, text] : host.written) {
      proto::Message message;
      if (!text && payload[0] == 11 && message.ParseFromString(payload.substr(2))) ids.push_back(message.eventid());
    }
    return ids;
  }
  std::vector<int> written_types() const {
    std::vector<int> types;
    for (const auto& [payload, text] : host.written) types.push_back(text ? 0 : payload[0]);
    return types;
  }
  std::string last_request() const {
    proto::Subscribe any;  // `request` is the first field of all of them
    any.ParseFromString(host.written.back().payload.substr(2));
    return any.request();
  }

  static std::string auth_result(bool ok, std::string error = {}) {
    proto::AuthResult result;
    result.set_ok(ok);
    if (ok) result.set_address("romeo@localhost/app");
    result.set_error(std::move(error));
    return frame(13, result);
  }
  static std::string ack(std::string id) {
    proto::AckMessage message;
    message.set_eventid(std::move(id));
    return frame(10, message);
  }
  static std::string message(std::string id, std::string body, std::string from = "juliet@localhost") {
    proto::Message message;
    message.set_eventid(std::move(id));
    message.set_from(std::move(from));
    message.set_body(std::move(body));
    return frame(11, message);
  }
  static std::string refusal(std::string event, std::string request, std::string code = "not-allowed") {
    proto::Error error;
    error.set_code(std::move(code));
    error.set_eventid(std::move(event));
    error.set_request(std::move(request));
    return frame(14, error);
  }
  static std::string done(std::string request) {
    proto::Done message;
    message.set_request(std::move(request));
    return frame(24, message);
  }

  SocketConfiguration configuration{"ws://localhost/ws"};
  FakeHost host;
  std::function<std::uint64_t(std::uint64_t)> drawn;
  std::optional<SocketMachine> made;
  std::vector<std::string> heard;
};

}  // namespace anser::sdk
