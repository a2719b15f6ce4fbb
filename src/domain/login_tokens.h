// The tokens of one client of one account (FAST, XEP-0484 §3.5, §5.1): a *current* one and a *new* one that it has been
// given and not used yet. What is kept is a seed; with the server's key it becomes the token (core/hashed_token.h).
// Plain values and rules: whoever stores them applies a rule and its write in one job, so that two logins at once see
// each other. What cannot happen: a token that is used twice as the new one, or an older one after a newer one was
// used.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "core/hashed_token.h"

namespace anser::domain {

struct LoginToken {
  std::string seed;
  core::TokenBinding binding = core::TokenBinding::none;
  Time issued{}, expires{};
  std::uint32_t count = 0;  // the highest that a login with it has told; against replays

  friend bool operator==(const LoginToken&, const LoginToken&) = default;
};

struct TokenSlots {
  std::optional<LoginToken> current, fresh;

  bool empty() const { return !current && !fresh; }
  friend bool operator==(const TokenSlots&, const TokenSlots&) = default;
};

// What comes with a token.
struct TokenClaim {
  core::TokenBinding binding = core::TokenBinding::none;
  std::optional<std::uint32_t> count;
  bool invalidate = false;  // the client logs out: nothing of it shall open anything any more
};

struct TokenVerdict {
  enum class What : std::uint8_t { wrong, expired, accepted };
  What what = What::wrong;
  LoginToken token;  // the one that was shown, unless wrong
};

// Does `proves` hold for one of the tokens, and may it be used? Accepted: the slots are as they are to be stored from
// now on. `proves` is asked twice, whatever the slots hold, so that the time tells nothing.
TokenVerdict present_token(TokenSlots& slots, const TokenClaim& claim, Time now,
                           const std::function<bool(const LoginToken&)>& proves);

// Half of its life is over: time for another.
bool is_due(const LoginToken& token, Time now);

// Puts another token into the new slot; one that was there and never used is none from now on.
const LoginToken& issue_token(TokenSlots& slots, core::TokenBinding binding, Time now, std::chrono::seconds lifetime);

}  // namespace anser::domain
