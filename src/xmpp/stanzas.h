// Stanza <-> Envelope. In: what a client wrote, with `from` set by us and every element that only servers may write
// taken out. Out: prefix (names, addresses), the shared middle as it came, a small suffix that is the recipient's own.
#pragma once

#include <optional>
#include <string>

#include "domain/archive_id.h"
#include "domain/envelope.h"
#include "domain/hosts.h"
#include "domain/session.h"
#include "xml/reader.h"
#include "xmpp/errors.h"

namespace anser::xmpp {

// What the attributes of one stanza may have together, escaped as they are kept. Far above what any client sends, far
// below what the log takes.
inline constexpr std::size_t kMaxAttributes = 16 * 1024;
// The content, once every namespace is declared where it is used. What the log takes (domain/envelope_codec.cpp), and
// so the largest stanza that may be configured.
inline constexpr std::size_t kMaxContent = 64 << 20;

struct Taken {
  domain::Envelope envelope;
  std::optional<Error> refused;          // answer with this stanza error; the stream lives on
  std::optional<StreamFailure> failure;  // end the stream with this
};

// `own` is the session's full address, `stream_lang` what its stream header declared, if anything.
Taken take_stanza(const xml::Stanza& written, const core::Jid& own, std::string_view stream_lang,
                  const domain::Hosts& hosts);

// To the session `own`, with its namespace if nothing around it declares that; a copy of what another device of the
// account sent or was given is framed (XEP-0280, 0297). With `ids` it carries the id that its account's own archive has
// for it (XEP-0359), if the stamp says so; never anybody else's.
void append_stanza(std::string& out, const domain::Envelope& envelope, const domain::Stamp& stamp, const core::Jid& own,
                   const domain::ArchiveIds* ids, bool alone = false);

inline std::string to_xmpp_date(Time time) { return to_date_time(time); }

}  // namespace anser::xmpp
