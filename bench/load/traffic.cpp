#include "traffic.h"

#include <string.h>

#include <bit>
#include <charconv>
#include <utility>

#include "base/assert.h"

namespace anser::load {
namespace {

constexpr std::size_t kDigits = 8;
constexpr auto kPatience = std::chrono::seconds(60);

void write_hex(char* at, std::uint32_t number) {
  for (std::size_t i = kDigits; i-- > 0; number >>= 4) at[i] = "0123456789abcdef"[number & 0xf];
}

std::size_t find(std::string_view text, std::string_view part) {
  const void* found = memmem(text.data(), text.size(), part.data(), part.size());
  return found == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace

NumberedMessage::NumberedMessage(std::string_view to, std::size_t body_bytes) {
  text_ = fmt::format("<message type='chat' to='{}' id='", to);
  id_at_ = text_.size();
  text_.append(kDigits, '0').append("'>").append(kBodyStart);
  body_at_ = text_.size();
  text_.append(kDigits, '0');
  while (text_.size() < body_at_ + body_bytes) text_ += " wild geese"[(text_.size() - body_at_) % 11];
  text_ += "</body></message>";
}

std::string_view NumberedMessage::numbered(std::uint32_t number) {
  write_hex(text_.data() + id_at_, number);
  write_hex(text_.data() + body_at_, number);
  return text_;
}

bool is_message(std::string_view stanza) { return stanza.starts_with("<message"); }

Result<std::uint32_t> number_of(std::string_view message) {
  const std::string_view tag = message.substr(0, message.find('>'));
  const std::size_t body = find(message, kBodyStart);
  if (body == std::string_view::npos || find(tag, "'error'") != std::string_view::npos ||
      find(tag, "\"error\"") != std::string_view::npos) {
    return fail(Errc::bad_request, "not a message of ours: {}", message);
  }
  std::uint32_t number = 0;
  const char* digits = message.data() + body + kBodyStart.size();
  const char* limit = std::min(digits + kDigits, message.data() + message.size());
  if (std::from_chars(digits, limit, number, 16).ptr != digits + kDigits) {
    return fail(Errc::bad_request, "a message without number: {}", message);
  }
  return number;
}

Traffic::Traffic(Fleet& fleet, std::size_t body_bytes, std::size_t in_flight_each)
    : fleet_(fleet), body_bytes_(body_bytes), ask_every_(in_flight_each), ring_(std::bit_ceil(in_flight_each)) {
  fleet_.set_on_stanza([this](Client& client, std::string_view stanza) { on_stanza(client, stanza); });
  cover_fleet();
}

void Traffic::cover_fleet() {
  lanes_.reserve(fleet_.size());
  while (lanes_.size() < fleet_.size()) {
    lanes_.push_back(
        Lane{.message = {fleet_.address_of(lanes_.size() ^ 1), body_bytes_}, .sent_at = std::vector<Tick>(ring_)});
  }
}

void Traffic::send(std::size_t from) {
  Lane& lane = lanes_[from];
  ANSER_ASSERT(lane.sent - lane.arrived < ring_);
  lane.sent_at[lane.sent & (ring_ - 1)] = now();
  fleet_[from].send(lane.message.numbered(lane.sent));
  ++lane.sent;
  ++sent_;
  if (lane.sent % ask_every_ == 0) fleet_[from].ask_for_ack();
}

Result<void> Traffic::run_window(std::chrono::milliseconds time, std::uint64_t least) {
  const Tick end = now() + time;
  const std::uint64_t enough = delivered_ + least;
  return fleet_.run_until(end + kPatience, "deliveries", [&] { return delivered_ >= enough && now() >= end; });
}

Result<void> Traffic::drain() {
  set_on_delivered([](std::size_t) {});
  const Tick deadline = now() + kPatience;
  if (auto arrived = fleet_.run_until(deadline, "the last messages", [&] { return in_flight() == 0; }); !arrived) {
    return arrived;
  }
  return fleet_.acknowledge_all(deadline);
}

void Traffic::on_stanza(Client& client, std::string_view stanza) {
  if (!is_message(stanza)) return;  // presence, roster
  const std::size_t from = client.index() ^ 1;
  Lane& lane = lanes_[from];
  const auto number = number_of(stanza);
  if (!number) return fleet_.give_up(number.error());
  if (*number != lane.arrived || lane.arrived == lane.sent) {
    return fleet_.give_up({Errc::bad_request, fmt::format("message {} of {} arrived where {} was due", *number,
                                                          fleet_.name_of(from), lane.arrived)});
  }
  if (sampling_) latencies_.add((now() - lane.sent_at[lane.arrived & (ring_ - 1)]).count());
  ++lane.arrived;
  ++delivered_;
  on_delivered_(from);
}

}  // namespace anser::load
