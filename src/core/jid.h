// An XMPP address (RFC 7622), prepared once when it enters and compared octet for octet ever after. A value: one string
// `local@domain/resource` and two lengths; the parts are views into it, good as long as the Jid.
// Invariant: empty, or every part went through its prepare function below, so parse(full()) gives the same Jid back.
// That also means that two Jids are equal exactly when their text is: a domain holds neither '@' nor '/'.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace anser::core {

inline constexpr std::size_t kMaxJidPart = 1023;  // octets of each part, once prepared (RFC 7622 §3.2, 3.3, 3.4)
// What is longer is refused unread. Preparing may shrink text (composition, A-labels), hence more than 3 parts.
inline constexpr std::size_t kMaxJidInput = 4 * (3 * kMaxJidPart + 2);

class Jid {
 public:
  Jid() = default;  // empty: no address
  Jid(const Jid&) = default;
  Jid& operator=(const Jid&) = default;
  // What was moved from is empty again.
  Jid(Jid&& other) noexcept
      : full_(std::exchange(other.full_, {})),
        local_size_(std::exchange(other.local_size_, 0)),
        domain_size_(std::exchange(other.domain_size_, 0)) {}
  Jid& operator=(Jid&& other) noexcept {
    full_.swap(other.full_);
    std::swap(local_size_, other.local_size_);
    std::swap(domain_size_, other.domain_size_);
    if (this != &other) other.clear();
    return *this;
  }

  // Splits (first '/', then first '@' before it), then prepares each part. Errc::jid_malformed.
  static Result<Jid> parse(std::string_view text);
  // From parts; an empty local or resource means that there is none. Errc::jid_malformed.
  static Result<Jid> make(std::string_view local, std::string_view domain, std::string_view resource = {});

  std::string_view local() const { return std::string_view{full_}.substr(0, local_size_); }
  std::string_view domain() const { return std::string_view{full_}.substr(domain_start(), domain_size_); }
  std::string_view resource() const {
    return has_resource() ? std::string_view{full_}.substr(bare_size() + 1) : std::string_view{};
  }
  std::string_view bare() const { return std::string_view{full_}.substr(0, bare_size()); }  // local@domain, or domain
  const std::string& full() const { return full_; }

  bool empty() const { return full_.empty(); }
  bool has_local() const { return local_size_ != 0; }
  bool has_resource() const { return full_.size() > bare_size(); }
  bool is_bare() const { return !empty() && !has_resource(); }                 // local@domain or domain
  bool is_domain() const { return !empty() && full_.size() == domain_size_; }  // nothing but a domain

  Jid to_bare() const { return Jid{std::string{bare()}, local_size_, domain_size_}; }
  Jid to_domain() const { return Jid{std::string{domain()}, 0, domain_size_}; }
  // Instead of any resource there is. Errc::jid_malformed, also when this Jid is empty.
  Result<Jid> with_resource(std::string_view resource) const;

  friend bool operator==(const Jid& a, const Jid& b) { return a.full_ == b.full_; }
  friend std::strong_ordering operator<=>(const Jid& a, const Jid& b) { return a.full_ <=> b.full_; }

 private:
  Jid(std::string full, std::size_t local_size, std::size_t domain_size)
      : full_(std::move(full)),
        local_size_(static_cast<std::uint16_t>(local_size)),
        domain_size_(static_cast<std::uint16_t>(domain_size)) {}

  void clear() {
    full_.clear();
    local_size_ = domain_size_ = 0;
  }
  std::size_t domain_start() const { return local_size_ == 0 ? 0 : local_size_ + std::size_t{1}; }
  std::size_t bare_size() const { return domain_start() + domain_size_; }

  std::string full_;
  std::uint16_t local_size_ = 0;
  std::uint16_t domain_size_ = 0;
};

// Whether `text` is an address in the form that preparing leaves, as far as a look at ASCII tells: no memory is taken.
// False says nothing.
bool is_plain_jid(std::string_view text);

// The canonical form of one part, never empty, at most kMaxJidPart octets. Errc::jid_malformed.
// UsernameCaseMapped (RFC 8265 §3.3) without "&'/:<>@ (RFC 7622 §3.3.1).
Result<std::string> prepare_local(std::string_view local);
// U-labels and NR-LDH labels in lower case (UTS #46, non-transitional), within DNS's own limits; or an IPv4 or
// [IPv6] address, the latter in the form of RFC 5952. One trailing dot is dropped.
Result<std::string> prepare_domain(std::string_view domain);
// OpaqueString (RFC 8265 §4.2) that does not begin with a space (RFC 7622 §3.5, example 18).
Result<std::string> prepare_resource(std::string_view resource);

}  // namespace anser::core

template <>
struct std::hash<anser::core::Jid> {
  std::size_t operator()(const anser::core::Jid& jid) const noexcept {
    return std::hash<std::string_view>{}(jid.full());
  }
};

template <>
struct fmt::formatter<anser::core::Jid> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const anser::core::Jid& jid, Context& context) const {
    return fmt::formatter<std::string_view>::format(jid.full(), context);
  }
};
