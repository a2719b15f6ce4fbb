// What nearly every file of this layer includes and what takes longest to read. Nothing of ours: ccache shares the
// precompiled header between clones, and a header that stands in both is not the same file to `#pragma once`.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>
