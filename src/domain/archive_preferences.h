// What an account wants to keep of its conversations (XEP-0441). A rule without side effects: it is asked when a
// message is appended, by the sender's core for the sender, by the recipient's for the recipient.
#pragma once

#include <cstdint>
#include <vector>

#include "core/jid.h"

namespace anser::domain {

enum class ArchiveDefault : std::uint8_t { always, never, roster };

struct ArchivePreferences {
  ArchiveDefault otherwise = ArchiveDefault::always;  // for whom no list names
  std::vector<core::Jid> always = {}, never = {};

  friend bool operator==(const ArchivePreferences&, const ArchivePreferences&) = default;
};

// XEP-0441 §2.3: a listed address with a resource stands for that alone, one without for all its resources. The closer
// rule decides, and of two that are as close the one that keeps less. `listed`: the peer is in the roster.
bool keeps(const ArchivePreferences& preferences, const core::Jid& peer, bool listed);

}  // namespace anser::domain
