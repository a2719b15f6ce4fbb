#include "sdk/src/duplicates.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "core/random.h"

namespace anser::sdk {

namespace {

// SipHash-2-4 (Aumasson and Bernstein, 2012) of the two texts with a 0 between them, under a key of this process:
// senders choose their ids, and must not be able to aim.
class SipHash {
 public:
  explicit SipHash(const std::array<std::uint64_t, 2>& key)
      : v_{key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du, key[0] ^ 0x6c7967656e657261u,
           key[1] ^ 0x7465646279746573u} {}

  void add(std::string_view text) {
    for (const char c : text) add(static_cast<std::uint8_t>(c));
  }
  void add(std::uint8_t octet) {
    word_ |= std::uint64_t{octet} << (8 * (size_ % 8));
    if (++size_ % 8 == 0) take();
  }
  std::uint64_t finish() {
    word_ |= std::uint64_t{size_ & 0xFF} << 56;
    take();
    v_[2] ^= 0xFF;
    for (int i = 0; i < 4; ++i) round();
    return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  }

 private:
  void take() {
    v_[3] ^= word_;
    round();
    round();
    v_[0] ^= word_;
    word_ = 0;
  }
  void round() {
    v_[0] += v_[1];
    v_[1] = std::rotl(v_[1], 13) ^ v_[0];
    v_[0] = std::rotl(v_[0], 32);
    v_[2] += v_[3];
    v_[3] = std::rotl(v_[3], 16) ^ v_[2];
    v_[0] += v_[3];
    v_[3] = std::rotl(v_[3], 21) ^ v_[0];
    v_[2] += v_[1];
    v_[1] = std::rotl(v_[1], 17) ^ v_[2];
    v_[2] = std::rotl(v_[2], 32);
  }

  std::array<std::uint64_t, 4> v_;
  std::uint64_t word_ = 0;
  std::size_t size_ = 0;
};

const std::array<std::uint64_t, 2>& key_of_process() {
  static const std::array<std::uint64_t, 2> key = [] {
    std::array<std::uint64_t, 2> drawn{};
    std::memcpy(drawn.data(), core::random_bytes(sizeof drawn).data(), sizeof drawn);
    return drawn;
  }();
  return key;
}

}  // namespace

bool Duplicates::add(std::string_view scope, std::string_view id) {
  SipHash hash{key_of_process()};
  hash.add(scope);
  hash.add(std::uint8_t{0});
  hash.add(id);
  const std::uint64_t key = std::max<std::uint64_t>(hash.finish(), 1);
  if (young_.has(key) || old_.has(key)) return false;
  if (young_.size() == kGeneration) old_ = std::exchange(young_, {});
  young_.add(key);
  return true;
}

bool Duplicates::Table::has(std::uint64_t key) const {
  if (slots_.empty()) return false;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = key & mask; slots_[at] != 0; at = (at + 1) & mask) {
    if (slots_[at] == key) return true;
  }
  return false;
}

void Duplicates::Table::add(std::uint64_t key) {
  constexpr std::size_t kFirst = 64;
  if (2 * (used_ + 1) > slots_.size()) {
    const auto before = std::exchange(slots_, std::vector<std::uint64_t>(std::max(kFirst, 2 * slots_.size())));
    used_ = 0;
    for (const std::uint64_t kept : before) {
      if (kept != 0) add(kept);
    }
  }
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = key & mask;
  while (slots_[at] != 0) at = (at + 1) & mask;
  slots_[at] = key;
  ++used_;
}

}  // namespace anser::sdk
