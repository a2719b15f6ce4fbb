// What was written to the server and not yet confirmed, oldest first. XEP-0198 numbers it, modulo 2^32; where the
// server has no stream management the answer to a ping confirms what was written before it, by the same numbers. Rules
// only, no I/O. On the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "anser/error.h"

namespace anser::sdk {

class Outbox {
 public:
  struct Entry {
    std::string xml;
    std::string id;  // of a message; "" else
  };

  void push(Entry entry);  // it has just been written

  std::uint32_t written() const { return confirmed_ + static_cast<std::uint32_t>(size()); }  // the last number
  std::size_t size() const { return entries_.size() - first_; }
  std::size_t messages() const { return messages_; }
  std::size_t bytes() const { return bytes_; }
  std::span<const Entry> entries() const { return std::span{entries_}.subspan(first_); }  // to be written again

  // The server has all up to this number: the entries that it confirms. Errc::protocol if so many were never written.
  Result<std::vector<Entry>> confirm(std::uint32_t handled);

  // A session that numbers from 0 (tests begin just before the wrap).
  void begin(std::uint32_t confirmed = 0);
  // The session will not go on: what it has not confirmed.
  std::vector<Entry> lose();

 private:
  Entry pop();
  void tidy();

  std::vector<Entry> entries_;
  std::size_t first_ = 0;  // what stands before it is confirmed
  std::size_t messages_ = 0, bytes_ = 0;
  std::uint32_t confirmed_ = 0;
};

}  // namespace anser::sdk
