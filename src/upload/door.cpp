#include "upload/door.h"

#include <string>
#include <string_view>
#include <utility>

#include "upload/handlers.h"
#include "upload/request.h"

namespace anser::upload {
namespace {

using net::HttpExchange;
using net::Task;

Task<void> refuse_method(HttpExchange& exchange, std::string_view allowed) {
  Problem problem{.status = 405, .code = "method", .detail = "this address takes " + std::string{allowed}};
  problem.fields.emplace_back("allow", std::string{allowed});
  exchange.respond(response_of(problem, exchange.request()));
  co_return;
}

bool is_tus(const HttpExchange& exchange) { return exchange.request().field("tus-resumable").has_value(); }

bool reads(std::string_view method) { return method == "GET" || method == "HEAD"; }

Task<void> serve_uploads(Shared& shared, HttpExchange& exchange) {
  const auto& request = exchange.request();
  if (request.method == "OPTIONS" || is_tus(exchange)) return serve_tus(shared, exchange);
  if (request.field("upload-complete")) return serve_resumable(shared, exchange);
  if (request.method == "POST") return post_file(shared, exchange);
  return refuse_method(exchange, "POST, OPTIONS");
}

Task<void> serve_upload(Shared& shared, HttpExchange& exchange) {
  const auto& method = exchange.request().method;
  if (method == "OPTIONS" || is_tus(exchange)) return serve_tus(shared, exchange);
  if (reads(method) || method == "PATCH" || method == "DELETE") return serve_resumable(shared, exchange);
  return refuse_method(exchange, "HEAD, GET, PATCH, DELETE, OPTIONS");
}

Task<void> serve_file_address(Shared& shared, HttpExchange& exchange) {
  const auto& request = exchange.request();
  if (reads(request.method) || request.method == "OPTIONS") return serve_file(shared, exchange);
  if (request.method == "DELETE") return remove_file(shared, exchange);
  if (request.method == "PUT")
    return request.field("upload-complete") ? serve_resumable(shared, exchange) : put_into_slot(shared, exchange);
  return refuse_method(exchange, "GET, HEAD, PUT, DELETE, OPTIONS");
}

}  // namespace

void add_routes(Shared& shared, net::HttpServer& server, net::HttpServer::Handler page) {
  server.route("/upload", [&shared, page = std::move(page)](HttpExchange& exchange) {
    const auto& method = exchange.request().method;
    if (method == "POST") return post_form(shared, exchange);
    return reads(method) ? page(exchange) : refuse_method(exchange, "GET, HEAD, POST");
  });
  server.route("/uploads", [&shared](HttpExchange& exchange) { return serve_uploads(shared, exchange); });
  server.route("/uploads/", [&shared](HttpExchange& exchange) { return serve_upload(shared, exchange); });
  server.route("/files", [&shared](HttpExchange& exchange) {
    return reads(exchange.request().method) ? list_files(shared, exchange) : refuse_method(exchange, "GET, HEAD");
  });
  server.route("/files/", [&shared](HttpExchange& exchange) { return serve_file_address(shared, exchange); });
  server.route("/delete/", [&shared](HttpExchange& exchange) { return remove_by_key(shared, exchange); });
}

}  // namespace anser::upload
