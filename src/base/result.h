// Result<T> is how expected failure travels: the peer, the disk, the network or the configuration failed us. Our own
// broken invariants are ANSER_ASSERT (base/assert.h). Spelled here once; with std::expected only this file changes.
#pragma once

#include <tl/expected.hpp>

#include "base/error.h"

namespace anser {

template <class T>
using Result = tl::expected<T, Error>;

// return fail(Errc::not_found, "no room {}", jid);
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(Errc code, fmt::format_string<Args...> text, Args&&... args) {
  return tl::make_unexpected(Error{code, fmt::format(text, std::forward<Args>(args)...)});
}

// Passes an error on: if (!x) return pass(x);
template <class T>
[[nodiscard]] tl::unexpected<Error> pass(const Result<T>& failed) {
  return tl::make_unexpected(failed.error());
}

}  // namespace anser
