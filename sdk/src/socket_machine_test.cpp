#include "sdk/src/socket_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "anser.pb.h"

namespace anser::sdk {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

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

// ---- the seed's faults, one by one
// -----------------------------------------------------------------------------------

TEST_F(SocketMachineTest, ReportsOpenOnlyAfterTheHandshakeAndTheLogin) {
  machine().open({});
  EXPECT_EQ(machine().facts().status, SocketStatus::connecting);
  shakes_hands();
  EXPECT_EQ(machine().facts().status, SocketStatus::connecting);
  EXPECT_THAT(heard, IsEmpty());

  receives(auth_result(true));

  EXPECT_EQ(machine().facts().status, SocketStatus::connected);
  EXPECT_EQ(machine().facts().address, "romeo@localhost/app");
  EXPECT_THAT(heard, ElementsAre("open"));
}

TEST_F(SocketMachineTest, OneFailureIsOneAttemptHoweverLongItTakes) {
  open_it();
  ends();
  rings(SocketTimer::retry);
  EXPECT_EQ(host.attempts, 2);

  // The attempt hangs; the seed's periodic timer would ring again and open a third socket.
  EXPECT_FALSE(host.armed(SocketTimer::retry));
}

TEST_F(SocketMachineTest, AttemptsDoNotMultiply) {
  machine().open({});
  for (int round = 1; round <= 20; ++round) {
    ends({{Errc::unreachable, "nobody"}});
    EXPECT_EQ(host.attempts, round);
    rings(SocketTimer::retry);
  }
  EXPECT_EQ(host.attempts, 21);
  EXPECT_THAT(heard, SizeIs(40));  // an error and an announcement each
}

TEST_F(SocketMachineTest, TheCounterGoesOnUntilAConnectionHasHeld) {
  configuration.reconnection.settled = 10s;
  open_it();
  ends();
  rings(SocketTimer::retry);
  lets_in();
  host.clock += 9s;
  heard.clear();
  ends();
  EXPECT_THAT(heard, ElementsAre("error closed", "close 1006", "retry 2 2000"));  // opening alone resets nothing

  rings(SocketTimer::retry);
  lets_in();
  host.clock += 10s;
  heard.clear();
  ends();
  EXPECT_THAT(heard, ElementsAre("error closed", "close 1006", "retry 1 1000"));
}

TEST_F(SocketMachineTest, GivesUpAfterTheConfiguredNumberOfAttempts) {
  configuration.reconnection.attempts = 3;
  machine().open({});
  for (int i = 0; i < 3; ++i) {
    ends({{Errc::unreachable, "nobody"}});
    rings(SocketTimer::retry);
  }
  heard.clear();
  ends({{Errc::unreachable, "nobody"}});

  EXPECT_THAT(heard, ElementsAre("error unreachable", "close 1006 final"));
  EXPECT_EQ(machine().facts().status, SocketStatus::failed);
  EXPECT_THAT(host.timers, IsEmpty());
}

TEST_F(SocketMachineTest, SixtyAttemptsAreTheDefault) { EXPECT_EQ(SocketConfiguration{}.reconnection.attempts, 60); }

TEST_F(SocketMachineTest, HandlersAreReplacedNotStackedAndSurviveReconnections) {
  int first = 0, second = 0;
  machine().handlers.message = handler<const SocketMessage&>([&](const auto&) { ++first; });
  machine().handlers.message = handler<const SocketMessage&>([&](const auto&) { ++second; });
  for (int i = 0; i < 5; ++i) {
    i == 0 ? machine().open({}) : rings(SocketTimer::retry);
    lets_in();
    ends();
  }
  rings(SocketTimer::retry);
  lets_in();

  receives(message("1", "hello"));

  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

TEST_F(SocketMachineTest, ClosingFromTheErrorHandlerEndsIt) {
  machine().handlers.error = handler<const Error&>([this](const Error&) { machine().close(1000, {}); });
  open_it();

  ends();

  EXPECT_THAT(host.timers, IsEmpty());
  EXPECT_EQ(host.attempts, 1);
  EXPECT_EQ(machine().facts().status, SocketStatus::closed);
  EXPECT_THAT(heard, testing::Contains("close 1000 final"));
}

TEST_F(SocketMachineTest, OpeningFromTheErrorHandlerAddsNothing) {
  machine().handlers.error = handler<const Error&>([this](const Error&) { machine().open({}); });
  open_it();

  ends();

  EXPECT_EQ(host.attempts, 1);  // the planned one comes, no other
  rings(SocketTimer::retry);
  EXPECT_EQ(host.attempts, 2);
}

TEST_F(SocketMachineTest, NoTimerSurvivesTheClose) {
  open_it();
  machine().request({}, &frames::roster_request, [](const auto&) {});
  rings(SocketTimer::heartbeat);
  EXPECT_THAT(host.timers, SizeIs(3));  // the next heartbeat, the answer to this one, the request's

  machine().close(1000, "bye");

  ASSERT_THAT(host.timers, SizeIs(1));
  EXPECT_TRUE(host.armed(SocketTimer::goodbye));
  server_closes(1000);
  EXPECT_THAT(host.timers, IsEmpty());
  EXPECT_EQ(host.attempts, 1);
}

TEST_F(SocketMachineTest, NothingIsDroppedInSilenceWhenItIsClosed) {
  send("1");
  open_it();
  machine().close(1000, {});
  send("2");

  EXPECT_THAT(heard, testing::Contains("failed 2"));
}

// ---- open and close in any order
// -------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, OpeningTwiceIsOpeningOnce) {
  std::vector<std::string> told;
  machine().open([&](const Result<void>& result) { told.push_back(result ? "first" : "no"); });
  machine().open([&](const Result<void>& result) { told.push_back(result ? "second" : "no"); });
  EXPECT_EQ(host.attempts, 1);

  lets_in();
  machine().open([&](const Result<void>& result) { told.push_back(result ? "third" : "no"); });

  EXPECT_EQ(host.attempts, 1);
  EXPECT_THAT(told, ElementsAre("first", "second", "third"));
}

TEST_F(SocketMachineTest, CloseWhileConnectingStopsTheAttempt) {
  std::string told;
  machine().open([&](const Result<void>& result) { told = result ? "open" : name_of(result.error().code); });

  machine().close(1000, {});

  EXPECT_TRUE(host.gave_up);
  EXPECT_EQ(told, "closed");
  EXPECT_THAT(heard, ElementsAre("close 1000 final"));
  shakes_hands();  // too late
  ends();
  EXPECT_THAT(heard, SizeIs(1));
  EXPECT_EQ(machine().facts().status, SocketStatus::closed);
  EXPECT_THAT(host.timers, IsEmpty());
}

TEST_F(SocketMachineTest, CloseWhileWaitingCancelsTheNextAttempt) {
  machine().open({});
  ends();

  machine().close(1000, {});

  EXPECT_THAT(host.timers, IsEmpty());
  EXPECT_EQ(machine().facts().status, SocketStatus::closed);
}

TEST_F(SocketMachineTest, ASocketThatIsOpenedAgainWaitsUntilTheOldOneIsGone) {
  open_it();
  machine().close(4000, "later");
  EXPECT_EQ(host.said->first, 4000);

  machine().open({});
  machine().open({});
  EXPECT_EQ(host.attempts, 1);
  EXPECT_EQ(machine().facts().status, SocketStatus::connecting);

  rings(SocketTimer::goodbye);
  EXPECT_TRUE(host.gave_up);
  ends();
  EXPECT_EQ(host.attempts, 2);
  lets_in();
  EXPECT_EQ(machine().facts().status, SocketStatus::connected);
}

TEST_F(SocketMachineTest, CloseAfterReopeningIsFinalToo) {
  open_it();
  machine().close(1000, {});
  std::string told;
  machine().open([&](const Result<void>& result) { told = result ? "open" : name_of(result.error().code); });
  machine().close(1000, {});

  EXPECT_EQ(told, "closed");
  server_closes(1000);
  EXPECT_EQ(host.attempts, 1);
  EXPECT_EQ(machine().facts().status, SocketStatus::closed);
  EXPECT_THAT(host.timers, IsEmpty());
}

TEST_F(SocketMachineTest, CodeAndReasonOfTheEndCanBeRead) {
  open_it();
  machine().close(4001, "enough");
  EXPECT_EQ(machine().facts().close_code, 4001);
  EXPECT_EQ(machine().facts().close_reason, "enough");

  server_closes(4001);
  open_it();
  server_closes(4409, "replaced");
  EXPECT_EQ(machine().facts().close_code, 4409);
  EXPECT_EQ(machine().facts().close_reason, "replaced");
}

TEST_F(SocketMachineTest, ACodeThatNobodyMaySayIsNotSaid) {
  open_it();
  machine().close(1006, {});
  EXPECT_EQ(host.said->first, 1000);
}

TEST_F(SocketMachineTest, CallsFromWithinHandlersAreCarriedOutAfterwards) {
  machine().handlers.message = handler<const SocketMessage&>([this](const SocketMessage& message) {
    send("answer");
    machine().close(1000, {});
    machine().open({});
    heard.push_back("heard " + message.body);
  });
  open_it();

  receives(message("1", "one"));

  EXPECT_THAT(heard, ElementsAre("heard one", "unconfirmed answer", "close 1000 final"));
  EXPECT_THAT(written_types(), ElementsAre(11));  // the message was not acknowledged: the connection was closed
  server_closes(1000);
  EXPECT_EQ(host.attempts, 2);
}

TEST_F(SocketMachineTest, NothingIsToldOnceItIsDestroyed) {
  machine().handlers.message = handler<const SocketMessage&>([this](const auto&) { host.alive = false; });
  open_it();
  send("1");

  receives(message("1", "one"));
  machine().forget_all();
  ends();

  EXPECT_THAT(heard, IsEmpty());
  EXPECT_THAT(host.timers, IsEmpty());
}

TEST_F(SocketMachineTest, AHandlerThatThrowsHarmsNobody) {
  machine().handlers.message = handler<const SocketMessage&>([](const auto&) { throw std::runtime_error{"ouch"}; });
  open_it();

  receives(message("1", "one"));

  EXPECT_THAT(host.exceptions, ElementsAre("ouch"));
  EXPECT_EQ(machine().facts().status, SocketStatus::connected);
}

// Whatever is called in whatever order: one socket, and in the end none and no timer. FakeHost watches.
TEST_F(SocketMachineTest, AnyOrderOfEventsLeavesOneSocketAndOneTimerOfAKind) {
  std::uint64_t state = 1;
  const auto random = [&](std::uint64_t most) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % most;
  };
  int number = 0;
  for (int step = 0; step < 20'000; ++step) {
    heard.clear();
    host.written.clear();
    switch (random(10)) {
      case 0:
        machine().open({});
        break;
      case 1:
        machine().close(1000, {});
        break;
      case 2:
        if (host.running) shakes_hands();
        break;
      case 3:
        if (host.running) receives(auth_result(random(4) != 0));
        break;
      case 4:
        if (host.running) ends();
        break;
      case 5:
        if (host.running) server_closes(random(2) ? 1001 : 4409);
        break;
      case 6:
        if (!host.timers.empty()) rings(std::next(host.timers.begin(), random(host.timers.size()))->first);
        break;
      case 7:
        machine().network_changed();
        break;
      case 8:
        send(std::to_string(++number));
        break;
      default:
        if (host.running) receives(random(8) ? ack(std::to_string(number)) : "x");
    }
    const auto status = machine().facts().status;
    ASSERT_TRUE(status != SocketStatus::connected || host.running) << step;
    ASSERT_FALSE(host.armed(SocketTimer::retry) && host.running) << step;
    ASSERT_LE(host.waiting, configuration.queue_messages);
  }
  machine().close(1000, {});
  if (host.running) ends();
  EXPECT_FALSE(host.running);
  EXPECT_THAT(host.timers, IsEmpty());
  EXPECT_EQ(host.waiting, 0u);
}

