#include "net/http_server.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>

#include "base/assert.h"
#include "base/log.h"
#include "net/http_date.h"

namespace anser::net {
namespace {

std::string_view reason_of(unsigned status) {
  if (status == 104) return "Upload Resumption Supported";  // draft-ietf-httpbis-resumable-upload
  if (status == 460) return "Checksum Mismatch";            // tus 1.0
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {reason.data(), reason.size()};
}

// Of a request's first piece: what comes with its head is kept while its handler finds out who sends it.
constexpr std::size_t kHeadRead = 4 * 1024;

// What a handler writes never breaks the head: a line end in a value would begin another field.
void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
  out.append("\r\n");
}

}  // namespace

class HttpConnection {
 public:
  HttpConnection(HttpServer& server, Core& core, Handed handed, bool direct_tls)
      : server_(server),
        core_(core),
        settings_(server.settings_()),
        connection_(std::make_unique<Connection>(core, std::move(handed))),
        direct_tls_(direct_tls),
        reader_(settings_.limits) {
    server_.cores_[core_.id()].connections.insert(this);
  }
  ~HttpConnection() { server_.cores_[core_.id()].connections.erase(this); }

  Task<void> run();
  void shut_down() {
    if (awaits_head_ && reader_.between_requests()) connection_->close_after_flush();
  }

 private:
  friend class HttpExchange;
  using Event = HttpReader::Event;

  bool stopping() const { return server_.cores_[core_.id()].stopping; }
  bool gone() const { return taken_ || connection_->closed(); }
  Task<bool> secure();
  Task<Result<Event>> next();
  std::optional<Result<Event>> take(std::span<char> into);
  Task<void> serve();
  Task<bool> skip_body();
  bool leaves_body() const;
  void write(const HttpResponse& response, bool last) {
    write_head(response, response.body.size(), last);
    if (says_body_) connection_->out().append(response.body);
    connection_->flush_soon();
  }
  void write_head(const HttpResponse& response, std::uint64_t length, bool last);
  void refuse(unsigned status, std::string text) {
    write({.status = status, .body = text + "\n", .type = "text/plain; charset=utf-8"}, true);
    connection_->close_after_flush();
  }
  // The loop's read buffer is everybody's from here on.
  void keep_rest() {
    const bool kept = input_.data() >= rest_.data() && input_.data() <= rest_.data() + rest_.size();
    if (input_.empty() || kept) return;
    rest_ = input_;
    input_ = rest_;
  }
  void let_go_of_rest() {
    input_ = {};
    if (!rest_.empty()) std::string{}.swap(rest_);
  }

  HttpServer& server_;
  Core& core_;
  const HttpServer::Settings settings_;
  std::unique_ptr<Connection> connection_;
  const bool direct_tls_;
  HttpReader reader_;
  std::string rest_;
  std::string_view input_;
  bool awaits_head_ = false;
  bool taken_ = false;  // by a handler
  bool last_ = false;   // the answer says that no request may follow
  bool body_ended_ = true;
  bool continued_ = false;     // 100 has been said
  bool says_body_ = true;      // the answer that was begun has one
  std::uint64_t unsaid_ = 0;   // of it
  std::optional<Error> lost_;  // no more of the request will come
};

namespace {

Task<void> live(std::unique_ptr<HttpConnection> connection) { co_await connection->run(); }

}  // namespace

HttpServer::HttpServer(unsigned cores, std::function<Settings()> settings,
                       std::function<std::shared_ptr<const TlsServer>()> tls)
    : settings_(std::move(settings)), tls_(std::move(tls)), cores_(cores) {}
HttpServer::~HttpServer() = default;

