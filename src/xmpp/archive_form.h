// What a client asks of its archive, read off the request (XEP-0313 §4.1, §4.3, XEP-0059): the form, the page, the
// order. Pure.
//
//   query = x? set? flip-page?         x: a submitted data form (XEP-0004) with FORM_TYPE urn:xmpp:mam:2
#pragma once

#include "core/jid.h"
#include "domain/archive_id.h"
#include "domain/archive_query.h"
#include "domain/hosts.h"
#include "xml/element.h"

namespace anser::xmpp {

inline constexpr std::string_view kArchiveNs = "urn:xmpp:mam:2";
inline constexpr std::string_view kFormNs = "jabber:x:data";
inline constexpr std::string_view kPagesNs = "http://jabber.org/protocol/rsm";

inline constexpr std::size_t kArchivePage = 50;       // messages, if the client does not say
inline constexpr std::size_t kLargestPage = 250;      // whatever it says
inline constexpr std::size_t kMostNamed = 250;        // ids in one request
inline constexpr std::size_t kLongestQueryId = 1024;  // it comes back in every result

struct ArchiveRequest {
  domain::ArchiveQuery query;
  bool flipped = false;
};

// Errc::bad_request: no form, date, address or number. unsupported: a field or way to page that we do not have.
// not_found: an id that was not made for this owner. policy_violation: too many ids.
Result<ArchiveRequest> read_archive_request(const xml::Element& query, const core::Jid& owner,
                                            const domain::ArchiveIds& ids, const domain::Hosts& hosts);

// The form that says which fields there are (§4.1.5).
xml::Element archive_form();

}  // namespace anser::xmpp
