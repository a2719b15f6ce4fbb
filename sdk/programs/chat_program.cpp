#include "sdk/programs/chat_program.h"

#include <random>
#include <utility>

#include "sdk/programs/fail.h"
#include "sdk/programs/text.h"

namespace anser::programs {
namespace {

using Direction = sdk::CarbonManager::Direction;
using namespace std::chrono_literals;

constexpr std::size_t kEvents = 10'000;
constexpr std::chrono::milliseconds kIntroduction = 700ms, kLastWords = 10s;

std::string random_prefix() {
  std::random_device random;
  return "anser-chat-" + std::to_string(random()) + "-";
}

sdk::ConnectionConfiguration interactive(sdk::ConnectionConfiguration configuration) {
  configuration.request_receipts = true;
  return configuration;
}

}  // namespace

ChatProgram::ChatProgram(Login login, Terminal& terminal)
    : login_(std::move(login)),
      terminal_(terminal),
      view_(login_.account, !terminal.is_interactive()),
      inbox_(kEvents),
      id_prefix_(random_prefix()),
      connection_(interactive(login_.configuration)) {}

// ---- on the library's thread ----------------------------------------------------------------------------------------

void ChatProgram::listen() {
  connection_.add_connection_listener(
      {.authenticated = [this](bool resumed) { post([this, resumed] { show(view_.online(resumed)); }); },
       .closed_on_error = [this](const sdk::Error& why) { post([this, why] { on_lost(why); }); },
       .reconnecting_in = [this](auto wait) { post([this, wait] { show(view_.reconnecting_in(wait)); }); },
       .reconnection_failed = [this](const sdk::Error& why) { post([this, why] { show(View::note(words(why))); }); }});

  const auto changed = [this](const std::vector<std::string>&) { contacts_changed(); };
  connection_.roster().set_subscription_mode(sdk::SubscriptionMode::manual);
  connection_.roster().add_listener(
      {.loaded = [this] { contacts_changed(); },
       .entries_added = changed,
       .entries_updated = changed,
       .entries_deleted = changed,
       .presence_changed = [this](const sdk::Presence&) { contacts_changed(); },
       .subscription_requested = [this](const std::string& user) { post([this, user] { on_request(user); }); }});

  connection_.chat_manager().add_chat_listener([this](sdk::Chat& chat, bool) {
    chat.add_message_listener([this](sdk::Chat& from, const sdk::Message& message) {
      post([this, from, message] { on_message(from, message); });
    });
    chat.add_state_listener([this](sdk::Chat& from, sdk::ChatState state) {
      post([this, peer = std::string{sdk::bare_of(from.participant())}, state] {
        view_.typing(peer, state == sdk::ChatState::composing);
      });
    });
  });
  connection_.carbon_manager().add_listener([this](Direction direction, const sdk::Message& message) {
    post([this, direction, message] { on_carbon(direction, message); });
  });
}

// Once until it is looked at, however many changes there are.
void ChatProgram::contacts_changed() {
  if (contacts_posted_.exchange(true)) return;
  post([this] {
    contacts_posted_ = false;
    show_contacts();
  });
}

sdk::Done ChatProgram::tell(std::string well) {
  return [this, well = std::move(well)](const sdk::Result<void>& done) {
    post([this, well, done] { show(done ? View::note(well) : View::trouble(words(done.error()))); });
  };
}

// ---- the program's own ----------------------------------------------------------------------------------------------

sdk::Result<void> ChatProgram::run() {
  listen();
  log_in();
  const Waits waits{.events = inbox_.fd(),
                    .on_events = [this] { return serve(); },
                    .timeout = [this] { return until_next(); },
                    .wants_input = [this] { return logged_in_; },
                    .on_typing = [this](bool is_typing) { on_typing(is_typing); }};
  while (!over_) {
    const auto line = terminal_.read_line(waits);
    if (!line) break;
    const auto command = parse_command(*line);
    if (command) {
      do_command(*command);
    } else {
      show(View::trouble(command.error().message));
    }
  }
  if (!ended_) await_last_words();
  connection_.disconnect();
  if (ended_) return tl::make_unexpected(*ended_);
  return {};
}

void ChatProgram::log_in() {
  const auto ended = [this](const sdk::Error& why) {
    post([this, why] {
      ended_ = why;
      over_ = true;
    });
  };
  connection_.connect([this, ended](const sdk::Result<void>& connected) {
    if (!connected) return ended(connected.error());
    connection_.login(login_.username, login_.password, login_.resource, [this, ended](const sdk::Result<void>& in) {
      if (!in) return ended(in.error());
      post([this] {
        logged_in_ = true;
        introduce_at_ = Clock::now() + kIntroduction;
      });
    });
  });
}

bool ChatProgram::serve() {
  for (const auto& work : inbox_.take()) work();
  if (const std::size_t lost = inbox_.lost(); lost > 0)
    show(View::trouble(std::to_string(lost) + " events came too fast to be shown; /history has the messages"));
  const auto now = Clock::now();
  if (introduce_at_ && now >= *introduce_at_) {
    introduce_at_.reset();
    show_contacts();
    show(view_.roster(false));
    view_.announce();
  }
  if (pause_at_ && now >= *pause_at_) {
    pause_at_.reset();
    if (!view_.open().empty()) static_cast<void>(chat_with(view_.open()).set_state(sdk::ChatState::paused));
  }
  terminal_.set_prompt(view_.prompt());
  return !over_;
}

int ChatProgram::until_next() const {
  auto next = Clock::time_point::max();
  for (const auto& at : {introduce_at_, pause_at_}) {
    if (at) next = std::min(next, *at);
  }
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

void ChatProgram::show(const Lines& lines) {
  terminal_.print(lines);
  terminal_.set_prompt(view_.prompt());
}

// In a script the input ends before the server has said yes to the last of it.
void ChatProgram::await_last_words() {
  const auto end = Clock::now() + kLastWords;
  Waits waits{.events = inbox_.fd(),
              .on_events =
                  [this, end] {
                    serve();
                    return under_way_ > 0 && !ended_ && Clock::now() < end;
                  },
              .timeout = [] { return 100; },
              .wants_input = [] { return false; },
              .on_typing = [](bool) {}};
  if (under_way_ > 0) terminal_.read_line(waits);
}

void ChatProgram::on_lost(const sdk::Error& why) {
  show(view_.offline(why));
  requests_.clear();  // the server asks again
}

}  // namespace anser::programs
