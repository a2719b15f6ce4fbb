#include "app/upload_page.h"

#include "upload_files.h"

namespace anser::app {

net::Task<void> serve_upload_page(net::HttpExchange& exchange) {
  const auto& request = exchange.request();
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && request.path == "/upload/") co_return redirect(exchange, "/upload");
  serve_page(exchange, kUploadFiles, page_policy("connect-src 'self'; form-action 'self'; "));
}

}  // namespace anser::app
