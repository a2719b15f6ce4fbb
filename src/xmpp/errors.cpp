#include "xmpp/errors.h"

#include "xml/escape.h"

namespace anser::xmpp {

StanzaError stanza_error_of(Errc code) {
  switch (code) {
    case Errc::bad_request:
    case Errc::not_well_formed:
      return {"modify", "bad-request", "400", {}};
    case Errc::policy_violation:
      return {"modify", "policy-violation", "405", {}};
    case Errc::not_found:
      return {"cancel", "item-not-found", "404", {}};
    case Errc::conflict:
      return {"cancel", "conflict", "409", {}};
    case Errc::not_authorized:
      return {"auth", "not-authorized", "401", {}};
    case Errc::forbidden:
      return {"auth", "forbidden", "403", {}};
    case Errc::blocked:
      return {"cancel", "not-acceptable", "406", "<blocked xmlns='urn:xmpp:blocking:errors'/>"};
    case Errc::subscription_required:
      return {"auth", "subscription-required", "407", {}};
    case Errc::not_allowed:
      return {"cancel", "not-allowed", "405", {}};
    case Errc::not_acceptable:
      return {"modify", "not-acceptable", "406", {}};
    case Errc::unsupported:
      return {"cancel", "feature-not-implemented", "501", {}};
    case Errc::jid_malformed:
      return {"modify", "jid-malformed", "400", {}};
    case Errc::unavailable:
      return {"cancel", "service-unavailable", "503", {}};
    case Errc::remote_not_found:
      return {"cancel", "remote-server-not-found", "404", {}};
    case Errc::resource_limit:
    case Errc::queue_full:
    case Errc::disk_full:
      return {"wait", "resource-constraint", "500", {}};
    case Errc::timeout:
      return {"wait", "remote-server-timeout", "504", {}};
    case Errc::ack_ahead:
    case Errc::storage_failed:
    case Errc::io:
    case Errc::closed:
    case Errc::invalid_config:
    case Errc::internal:
      return {"cancel", "internal-server-error", "500", {}};
  }
  return {"cancel", "undefined-condition", "500", {}};
}

void append_stanza_error(std::string& out, const Error& error) {
  const StanzaError words = stanza_error_of(error.code);
  out.append("<error type='").append(words.type).append("' code='").append(words.code).append("'><");
  out.append(words.condition).append(" xmlns='").append(kStanzasNs).append("'/>");
  if (!error.message.empty()) {
    out.append("<text xmlns='").append(kStanzasNs).append("' xml:lang='en'>");
    xml::append_escaped(out, error.message);
    out.append("</text>");
  }
  out.append(words.extra).append("</error>");
}

StreamFailure stream_failure_of(domain::CloseReason reason) {
  using domain::CloseReason;
  switch (reason) {
    // No text with these: Smack 3 takes the last element's name for the condition, and its reconnection must see
    // `conflict`.
    case CloseReason::replaced:
      return {"conflict", {}};
    case CloseReason::account_removed:
      return {"not-authorized", {}};
    case CloseReason::password_changed:
      return {"reset", "the password has changed"};
    case CloseReason::too_slow:
      return {"policy-violation", "too much waits to be read"};
    case CloseReason::shutdown:
      return {"system-shutdown", {}, {}, 1001};  // going away
    case CloseReason::storage_failed:
      return {"internal-server-error", "nothing can be stored at the moment"};
  }
  return {"undefined-condition", {}};
}

void append_stream_error(std::string& out, const StreamFailure& failure) {
  out.append("<stream:error><").append(failure.condition).append(" xmlns='").append(kStreamErrorsNs).append("'/>");
  if (!failure.text.empty()) {
    out.append("<text xmlns='").append(kStreamErrorsNs).append("' xml:lang='en'>");
    xml::append_escaped(out, failure.text);
    out.append("</text>");
  }
  out.append(failure.extra).append("</stream:error>");
}

}  // namespace anser::xmpp
