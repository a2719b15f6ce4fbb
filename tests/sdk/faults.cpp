// Romeo writes numbered messages to Juliet, both by way of a proxy that breaks their connections
// (tests/sdk/fault_proxy.py), and keeps the books: what the library said of each message, and how often it arrived.
// Says the sums; tests/sdk/test_faults.py judges them.
//
// Juliet hears live. What a session of hers that could not be resumed has taken along she reads from the archive, where
// it is known by the archive's id: the program does what an application must, and counts it.
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "tests/sdk/program.h"

namespace anser::tests {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Outcome = sdk::Delivery::Outcome;

constexpr std::string_view kStanzaIds = "urn:xmpp:sid:0";

// One message's page. Guarded by Books.
struct Line {
  bool told = false;       // what became of it
  bool told_more = false;  // more than once
  Outcome outcome = Outcome::failed;
  int arrived = 0;
};

class Books {
 public:
  explicit Books(std::size_t messages) : lines_(messages) {}

  // Waits until less than `window` are on their way.
  bool may_send(std::size_t window, Clock::time_point until) {
    std::unique_lock lock{mutex_};
    return changed_.wait_until(lock, until, [&] { return on_the_way_ < window; });
  }
  void sending() {
    const std::lock_guard lock{mutex_};
    ++on_the_way_;
  }
  void not_sent() {
    const std::lock_guard lock{mutex_};
    --on_the_way_;
  }
  void told(std::size_t number, const sdk::Delivery& delivery) {
    const std::lock_guard lock{mutex_};
    Line& line = lines_[number];
    // A receipt may follow what is stored; the others are the last word.
    line.told_more |= line.told;
    if (!std::exchange(line.told, true)) --on_the_way_;
    line.outcome = delivery.outcome;
    if (delivery.outcome == Outcome::failed || delivery.outcome == Outcome::unconfirmed)
      say("why", std::to_string(number) + " " + delivery.error.message);
    changed_.notify_all();
  }
  bool all_told(Clock::time_point until) {
    std::unique_lock lock{mutex_};
    return changed_.wait_until(lock, until, [&] { return on_the_way_ == 0; });
  }
  void arrived(std::size_t number) {
    const std::lock_guard lock{mutex_};
    if (number >= lines_.size()) throw Failure{"a message that nobody sent"};
    if (lines_[number].arrived++ == 0 && number < furthest_) ++out_of_order_;
    furthest_ = std::max(furthest_, number);
  }
  bool something_is_missing() const {
    const std::lock_guard lock{mutex_};
    for (const Line& line : lines_) {
      if (line.told && confirmed(line) && line.arrived == 0) return true;
    }
    return false;
  }
  void show() const {
    const std::lock_guard lock{mutex_};
    std::size_t confirmed_ones = 0, unconfirmed = 0, failed = 0, untold = 0, twice_told = 0, lost = 0, doubled = 0;
    std::size_t arrived_unconfirmed = 0;
    for (std::size_t number = 0; number < lines_.size(); ++number) {
      const Line& line = lines_[number];
      if (!line.told) ++untold;
      if (line.told_more) ++twice_told;
      if (line.told && confirmed(line)) ++confirmed_ones;
      if (line.told && line.outcome == Outcome::unconfirmed) ++unconfirmed;
      if (line.told && line.outcome == Outcome::failed) ++failed;
      if (line.arrived > 0 && !confirmed(line)) ++arrived_unconfirmed;
      if (line.told && confirmed(line) && line.arrived == 0) {
        ++lost;
        say("lost_one", number);
      }
      if (line.arrived > 1) {
        ++doubled;
        say("doubled_one", number);
      }
    }
    say("confirmed", confirmed_ones);
    say("unconfirmed", unconfirmed);
    say("failed", failed);
    say("untold", untold);
    say("twice_told", twice_told);
    say("lost", lost);
    say("doubled", doubled);
    say("arrived_unconfirmed", arrived_unconfirmed);
    say("out_of_order", out_of_order_);
  }

 private:
  static bool confirmed(const Line& line) {
    return line.outcome == Outcome::stored || line.outcome == Outcome::delivered;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Line> lines_;
  std::size_t on_the_way_ = 0, furthest_ = 0, out_of_order_ = 0;
};

// A person's connection, and how often it was hurt.
class Person {
 public:
  Person(const Arguments& given, const std::string& name)
      : name_(name), patience_(given.number("patience", 1)), connection_(configuration(given, name)) {
    connection_.add_connection_listener({
        .authenticated = [this](bool resumed) { ++(resumed ? resumed_ : sessions_); },
        .closed_on_error = [this](const sdk::Error& error) { remember(error, ++losses_); },
        .reconnection_failed = [this](const sdk::Error& error) { remember(error, ++failed_attempts_); },
    });
  }

  sdk::Connection& connection() { return connection_; }
  const std::string& address() const { return address_; }
  int sessions() const { return sessions_; }

  // The first login is the application's own to repeat.
  void logs_in(const Arguments& given) {
    address_ = given.text(name_) + "@" + given.text("service", "localhost");
    const auto until = Clock::now() + patience_ * 60s;
    for (;;) {
      auto done = connection_.connect();
      if (done) done = connection_.login(given.text(name_), given.text("password"), "orchard");
      if (done) return;
      ++failed_logins_;
      remember(done.error(), failed_logins_);
      connection_.disconnect();
      if (Clock::now() > until) throw Failure{name_ + " cannot log in: " + done.error().message};
    }
  }

