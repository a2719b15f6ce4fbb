// When to try again (full jitter): a random part of min(cap, base * 2^n). n grows with every attempt, and begins anew
// only after a session has lasted, so a server that takes connections and drops them is not hammered.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "anser/configuration.h"

namespace anser::sdk {

// A uniform number from 0 to `most`, both included, that nobody can foresee.
std::uint64_t draw_uniform(std::uint64_t most);

class Backoff {
 public:
  using Clock = std::chrono::steady_clock;
  // draw_uniform, or a test's.
  using Draw = std::function<std::uint64_t(std::uint64_t most)>;

  Backoff(const Reconnection& settings, Draw draw) : settings_(settings), draw_(std::move(draw)) {}

  // The wait before the next attempt; nothing when there have been enough. Of a server that asks to come back `later`
  // all clients come at once if they may, so they spread over the whole cap.
  std::optional<std::chrono::milliseconds> next(bool later = false);
  void session_began(Clock::time_point now) { began_ = now; }
  // Begins anew if the session lasted.
  void session_ended(Clock::time_point now);
  int attempts() const { return attempts_; }  // since the last session that lasted

 private:
  Reconnection settings_;
  Draw draw_;
  int attempts_ = 0;
  std::optional<Clock::time_point> began_;
};

}  // namespace anser::sdk
