// envelope  = version kind type facts priority from to id lang extra origin-id [retracts] [retracted] inner failure
// version   = %x01
// kind      = byte, an enumerator of Kind;   type = byte, of Type
// facts     = byte: 1 body, 2 subject, 4 chat state only, 8 no-store, 16 no-permanent-store, 32 no-copy, 64 store,
//             128 payload; byte: 1 temporary sender, 2 type written out, 4 conversation, 8 from a room, 16 no carbons,
//             32 tell sender, 64 to any session, 128 a third byte: 1 sender forgoes, 2 retracts, 4 retracted
// priority  = byte, two's complement
// from, to  = jid;   id … inner = string (byte_codec.h);   retracted = varint, microseconds since 1970
// failure   = %x00 / code string          code = byte, an enumerator of Errc plus one
#include "base/assert.h"
#include "domain/byte_codec.h"
#include "domain/envelope.h"

namespace anser::domain {
namespace {

constexpr std::uint8_t kVersion = 1;
// Far above the stanza limit of any door; they only keep a broken file or node from asking for all memory.
constexpr std::size_t kMaxAttribute = 1 << 20;
constexpr std::size_t kMaxInner = 64 << 20;

// The third byte of facts, there when there is anything in it.
constexpr std::uint8_t kThird = 1 << 7, kSenderForgoes = 1, kRetracts = 2, kRetracted = 4, kAllThird = 7;

std::uint8_t pack_third(const Envelope& envelope) {
  return static_cast<std::uint8_t>((envelope.facts.sender_forgoes ? kSenderForgoes : 0) |
                                   (envelope.retracts.empty() ? 0 : kRetracts) |
                                   (envelope.retracted == Time{} ? 0 : kRetracted));
}

std::uint8_t pack_more(const Facts& facts) {
  return static_cast<std::uint8_t>(facts.temporary_sender | facts.typed << 1 | facts.conversation << 2 |
                                   facts.from_room << 3 | facts.no_carbons << 4 | facts.tell_sender << 5 |
                                   facts.to_any_session << 6);
}

std::uint8_t pack(const Facts& facts) {
  return static_cast<std::uint8_t>(facts.has_body | facts.has_subject << 1 | facts.chat_state_only << 2 |
                                   facts.no_store << 3 | facts.no_permanent_store << 4 | facts.no_copy << 5 |
                                   facts.store << 6 | facts.has_payload << 7);
}

Facts unpack(std::uint8_t bits, std::uint8_t more) {
  Facts facts;
  facts.has_body = bits & 1;
  facts.has_subject = bits >> 1 & 1;
  facts.chat_state_only = bits >> 2 & 1;
  facts.no_store = bits >> 3 & 1;
  facts.no_permanent_store = bits >> 4 & 1;
  facts.no_copy = bits >> 5 & 1;
  facts.store = bits >> 6 & 1;
  facts.has_payload = bits >> 7 & 1;
  facts.temporary_sender = more & 1;
  facts.typed = more >> 1 & 1;
  facts.conversation = more >> 2 & 1;
  facts.from_room = more >> 3 & 1;
  facts.no_carbons = more >> 4 & 1;
  facts.tell_sender = more >> 5 & 1;
  facts.to_any_session = more >> 6 & 1;
  return facts;
}

void put_attribute(std::string& out, std::string_view text) {
  ANSER_ASSERT(text.size() <= kMaxAttribute);
  put_string(out, text);
}

std::optional<Error> read_failure(ByteReader& reader) {
  const std::uint8_t code = reader.byte(static_cast<std::uint8_t>(Errc::internal) + 1);
  if (code == 0) return std::nullopt;
  return Error{static_cast<Errc>(code - 1), std::string{reader.string(kMaxAttribute)}};
}

}  // namespace

void encode(const Envelope& envelope, std::string& out) {
  ANSER_ASSERT(envelope.inner.size() <= kMaxInner);
  out += static_cast<char>(kVersion);
  out += static_cast<char>(envelope.kind);
  out += static_cast<char>(envelope.type);
  out += static_cast<char>(pack(envelope.facts));
  const std::uint8_t third = pack_third(envelope);
  out += static_cast<char>(pack_more(envelope.facts) | (third ? kThird : 0));
  if (third) out += static_cast<char>(third);
  out += static_cast<char>(envelope.facts.priority);
  put_jid(out, envelope.from);
  put_jid(out, envelope.to);
  put_attribute(out, envelope.id);
  put_attribute(out, envelope.lang);
  put_attribute(out, envelope.extra);
  put_attribute(out, envelope.origin_id);
  if (!envelope.retracts.empty()) put_attribute(out, envelope.retracts);
  if (envelope.retracted != Time{})
    put_varint(out, static_cast<std::uint64_t>(envelope.retracted.time_since_epoch().count()));
  put_string(out, envelope.inner.view());
  out += static_cast<char>(envelope.failure ? static_cast<int>(envelope.failure->code) + 1 : 0);
  if (envelope.failure) put_attribute(out, envelope.failure->message);
}

Result<Envelope> decode_envelope(std::string_view& in) {
  ByteReader reader{in};
  if (reader.byte() != kVersion) return fail(Errc::bad_request, "the envelope is not of version {}", kVersion);

  Envelope envelope;
  envelope.kind = static_cast<Kind>(reader.byte(static_cast<std::uint8_t>(Kind::iq)));
  envelope.type = static_cast<Type>(reader.byte(static_cast<std::uint8_t>(Type::error)));
  const std::uint8_t facts = reader.byte();
  const std::uint8_t more = reader.byte();
  envelope.facts = unpack(facts, more);
  const std::uint8_t third = more & kThird ? reader.byte(kAllThird) : 0;
  if (more & kThird && third == 0) reader.refuse();
  envelope.facts.sender_forgoes = third & kSenderForgoes;
  envelope.facts.priority = static_cast<std::int8_t>(reader.byte());
  envelope.from = reader.jid();
  envelope.to = reader.jid();
  envelope.id = reader.string(kMaxAttribute);
  envelope.lang = reader.string(kMaxAttribute);
  envelope.extra = reader.string(kMaxAttribute);
  envelope.origin_id = reader.string(kMaxAttribute);
  if (third & kRetracts) {
    envelope.retracts = reader.string(kMaxAttribute);
    if (envelope.retracts.empty()) reader.refuse();
  }
  if (third & kRetracted) {
    envelope.retracted = Time{Duration{static_cast<std::int64_t>(reader.varint())}};
    if (envelope.retracted == Time{}) reader.refuse();
  }
  envelope.inner = Bytes::copy(reader.string(kMaxInner));
  envelope.failure = read_failure(reader);
  if (!reader.ok()) return fail(Errc::bad_request, "the envelope is cut short or damaged");

  in = reader.rest();
  return envelope;
}

}  // namespace anser::domain
