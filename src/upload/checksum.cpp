#include "upload/checksum.h"

#include <utility>

#include "base/base64.h"
#include "codec/crc32.h"
#include "upload/structured_field.h"

namespace anser::upload {
namespace {

constexpr std::size_t kCrcSize = 4;

}  // namespace

void Checksum::add(std::string_view bytes) {
  if (auto* crc = std::get_if<Crc>(&sum_))
    crc->value = codec::crc32(crc->value, bytes);
  else
    std::get<core::Hasher>(sum_).add(bytes);
}

bool Checksum::matches() {
  if (auto* hasher = std::get_if<core::Hasher>(&sum_)) return hasher->finish() == expected_;
  const std::uint32_t value = std::get<Crc>(sum_).value;
  std::string big_endian;
  for (int shift = 24; shift >= 0; shift -= 8) big_endian += static_cast<char>(value >> shift);
  return big_endian == expected_;
}

Result<Checksum> tus_checksum(std::string_view field) {
  const auto space = field.find(' ');
  const auto algorithm = field.substr(0, space);
  std::optional<Checksum::Sum> sum;
  std::size_t size = kCrcSize;
  if (algorithm == "crc32") sum = Checksum::Crc{};
  for (const auto& [name, hash] : {std::pair{"sha1", core::Hash::sha1}, std::pair{"sha256", core::Hash::sha256}}) {
    if (algorithm != name) continue;
    sum = core::Hasher{hash};
    size = core::digest_size(hash);
  }
  if (!sum) return fail(Errc::bad_request, "checksums are by one of {}", kTusAlgorithms);
  auto expected = base64_decode(space == std::string_view::npos ? "" : field.substr(space + 1));
  if (!expected || expected->size() != size)
    return fail(Errc::bad_request, "Upload-Checksum has no checksum of {} bytes in Base64", size);
  return Checksum{std::move(*sum), std::move(*expected)};
}

Result<std::optional<Checksum>> digest_in(std::string_view field) {
  auto digests = byte_sequences(field);
  if (!digests) return fail(Errc::bad_request, "a digest field is a dictionary of byte sequences");
  std::optional<Checksum> strongest;
  for (const auto& [name, hash] :
       {std::pair{"sha-256", core::Hash::sha256}, std::pair{"sha-512", core::Hash::sha512}}) {
    for (auto& [algorithm, expected] : *digests) {
      if (algorithm != name) continue;
      if (expected.size() != core::digest_size(hash))
        return fail(Errc::bad_request, "{} has {} bytes, not {}", name, core::digest_size(hash), expected.size());
      strongest = Checksum{core::Hasher{hash}, std::move(expected)};
    }
  }
  return strongest;
}

}  // namespace anser::upload