// ---- when to come back
// -----------------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, WaitsARandomPartOfATimeThatDoublesUpToACap) {
  machine().open({});
  std::vector<std::uint64_t> limits;
  drawn = [&](std::uint64_t most) {
    limits.push_back(most);
    return most / 3;
  };
  for (int i = 0; i < 7; ++i) {
    ends({{Errc::unreachable, "nobody"}});
    EXPECT_EQ(host.left(SocketTimer::retry), milliseconds{limits.back() / 3});
    rings(SocketTimer::retry);
  }
  EXPECT_THAT(limits, ElementsAre(1000, 2000, 4000, 8000, 16000, 16000, 16000));
}

TEST_F(SocketMachineTest, TheCloseCodeSaysWhetherToComeBack) {
  for (const std::uint16_t code : {1000, 1002, 1003, 1007, 1008, 1009, 1010, 4401, 4409}) {
    open_it();
    server_closes(code);
    EXPECT_THAT(host.timers, IsEmpty()) << code;
    EXPECT_EQ(machine().facts().status, code == 1000 ? SocketStatus::closed : SocketStatus::failed) << code;
  }
  for (const std::uint16_t code : {1001, 1005, 1006, 1011, 1012, 1013, 4408, 4429}) {
    open_it();
    server_closes(code);
    EXPECT_TRUE(host.armed(SocketTimer::retry)) << code;
    machine().close(1000, {});
  }
}

