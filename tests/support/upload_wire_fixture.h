// The door for files on a core of its own, and clients that speak HTTP from the test's thread.
#pragma once

#include <gmock/gmock.h>

#include <future>
#include <map>
#include <thread>

#include "net/http_test_support.h"
#include "tests/support/upload_world.h"

namespace anser::upload {

// One answer and what was said before it.
struct Answer : net::SeenResponse {
  std::vector<net::SeenResponse> informed;  // 1xx
};

// One connection. Its end, too, is the test's to say.
class Client {
 public:
  explicit Client(net::Peer peer) : peer_(std::move(peer)) {
    const timeval patience{.tv_sec = 60, .tv_usec = 0};  // only a test that fails waits so long
    ::setsockopt(peer_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  void say(std::string_view bytes) { peer_.send(bytes); }
  // "": the server has ended the connection.
  net::SeenResponse hear_head(bool head = false) {
    std::string bytes;
    while (!bytes.ends_with("\r\n\r\n")) {
      const std::string one = peer_.receive_exactly(1);
      if (one.empty()) return {};
      bytes += one;
    }
    const auto at = bytes.find("content-length: ");
    const std::size_t size = at == std::string::npos || head ? 0 : std::stoul(bytes.substr(at + 16));
    if (size > 0) bytes += peer_.receive_exactly(size);  // recv of nothing waits for something
    return net::take_response(bytes, head);
  }
  Answer hear(bool head = false) {
    Answer answer;
    for (;;) {
      net::SeenResponse one = hear_head(head);
      if (one.status >= 200 || one.status == 0) {
        static_cast<net::SeenResponse&>(answer) = std::move(one);
        return answer;
      }
      answer.informed.push_back(std::move(one));
    }
  }
  void leave() { peer_.close(); }

 private:
  net::Peer peer_;
};

class UploadWireTest : public testing::Test, protected UploadWorld {
 protected:
  using Fields = std::map<std::string, std::string>;

  UploadWireTest() {
    settings_.file_bytes = 1'000'000;
    add_routes(shared_, server_, [](net::HttpExchange&) -> net::Task<void> { co_return; });
  }
  ~UploadWireTest() override {
    workers_.stop();
    cores_->stop();
    cores_->join();
    cores_.reset();  // with the requests that still wait on it: they use the rest
  }

  // Settings are made before the first connection.
  Client connect() {
    if (!std::exchange(started_, true)) cores_->start();
    net::Pair pair = net::tcp_pair();
    std::promise<void> done;
    cores_->post(0, [&] {
      server_.accept(cores_->at(0), std::move(pair.ours), false);
      done.set_value();
    });
    done.get_future().wait();
    return Client{std::move(pair.theirs)};
  }

  static std::string head(std::string_view method, std::string_view target, const Fields& fields) {
    std::string text = fmt::format("{} {} HTTP/1.1\r\nhost: example.com\r\n", method, target);
    for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
    return text + "\r\n";
  }
  // Romeo's, unless `authorization` says otherwise; "": nobody's.
  static Fields full(Fields fields, std::string_view method, std::string_view body) {
    const bool takes_body = method != "GET" && method != "HEAD" && method != "OPTIONS";
    if (!fields.contains("content-length") && !fields.contains("transfer-encoding") && takes_body)
      fields["content-length"] = std::to_string(body.size());
    if (!fields.contains("authorization")) fields["authorization"] = basic("romeo");
    if (fields["authorization"].empty()) fields.erase("authorization");
    return fields;
  }
  // A request whose body, but for its beginning, is the test's to send.
  Client begin(std::string_view method, std::string_view target, Fields fields, std::string_view beginning = {}) {
    Client client = connect();
    client.say(head(method, target, full(std::move(fields), method, beginning)).append(beginning));
    return client;
  }
  Answer ask(std::string_view method, std::string_view target, Fields fields, std::string_view body = {}) {
    Client client = begin(method, target, std::move(fields), body);
    Answer answer = client.hear(method == "HEAD");
    client.leave();
    return answer;
  }
  static std::string path_of(const std::string& url) {
    const auto at = url.find('/', url.find("://") + 3);
    return url.find("://") == std::string::npos ? url : url.substr(at);
  }
  // The bytes of the file that an answer is about; "?" if there is none.
  std::string file_of(const Answer& answer) {
    const std::string path = path_of(answer.field("content-location"));
    if (!path.starts_with("/files/")) return "?";
    return bytes_of(id_in(path)).value_or("?");
  }
  // So many bytes of the upload at "/uploads/ID".
  void wait_until_kept(std::string_view path, std::size_t size) {
    const auto id = path.substr(std::string_view{"/uploads/"}.size());
    while (*content_.size(id) != size) std::this_thread::yield();
  }
  std::optional<std::string> bytes_of(std::string_view id) {
    const auto file = index_.find_file(id);
    if (!file || !*file) return std::nullopt;
    std::string bytes((*file)->size, '\0');
    const auto got = content_.read((*file)->content, 0, bytes);
    return got && *got == bytes.size() ? std::optional{bytes} : std::nullopt;
  }

  net::HttpServer server_{1, [] { return net::HttpServer::Settings{}; },
                          [] { return std::shared_ptr<const net::TlsServer>{}; }};
  bool started_ = false;
};

}  // namespace anser::upload
