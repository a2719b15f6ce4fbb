#include "base/error.h"

namespace anser {

const char* name_of(Errc code) {
  switch (code) {
    case Errc::bad_request:
      return "bad_request";
    case Errc::not_well_formed:
      return "not_well_formed";
    case Errc::policy_violation:
      return "policy_violation";
    case Errc::not_found:
      return "not_found";
    case Errc::conflict:
      return "conflict";
    case Errc::not_authorized:
      return "not_authorized";
    case Errc::forbidden:
      return "forbidden";
    case Errc::blocked:
      return "blocked";
    case Errc::subscription_required:
      return "subscription_required";
    case Errc::not_allowed:
      return "not_allowed";
    case Errc::not_acceptable:
      return "not_acceptable";
    case Errc::unsupported:
      return "unsupported";
    case Errc::jid_malformed:
      return "jid_malformed";
    case Errc::unavailable:
      return "unavailable";
    case Errc::remote_not_found:
      return "remote_not_found";
    case Errc::resource_limit:
      return "resource_limit";
    case Errc::queue_full:
      return "queue_full";
    case Errc::ack_ahead:
      return "ack_ahead";
    case Errc::disk_full:
      return "disk_full";
    case Errc::storage_failed:
      return "storage_failed";
    case Errc::io:
      return "io";
    case Errc::closed:
      return "closed";
    case Errc::timeout:
      return "timeout";
    case Errc::invalid_config:
      return "invalid_config";
    case Errc::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace anser