TEST_F(SocketMachineTest, ToAServerThatStopsClientsComeBackSpreadOverTheWholeTime) {
  for (const std::uint16_t code : {1001, 1011, 1012, 1013, 4429}) {
    open_it();
    server_closes(code);
    EXPECT_EQ(host.left(SocketTimer::retry), 16s) << code;
    machine().close(1000, {});
  }
}

TEST_F(SocketMachineTest, TheHandshakesStatusSaysWhetherToComeBack) {
  for (const unsigned status : {200u, 301u, 400u, 401u, 403u, 404u, 426u}) {
    machine().open({});
    ends({{status == 401 ? Errc::authentication : Errc::unsupported, "no"}, 1006, {}, status});
    EXPECT_THAT(host.timers, IsEmpty()) << status;
  }
  for (const unsigned status : {408u, 429u, 500u, 502u, 503u}) {
    machine().open({});
    ends({{Errc::unreachable, "no"}, 1006, {}, status});
    EXPECT_TRUE(host.armed(SocketTimer::retry)) << status;
    machine().close(1000, {});
  }
}

TEST_F(SocketMachineTest, WaitsAsLongAsTheServerAsksForWithinReason) {
  machine().open({});
  ends({{Errc::unreachable, "no"}, 1006, {}, 503, 60s});
  EXPECT_EQ(host.left(SocketTimer::retry), 60s);

  rings(SocketTimer::retry);
  ends({{Errc::unreachable, "no"}, 1006, {}, 503, 24h});
  EXPECT_EQ(host.left(SocketTimer::retry), 10min);
}

TEST_F(SocketMachineTest, WhatOnlyTheApplicationCanChangeIsNotTriedAgain) {
  for (const Errc code : {Errc::invalid_argument, Errc::insecure, Errc::unsupported}) {
    machine().open({});
    ends({{code, "no"}});
    EXPECT_THAT(host.timers, IsEmpty()) << name_of(code);
  }
}

