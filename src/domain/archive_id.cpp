#include "domain/archive_id.h"

#include <algorithm>
#include <cstring>

#include "base/base64.h"

namespace anser::domain {
namespace {

using Block = core::Aes128::Block;

constexpr std::size_t kKeyBytes = 16;
constexpr std::string_view kPadding = "==";  // of 16 bytes in base64

std::string derive(std::string_view secret, std::string_view purpose) {
  return core::hmac(core::Hash::sha256, secret, purpose).substr(0, kKeyBytes);
}

void put_number(Block& block, std::size_t at, std::uint64_t number) {
  for (std::size_t i = 0; i < sizeof number; ++i) block[at + i] = static_cast<unsigned char>(number >> (8 * i));
}

std::uint64_t number_at(const Block& block, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number |= static_cast<std::uint64_t>(block[at + i]) << (8 * i);
  return number;
}

}  // namespace

ArchiveIds::ArchiveIds(std::string_view secret)
    : block_(derive(secret, "archive id")), mac_(derive(secret, "archive id owner")) {}

// The length stands in front, so no address is the beginning of another's input.
std::uint64_t ArchiveIds::seal(std::string_view owner) const {
  Block state{};
  put_number(state, 0, owner.size());
  state = mac_.encrypt(state);
  for (std::size_t from = 0; from < owner.size(); from += state.size()) {
    const auto part = owner.substr(from, state.size());
    for (std::size_t i = 0; i < part.size(); ++i) state[i] ^= static_cast<unsigned char>(part[i]);
    state = mac_.encrypt(state);
  }
  return number_at(state, 0);
}

std::string ArchiveIds::make(std::string_view owner, std::uint64_t sequence) const {
  Block block;
  put_number(block, 0, sequence);
  put_number(block, 8, seal(owner));
  const Block hidden = block_.encrypt(block);
  std::string id = base64_encode({reinterpret_cast<const char*>(hidden.data()), hidden.size()});
  id.resize(kLength);
  std::replace(id.begin(), id.end(), '+', '-');
  std::replace(id.begin(), id.end(), '/', '_');
  return id;
}

std::optional<std::uint64_t> ArchiveIds::open(std::string_view owner, std::string_view id) const {
  if (id.size() != kLength || id.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string text{id};
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  const auto bytes = base64_decode(text.append(kPadding));
  Block hidden;
  if (!bytes || bytes->size() != hidden.size()) return std::nullopt;
  std::memcpy(hidden.data(), bytes->data(), hidden.size());
  const Block block = block_.decrypt(hidden);
  if (number_at(block, 8) != seal(owner)) return std::nullopt;
  return number_at(block, 0);
}

}  // namespace anser::domain
