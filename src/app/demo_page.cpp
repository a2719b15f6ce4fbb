#include "app/demo_page.h"

#include "demo_files.h"

namespace anser::app {

net::Task<void> serve_demo_page(net::HttpExchange& exchange) {
  const auto& request = exchange.request();
  net::HttpResponse response;
  if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.fields.emplace_back("allow", "GET, HEAD");
    response.body = "this page is read with GET\n";
    co_return exchange.respond(std::move(response));
  }
  if (request.path == "/" || request.path == "/demo") {
    response.status = 302;
    response.fields.emplace_back("location", "/demo/");
    co_return exchange.respond(std::move(response));
  }
  for (const auto& file : kDemoFiles) {
    if (request.path != file.path) continue;
    response.type = file.type;
    response.body = file.content;
    // Nothing but what came with it, and no page around it.
    response.fields.emplace_back(
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    response.fields.emplace_back("referrer-policy", "no-referrer");
    response.fields.emplace_back("cache-control", "no-cache");
    co_return exchange.respond(std::move(response));
  }
  response.status = 404;
  response.body = "there is nothing here\n";
  exchange.respond(std::move(response));
}

}  // namespace anser::app