TEST_F(SocketMachineTest, WithoutReconnectionItEndsAtOnce) {
  configuration.reconnection.allowed = false;
  open_it();
  ends();
  EXPECT_THAT(heard, ElementsAre("error closed", "close 1006 final"));
}

TEST_F(SocketMachineTest, ALoginThatIsRefusedIsNotTriedAgain) {
  machine().open({});
  shakes_hands();
  receives(auth_result(false, "not-authorized"));
  server_closes(4401);

  EXPECT_THAT(heard, ElementsAre("error authentication", "close 4401 final"));
  EXPECT_EQ(machine().facts().last_error->condition, "not-authorized");
}

TEST_F(SocketMachineTest, WhatWaitsOutlivesATokenThatHasExpired) {
  configuration.credentials = {.token = "old"};
  open_it();
  send("1");
  server_closes(4401);
  EXPECT_THAT(heard, ElementsAre("error stream", "close 4401 final"));
  EXPECT_EQ(host.waiting, 1u);
  send("2");
  EXPECT_EQ(heard.back(), "failed 2");  // it takes no more meanwhile

  machine().set_credentials({.token = "older"});
  machine().open({});
  ends({{Errc::authentication, "no"}, 1006, {}, 401});
  EXPECT_EQ(host.waiting, 1u);

  machine().set_credentials({.token = "fresh"});
  machine().open({});
  host.written.clear();
  lets_in();
  EXPECT_THAT(written_ids(), ElementsAre("1"));
  receives(ack("1"));
  EXPECT_EQ(heard.back(), "stored 1");
}

TEST_F(SocketMachineTest, WhatWaitsForCredentialsIsToldOfTheClose) {
  open_it();
  send("1");
  host.full = true;
  send("2");
  server_closes(4401);
  heard.clear();

  machine().close(1000, {});

  EXPECT_THAT(heard, ElementsAre("unconfirmed 1", "failed 2"));
  EXPECT_EQ(host.waiting, 0u);
  EXPECT_EQ(machine().facts().status, SocketStatus::closed);
}

TEST_F(SocketMachineTest, WhatWaitsForCredentialsEndsWithAnotherEnd) {
  open_it();
  send("1");
  server_closes(4401);
  machine().open({});
  lets_in();
  heard.clear();

  server_closes(4409);

  EXPECT_THAT(heard, testing::Contains("unconfirmed 1"));
  EXPECT_EQ(host.waiting, 0u);
}

TEST_F(SocketMachineTest, ALoginThatIsRefusedCountsEvenIfTheCloseFrameIsLost) {
  machine().open({});
  shakes_hands();
  receives(auth_result(false, "not-authorized"));
  ends();

  EXPECT_EQ(machine().facts().close_code, 4401);
  EXPECT_THAT(host.timers, IsEmpty());
}

TEST_F(SocketMachineTest, TooManySessionsMeansLater) {
  machine().open({});
  shakes_hands();
  receives(auth_result(false, "resource-limit"));
  server_closes(4429);

  EXPECT_TRUE(host.armed(SocketTimer::retry));
}

TEST_F(SocketMachineTest, ANewNetworkIsTriedAtOnce) {
  machine().open({});
  ends();
  machine().network_changed();
  EXPECT_EQ(host.attempts, 2);
  EXPECT_FALSE(host.armed(SocketTimer::retry));

  lets_in();
  host.written.clear();
  machine().network_changed();
  EXPECT_THAT(written_types(), ElementsAre(0));  // a heartbeat asks whether it stands
  EXPECT_TRUE(host.armed(SocketTimer::answer));
}

// ---- time limits
// -----------------------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, AServerThatNeverAnswersTheHandshakeIsGivenUp) {
  machine().open({});
  rings(SocketTimer::limit);
  EXPECT_TRUE(host.gave_up);
  ends();
  EXPECT_THAT(heard, ElementsAre("error timeout", "retry 1 1000"));
}

TEST_F(SocketMachineTest, AServerThatNeverSaysWhetherWeAreSignedInIsGivenUp) {
  machine().open({});
  shakes_hands();
  rings(SocketTimer::limit);
  EXPECT_TRUE(host.gave_up);
}

TEST_F(SocketMachineTest, HeartbeatsGoOutAtTheirInterval) {
  configuration.heartbeat_interval = 3s;
  open_it();
  for (int i = 1; i <= 3; ++i) {
    rings(SocketTimer::heartbeat);
    EXPECT_EQ(host.left(SocketTimer::heartbeat), 3s);
    EXPECT_THAT(host.written, SizeIs(i));
    EXPECT_TRUE(host.written.back().text);
    EXPECT_THAT(host.written.back().payload, HasSubstr(R"("module":"HEART_CHECK")"));
  }
}

TEST_F(SocketMachineTest, SilenceAfterAHeartbeatMeansThatNobodyIsThere) {
  open_it();
  rings(SocketTimer::heartbeat);
  rings(SocketTimer::answer);
  EXPECT_TRUE(host.gave_up);
  ends();
  EXPECT_THAT(heard, ElementsAre("error timeout", "close 1006", "retry 1 1000"));
}

