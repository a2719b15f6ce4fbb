#include "store/record_codec.h"

#include "base/assert.h"
#include "domain/byte_codec.h"

namespace anser::store {
namespace {

using domain::LogEntry;
using domain::RecordKind;

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSenderArchive = 1, kRecipientArchive = 2, kOffline = 4, kOutbound = 8, kOwnerIsRecipient = 16;
constexpr std::uint8_t kAllFlags = 31;

bool owner_is_recipient(const LogEntry& entry) {
  return entry.kind == RecordKind::message && !entry.owner.empty() && entry.owner.full() == entry.envelope.to.bare();
}

bool is_kept(RecordKind kind) {
  switch (kind) {
    case RecordKind::message:
    case RecordKind::offline:
    case RecordKind::delivered:
    case RecordKind::forget:
    case RecordKind::released:
      return true;
    case RecordKind::note:
      return false;
  }
  return false;
}

void put_sequences(std::string& out, const std::vector<std::uint64_t>& sequences) {
  domain::put_varint(out, sequences.size());
  std::uint64_t before = 0;
  for (const auto sequence : sequences) {
    ANSER_ASSERT(sequence > before);
    domain::put_varint(out, sequence - before);
    before = sequence;
  }
}

std::vector<std::uint64_t> read_sequences(domain::ByteReader& reader) {
  std::vector<std::uint64_t> sequences;
  const std::uint64_t count = reader.varint();
  if (count > reader.rest().size()) reader.refuse();  // each takes a byte at least
  if (reader.ok()) sequences.reserve(count);
  std::uint64_t sequence = 0;
  while (reader.ok() && sequences.size() < count) {
    const std::uint64_t step = reader.varint();
    if (sequence + step <= sequence) reader.refuse();
    sequences.push_back(sequence += step);
  }
  return sequences;
}

}  // namespace

void encode_entry(const LogEntry& entry, std::string& out) {
  const auto& references = entry.references;
  const bool short_owner = owner_is_recipient(entry);
  out += static_cast<char>(kVersion);
  out += static_cast<char>(entry.kind);
  out +=
      static_cast<char>((references.sender_archive ? kSenderArchive : 0) |
                        (references.recipient_archive ? kRecipientArchive : 0) | (references.offline ? kOffline : 0) |
                        (references.outbound ? kOutbound : 0) | (short_owner ? kOwnerIsRecipient : 0));
  if (!short_owner) domain::put_jid(out, entry.owner);
  domain::put_varint(out, entry.target);
  if (entry.kind == RecordKind::message) encode(entry.envelope, out);
  if (entry.kind == RecordKind::released) put_sequences(out, entry.sequences);
}

Result<LogEntry> decode_entry(std::string_view bytes) {
  domain::ByteReader reader{bytes};
  LogEntry entry;
  if (reader.byte() != kVersion) reader.refuse();
  entry.kind = static_cast<RecordKind>(reader.byte(static_cast<std::uint8_t>(RecordKind::released)));
  if (!is_kept(entry.kind)) reader.refuse();
  const std::uint8_t flags = reader.byte(kAllFlags);
  entry.references = {.sender_archive = (flags & kSenderArchive) != 0,
                      .recipient_archive = (flags & kRecipientArchive) != 0,
                      .offline = (flags & kOffline) != 0,
                      .outbound = (flags & kOutbound) != 0};
  if (!(flags & kOwnerIsRecipient)) entry.owner = reader.jid();
  entry.target = reader.varint();
  if (entry.kind == RecordKind::released) entry.sequences = read_sequences(reader);

  std::string_view rest = reader.rest();
  if (reader.ok() && entry.kind == RecordKind::message) {
    auto envelope = domain::decode_envelope(rest);
    if (!envelope) return fail(Errc::storage_failed, "a log record is damaged: {}", envelope.error().message);
    entry.envelope = std::move(*envelope);
    if (flags & kOwnerIsRecipient) entry.owner = entry.envelope.to.to_bare();
  }
  if (!reader.ok() || !rest.empty()) return fail(Errc::storage_failed, "a log record is damaged");
  return entry;
}

}  // namespace anser::store
