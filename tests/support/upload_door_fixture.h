// The whole door for files on the test's own core, and clients that speak HTTP by hand.
#pragma once

#include <gtest/gtest.h>

#include "net/http_test_support.h"
#include "tests/support/upload_world.h"

namespace anser::upload {

class UploadDoorTest : protected UploadWorld, public net::HttpServerTest {
 protected:
  UploadDoorTest() {
    add_routes(shared_, server, [](net::HttpExchange& exchange) -> net::Task<void> {
      exchange.respond({.body = "the page"});
      return boost::asio::post(exchange.core().io(), boost::asio::use_awaitable_t<net::Executor>{});
    });
  }

  static std::string sign_in(std::string_view name = "romeo", std::string_view password = "secret") {
    return fmt::format("Authorization: {}\r\n", basic(name, password));
  }
  static std::string request(std::string_view line, std::string_view fields = {}, std::string_view body = {}) {
    const std::string length =
        body.empty() && !line.starts_with("POST") ? "" : fmt::format("Content-Length: {}\r\n", body.size());
    return fmt::format("{} HTTP/1.1\r\nHost: localhost:5280\r\n{}{}\r\n{}", line, fields, length, body);
  }
  net::SeenResponse one(std::string_view bytes) {
    auto all = ask(bytes);
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? net::SeenResponse{} : std::move(all.front());
  }
  net::SeenResponse do_request(std::string_view line, std::string_view fields = {}, std::string_view body = {}) {
    return one(request(line, fields, body));
  }

  static std::string part(std::string_view disposition, std::string_view data, std::string_view type = {}) {
    return fmt::format("--b\r\nContent-Disposition: form-data; {}\r\n{}\r\n{}\r\n", disposition,
                       type.empty() ? "" : fmt::format("Content-Type: {}\r\n", type), data);
  }
  net::SeenResponse post_form(std::string_view parts, std::string_view fields) {
    const auto all = fmt::format("Content-Type: multipart/form-data; boundary=b\r\n{}", fields);
    return do_request("POST /upload", all, fmt::format("{}--b--\r\n", parts));
  }
  // A file of romeo's; its path, "/files/ID/NAME".
  std::string put(std::string_view bytes, std::string_view type = "text/plain", std::string_view name = "a.txt") {
    const auto answer = do_request(fmt::format("POST /uploads?name={}", name),
                                   fmt::format("{}Content-Type: {}\r\n", sign_in(), type), bytes);
    EXPECT_EQ(answer.status, 201u) << answer.body;
    const std::string address = answer.field("location");
    const auto at = address.find("/files/");
    return at == std::string::npos ? "" : address.substr(at);
  }
};

}  // namespace anser::upload