TEST_F(SocketMachineTest, WhateverComesAnswersAHeartbeat) {
  open_it();
  rings(SocketTimer::heartbeat);
  receives(R"({"module":"HEART_CHECK","message":"x"})", true);
  EXPECT_FALSE(host.armed(SocketTimer::answer));

  rings(SocketTimer::heartbeat);
  host.bytes += 10;  // of a message that takes long, or a pong
  rings(SocketTimer::answer);
  EXPECT_FALSE(host.gave_up);
}

TEST_F(SocketMachineTest, AnotherHeartbeatDoesNotPutTheAnswersLimitOff) {
  configuration.heartbeat_interval = 1s;
  configuration.heartbeat_answer = 5s;
  open_it();
  rings(SocketTimer::heartbeat);
  rings(SocketTimer::heartbeat);
  EXPECT_EQ(host.left(SocketTimer::answer), 4s);
}

TEST_F(SocketMachineTest, WithoutAnIntervalThereAreNoHeartbeats) {
  configuration.heartbeat_interval = 0ms;
  open_it();
  EXPECT_THAT(host.timers, IsEmpty());
}

// ---- messages that go
// ------------------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, AMessageIsStoredWhenItsAcknowledgementComes) {
  open_it();
  send("1");
  EXPECT_THAT(heard, IsEmpty());

  receives(ack("1"));

  EXPECT_THAT(heard, ElementsAre("stored 1"));
  EXPECT_EQ(host.waiting, 0u);
}

TEST_F(SocketMachineTest, WhatWasNotAcknowledgedIsRepeatedUnchangedAndInOrder) {
  open_it();
  for (const char* id : {"1", "2", "3"}) send(id);
  const auto before = host.written;
  receives(ack("1"));
  ends();
  send("4");
  host.written.clear();
  rings(SocketTimer::retry);
  EXPECT_THAT(host.written, IsEmpty());
  lets_in();

  EXPECT_THAT(written_ids(), ElementsAre("2", "3", "4"));
  EXPECT_EQ(host.written[0].payload, before[1].payload);
  EXPECT_EQ(host.written[1].payload, before[2].payload);
  heard.clear();
  for (const char* id : {"2", "3", "4"}) receives(ack(id));
  EXPECT_THAT(heard, ElementsAre("stored 2", "stored 3", "stored 4"));
}

TEST_F(SocketMachineTest, ManyLossesDoubleNothing) {
  open_it();
  send("1");
  for (int i = 0; i < 10; ++i) {
    ends();
    rings(SocketTimer::retry);
    host.written.clear();
    lets_in();
    EXPECT_THAT(written_ids(), ElementsAre("1"));
  }
  heard.clear();
  receives(ack("1"));
  receives(ack("1"));
  EXPECT_THAT(heard, ElementsAre("stored 1"));
}

// The server recognises the last 128 repeated messages of an account; beyond that they would be delivered twice.
TEST_F(SocketMachineTest, NeverIsMoreUnacknowledgedThanTheServerRecognises) {
  open_it();
  for (int i = 0; i < 500; ++i) send(std::to_string(i));
  EXPECT_THAT(written_ids(), SizeIs(64));
  for (int i = 0; i < 100; ++i) {
    receives(ack(std::to_string(i)));
    ASSERT_EQ(written_ids().size(), 65u + i);  // one comes, one goes
  }

  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  auto ids = written_ids();
  EXPECT_THAT(ids, SizeIs(64));
  EXPECT_EQ(ids.front(), "100");

  for (int i = 100; i < 500; ++i) {
    receives(ack(std::to_string(i)));
    ASSERT_LE(written_ids().size(), 65u + (i - 100));
  }
  ids = written_ids();
  EXPECT_THAT(ids, SizeIs(400));
  EXPECT_EQ(ids.back(), "499");
  EXPECT_EQ(host.waiting, 0u);
}

TEST_F(SocketMachineTest, ARefusedMessageMakesRoomForTheNext) {
  open_it();
  for (int i = 0; i < 65; ++i) send(std::to_string(i));
  receives(refusal("3", {}));
  EXPECT_EQ(written_ids().back(), "64");
}

TEST_F(SocketMachineTest, ARefusedMessageFailsAndTheOthersGoOn) {
  open_it();
  send("1");
  send("2");
  receives(refusal("1", {}));
  receives(ack("2"));
  EXPECT_THAT(heard, ElementsAre("failed 1", "stored 2"));

  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  EXPECT_THAT(written_ids(), IsEmpty());
}

TEST_F(SocketMachineTest, TheQueueIsBoundedInMessagesAndInBytes) {
  configuration.queue_messages = 2;
  configuration.queue_bytes = 1000;
  machine().open({});
  send("1");
  send("2", std::string(1000, 'x'));
  send("3");
  send("4");

  EXPECT_THAT(heard, ElementsAre("failed 2", "failed 4"));
}

TEST_F(SocketMachineTest, TheEndTellsWhatMayHaveArrivedFromWhatHasNot) {
  open_it();
  send("1");
  host.full = true;
  send("2");

  machine().close(1000, {});

  EXPECT_THAT(heard, ElementsAre("unconfirmed 1", "failed 2", "close 1000 final"));
}

