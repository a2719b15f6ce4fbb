// How storage threads bring outcomes home: runs a function on the thread of a core, after what was posted to it before.
// The application gives it; it must be callable from any thread until the store that holds it is gone.
#pragma once

#include <functional>

#include "domain/ports.h"

namespace anser::store {

using CorePost = std::function<void(domain::CoreId, std::function<void()>)>;
// Storage broke and nothing further may be acknowledged: log, close the streams, exit. Called once, on a storage
// thread.
using Fatal = std::function<void(const Error&)>;

}  // namespace anser::store
