// Pages that are part of the program: files of web/, which cmake/Pages.cmake makes constants of.
#pragma once

#include <span>
#include <string_view>

#include "net/http_server.h"

namespace anser::app {

struct PageFile {
  std::string_view path, type, content;
};

// Nothing but what came with the page, and no page around it; `more` is what else it may do, each with "; " behind it.
std::string page_policy(std::string_view more);

// Answers GET and HEAD with the file of that path, others with 405 or 404. `policy` is the Content-Security-Policy.
void serve_page(net::HttpExchange& exchange, std::span<const PageFile> files, std::string policy);
void redirect(net::HttpExchange& exchange, std::string_view location);

}  // namespace anser::app
