#include "sdk/programs/sender.h"

#include <poll.h>

#include <ostream>
#include <utility>

#include "anser/file_transfer.h"
#include "sdk/programs/fail.h"
#include "sdk/programs/text.h"

namespace anser::programs {
namespace {

constexpr std::size_t kSentences = 20;  // about single messages; the rest is only counted
// Each message gives three events at most, and the library remembers 4,096 that are stored.
constexpr std::size_t kEvents = 3 * (Sender::kUnderWay + 4'096);

using Outcome = sdk::Delivery::Outcome;

}  // namespace

Sender::Sender(const SendOptions& options, std::string to, sdk::Connection& connection, const Console& console)
    : options_(options),
      to_(std::move(to)),
      connection_(connection),
      console_(console),
      inbox_(kEvents),
      progress_(Clock::now()) {
  const auto tell = [this](const sdk::Error& error) { inbox_.post({.trouble = Trouble{error}}); };
  listener_ = connection_.add_connection_listener({.closed_on_error = tell, .reconnection_failed = tell});
}

Sender::~Sender() { connection_.remove_listener(listener_); }

void Sender::send_one(const std::string& text) {
  send(1, text);
  while (!under_way_.empty() && !given_up_) wait(-1);
}

void Sender::send_lines(int in) {
  many_ = true;
  LineReader reader{in, kTextBytes};
  std::optional<LineReader::Line> line;  // the next to be sent
  while (!given_up_) {
    if (!line) line = reader.next();
    if (!line && reader.at_end() && under_way_.empty()) return;
    if (!line) {
      const bool wanted = !reader.at_end();
      wait(wanted ? in : -1);
      if (wanted && readable_) reader.read_some();
      continue;
    }
    if (line->too_long) {
      complain(line->number, "it is longer than " + std::to_string(kTextBytes) + " bytes");
    } else if (!line->text.empty() && (full() || !send(line->number, line->text))) {
      wait(-1);
      continue;
    }
    line.reset();
  }
}

bool Sender::send(std::uint64_t number, const std::string& text) {
  if (!is_utf8(text)) {
    complain(number, "it is not UTF-8");
    return true;
  }
  sdk::Message message{to_, text, options_.type};
  if (!options_.file.empty()) {  // the text is its address
    message = sdk::file_message(to_, text);
    message.set_type(options_.type);
  }
  if (!options_.subject.empty()) message.set_subject(options_.subject);
  if (options_.wait_receipt) message.add_extension(sdk::Element{"request", "urn:xmpp:receipts"});
  const auto sent = connection_.send(message, [this, number](const sdk::Delivery& delivery) {
    inbox_.post({.settled = Settled{number, delivery}});
  });
  if (!sent && sent.error().code == sdk::Errc::queue_full && !under_way_.empty()) return false;
  if (!sent) {
    const bool lost = sent.error().code == sdk::Errc::wrong_state;
    complain(number, lost && !trouble_.empty() ? trouble_ : words(sent.error()));
    given_up_ = given_up_ || lost;
    return true;
  }
  if (under_way_.empty()) progress_ = Clock::now();
  under_way_.emplace(number, false);
  return true;
}

void Sender::wait(int in) {
  using std::chrono::milliseconds;
  int timeout = -1;
  if (!under_way_.empty()) {
    const auto left = std::chrono::ceil<milliseconds>(progress_ + options_.patience - Clock::now());
    if (left <= milliseconds::zero()) return give_up();
    timeout = static_cast<int>(std::min<std::int64_t>(left.count(), 60'000));
  }
  pollfd ready[] = {{inbox_.fd(), POLLIN, 0}, {in, POLLIN, 0}};
  poll(ready, in < 0 ? 1 : 2, timeout);
  readable_ = in >= 0 && ready[1].revents != 0;
  for (const Event& event : inbox_.take()) {
    if (event.trouble) trouble_ = words(event.trouble->error);
    if (event.settled) take(*event.settled);
  }
}

void Sender::take(const Settled& settled) {
  progress_ = Clock::now();
  const auto at = under_way_.find(settled.number);
  const Outcome outcome = settled.delivery.outcome;
  if (outcome == Outcome::stored || outcome == Outcome::delivered) {
    if (at == under_way_.end()) return;
    at->second = true;
    if (options_.wait_receipt && outcome == Outcome::stored) return;
    under_way_.erase(at);
    ++sent_;
    return;
  }
  // An error may come back after the server has taken the message.
  if (at == under_way_.end()) {
    --sent_;
  } else {
    under_way_.erase(at);
  }
  std::string why = words(settled.delivery.error);
  if (outcome == Outcome::unconfirmed) {
    why = "the server did not confirm it: " + why;
    if (!trouble_.empty() && !why.ends_with(trouble_)) why += "; the connection had ended: " + trouble_;
  }
  complain(settled.number, why);
}

void Sender::complain(std::uint64_t number, const std::string& sentence) {
  ++failed_;
  if (failed_ > kSentences) return;
  console_.err << "anser: ";
  if (many_) console_.err << "line " << number << ": ";
  console_.err << "the message was not delivered: " << shown(sentence) << '\n';
}

void Sender::give_up() {
  given_up_ = true;
  for (const auto& [number, stored] : std::exchange(under_way_, {})) {
    if (stored) {
      complain(number, "no receipt came from " + to_ + " in time");
    } else {
      complain(number, "the server did not confirm it in time" + (trouble_.empty() ? "" : ": " + trouble_));
    }
  }
}

bool Sender::finish() {
  if (!given_up_) {
    // Errors that the server sent behind its acknowledgements arrive before this answer.
    static_cast<void>(
        connection_
            .request(sdk::IQ{sdk::IQ::Type::get, sdk::Element{"ping", "urn:xmpp:ping"}, connection_.service_name()})
            .get());
    for (const Event& event : inbox_.take()) {
      if (event.settled) take(*event.settled);
    }
  }
  if (failed_ > 0 && many_) {
    console_.err << "anser: " << failed_ << " of " << failed_ + sent_ << " messages were not delivered"
                 << (given_up_ ? ", and what came after them was not read" : "") << '\n';
  }
  return failed_ == 0;
}

}  // namespace anser::programs
