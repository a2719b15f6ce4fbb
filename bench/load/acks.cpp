#include "acks.h"

#include <charconv>

#include "scan.h"

namespace anser::load {
namespace {

bool is_named(std::string_view piece, std::string_view name) {
  return piece.substr(1).starts_with(name) && piece.find_first_of(" />", 1) == 1 + name.size();
}

// What XEP-0198 counts: neither its own elements nor client state.
bool counts(std::string_view piece) {
  return is_named(piece, "message") || is_named(piece, "presence") || is_named(piece, "iq");
}

}  // namespace

bool is_ack_request(std::string_view piece) { return is_named(piece, "r"); }

bool is_ack_answer(std::string_view piece) { return is_named(piece, "a"); }

void Acks::sent(std::string_view bytes) {
  for (Piece piece; (piece = next_piece(bytes, true)).found == Found::stanza; bytes.remove_prefix(piece.end)) {
    if (counts(bytes.substr(piece.start))) ++sent_;
  }
}

Result<void> Acks::take_answer(std::string_view answer) {
  const std::string_view text = attribute_of(answer, "h");
  std::uint32_t handled = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), handled);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return fail(Errc::bad_request, "an acknowledgement without number: {}", answer);
  }
  if (handled - acknowledged_ > unacknowledged()) {
    return fail(Errc::bad_request, "{} stanzas were acknowledged, after {} and of {}", handled, acknowledged_, sent_);
  }
  acknowledged_ = handled;
  return {};
}

void Acks::received(std::string_view piece) {
  if (counts(piece)) ++received_;
}

std::string Acks::answer() const { return fmt::format("<a xmlns='urn:xmpp:sm:3' h='{}'/>", received_); }

}  // namespace anser::load
