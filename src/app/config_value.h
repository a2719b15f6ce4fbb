// One value of the configuration, from TOML's node to a Value in the range of its key. What is wrong comes back as the
// end of a sentence that begins with the key's path: `limits.depth must be 8 to 1000, not 2`.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config_schema.h"
#include "base/result.h"

namespace anser::app {

// Errc::invalid_config.
Result<Value> read_value(const Key& key, const toml::node& node);

// "256KB", "1 MB", "10000": KB, MB and GB are powers of 1,024. Nothing for anything else.
std::optional<std::int64_t> parse_size(std::string_view text);
// "500ms", "30s", "5m", "2h", "7d" as milliseconds; a bare number is seconds.
std::optional<std::int64_t> parse_duration(std::string_view text);

// The candidate that somebody who wrote `text` most likely meant; empty if none is near.
std::string_view nearest(std::string_view text, const std::vector<std::string_view>& candidates);

}  // namespace anser::app
