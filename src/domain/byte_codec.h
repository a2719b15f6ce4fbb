// The alphabet of our own byte formats (envelopes, log records, letters between nodes): varints and strings.
//
//   varint = LEB128 of 64 bits without needless bytes: there is one spelling of each number
//   string = varint length, then so many bytes
//   jid    = string: an address in its prepared form, empty when there is none
//
// A reader remembers its first failure and gives zeros from then on, so a decoder reads straight on and asks ok() once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/jid.h"

namespace anser::domain {

inline void put_varint(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out += static_cast<char>(number | 0x80);
    number >>= 7;
  }
  out += static_cast<char>(number);
}

inline void put_string(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out += text;
}

inline void put_jid(std::string& out, const core::Jid& jid) { put_string(out, jid.full()); }

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

  // For what is read well-formed but makes no sense.
  void refuse() { ok_ = false; }

  std::uint8_t byte() {
    if (!ok_ || rest_.empty()) return failed();
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  // Refuses numbers above `max`.
  std::uint8_t byte(std::uint8_t max) {
    const std::uint8_t value = byte();
    return value <= max ? value : failed();
  }

  std::uint64_t varint() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      if (!ok_) return 0;
      if (shift == 63 && next > 1) return failed();
      number |= static_cast<std::uint64_t>(next & 0x7f) << shift;
      if (next < 0x80) return next == 0 && shift != 0 ? failed() : number;
    }
    return failed();
  }

  // A view into what is being read; longer than `max` is refused.
  std::string_view string(std::size_t max) {
    const std::uint64_t size = varint();
    if (!ok_ || size > max || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view text = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(text.size());
    return text;
  }

  core::Jid jid() {
    const std::string_view text = string(core::kMaxJidInput);
    if (text.empty()) return {};
    auto jid = core::Jid::parse(text);
    if (jid && jid->full() == text) return std::move(*jid);
    refuse();
    return {};
  }

 private:
  std::uint8_t failed() {
    ok_ = false;
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace anser::domain
