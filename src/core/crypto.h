// The few primitives that login, tokens and entity capabilities need, through OpenSSL. Pure; any thread. They never
// fail: an OpenSSL that cannot hash stops the process.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace anser::core {

enum class Hash { sha1, sha256, sha512 };

constexpr std::size_t digest_size(Hash hash) { return hash == Hash::sha1 ? 20 : hash == Hash::sha256 ? 32 : 64; }

std::string digest(Hash hash, std::string_view data);
std::string hmac(Hash hash, std::string_view key, std::string_view data);

// Takes as long for a difference at the front as for one at the end. Only the lengths may leak.
bool constant_time_equal(std::string_view a, std::string_view b);

std::string hex(std::string_view bytes);  // lower case

// SHA-256 of values that come in parts, one after the other. It keeps OpenSSL's context, which for short values is most
// of the price of `digest`. One thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;

  void add(std::string_view part);
  std::array<unsigned char, 32> finish();  // of what was added since the last time

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The same for whatever hash, for bytes that come in pieces. One thread.
class Hasher {
 public:
  explicit Hasher(Hash hash);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void add(std::string_view part);
  std::string finish();  // once; nothing may be added after it

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// AES with a key of 16 bytes, a block at a time: to hide small values that must come back, never for messages. One
// thread.
class Aes128 {
 public:
  using Block = std::array<unsigned char, 16>;

  explicit Aes128(std::string_view key);
  ~Aes128();
  Aes128(Aes128&&) noexcept;

  Block encrypt(const Block& plain) const;
  Block decrypt(const Block& hidden) const;

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace anser::core