  // A round trip: what was sent to this session before has arrived. It may take several, on several connections.
  void pings() {
    const auto until = Clock::now() + patience_ * 60s;
    const sdk::IQ ping{sdk::IQ::Type::get, sdk::Element{"ping", "urn:xmpp:ping"}, connection_.service_name()};
    for (;;) {
      const auto answer = connection_.request(ping, patience_ * 2s).get();
      if (answer) return;
      if (Clock::now() > until) throw Failure{name_ + " gets no answer to pings: " + answer.error().message};
      std::this_thread::yield();
    }
  }

  void show() const {
    say(name_ + "_sessions", sessions_.load());
    say(name_ + "_resumed", resumed_.load());
    say(name_ + "_losses", losses_.load());
    say(name_ + "_failed_attempts", failed_attempts_.load());
    say(name_ + "_failed_logins", failed_logins_.load());
    const std::lock_guard lock{mutex_};
    for (const auto& [why, times] : whys_) say(name_ + "_why", std::to_string(times) + " × " + why);
  }

 private:
  static sdk::ConnectionConfiguration configuration(const Arguments& given, const std::string& name) {
    const int patience = given.number("patience", 1);
    auto made = configuration_from(given, name + "-port");
    made.send_presence = name == "juliet";
    made.reconnection.base = 20ms;
    made.reconnection.cap = 200ms;
    made.limits.connect = patience * 2s;
    made.limits.login = patience * 3s;
    made.limits.ping_after = patience * 200ms;
    made.limits.ping_answer = patience * 400ms;
    return made;
  }

  void remember(const sdk::Error& error, int) {
    const std::lock_guard lock{mutex_};
    // "… silent for 831 ms" is one reason, however long it was.
    ++whys_[error.code == sdk::Errc::timeout ? error.message.substr(0, error.message.find(" for ")) : error.message];
  }

  const std::string name_;
  const int patience_;
  std::string address_;
  std::atomic<int> sessions_ = 0, resumed_ = 0, losses_ = 0, failed_attempts_ = 0, failed_logins_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, int> whys_;
  sdk::Connection connection_;  // last: it calls what is above
};

// What came live, by the archive's id, so that a page of the archive brings only what did not.
class Ear {
 public:
  Ear(Books& books, std::string own) : books_(books), own_(std::move(own)) {}

  void hears(const sdk::Message& message) {
    for (const auto& extension : message.extensions()) {
      if (!extension.is("stanza-id", kStanzaIds) || extension.attribute("by") != own_) continue;
      const std::lock_guard lock{mutex_};
      if (!known_.insert(std::string{extension.attribute("id")}).second) return;
    }
    books_.arrived(std::stoul(message.body()));
  }
  void reads(const sdk::ArchivedMessage& archived) {
    {
      const std::lock_guard lock{mutex_};
      if (!known_.insert(archived.id).second) return;
      ++from_archive_;
    }
    books_.arrived(std::stoul(archived.message.body()));
  }
  int from_archive() const { return from_archive_; }

 private:
  Books& books_;
  const std::string own_;
  std::mutex mutex_;
  std::set<std::string> known_;
  int from_archive_ = 0;
};

void read_archive(Person& juliet, const std::string& with, Ear& ear, Clock::time_point until) {
  sdk::ArchiveQuery query;
  query.with = with;
  query.page_size = 100;
  for (;;) {
    const auto page = juliet.connection().archive_manager().query(query);
    if (!page) {
      if (Clock::now() > until) throw Failure{"the archive: " + page.error().message};
      continue;
    }
    for (const auto& archived : page->messages) {
      if (archived.message.has_body()) ear.reads(archived);
    }
    if (page->complete || page->messages.empty()) return;
    query.after = page->last;
  }
}

void run(const Arguments& given) {
  const int patience = given.number("patience", 1);
  const auto messages = static_cast<std::size_t>(given.number("messages"));
  const auto window = static_cast<std::size_t>(given.number("window", 32));
  const auto began = Clock::now();
  const auto until = began + std::chrono::seconds{given.number("limit", 300)};
  Books books{messages};
  Person romeo{given, "romeo"}, juliet{given, "juliet"};
  juliet.logs_in(given);
  romeo.logs_in(given);
  Ear ear{books, juliet.address()};
  const auto chats = sdk::filter::message(sdk::Message::Type::chat);
  juliet.connection().add_stanza_listener(
      chats, [&](const sdk::Stanza& stanza) { ear.hears(static_cast<const sdk::Message&>(stanza)); });
  juliet.pings();  // her presence is known
  std::cout << "ready" << std::endl;

  for (std::size_t number = 0; number < messages;) {
    if (!books.may_send(window, until)) throw Failure{"nothing moves any more"};
    const sdk::Message message{juliet.address(), std::to_string(number), sdk::Message::Type::chat};
    books.sending();
    const auto sent = romeo.connection().send(
        message, [&books, number](const sdk::Delivery& delivery) { books.told(number, delivery); });
    if (sent) {
      ++number;
      continue;
    }
    books.not_sent();
    throw Failure{"send: " + sent.error().message};
  }
  books.all_told(std::min(until, Clock::now() + patience * 60s));
  const auto sent_in = Clock::now() - began;

  juliet.pings();
  if (juliet.sessions() > 1 || books.something_is_missing()) {
    read_archive(juliet, romeo.address(), ear, Clock::now() + patience * 60s);
    juliet.pings();
  }
  books.show();
  romeo.show();
  juliet.show();
  say("from_archive", ear.from_archive());
  say("seconds", std::chrono::duration<double>(sent_in).count());
}

}  // namespace
}  // namespace anser::tests

int main(int count, char** words) { return anser::tests::run_program(count, words, anser::tests::run); }
