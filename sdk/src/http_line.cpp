#include "sdk/src/http_line.h"

#include <algorithm>
#include <utility>

#include "net/host.h"
#include "net/tls_client.h"
#include "net/tls_session.h"
#include "sdk/src/reach.h"

namespace anser::sdk {
namespace {

constexpr int kLooks = 4;  // in the time of silence that is allowed

ConnectionConfiguration way_to(const SocketUrl& url, const ConnectionConfiguration& configuration) {
  ConnectionConfiguration way;
  way.service_name = way.host = url.host;
  way.port = url.port;
  way.direct_tls = url.tls;
  way.dns_servers = configuration.dns_servers;
  way.proxy = configuration.proxy;
  way.socket_factory = configuration.socket_factory;
  way.limits.connect = configuration.limits.connect;
  return way;
}

bool is_line(std::string_view text) {
  return std::ranges::none_of(text,
                              [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

std::string_view meaning_of(unsigned status) {
  switch (status) {
    case 401:
    case 403:
      return "the server does not allow it";
    case 404:
    case 410:
      return "there is nothing at this address";
    case 409:
      return "there is something at this address already";
    case 411:
    case 413:
      return "the file is too large for the server, or has another size than was said";
    case 415:
      return "the server does not take files of this type";
    case 416:
      return "the server does not have that part of the file";
    case 429:
    case 503:
      return "the server has too much to do";
    case 507:
      return "the server has no space left";
    default:
      break;
  }
  if (status / 100 == 3) return "the server sends us elsewhere";
  if (status / 100 == 5) return "the server failed";
  return "the server refused";
}

}  // namespace

Error refusal_of(unsigned status) {
  return {Errc::http, fmt::format("{} ({})", meaning_of(status), status), std::to_string(status)};
}

bool is_passing(const Error& error) {
  if (error.code == Errc::http)
    return error.condition == "429" || error.condition == "408" ||
           (error.condition.starts_with('5') && error.condition != "507");
  return error.code == Errc::unreachable || error.code == Errc::closed || error.code == Errc::timeout;
}

HttpLine::HttpLine(LoopState& loop, const ConnectionConfiguration& configuration,
                   std::shared_ptr<const net::TlsClient> tls, std::chrono::milliseconds silence)
    : loop_(loop), configuration_(configuration), tls_(std::move(tls)), silence_(silence), watch_([this] {
        look_if_it_moves();
      }) {}

HttpLine::~HttpLine() {
  if (link_) link_->close_after_flush();
}

void HttpLine::cancel() {
  cancelled_ = true;
  if (link_) link_->abort();
}

void HttpLine::look_if_it_moves() {
  const std::uint64_t moved = link_->bytes_in() + link_->bytes_out();
  still_ = moved == moved_ ? still_ + 1 : 0;
  moved_ = moved;
  if (still_ < kLooks) return loop_.core().timers().arm(watch_, silence_ / kLooks);
  silent_ = true;
  link_->abort();
}

Error HttpLine::why_it_ended(const anser::Error& below) const {
  if (cancelled_) return {Errc::closed, "the transfer was cancelled"};
  if (silent_) return {Errc::timeout, fmt::format("{} moves no bytes any more", url_.host)};
  return {Errc::closed, fmt::format("the connection to {} ended: {}", url_.host, below.message)};
}

net::Task<Result<void>> HttpLine::open(SocketUrl url) {
  using Outcome = Result<void>;
  url_ = std::move(url);
  if (!url_.tls && configuration_.security == SecurityMode::required)
    co_return Outcome{fail(Errc::insecure, "the address is in the clear, and the connection requires TLS")};
  const auto host = dns_name(url_.host);
  if (!host) co_return Outcome{pass_as(Errc::invalid_argument, host.error())};
  const auto way = way_to(url_, configuration_);
  auto until = std::chrono::steady_clock::now() + configuration_.limits.connect;
  auto reaching = reach(loop_, way, *host, std::nullopt, until);
  auto opened = co_await std::move(reaching);
  if (cancelled_) co_return Outcome{tl::make_unexpected(why_it_ended({}))};
  if (!opened) co_return Outcome{pass(opened)};
  link_.emplace(loop_.core(), std::move(opened->socket));
  if (url_.tls) {
    net::TlsLimits limits;
    limits.handshake = std::chrono::ceil<std::chrono::seconds>(configuration_.limits.connect);
    auto shaking = link_->connect_tls(tls_, limits, *host);
    const auto shaken = co_await std::move(shaking);
    if (cancelled_) co_return Outcome{tl::make_unexpected(why_it_ended({}))};
    if (!shaken) co_return Outcome{pass_as(Errc::tls, shaken.error())};
  }
  link_->on_writable([this] { link_->resume(); });
  loop_.core().timers().arm(watch_, silence_ / kLooks);
  co_return Outcome{};
}

Result<std::string> HttpLine::head_of(const HttpCall& call) const {
  std::string host = net::authority(dns_name(url_.host).value_or(url_.host), url_.port);
  if (url_.has_default_port()) host.resize(host.rfind(':'));
  std::string out = call.method + " " + url_.target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n";
  const auto add = [&out](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  if (call.length) add("Content-Length", std::to_string(*call.length));
  for (const auto& [name, value] : call.fields) {
    if (!is_line(name) || !is_line(value))  // the value may be a secret
      return fail(Errc::invalid_argument, "the HTTP field '{}' holds a character that it must not", name);
    add(name, value);
  }
  return out += "\r\n";
}

// True: the answer's head is there.
Result<bool> HttpLine::take_head(std::string_view input, const HttpCall& call) {
  using Event = net::HttpResponseReader::Event;
  for (;;) {
    const Event event = reader_->next(input);
    if (event == Event::need_more) return false;
    if (event == Event::error) return fail(Errc::protocol, "{}: {}", url_.host, reader_->reason());
    if (event == Event::interim) {
      if (call.interim) call.interim(reader_->head());
      continue;
    }
    unread_ = input;
    rest_ = unread_;
    return true;
  }
}

// One more piece of the body.
net::Task<Result<void>> HttpLine::feed(HttpCall& call, std::uint64_t& left) {
  auto reading = call.read(static_cast<std::size_t>(std::min<std::uint64_t>(left, kPiece)));
  auto piece = co_await std::move(reading);
  if (!piece) co_return Result<void>{pass(piece)};
  left -= piece->size();
  if (link_->closed()) co_return Result<void>{};  // the reader finds out why
  link_->out().append(*piece);
  link_->flush_soon();
  co_return Result<void>{};
}

net::Task<Result<net::HttpResponseHead>> HttpLine::ask(HttpCall call) {
  using Outcome = Result<net::HttpResponseHead>;
  auto head = head_of(call);
  if (!head) co_return Outcome{pass(head)};
  reader_.emplace(call.method == "HEAD");
  link_->out().append(*head);
  link_->flush_soon();
  std::uint64_t left = call.length.value_or(0);
  for (;;) {
    const auto input = link_->take();
    if (input && *input) {
      const auto whole = take_head(**input, call);
      if (!whole) co_return Outcome{pass(whole)};
      if (*whole) co_return Outcome{reader_->head()};
      continue;
    }
    if (input) co_return Outcome{tl::make_unexpected(why_it_ended(input->error()))};
    if (call.sent) call.sent(*call.length - left - std::min<std::uint64_t>(link_->queued(), *call.length - left));
    if (left > 0 && !link_->congested()) {
      auto feeding = feed(call, left);
      const auto fed = co_await std::move(feeding);
      if (!fed) co_return Outcome{pass(fed)};
      continue;
    }
    auto waiting = link_->wait();
    co_await std::move(waiting);
  }
}

net::Task<Result<std::string_view>> HttpLine::read() {
  using Event = net::HttpResponseReader::Event;
  using Outcome = Result<std::string_view>;
  for (;;) {
    const Event event = reader_->next(rest_);
    if (event == Event::body) {
      // The loop's buffer is others' after the next co_await.
      if (std::exchange(lent_, false) && !rest_.empty()) {
        unread_ = rest_;
        rest_ = unread_;
      }
      co_return Outcome{reader_->body()};
    }
    if (event == Event::end) co_return Outcome{std::string_view{}};
    if (event == Event::error) co_return Outcome{fail(Errc::protocol, "{}: {}", url_.host, reader_->reason())};
    const auto input = link_->take();
    if (!input) {
      auto waiting = link_->wait();
      co_await std::move(waiting);
    } else if (*input) {
      rest_ = **input;
      lent_ = true;
    } else if (!cancelled_ && !silent_ && input->error().code == anser::Errc::closed &&
               reader_->finish() == Event::end) {
      co_return Outcome{std::string_view{}};
    } else {
      co_return Outcome{tl::make_unexpected(why_it_ended(input->error()))};
    }
  }
}

}  // namespace anser::sdk
