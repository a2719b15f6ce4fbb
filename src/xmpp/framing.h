// How the words of a stream stand on its connection: one after another in a document that is never finished (RFC 6120),
// or each in a WebSocket message of its own, where it is a document by itself (RFC 7395). Who writes says one element
// at a time and need not know which. Nothing is kept here; the connection knows what it is.
#pragma once

#include <optional>
#include <string_view>

#include "net/connection.h"
#include "xmpp/errors.h"

namespace anser::xmpp {

// The prefix `stream` and, for stanzas, the default namespace jabber:client go without saying.
void write_element(net::Connection& connection, std::string_view element);

// The answering header (RFC 6120 §4.7, RFC 7395 §3.4). `to` may be empty.
void write_header(net::Connection& connection, std::string_view host, std::string_view to, std::string_view id,
                  bool version = true);

// Ends the stream and then the connection: at once for its owner, as Connection::close_after_flush() does.
void end_stream(net::Connection& connection);
// Likewise, after an error that says why. On a connection that is closed already it does nothing.
void fail_stream(net::Connection& connection, const StreamFailure& failure);

// What is wrong with what a connection has read, before anybody looks for XML in it.
std::optional<StreamFailure> check_message(net::Connection& connection, std::string_view message);

}  // namespace anser::xmpp
