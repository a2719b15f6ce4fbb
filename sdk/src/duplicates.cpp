#include "sdk/src/duplicates.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "core/random.h"

namespace anser::sdk {

namespace {

const std::array<std::uint64_t, 2>& key_of_process() {
  static const std::array<std::uint64_t, 2> key = [] {
    std::array<std::uint64_t, 2> drawn{};
    std::memcpy(drawn.data(), core::random_bytes(sizeof drawn).data(), sizeof drawn);
    return drawn;
  }();
  return key;
}

// SipHash-2-4 (Aumasson and Bernstein, 2012) under a key of this process: senders choose their ids, and must not be
// able to aim.
std::uint64_t sip_hash(std::string_view text) {
  const auto& key = key_of_process();
  std::uint64_t a = key[0] ^ 0x736f6d6570736575u, b = key[1] ^ 0x646f72616e646f6du;
  std::uint64_t c = key[0] ^ 0x6c7967656e657261u, d = key[1] ^ 0x7465646279746573u;
  const auto round = [&] {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  };
  const auto take = [&](std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  };
  std::uint64_t word = std::uint64_t{text.size()} << 56;
  for (; text.size() >= sizeof word; text.remove_prefix(sizeof word)) {
    std::uint64_t whole;
    std::memcpy(&whole, text.data(), sizeof whole);
    take(whole);
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  }
  take(word);
  c ^= 0xFF;
  for (int i = 0; i < 4; ++i) round();
  return a ^ b ^ c ^ d;
}

// With a 0 between them, which neither has.
std::uint64_t key_of(std::string_view scope, std::string_view id) {
  std::array<char, 256> room;
  const std::size_t size = scope.size() + 1 + id.size();
  if (size > room.size()) return sip_hash(std::string{scope}.append(1, '\0').append(id));
  char* at = std::ranges::copy(scope, room.data()).out;
  *at++ = '\0';
  std::ranges::copy(id, at);
  return sip_hash({room.data(), size});
}

// Of other bits than those that say where it is.
std::uint16_t tag_of(std::uint64_t key) { return std::max<std::uint16_t>(static_cast<std::uint16_t>(key >> 48), 1); }

}  // namespace

bool Duplicates::add(std::string_view scope, std::string_view id) {
  const std::uint64_t key = key_of(scope, id);
  if (old_.has(key) || !young_.add(key)) return false;
  if (young_.size() < kGeneration) return true;
  std::swap(old_, young_);
  young_.clear();
  return true;
}

bool Duplicates::Table::has(std::uint64_t key) const { return used_ != 0 && tags_[find(key)] != 0; }

bool Duplicates::Table::add(std::uint64_t key) {
  if (2 * (used_ + 1) > tags_.size()) grow();
  const std::size_t at = find(key);
  if (tags_[at] != 0) return false;
  tags_[at] = tag_of(key);
  keys_[at] = key;
  ++used_;
  return true;
}

void Duplicates::Table::clear() {
  std::ranges::fill(tags_, std::uint16_t{0});
  used_ = 0;
}

std::size_t Duplicates::Table::find(std::uint64_t key) const {
  const std::size_t mask = tags_.size() - 1;
  const std::uint16_t tag = tag_of(key);
  std::size_t at = key & mask;
  while (tags_[at] != 0 && (tags_[at] != tag || keys_[at] != key)) at = (at + 1) & mask;
  return at;
}

void Duplicates::Table::grow() {
  constexpr std::size_t kFirst = 64;
  const std::size_t size = std::max(kFirst, 2 * tags_.size());
  const auto tags = std::exchange(tags_, std::vector<std::uint16_t>(size));
  const auto keys = std::exchange(keys_, std::vector<std::uint64_t>(size));
  used_ = 0;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (tags[i] != 0) add(keys[i]);
  }
}

}  // namespace anser::sdk
