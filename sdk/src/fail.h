// return fail(Errc::wrong_state, "not logged in"); what a call of this library answers when it failed.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "anser/error.h"
#include "base/error.h"

namespace anser::sdk {

template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(Errc code, fmt::format_string<Args...> text, Args&&... args) {
  return tl::make_unexpected(Error{code, fmt::format(text, std::forward<Args>(args)...)});
}

// Passes an error on: if (!x) return pass(x);
template <class T>
[[nodiscard]] tl::unexpected<Error> pass(const Result<T>& failed) {
  return tl::make_unexpected(failed.error());
}

// An error of the layers below, as `code`.
[[nodiscard]] inline tl::unexpected<Error> pass_as(Errc code, const anser::Error& below) {
  return tl::make_unexpected(Error{code, below.message});
}

}  // namespace anser::sdk
