// What the tests of Connection share. For tests only.
#pragma once

#include <optional>
#include <string_view>

#include "net/connection.h"
#include "net/test_support.h"

namespace anser::net {

inline std::optional<Errc> code_of(const Result<std::string_view>& input) {
  return input ? std::nullopt : std::optional{input.error().code};
}

inline Task<void> count_turns(Core& core, int& turns, const bool& stop) {
  while (!stop) {
    ++turns;
    co_await boost::asio::post(core.io(), kAwait);
  }
}

inline Task<void> until_all_are_gone(Core& core) {
  co_await boost::asio::post(core.io(), kAwait);
  while (core.closing() > 0) co_await boost::asio::post(core.io(), kAwait);
}

}  // namespace anser::net
