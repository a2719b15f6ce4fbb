// What strangers say about uploads: structured fields, digests, checksums, tus' metadata and addresses of parts. The
// first octet chooses the field. What is taken says the same when it is written again.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/base64.h"
#include "upload/checksum.h"
#include "upload/notes.h"
#include "upload/structured_field.h"
#include "upload/tus_fields.h"

namespace {

using namespace anser;

void check_items(std::string_view field) {
  const auto flag = upload::boolean_item(field);
  const auto number = upload::integer_item(field);
  ANSER_ASSERT(!(flag && number));
  if (flag) ANSER_ASSERT(upload::boolean_item(*flag ? "?1" : "?0") == flag);
  if (number) {
    ANSER_ASSERT(*number <= 999'999'999'999'999 && *number >= -999'999'999'999'999);
    ANSER_ASSERT(upload::integer_item(std::to_string(*number)) == number);
  }
}

void check_dictionary(std::string_view field) {
  const auto members = upload::byte_sequences(field);
  if (!members) return;
  std::string again;
  std::set<std::string> names;
  for (const auto& [name, bytes] : *members) {
    ANSER_ASSERT(names.insert(name).second);
    again += (again.empty() ? "" : ", ") + name + "=" + upload::byte_sequence(bytes);
  }
  ANSER_ASSERT(upload::byte_sequences(again) == members);
}

void check_sums(std::string_view field) {
  auto checksum = upload::tus_checksum(field);
  if (checksum) {
    checksum->add(field);
    static_cast<void>(checksum->matches());
  }
  auto digest = upload::digest_in(field);
  if (digest && *digest) {
    (*digest)->add(field);
    static_cast<void>((*digest)->matches());
  }
}

void check_metadata(std::string_view field) {
  const auto metadata = upload::parse_tus_metadata(field);
  if (!metadata) return;
  std::string again;
  for (const auto& [key, value] : *metadata) {
    ANSER_ASSERT(!key.empty() && key.find_first_of(" ,") == std::string::npos);
    again += (again.empty() ? "" : ",") + key + " " + base64_encode(value);
  }
  ANSER_ASSERT(upload::parse_tus_metadata(again) == metadata);
}

void check_parts(std::string_view field) {
  if (const auto count = upload::parse_count(field)) ANSER_ASSERT(upload::parse_count(std::to_string(*count)) == count);
  const auto ids = upload::parse_final(field);
  if (!ids) return;
  ANSER_ASSERT(!ids->empty());
  for (const auto& id : *ids) ANSER_ASSERT(upload::upload_id_in("/uploads/" + id) == id);
}

void check_notes(std::string_view text) {
  const auto notes = upload::notes_of(text);
  ANSER_ASSERT(upload::notes_of(upload::to_text(notes)) == notes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view field{reinterpret_cast<const char*>(data + 1), size - 1};
  switch (data[0] % 6) {
    case 0:
      check_items(field);
      break;
    case 1:
      check_dictionary(field);
      break;
    case 2:
      check_sums(field);
      break;
    case 3:
      check_metadata(field);
      break;
    case 4:
      check_parts(field);
      break;
    default:
      check_notes(field);
  }
  return 0;
}
