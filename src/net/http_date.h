// Dates in HTTP's fields (RFC 9110 §5.6.7). Pure; any thread; no locale.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace anser::net {

// Sun, 06 Nov 1994 08:49:37 GMT; what is finer than a second is cut off.
std::string to_http_date(Time time);

// That form, and the two old ones: Sunday, 06-Nov-94 08:49:37 GMT, whose year is the last one that is not more than 50
// years after `now`, and Sun Nov  6 08:49:37 1994. The day's name is not compared with the date. None: it is no date.
std::optional<Time> parse_http_date(std::string_view text, Time now);

}  // namespace anser::net
