#include "sdk/src/senders.h"

#include "core/jid.h"

namespace anser::sdk {

std::string prepared_or_empty(std::string_view address) {
  auto jid = core::Jid::parse(address);
  return jid ? jid->full() : std::string{};
}

std::string own_bare(const Channel& channel) {
  const auto jid = core::Jid::parse(channel.user());
  return jid ? std::string{jid->bare()} : std::string{};
}

bool is_account(const Channel& channel, std::string_view from) {
  if (from.empty()) return false;
  const std::string own = own_bare(channel);
  return !own.empty() && (from == own || prepared_or_empty(from) == own);
}

bool is_account_or_none(const Channel& channel, std::string_view from) {
  return from.empty() || is_account(channel, from);
}

}  // namespace anser::sdk