TEST_F(SocketMachineTest, AQueueIsWrittenAsFastAsTheConnectionTakesIt) {
  open_it();
  host.full = true;
  send("1");
  EXPECT_THAT(host.written, IsEmpty());

  host.full = false;
  machine().writable();
  EXPECT_THAT(written_ids(), ElementsAre("1"));
}

TEST_F(SocketMachineTest, TwoMessagesOfOneIdAreAcknowledgedInTheirOrder) {
  open_it();
  send("####", "one");
  send("####", "two");
  receives(ack("####"));
  EXPECT_EQ(host.waiting, 1u);
  receives(ack("####"));
  EXPECT_EQ(host.waiting, 0u);
}

// ---- messages that come
// ----------------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, AMessageIsAcknowledgedAfterItsHandlerHasReturned) {
  std::size_t written_meanwhile = 99;
  machine().handlers.message =
      handler<const SocketMessage&>([&](const auto&) { written_meanwhile = host.written.size(); });
  open_it();

  receives(message("7", "hello"));

  EXPECT_EQ(written_meanwhile, 0u);
  ASSERT_THAT(host.written, SizeIs(1));
  EXPECT_EQ(host.written[0].payload, ack("7"));
}

TEST_F(SocketMachineTest, AMessageThatComesAgainIsAcknowledgedAgainAndToldOnce) {
  open_it();
  receives(message("7", "hello"));
  ends();
  rings(SocketTimer::retry);
  lets_in();
  heard.clear();
  host.written.clear();

  receives(message("7", "hello"));

  EXPECT_THAT(heard, IsEmpty());
  EXPECT_THAT(written_types(), ElementsAre(10));
}

TEST_F(SocketMachineTest, AMessageThatNobodyHearsComesAgain) {
  open_it();
  const auto hearing = std::exchange(machine().handlers.message, nullptr);
  receives(message("7", "hello"));
  EXPECT_THAT(host.written, IsEmpty());

  machine().handlers.message = hearing;
  ends();
  rings(SocketTimer::retry);
  lets_in();
  heard.clear();
  host.written.clear();
  receives(message("7", "hello"));
  EXPECT_THAT(heard, ElementsAre("message hello"));
  EXPECT_THAT(written_types(), ElementsAre(10));
}

TEST_F(SocketMachineTest, OneIdWithOtherContentOrFromAnotherIsAnotherMessage) {
  open_it();
  receives(message("####", "one"));
  receives(message("####", "two"));
  receives(message("####", "two", "paris@localhost"));
  receives(message("", "two"));
  receives(message("", "two"));
  EXPECT_THAT(heard, ElementsAre("message one", "message two", "message two", "message two", "message two"));
}

// As programs of XMPP send: id='1' for ever, and the same words.
TEST_F(SocketMachineTest, WhereTheArchiveNamesAMessageItsIdDecides) {
  open_it();
  const auto archived = [](const char* id, const char* group = "") {
    proto::Message message;
    message.set_eventid("1");
    message.set_from("bot@localhost");
    message.set_body("still alive");
    message.set_archiveid(id);
    message.set_group(group);
    return frame(11, message);
  };
  for (const char* id : {"a", "b", "a"}) receives(archived(id));
  EXPECT_THAT(heard, SizeIs(2));
  EXPECT_THAT(written_types(), ElementsAre(10, 10, 10));  // the third too

  receives(archived("a", "verona"));
  EXPECT_THAT(heard, SizeIs(3));  // another archive's
}

TEST_F(SocketMachineTest, AnApplicationThatAcknowledgesItselfDecidesWhen) {
  configuration.acknowledge = false;
  open_it();
  receives(message("7", "hello"));
  EXPECT_THAT(host.written, IsEmpty());

  machine().acknowledge("7");
  EXPECT_THAT(written_types(), ElementsAre(10));
  receives(message("7", "hello"));
  EXPECT_THAT(heard, ElementsAre("message hello", "message hello"));  // its own to recognise
}

TEST_F(SocketMachineTest, AFrameThatIsNoneEndsTheConnectionWhichComesBack) {
  for (const std::string& garbage : {std::string{}, std::string{"\x0b"}, std::string{"\x0b\0\xff\xff", 4},
                                     std::string{"\x0b\0\x0a\x02\xc3\x28", 6}}) {
    open_it();
    receives(garbage);
    EXPECT_TRUE(host.gave_up);
    EXPECT_EQ(host.said->first, 1007);
    ends();
    EXPECT_THAT(heard, ElementsAre("error protocol", "close 1007", testing::StartsWith("retry")));
    machine().close(1000, {});
  }
}

TEST_F(SocketMachineTest, ATypeOfALaterServerIsPassedOver) {
  open_it();
  receives(std::string{"\x7f\0whatever", 10});
  EXPECT_EQ(machine().facts().status, SocketStatus::connected);
}

TEST_F(SocketMachineTest, NothingCountsBeforeTheLogin) {
  machine().open({});
  shakes_hands();
  receives(message("1", "hello"));
  EXPECT_TRUE(host.gave_up);
  EXPECT_THAT(heard, IsEmpty());
}

