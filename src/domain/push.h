// Notifications of news to one push service for one device (XEP-0357): when one is due, and how many messages it stands
// for. One is under way at a time; what comes meanwhile goes into the next. A service that does not answer, or is not
// there, is left alone for ever longer. State only: the router publishes (push.cpp) and reports the answer.
// Owned by an account, hence by one core.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "domain/envelope.h"
#include "domain/ports.h"

namespace anser::domain {

class PushRegistration {
 public:
  static constexpr std::chrono::seconds kPatience{60};    // without an answer for so long: it is not there
  static constexpr std::chrono::seconds kFirstPause{10};  // after a failure; doubled with each
  static constexpr std::chrono::seconds kLongestPause{3600};

  explicit PushRegistration(PushTarget target) : target_(std::move(target)) {}

  const PushTarget& target() const { return target_; }
  void set_target(PushTarget target) { target_ = std::move(target); }
  bool is(const Jid& service, std::string_view node) const {
    return target_.service == service && target_.node == node;
  }

  // A message that matters has come. True: a notification is due.
  bool news(const Envelope& message, Tick now);
  // It goes out under this number.
  void begin(std::uint64_t number, Tick now);
  bool under_way(std::uint64_t number) const { return number != 0 && number == number_; }
  // The service has it. True: another is due, for what came meanwhile.
  bool taken(Tick now);
  // It could not be reached, or has a passing trouble.
  void failed(Tick now);

  std::uint64_t count() const { return sent_; }   // messages that the one under way stands for
  const Envelope& last() const { return last_; }  // the newest of them

 private:
  bool due(Tick now) const { return waiting_ > 0 && number_ == 0 && now >= quiet_until_; }

  PushTarget target_;
  std::uint64_t number_ = 0;  // of the one under way; 0: none
  std::uint64_t sent_ = 0;
  std::uint64_t waiting_ = 0;  // messages that none stands for yet
  unsigned failures_ = 0;      // in a row
  Tick begun_{};
  Tick quiet_until_ = Tick::min();
  Envelope last_;
};

// What is published, for the door that writes it.
struct PushNotice {
  const PushTarget& target;
  std::uint64_t count;   // messages that wait
  const Envelope& last;  // the newest
};

// How a notification is written and what an answer to it says: the XMPP door knows.
class PushWriter {
 public:
  virtual ~PushWriter() = default;
  virtual Bytes notification(const PushNotice& notice) const = 0;
  // The service wants no more of these (RFC 6120 §8.3.2: anything but `wait`).
  virtual bool refuses(const Envelope& error) const = 0;
};

// Worth waking somebody up for: somebody says something to this account.
bool worth_a_push(const Envelope& message, const Jid& account);

}  // namespace anser::domain
