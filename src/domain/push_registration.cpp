#include "domain/push.h"

#include <algorithm>

namespace anser::domain {

bool worth_a_push(const Envelope& message, const Jid& account) {
  const bool said = message.type == Type::chat || message.type == Type::normal;
  return message.kind == Kind::message && said && message.facts.has_body && message.from.bare() != account.full();
}

bool PushRegistration::news(const Envelope& message, Tick now) {
  ++waiting_;
  last_ = message;
  if (number_ != 0 && now - begun_ >= kPatience) failed(now);
  return due(now);
}

void PushRegistration::begin(std::uint64_t number, Tick now) {
  number_ = number;
  begun_ = now;
  sent_ = std::exchange(waiting_, 0);
}

bool PushRegistration::taken(Tick now) {
  number_ = sent_ = 0;
  failures_ = 0;
  if (waiting_ == 0) last_ = {};
  return due(now);
}

// What it stood for goes into the next.
void PushRegistration::failed(Tick now) {
  number_ = 0;
  waiting_ += std::exchange(sent_, 0);
  const auto pause = kFirstPause * (1u << std::min(failures_, 10u));
  ++failures_;
  quiet_until_ = now + std::min<std::chrono::seconds>(pause, kLongestPause);
}

}  // namespace anser::domain
