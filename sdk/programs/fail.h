// How a program's own functions say that they failed: as the library's do.
#pragma once

#include <string>
#include <utility>

#include "anser/error.h"

namespace anser::programs {

inline tl::unexpected<sdk::Error> fail(sdk::Errc code, std::string sentence) {
  return tl::make_unexpected(sdk::Error{code, std::move(sentence)});
}

// The sentence, with XMPP's name of the error if that is not in it already.
inline std::string words(const sdk::Error& error) {
  if (error.condition.empty() || error.message.find(error.condition) != std::string::npos) return error.message;
  return error.message.empty() ? error.condition : error.message + " (" + error.condition + ")";
}

}  // namespace anser::programs
