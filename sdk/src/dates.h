// Times as XMPP writes them, all UTC. Pure.
//
//   date-time = 4DIGIT "-" 2DIGIT "-" 2DIGIT "T" 2DIGIT ":" 2DIGIT ":" 2DIGIT ["." 1*DIGIT] zone    (XEP-0082)
//   zone      = "Z" / ("+" / "-") 2DIGIT ":" 2DIGIT
//   old-time  = 8DIGIT "T" 2DIGIT ":" 2DIGIT ":" 2DIGIT                                             (jabber:x:delay)
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace anser::sdk {

using TimePoint = std::chrono::system_clock::time_point;

// Nothing if it is no time, or one that the system's clock cannot tell (before 1678, after 2261). What is finer than a
// microsecond is cut off.
std::optional<TimePoint> parse_date(std::string_view text);
std::optional<TimePoint> parse_old_date(std::string_view text);

// "2002-09-10T23:08:25Z", with microseconds if there are any.
std::string format_date(TimePoint time);

}  // namespace anser::sdk
