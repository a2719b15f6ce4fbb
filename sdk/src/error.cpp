#include "anser/error.h"

namespace anser::sdk {

const char* name_of(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::wrong_state:
      return "wrong_state";
    case Errc::would_block:
      return "would_block";
    case Errc::unreachable:
      return "unreachable";
    case Errc::insecure:
      return "insecure";
    case Errc::tls:
      return "tls";
    case Errc::authentication:
      return "authentication";
    case Errc::stanza:
      return "stanza";
    case Errc::stream:
      return "stream";
    case Errc::protocol:
      return "protocol";
    case Errc::unsupported:
      return "unsupported";
    case Errc::timeout:
      return "timeout";
    case Errc::closed:
      return "closed";
    case Errc::queue_full:
      return "queue_full";
    case Errc::io:
      return "io";
    case Errc::http:
      return "http";
  }
  return "unknown";
}

}  // namespace anser::sdk
