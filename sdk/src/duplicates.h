// Messages that have come before: a server may give one again after a session that was lost unacknowledged. Only ids
// that somebody made to be unique count: the archive's of the own account (XEP-0359 stanza-id), and the sender's
// origin-id together with the sender. The `id` attribute does not: programs send id='1' for ever. Remembers the last
// 4,096 and up to as many before them, as hashes under a secret key.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace anser::sdk {

class Duplicates {
 public:
  static constexpr std::size_t kGeneration = 4096;

  // False if it was there already.
  bool add(std::string_view scope, std::string_view id);

 private:
  // Open addressing, at most half full. A look-up stays within the tags, which are few enough for the processor's
  // cache, until one fits.
  class Table {
   public:
    bool has(std::uint64_t key) const;
    // False if it was there already.
    bool add(std::uint64_t key);
    std::size_t size() const { return used_; }
    void clear();  // keeps the memory

   private:
    // Where the key is, or would be.
    std::size_t find(std::uint64_t key) const;
    void grow();

    std::vector<std::uint16_t> tags_;  // a 0 is free
    std::vector<std::uint64_t> keys_;
    std::size_t used_ = 0;
  };

  Table young_, old_;
};

}  // namespace anser::sdk