// ---- requests, groups, presence
// --------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, AnswersFindTheirQuestions) {
  open_it();
  std::vector<std::string> told;
  machine().request({}, &frames::roster_request, [&](const auto& reply) { told.push_back(reply ? "a" : "no a"); });
  const std::string first = last_request();
  machine().request({}, &frames::roster_request, [&](const auto& reply) { told.push_back(reply ? "b" : "no b"); });

  receives(done(last_request()));
  receives(done("4711"));
  receives(refusal({}, first));

  EXPECT_THAT(told, ElementsAre("b", "no a"));
  EXPECT_FALSE(host.armed(SocketTimer::request));
}

TEST_F(SocketMachineTest, AnAnswerThatDoesNotComeIsATimeout) {
  open_it();
  std::vector<Errc> told;
  const auto note = [&](const Result<SocketReply>& reply) { told.push_back(reply.error().code); };
  machine().request({}, &frames::roster_request, note);
  host.clock += 4s;
  machine().request({}, &frames::roster_request, note);

  rings(SocketTimer::request);
  EXPECT_THAT(told, ElementsAre(Errc::timeout));
  EXPECT_EQ(host.left(SocketTimer::request), 4s);
  ends();
  EXPECT_THAT(told, ElementsAre(Errc::timeout, Errc::closed));
}

TEST_F(SocketMachineTest, AQuestionWithoutAConnectionIsRefused) {
  machine().open({});
  std::optional<Errc> told;
  machine().request({}, &frames::roster_request, [&](const auto& reply) { told = reply.error().code; });
  EXPECT_EQ(told, Errc::wrong_state);
}

TEST_F(SocketMachineTest, QuestionsAreBounded) {
  open_it();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < SocketMachine::kRequests + 5; ++i)
    machine().request({}, &frames::roster_request, [&](const auto&) { ++refused; });
  EXPECT_EQ(refused, 5u);
}

TEST_F(SocketMachineTest, AQuestionThatTheServerWouldNotTakeIsNotAsked) {
  open_it();
  std::vector<Errc> told;
  const auto note = [&](const Result<SocketReply>& reply) { told.push_back(reply.error().code); };
  SocketContact large{"juliet@localhost"};
  large.name = std::string(frames::kOtherBytes, 'x');
  machine().request(
      {}, [&](std::string id) { return frames::set_contact(std::move(id), large); }, note);
  host.full = true;
  machine().request({}, &frames::roster_request, note);

  EXPECT_THAT(told, ElementsAre(Errc::invalid_argument, Errc::queue_full));
  EXPECT_THAT(host.written, IsEmpty());
  EXPECT_FALSE(host.armed(SocketTimer::request));
}

TEST_F(SocketMachineTest, AGroupThatCannotBeAskedForIsForgotten) {
  open_it();
  std::optional<Errc> told;
  machine().subscribe(std::string(frames::kOtherBytes, 'x'),
                      [&](const Result<void>& result) { told = result.error().code; });
  EXPECT_EQ(told, Errc::invalid_argument);
  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  heard.clear();
  lets_in();
  EXPECT_THAT(heard, ElementsAre("open"));
}

TEST_F(SocketMachineTest, AnAcknowledgementThatWouldBeTheEndIsLeftToTheNext) {
  open_it();
  receives(message(std::string(frames::kOtherBytes, 'x'), "hello"));
  EXPECT_THAT(heard, ElementsAre("message hello"));
  EXPECT_THAT(host.written, IsEmpty());
}

TEST_F(SocketMachineTest, ATokenThatNoFrameTakesIsNotSent) {
  configuration.credentials = {.token = std::string(frames::kOtherBytes, 'x'),
                               .place = SocketCredentials::Place::first_frame};
  machine().open({});
  shakes_hands();
  EXPECT_THAT(host.written, IsEmpty());
  ends();
  EXPECT_THAT(heard, ElementsAre("error invalid_argument", "close 1006 final"));
}

TEST_F(SocketMachineTest, GroupsAreAskedForAgainOnEachConnectionBeforeAnyMessage) {
  machine().open({});
  std::string told;
  machine().subscribe("verona", [&](const Result<void>& result) { told = result ? "in" : result.error().message; });
  send("1");
  lets_in();
  EXPECT_THAT(written_types(), ElementsAre(22, 11));
  EXPECT_EQ(told, "");
  proto::Subscribe asked;
  ASSERT_TRUE(asked.ParseFromString(host.written[0].payload.substr(2)));
  receives(done(asked.request()));
  EXPECT_EQ(told, "in");

  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  EXPECT_THAT(written_types(), ElementsAre(22, 11));

  machine().unsubscribe("verona", {});
  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  EXPECT_THAT(written_types(), ElementsAre(11));
}

TEST_F(SocketMachineTest, AGroupThatIsRefusedIsNotAskedForAgain) {
  open_it();
  std::string told;
  machine().subscribe("verona", [&](const Result<void>& result) { told = result ? "in" : result.error().condition; });
  receives(refusal({}, last_request(), "not-found"));
  EXPECT_EQ(told, "not-found");
  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  EXPECT_THAT(host.written, IsEmpty());
}