void HttpServer::route(std::string path, Handler handler) {
  routes_.emplace_back(std::move(path), std::move(handler));
  std::ranges::stable_sort(routes_, [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

const HttpServer::Handler* HttpServer::find(std::string_view path) const {
  for (const auto& [route, handler] : routes_) {
    if (path == route || (route.ends_with('/') && path.starts_with(route))) return &handler;
  }
  return nullptr;
}

void HttpServer::accept(Core& core, Handed handed, bool direct_tls) {
  auto connection = std::make_unique<HttpConnection>(*this, core, std::move(handed), direct_tls);
  spawn(core.io(), live(std::move(connection)));
}

void HttpServer::shut_down(Core& core) {
  auto& here = cores_[core.id()];
  here.stopping = true;
  for (auto* connection : std::unordered_set<HttpConnection*>(here.connections)) connection->shut_down();
}

// ---- the connection -------------------------------------------------------------------------------------------------

Task<void> HttpConnection::run() {
  connection_->limit(settings_.head_timeout);
  if (direct_tls_) {
    const bool secured = co_await secure();
    if (!secured) co_return;
  }
  for (;;) {
    if (stopping()) co_return connection_->close_after_flush();
    awaits_head_ = true;
    connection_->read_at_most(kHeadRead);
    auto next_task = next();
    const Result<Event> event = co_await std::move(next_task);
    awaits_head_ = false;
    connection_->read_at_most(Core::kReadBuffer);
    if (!event) {
      if (event.error().code == Errc::timeout && !reader_.between_requests())
        co_return refuse(408, "the request took too long");
      co_return connection_->close_after_flush();
    }
    if (*event == Event::error) co_return refuse(reader_.status(), reader_.reason());
    ANSER_ASSERT(*event == Event::head);
    body_ended_ = false;
    continued_ = false;
    last_ = !reader_.request().keep_alive;
    connection_->limit(settings_.silence_timeout);
    co_await serve();
    if (gone()) co_return;
    if (unsaid_ > 0) co_return connection_->abort();        // the client must not take it for the whole answer
    if (last_) co_return connection_->close_after_flush();  // which reads on for a while, so that the answer is heard
    const bool skipped = co_await skip_body();
    connection_->limit(settings_.silence_timeout);
    if (!skipped || gone()) {
      if (!gone()) connection_->close_after_flush();
      co_return;
    }
    if (connection_->congested()) {  // whoever asks and does not read the answers is not listened to
      keep_rest();
      const auto drained = co_await connection_->drained();
      if (!drained) co_return connection_->abort();
    }
  }
}

Task<bool> HttpConnection::secure() {
  auto tls = server_.tls_();
  if (!tls) {
    connection_->abort();
    co_return false;
  }
  auto task = connection_->accept_tls(std::move(tls));
  const auto secured = co_await std::move(task);
  if (!secured) {
    if (secured.error().code == Errc::io) log::info("http", "{}: {}", connection_->peer(), secured.error().message);
    if (!connection_->closed()) connection_->close_after_flush();
    co_return false;
  }
  co_return true;
}

// The next event of the reader, need_more left out.
Task<Result<HttpReader::Event>> HttpConnection::next() {
  if (!body_ended_) connection_->limit(settings_.silence_timeout);
  for (;;) {
    if (auto event = take({})) co_return std::move(*event);
    co_await connection_->wait();
  }
}

// The next event that is there already.
std::optional<Result<HttpReader::Event>> HttpConnection::take(std::span<char> into) {
  for (;;) {
    const Event event = reader_.next(input_);
    if (event == Event::error) lost_ = Error{Errc::bad_request, reader_.reason()};
    if (event != Event::need_more) return event;
    let_go_of_rest();
    // Nothing of a request behind the body, which would have to be kept; of chunks nobody knows the end.
    const std::uint64_t most = reader_.request().chunked ? Core::kReadBuffer : reader_.left();
    const auto bytes = connection_->take(into.first(std::min<std::uint64_t>(into.size(), most)));
    if (!bytes) return std::nullopt;
    if (!*bytes) {
      if (!lost_) lost_ = bytes->error();  // else somebody has stopped it
      return tl::make_unexpected(*lost_);
    }
    // A request has a time from its first byte to its head's end, a body from each piece to the next.
    if (reader_.between_requests()) connection_->limit(settings_.head_timeout);
    input_ = **bytes;
  }
}

Task<void> HttpConnection::serve() {
  keep_rest();
  HttpExchange exchange{*this};
  const auto* handler = server_.find(reader_.request().path);
  if (!handler) {
    exchange.respond({.status = 404, .body = "there is nothing here\n"});
    co_return;
  }
  auto task = (*handler)(exchange);
  co_await std::move(task);
  if (gone() || exchange.responded()) co_return;
  if (lost_) {  // no fault of the handler
    if (lost_->code == Errc::bad_request)
      refuse(reader_.status(), reader_.reason());
    else if (lost_->code == Errc::timeout)
      refuse(408, "the request took too long");
    else
      connection_->abort();
    co_return;
  }
  log::warn("http", "a request for {} was not answered", reader_.request().path);
  exchange.respond({.status = 500, .body = "the server could not answer\n"});
}

// What the handler left of the body, if it is little: the next request stands behind it.
Task<bool> HttpConnection::skip_body() {
  if (body_ended_) co_return true;
  if (lost_) co_return false;
  if (reader_.request().expects_continue && !continued_) co_return false;  // it may come or not: nobody knows
  for (std::size_t skipped = 0;;) {
    auto next_task = next();
    const Result<Event> event = co_await std::move(next_task);
    if (!event || *event == Event::error) co_return false;
    if (*event == Event::end) break;
    if ((skipped += reader_.body().size()) > settings_.unread_body) co_return false;
  }
  body_ended_ = true;
  co_return true;
}

// A body will be left unread, so no request can follow. (What the handler has read of it is not counted: who reads in
// part gives up seldom.)
bool HttpConnection::leaves_body() const {
  if (body_ended_) return false;
  const HttpRequest& request = reader_.request();
  return (request.expects_continue && !continued_) || request.content_length.value_or(0) > settings_.unread_body;
}

void HttpConnection::write_head(const HttpResponse& response, std::uint64_t length, bool last) {
  last_ = last_ || last || stopping() || lost_ || leaves_body();
  std::string& out = connection_->out();
  out.append(fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status)));
  append_field(out, "date", to_http_date(SystemClock{}.now()));
  for (const auto& [name, value] : response.fields) append_field(out, name, value);
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  if (has_body) {
    if (!response.type.empty()) append_field(out, "content-type", response.type);
    append_field(out, "content-length", std::to_string(length));
  }
  append_field(out, "x-content-type-options", "nosniff");
  if (last_)
    append_field(out, "connection", "close");
  else if (reader_.request().http_1_0)
    append_field(out, "connection", "keep-alive");
  out.append("\r\n");
  says_body_ = has_body && reader_.request().method != "HEAD";
}

// ---- what a handler sees --------------------------------------------------------------------------------------------

const HttpRequest& HttpExchange::request() const { return connection_.reader_.request(); }
const Connection& HttpExchange::connection() const { return *connection_.connection_; }
Core& HttpExchange::core() { return connection_.core_; }

Task<Result<std::string_view>> HttpExchange::read() {
  for (;;) {
    auto waiting = ready();
    co_await std::move(waiting);
    if (auto taken = take()) co_return std::move(*taken);
  }
}

std::optional<Result<std::string_view>> HttpExchange::take(std::span<char> into) {
  auto& connection = connection_;
  if (connection.body_ended_) return std::string_view{};
  if (connection.lost_) return tl::make_unexpected(*connection.lost_);
  if (request().expects_continue && !std::exchange(connection.continued_, true) && !responded_) {
    connection.connection_->out().append("HTTP/1.1 100 Continue\r\n\r\n");
    connection.connection_->flush_soon();
  }
  const auto event = connection.take(into);
  if (!event) return std::nullopt;
  if (!*event) return pass(*event);
  connection.keep_rest();
  if (**event == HttpReader::Event::error) return fail(Errc::bad_request, "{}", connection.reader_.reason());
  if (**event == HttpReader::Event::body) return connection.reader_.body();
  connection.body_ended_ = true;
  return std::string_view{};
}

Task<void> HttpExchange::ready() {
  auto& connection = connection_;
  if (connection.lost_ || connection.gone()) co_return;
  const bool there = connection.body_ended_ || connection.reader_.body_is_over() || !connection.input_.empty();
  const bool waits = request().expects_continue && !connection.continued_;  // take() has to say it first
  if (!there && !waits) {
    connection.let_go_of_rest();
    connection.connection_->limit(connection.settings_.silence_timeout);
    auto waiting = connection.connection_->wait();
    co_await std::move(waiting);
    if (connection.connection_->late()) co_return;
  }
  // Until the next wait it is the client who waits, for a disk say.
  connection.connection_->limit(std::chrono::seconds{0});
}

const std::optional<Error>& HttpExchange::lost() const { return connection_.lost_; }

void HttpExchange::stop_reading() {
  if (connection_.body_ended_ || connection_.lost_ || connection_.gone()) return;
  connection_.lost_ = Error{Errc::closed, "no more of the body is wanted"};
  connection_.connection_->expire();
}

Task<Result<std::string>> HttpExchange::read_all(std::size_t limit) {
  std::string all;
  if (request().content_length.value_or(0) > limit) co_return fail(Errc::policy_violation, "more than {} bytes", limit);
  for (;;) {
    auto task = read();
    const Result<std::string_view> piece = co_await std::move(task);
    if (!piece) co_return pass(piece);
    if (piece->empty()) co_return std::move(all);
    if (all.size() + piece->size() > limit) co_return fail(Errc::policy_violation, "more than {} bytes", limit);
    all.append(*piece);
  }
}

void HttpExchange::respond(HttpResponse response) {
  ANSER_ASSERT(!responded_);
  responded_ = true;
  if (connection_.gone()) return;
  connection_.write(response, false);
}

void HttpExchange::inform(unsigned status, const std::vector<std::pair<std::string, std::string>>& fields) {
  ANSER_ASSERT(!responded_);
  if (connection_.gone() || request().http_1_0) return;
  std::string& out = connection_.connection_->out();
  out.append(fmt::format("HTTP/1.1 {} {}\r\n", status, reason_of(status)));
  for (const auto& [name, value] : fields) append_field(out, name, value);
  out.append("\r\n");
  connection_.connection_->flush_soon();
}

void HttpExchange::begin_response(const HttpResponse& head, std::uint64_t length) {
  ANSER_ASSERT(!responded_);
  responded_ = true;
  if (connection_.gone()) return;
  connection_.write_head(head, length, false);
  connection_.unsaid_ = connection_.says_body_ ? length : 0;
  connection_.connection_->flush_soon();
}

Task<Result<void>> HttpExchange::write(std::string_view bytes) {
  ANSER_ASSERT(responded_);
  if (connection_.gone()) co_return fail(Errc::closed, "the client has gone");
  if (!connection_.says_body_) co_return Result<void>{};
  ANSER_ASSERT(bytes.size() <= connection_.unsaid_);
  connection_.unsaid_ -= bytes.size();
  connection_.connection_->out().append(bytes);
  connection_.connection_->flush_soon();
  if (!connection_.connection_->congested()) co_return Result<void>{};
  connection_.keep_rest();
  auto task = connection_.connection_->drained();
  const auto drained = co_await std::move(task);
  co_return drained;
}

Result<Handed> HttpExchange::switch_protocols(const std::vector<std::pair<std::string, std::string>>& fields) {
  ANSER_ASSERT(!responded_);
  responded_ = true;
  if (connection_.gone()) return fail(Errc::closed, "the client has gone");
  std::string& out = connection_.connection_->out();
  out.append("HTTP/1.1 101 Switching Protocols\r\n");
  for (const auto& [name, value] : fields) append_field(out, name, value);
  out.append("\r\n");
  connection_.taken_ = true;
  return connection_.connection_->hand_over(connection_.input_);
}

}  // namespace anser::net
