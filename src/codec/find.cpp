#include "codec/find.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace anser::codec {
namespace {

using Vectors = Finder::Vectors;

// How often a byte is to be expected in what people send, roughly: the smaller, the better it tells places apart.
int frequency(char byte) {
  if (byte == '\r' || byte == '\n' || byte == '-' || byte == ' ') return 4;
  if (byte == '0' || (byte >= 'a' && byte <= 'z')) return 3;
  if (byte >= '1' && byte <= '9') return 2;
  return 1;
}

#if defined(__x86_64__)

#define ANSER_AVX2 __attribute__((target("avx2")))

bool more_than_two(std::uint32_t bits) {
  bits &= bits - 1;
  return (bits & (bits - 1)) != 0;
}

struct Sse2 {
  static constexpr std::size_t kBytes = 16;
  using Bytes = __m128i;
  using Equal = __m128i;

  static Bytes all(char byte) { return _mm_set1_epi8(byte); }
  static Equal equal(const char* at, Bytes bytes) {
    return _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)), bytes);
  }
  static Equal both(const char* at, Bytes bytes, const char* other_at, Bytes other_bytes) {
    return _mm_and_si128(equal(at, bytes), equal(other_at, other_bytes));
  }
  static std::uint32_t bits(Equal equal) { return static_cast<unsigned>(_mm_movemask_epi8(equal)); }
};

struct Avx2 {
  static constexpr std::size_t kBytes = 32;
  using Bytes = __m256i;
  using Equal = __m256i;

  ANSER_AVX2 static Bytes all(char byte) { return _mm256_set1_epi8(byte); }
  ANSER_AVX2 static Equal equal(const char* at, Bytes bytes) {
    return _mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)), bytes);
  }
  ANSER_AVX2 static Equal both(const char* at, Bytes bytes, const char* other_at, Bytes other_bytes) {
    return _mm256_and_si256(equal(at, bytes), equal(other_at, other_bytes));
  }
  ANSER_AVX2 static std::uint32_t bits(Equal equal) { return static_cast<unsigned>(_mm256_movemask_epi8(equal)); }
};

#define ANSER_VECTOR Sse2
#define ANSER_TARGET
#include "codec/find_scan.inc"
#undef ANSER_VECTOR
#undef ANSER_TARGET

#define ANSER_VECTOR Avx2
#define ANSER_TARGET ANSER_AVX2
#include "codec/find_scan.inc"
#undef ANSER_VECTOR
#undef ANSER_TARGET

template <class Vector>
std::size_t scan_with(const Finder::Pattern& pattern, std::string_view text) {
  return scan(Vector{}, pattern, text);
}

std::vector<Vectors> ask_processor() {
  __builtin_cpu_init();
  std::vector<Vectors> found{Vectors::none, Vectors::sse2};
  if (__builtin_cpu_supports("avx2")) found.push_back(Vectors::avx2);
  return found;
}

#else

std::vector<Vectors> ask_processor() { return {Vectors::none}; }

#endif

}  // namespace

const std::vector<Vectors>& Finder::available() {
  static const std::vector<Vectors> found = ask_processor();
  return found;
}

Finder::Finder(std::string_view delimiter, Vectors vectors) : size_(static_cast<std::uint8_t>(delimiter.size())) {
  ANSER_ASSERT(!delimiter.empty() && delimiter.size() <= kMaxSize);
  ANSER_ASSERT(delimiter.rfind(delimiter.front()) == 0);
  std::ranges::copy(delimiter, bytes_.begin());
  choose_rare();
#if defined(__x86_64__)
  if (vectors == Vectors::sse2) scan_ = scan_with<Sse2>, vector_ = Sse2::kBytes;
  if (vectors == Vectors::avx2) scan_ = scan_with<Avx2>, vector_ = Avx2::kBytes;
#else
  static_cast<void>(vectors);
#endif
}

// Of two that are as rare the later one, since the front of a boundary is what a program always writes
// ("----WebKitForm") and its end is random; the second is another byte than the first if there is one.
void Finder::choose_rare() {
  const auto rarer = [this](std::size_t a, std::size_t b) { return frequency(bytes_[a]) <= frequency(bytes_[b]); };
  std::size_t first = 0;
  for (std::size_t i = 1; i < size_; ++i) {
    if (rarer(i, first)) first = i;
  }
  std::size_t second = 0;
  for (std::size_t i = 1; i < size_; ++i) {
    if (bytes_[i] != bytes_[first] && rarer(i, second)) second = i;
  }
  first_rare_ = static_cast<std::uint8_t>(first);
  second_rare_ = static_cast<std::uint8_t>(second);
}

std::size_t Finder::find(std::string_view text) const {
  if (scan_ == nullptr || text.size() < std::size_t{size_} + vector_ - 1) return find_slowly(text);
  const std::size_t whole = scan_({bytes_.data(), size_, first_rare_, second_rare_}, text);
  if (whole != kNone) return whole;
  // Cut off by the end it can only stand where its first byte stands last.
  const std::size_t tail = text.size() - (size_ - 1u);
  const std::size_t last = text.substr(tail).rfind(bytes_[0]);
  if (last == std::string_view::npos || !delimiter().starts_with(text.substr(tail + last))) return text.size();
  return tail + last;
}

std::size_t Finder::find_slowly(std::string_view text) const {
  std::size_t at = text.find(bytes_[0]);
  while (at != std::string_view::npos) {
    const auto same = std::ranges::mismatch(text.substr(at), delimiter());
    if (same.in1 == text.end() || same.in2 == delimiter().end()) return at;
    // None of the bytes that were the same begins another.
    at = text.find(bytes_[0], at + 1);
  }
  return text.size();
}

}  // namespace anser::codec
