// Pages that this door makes itself: answers to a form, errors, the question before a file is removed. Text goes in
// escaped, and the policy that goes with them lets nothing run. Pure.
#pragma once

#include <string>
#include <string_view>

#include "net/http_server.h"

namespace anser::upload {

// For text between tags and in quoted attributes. What is no character for HTML becomes U+FFFD.
std::string escaped(std::string_view text);

// A whole page; `title` is text, `body` is HTML.
net::HttpResponse page(unsigned status, std::string_view title, std::string_view body);

// How a client wants to be told (RFC 9110 §12.5.1): a program that does not say gets JSON, a browser a page.
enum class Telling : std::uint8_t { json, page, text };
Telling wanted(const net::HttpRequest& request);

}  // namespace anser::upload
