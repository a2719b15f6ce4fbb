#include "core/random.h"

#include <openssl/rand.h>

#include <array>
#include <climits>
#include <string_view>

#include "base/assert.h"

namespace anser::core {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kPool = 1024;  // one call of the generator for 64 ids of 16 characters

void fill(unsigned char* bytes, std::size_t count) {
  ANSER_ASSERT(count <= INT_MAX);
  ANSER_ASSERT(RAND_bytes(bytes, static_cast<int>(count)) == 1);
}

// Each byte is handed out once and wiped.
class Pool {
 public:
  unsigned char next() {
    if (used_ == bytes_.size()) {
      fill(bytes_.data(), bytes_.size());
      used_ = 0;
    }
    const unsigned char byte = bytes_[used_];
    bytes_[used_++] = 0;
    return byte;
  }

 private:
  std::array<unsigned char, kPool> bytes_;
  std::size_t used_ = kPool;
};

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  fill(reinterpret_cast<unsigned char*>(bytes.data()), count);
  return bytes;
}

std::string random_id(std::size_t chars) {
  static thread_local Pool pool;
  std::string id(chars, '\0');
  for (char& c : id) c = kAlphabet[pool.next() & 63];
  return id;
}

}  // namespace anser::core
