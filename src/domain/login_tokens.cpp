#include "domain/login_tokens.h"

#include "core/random.h"

namespace anser::domain {
namespace {

constexpr std::size_t kSeedBytes = 32;

}  // namespace

TokenVerdict present_token(TokenSlots& slots, const TokenClaim& claim, Time now,
                           const std::function<bool(const LoginToken&)>& proves) {
  static const LoginToken kNobody{.seed = std::string(kSeedBytes, '\0')};
  const bool is_fresh = proves(slots.fresh ? *slots.fresh : kNobody) && slots.fresh;
  const bool is_current = proves(slots.current ? *slots.current : kNobody) && slots.current;
  if (!is_fresh && !is_current) return {};

  const LoginToken token = is_fresh ? *slots.fresh : *slots.current;
  if (token.binding != claim.binding) return {};
  if (token.expires <= now) return {TokenVerdict::What::expired, token};
  if (claim.count && *claim.count <= token.count) return {};  // a replay
  if (claim.invalidate) {
    slots = {};
  } else {
    if (is_fresh) slots.current = std::exchange(slots.fresh, std::nullopt);
    if (claim.count) slots.current->count = *claim.count;
  }
  return {TokenVerdict::What::accepted, token};
}

bool is_due(const LoginToken& token, Time now) { return now - token.issued >= (token.expires - token.issued) / 2; }

const LoginToken& issue_token(TokenSlots& slots, core::TokenBinding binding, Time now, std::chrono::seconds lifetime) {
  return slots.fresh.emplace(LoginToken{.seed = core::random_bytes(kSeedBytes),
                                        .binding = binding,
                                        .issued = now,
                                        .expires = now + lifetime,
                                        .count = 0});
}

}  // namespace anser::domain
