// Messages that have come before: a server may give one again after a session that was lost unacknowledged. Only ids
// that somebody made to be unique count: the archive's of the own account (XEP-0359 stanza-id), and the sender's
// origin-id together with the sender. The `id` attribute does not: programs send id='1' for ever. Remembers the last
// 8,192.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <unordered_set>

namespace anser::sdk {

class Duplicates {
 public:
  static constexpr std::size_t kRemembered = 8192;

  // False if it was there already.
  bool add(std::string_view scope, std::string_view id);

 private:
  std::unordered_set<std::uint64_t> known_;
  std::deque<std::uint64_t> order_;
};

}  // namespace anser::sdk
