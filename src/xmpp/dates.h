// Reading dates and times (XEP-0082 §3.2, DateTime). Writing them is to_xmpp_date in stanzas.h. Pure.
//
//   date-time = 4DIGIT "-" 2DIGIT "-" 2DIGIT "T" 2DIGIT ":" 2DIGIT ":" 2DIGIT ["." 1*DIGIT] zone
//   zone      = "Z" / ("+" / "-") 2DIGIT ":" 2DIGIT
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace anser::xmpp {

// Errc::bad_request. What is finer than a microsecond is cut off; a leap second is the second after it.
Result<Time> parse_xmpp_date(std::string_view text);

}  // namespace anser::xmpp
