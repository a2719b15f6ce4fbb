#include "sdk/src/duplicates.h"

#include <cstring>
#include <string>

#include "core/crypto.h"

namespace anser::sdk {

// A sender chooses its ids, so the hash is one that nobody can aim: two different messages must not look alike.
bool Duplicates::add(std::string_view scope, std::string_view id) {
  thread_local core::Sha256 hash;
  hash.add(scope);
  hash.add(std::string_view{"\0", 1});
  hash.add(id);
  const auto digest = hash.finish();
  std::uint64_t key;
  std::memcpy(&key, digest.data(), sizeof key);
  if (!known_.insert(key).second) return false;
  order_.push_back(key);
  if (order_.size() > kRemembered) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return true;
}

}  // namespace anser::sdk
