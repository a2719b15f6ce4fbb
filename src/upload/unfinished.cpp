#include "upload/handlers.h"

namespace anser::upload {
namespace {
net::Task<void> not_yet(net::HttpExchange& exchange) {
  exchange.respond({.status = 501, .body = "not yet\n"});
  co_return;
}
}  // namespace
net::Task<void> serve_tus(Shared&, net::HttpExchange& exchange) { return not_yet(exchange); }
net::Task<void> serve_resumable(Shared&, net::HttpExchange& exchange) { return not_yet(exchange); }
}  // namespace anser::upload
