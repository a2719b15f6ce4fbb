#include "ws/errors.h"

namespace anser::ws {

std::string_view word_of(Errc code) {
  switch (code) {
    case Errc::bad_request:
    case Errc::not_well_formed:
    case Errc::jid_malformed:
    case Errc::not_acceptable:
    case Errc::policy_violation:
      return "bad-request";
    case Errc::not_allowed:
    case Errc::forbidden:
    case Errc::blocked:
    case Errc::subscription_required:
    case Errc::conflict:
      return "not-allowed";
    case Errc::not_authorized:
      return "not-authorized";
    case Errc::not_found:
      return "not-found";
    case Errc::remote_not_found:
      return "remote-server-not-found";
    case Errc::unavailable:
    case Errc::unsupported:
      return "service-unavailable";
    case Errc::resource_limit:
    case Errc::queue_full:
    case Errc::disk_full:
      return "resource-limit";
    case Errc::storage_failed:
      return "storage-failed";
    default:
      return "internal";
  }
}

Closing closing_of(domain::CloseReason reason) {
  switch (reason) {
    case domain::CloseReason::replaced:
      return {close_code::kReplaced, "another connection has taken this resource"};
    case domain::CloseReason::account_removed:
      return {close_code::kNotAuthorized, "the account was removed"};
    case domain::CloseReason::password_changed:
      return {close_code::kNotAuthorized, "the password was changed"};
    case domain::CloseReason::too_slow:
      return {close_code::kTimeout, "what was sent was not read in time"};
    case domain::CloseReason::shutdown:
      return {close_code::kGoingAway, "the server is stopping"};
    case domain::CloseReason::storage_failed:
      break;
  }
  return {close_code::kInternal, "storage has failed"};
}

std::uint16_t close_code_of(Errc code) {
  switch (code) {
    case Errc::not_found:
    case Errc::not_authorized:
    case Errc::forbidden:
    case Errc::timeout:
      return close_code::kNotAuthorized;
    case Errc::conflict:
      return close_code::kReplaced;
    case Errc::resource_limit:
    case Errc::queue_full:
      return close_code::kTooMany;
    default:
      return close_code::kInternal;
  }
}

}  // namespace anser::ws
