#include "domain/archive_preferences.h"

#include <algorithm>

namespace anser::domain {
namespace {

bool names(const std::vector<core::Jid>& list, std::string_view address) {
  return std::any_of(list.begin(), list.end(), [&](const core::Jid& rule) { return rule.full() == address; });
}

}  // namespace

bool keeps(const ArchivePreferences& preferences, const core::Jid& peer, bool listed) {
  for (const std::string_view address : {std::string_view{peer.full()}, peer.bare()}) {
    if (names(preferences.never, address)) return false;
    if (names(preferences.always, address)) return true;
  }
  return preferences.otherwise == ArchiveDefault::always || (preferences.otherwise == ArchiveDefault::roster && listed);
}

}  // namespace anser::domain
