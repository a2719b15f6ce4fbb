// What an archive holds, from when to when (XEP-0313 §5): a request's answer, and part of Bind 2's (XEP-0386 §3.2.1).
#pragma once

#include "base/result.h"
#include "core/jid.h"
#include "net/task.h"
#include "xml/element.h"
#include "xmpp/services.h"

namespace anser::xmpp {

// `owner` is bare and lives on this core. <metadata/>, empty when the archive is.
net::Task<Result<xml::Element>> archive_metadata(const Services& services, core::Jid owner);

}  // namespace anser::xmpp
