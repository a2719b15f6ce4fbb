#include "app/demo_page.h"

#include "demo_files.h"

namespace anser::app {

net::Task<void> serve_demo_page(net::HttpExchange& exchange) {
  const auto& request = exchange.request();
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && (request.path == "/" || request.path == "/demo")) co_return redirect(exchange, "/demo/");
  serve_page(exchange, kDemoFiles, page_policy("connect-src 'self' ws: wss:; form-action 'none'; "));
}

}  // namespace anser::app
