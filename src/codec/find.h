// Searches pieces of memory for one delimiter. Two rare bytes of it are compared at their distance, a vector of places
// at a time; where both stand, the bytes at its front are compared in the same way until few places are left, and
// those one by one. Since its first byte stands nowhere else in it, places that share k bytes with its front are at
// least k bytes apart: what is left to compare one by one is bounded, and so the work is linear in the text and never
// more than some dozens of comparisons a vector, whoever wrote text and delimiter. Pure; a Finder is used by any
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace anser::codec {

class Finder {
 public:
  static constexpr std::size_t kMaxSize = 80;

  // How many bytes are compared at once. `none`: by the C library, a first byte at a time, where there is nothing else.
  // Vectors of 64 bytes gained in the cache only, where 32 are fast enough: beyond it they took a third longer, since
  // every one of them lies across two lines.
  enum class Vectors : std::uint8_t { none, sse2, avx2 };
  // What this processor has, the best one last.
  static const std::vector<Vectors>& available();

  // 1 to kMaxSize bytes, the first of which is not repeated.
  explicit Finder(std::string_view delimiter) : Finder(delimiter, available().back()) {}
  Finder(std::string_view delimiter, Vectors vectors);

  // The first place where the delimiter stands, whole or cut off by the end of `text`; text.size() if there is none.
  std::size_t find(std::string_view text) const;

  std::string_view delimiter() const { return {bytes_.data(), size_}; }
  std::size_t size() const { return size_; }

  struct Pattern {
    const char* bytes;
    std::size_t size, first_rare, second_rare;
  };
  // Where the delimiter stands whole, among text.size() - size + 1 places; kNone.
  using Scan = std::size_t (*)(const Pattern&, std::string_view text);
  static constexpr std::size_t kNone = std::string_view::npos;

 private:
  void choose_rare();
  std::size_t find_slowly(std::string_view text) const;

  std::array<char, kMaxSize> bytes_{};
  std::uint8_t size_;
  std::uint8_t first_rare_ = 0, second_rare_ = 0;  // where they stand
  std::uint8_t vector_ = 0;                        // bytes; no text with fewer places is scanned
  Scan scan_ = nullptr;
};

}  // namespace anser::codec
