// Our own byte formats, damaged: the first octet picks one, the rest are its bytes. Decoding gives an error or a value,
// never a crash; what was accepted means the same when it is written and read again, and envelopes and letters have
// one spelling.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "domain/byte_codec.h"
#include "domain/mail.h"
#include "domain/session_journal.h"
#include "store/record_codec.h"

namespace {

using namespace anser;

template <class Decode>
void check_one_spelling(std::string_view bytes, Decode decode) {
  std::string_view rest = bytes;
  const auto decoded = decode(rest);
  if (!decoded) {
    ANSER_ASSERT(decoded.error().code == Errc::bad_request);
    ANSER_ASSERT(rest == bytes);  // nothing is taken from what is refused
    return;
  }
  ANSER_ASSERT(rest.size() < bytes.size() && bytes.ends_with(rest));
  std::string again;
  encode(*decoded, again);
  ANSER_ASSERT(again == bytes.substr(0, bytes.size() - rest.size()));
}

void check_record(std::string_view bytes) {
  const auto decoded = store::decode_entry(bytes);
  if (!decoded) {
    ANSER_ASSERT(decoded.error().code == Errc::storage_failed);
    return;
  }
  std::string again;
  store::encode_entry(*decoded, again);
  const auto twice = store::decode_entry(again);
  ANSER_ASSERT(twice);
  ANSER_ASSERT(twice->kind == decoded->kind && twice->references == decoded->references);
  ANSER_ASSERT(twice->owner == decoded->owner && twice->target == decoded->target);
  ANSER_ASSERT(twice->envelope == decoded->envelope && twice->sequences == decoded->sequences);
  std::string thrice;
  store::encode_entry(*twice, thrice);
  ANSER_ASSERT(thrice == again);
}

void check_numbers(std::string_view bytes) {
  domain::ByteReader reader{bytes};
  std::string again;
  while (reader.ok() && !reader.rest().empty()) {
    const std::uint64_t number = reader.varint();
    if (reader.ok()) domain::put_varint(again, number);
  }
  ANSER_ASSERT(bytes.starts_with(again));
  ANSER_ASSERT(!reader.ok() || again.size() == bytes.size());
}

// What sessions have noted, as a damaged file gives it back.
void check_notes(std::string_view bytes) {
  constexpr std::uint64_t kKinds = 8;
  domain::ByteReader reader{bytes};
  std::vector<domain::SessionNote> notes;
  while (reader.ok() && !reader.rest().empty()) {
    domain::SessionNote note;
    const std::uint64_t head = reader.byte();
    note.session = 1 + head / (2 * kKinds);
    note.key = head % kKinds << 56 | (reader.varint() & domain::kLastNumber);
    note.bytes = reader.string(bytes.size());
    if (reader.ok()) notes.push_back(std::move(note));
  }
  std::ranges::sort(notes, {}, [](const auto& note) { return std::pair{note.session, note.key}; });
  std::vector<std::uint64_t> worthless;
  for (const auto& saved : domain::read_sessions(notes, worthless)) {
    ANSER_ASSERT(saved.numbers.size() <= saved.given.size());
    ANSER_ASSERT(std::ranges::is_sorted(saved.numbers));
    ANSER_ASSERT(!saved.jid.resource().empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data + 1), size - 1};

  switch (static_cast<std::uint8_t>(data[0] - '0') % 5) {
    case 0:
      check_one_spelling(bytes, [](std::string_view& in) { return domain::decode_envelope(in); });
      break;
    case 1:
      check_one_spelling(bytes, [](std::string_view& in) { return domain::decode_mail(in); });
      break;
    case 2:
      check_record(bytes);
      break;
    case 3:
      check_numbers(bytes);
      break;
    default:
      check_notes(bytes);
  }
  return 0;
}
