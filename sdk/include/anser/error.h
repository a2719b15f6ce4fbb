// How a call tells that it failed: Result<T> holds the value or an Error. Nothing in this library throws, except where
// a standard container has no memory, and except all of anser/file_upload.h, whose users come from Java
// (docs/adr/0018-file-upload-component.md).
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "anser/export.h"

namespace anser::sdk {

enum class Errc {
  invalid_argument,  // an address, a name or a value cannot be what it has to be; nothing was sent
  wrong_state,       // not connected, not logged in, or already so
  would_block,       // a call that waits was made on the connection's own thread, which must not wait
  unreachable,       // no address was found, nobody answered there, or the proxy refused
  insecure,          // security was required and the server, or somebody between, does not offer it
  tls,               // the handshake failed, or the certificate is not the server's
  authentication,    // the server does not take the credentials; `condition` is SASL's (RFC 6120 §6.5)
  stanza,            // the other side answered with a stanza error; `condition` is its (RFC 6120 §8.3.3)
  stream,            // the server ended the stream; `condition` is its (RFC 6120 §4.9.3)
  protocol,          // the server sent what is not allowed; the connection was given up
  unsupported,       // the server does not have the feature
  timeout,           // no answer in time
  closed,            // the connection ended before there was an answer
  queue_full,        // what waits to be sent has reached its limit
  io,                // a file can't be read or written
  http,              // a HTTP server refused; `condition` is the status ("404")
};

// The code's name: "would_block".
ANSER_API const char* name_of(Errc code);

struct Error {
  Errc code = Errc::closed;
  std::string message;         // a sentence for people, never with a password in it
  std::string condition = {};  // XMPP's own name of it ("not-authorized"), "" if it has none

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;

}  // namespace anser::sdk