TEST_F(SocketMachineTest, WhoWaitsForAGroupWaitsAcrossALossAndIsToldOfTheEnd) {
  open_it();
  std::string told;
  machine().subscribe("verona",
                      [&](const Result<void>& result) { told = result ? "in" : name_of(result.error().code); });
  ends();
  EXPECT_EQ(told, "");
  machine().close(1000, {});
  EXPECT_EQ(told, "closed");
}

TEST_F(SocketMachineTest, PresenceAndContactsComeBackWithTheConnection) {
  open_it();
  SocketPresence away;
  away.show = "away";
  machine().send(away);
  std::size_t contacts = 0;
  machine().ask_contacts([&](const auto& all) { contacts = all->size(); });
  proto::Roster roster;
  roster.set_request(last_request());
  roster.add_contacts()->set_address("juliet@localhost");
  receives(frame(16, roster));
  EXPECT_EQ(contacts, 1u);

  ends();
  rings(SocketTimer::retry);
  host.written.clear();
  lets_in();
  EXPECT_THAT(written_types(), ElementsAre(15, 16));
  heard.clear();
  roster.set_request(last_request());
  receives(frame(16, roster));
  roster.clear_request();
  receives(frame(16, roster));
  EXPECT_THAT(heard, ElementsAre("contacts 1", "changes 1"));
}

TEST_F(SocketMachineTest, AnErrorAboutNothingOfOursIsTold) {
  open_it();
  receives(refusal("unknown", {}));
  EXPECT_THAT(heard, ElementsAre("error stanza"));
}

// ---- the other forms
// -------------------------------------------------------------------------------------------------

TEST_F(SocketMachineTest, TheBareFormIsOpenWithTheHandshakeAndHasMessages) {
  configuration.protocol = SocketProtocol::bare;
  machine().open({});
  shakes_hands();
  EXPECT_EQ(machine().facts().status, SocketStatus::connected);
  send("1");
  send("2");
  receives(ack("1"));
  proto::Message refused;
  refused.set_type("system");
  refused.set_eventid("2");
  refused.set_body("not allowed");
  receives(frame(11, refused));

  EXPECT_THAT(heard, ElementsAre("open", "stored 1", "failed 2"));
  EXPECT_THAT(written_types(), ElementsAre(11, 11));
  std::optional<Errc> told;
  machine().request({}, &frames::roster_request, [&](const auto& reply) { told = reply.error().code; });
  EXPECT_EQ(told, Errc::unsupported);
}

TEST_F(SocketMachineTest, CredentialsCanStandInTheFirstFrame) {
  configuration.credentials = {.user = "romeo", .password = "secret", .place = SocketCredentials::Place::first_frame};
  machine().open({});
  shakes_hands();
  ASSERT_THAT(written_types(), ElementsAre(12));
  proto::Auth auth;
  ASSERT_TRUE(auth.ParseFromString(host.written[0].payload.substr(2)));
  EXPECT_EQ(auth.user(), "romeo");
  EXPECT_EQ(auth.password(), "secret");
  EXPECT_TRUE(auth.acknowledges());

  ends();
  machine().set_credentials({.token = "fresh", .place = SocketCredentials::Place::first_frame});
  rings(SocketTimer::retry);
  host.written.clear();
  shakes_hands();
  ASSERT_TRUE(auth.ParseFromString(host.written[0].payload.substr(2)));
  EXPECT_EQ(auth.token(), "fresh");
}

// What was checked is what is said: a password that is set meanwhile might be one for the clear.
TEST_F(SocketMachineTest, CredentialsDoNotChangeDuringAnAttempt) {
  configuration.protocol = SocketProtocol::bare;
  configuration.credentials = {.token = "old"};
  machine().open({});
  machine().set_credentials({.user = "romeo", .password = "s", .place = SocketCredentials::Place::first_frame});
  EXPECT_EQ(machine().credentials().token, "old");
  EXPECT_FALSE(machine().wants_auth_result());
  shakes_hands();
  EXPECT_THAT(host.written, IsEmpty());
  EXPECT_EQ(machine().facts().status, SocketStatus::connected);

  ends();
  rings(SocketTimer::retry);
  EXPECT_EQ(machine().credentials().user, "romeo");
  EXPECT_TRUE(machine().wants_auth_result());
}

TEST_F(SocketMachineTest, TheServerIsToldOfAcknowledgementsWhoeverSendsThem) {
  configuration.acknowledge = false;
  configuration.credentials = {.token = "t", .place = SocketCredentials::Place::first_frame};
  machine().open({});
  shakes_hands();
  proto::Auth auth;
  ASSERT_TRUE(auth.ParseFromString(host.written.at(0).payload.substr(2)));
  EXPECT_TRUE(auth.acknowledges());
}

TEST_F(SocketMachineTest, RawFramesComeAndGoAsTheyAre) {
  configuration.protocol = SocketProtocol::raw;
  machine().open({});
  shakes_hands();
  receives("hi", true);
  receives("\x01\x02");
  machine().write_now("yo", true);

  EXPECT_THAT(heard, ElementsAre("open", "text hi", "binary \x01\x02"));
  ASSERT_THAT(host.written, SizeIs(1));
  EXPECT_EQ(host.written[0].payload, "yo");
}

}  // namespace
}  // namespace anser::sdk
