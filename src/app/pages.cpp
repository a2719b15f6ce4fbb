#include "app/pages.h"

namespace anser::app {

std::string page_policy(std::string_view more) {
  return "default-src 'none'; script-src 'self'; style-src 'self'; " + std::string{more} +
         "base-uri 'none'; frame-ancestors 'none'";
}

void redirect(net::HttpExchange& exchange, std::string_view location) {
  net::HttpResponse response;
  response.status = 302;
  response.fields.emplace_back("location", location);
  exchange.respond(std::move(response));
}

void serve_page(net::HttpExchange& exchange, std::span<const PageFile> files, std::string policy) {
  const auto& request = exchange.request();
  net::HttpResponse response;
  for (const auto& file : files) {
    if (request.path != file.path) continue;
    if (request.method != "GET" && request.method != "HEAD") {
      response.status = 405;
      response.fields.emplace_back("allow", "GET, HEAD");
      response.body = "this page is read with GET\n";
      return exchange.respond(std::move(response));
    }
    response.type = file.type;
    response.body = file.content;
    response.fields.emplace_back("content-security-policy", std::move(policy));
    response.fields.emplace_back("x-content-type-options", "nosniff");
    response.fields.emplace_back("referrer-policy", "no-referrer");
    response.fields.emplace_back("cache-control", "no-cache");
    return exchange.respond(std::move(response));
  }
  response.status = 404;
  response.body = "there is nothing here\n";
  exchange.respond(std::move(response));
}

}  // namespace anser::app
