#include "sdk/src/download_job.h"

#include <charconv>
#include <utility>

namespace anser::sdk {
namespace {

constexpr std::size_t kPiece = 256 * 1024;  // collected before it is written
constexpr std::size_t kValidatorBytes = 1024;

constexpr unsigned kOk = 200, kPartial = 206, kNotSatisfiable = 416;

struct ContentRange {
  std::uint64_t first, last;
  std::optional<std::uint64_t> total;
};

// "bytes 5-9/10" (RFC 9110 §14.4); the total may be "*".
std::optional<ContentRange> read_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const auto number = [&text](char end) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const char* const last = text.data() + text.size();
    const auto [at, wrong] = std::from_chars(text.data(), last, value);
    if (wrong != std::errc{} || (end != 0 && (at == last || *at != end)) || (end == 0 && at != last))
      return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(at - text.data()) + (end != 0 ? 1 : 0));
    return value;
  };
  const auto first = number('-');
  const auto last = first ? number('/') : std::nullopt;
  if (!last || *last < *first) return std::nullopt;
  ContentRange range{*first, *last, {}};
  if (text == "*") return range;
  range.total = number(0);
  if (!range.total || *range.total <= range.last) return std::nullopt;
  return range;
}

}  // namespace

DownloadJob::DownloadJob(Channel& channel, Download download, Done done)
    : Job(channel, download.limits, std::move(download.progress)),
      download_(std::move(download)),
      done_(std::move(done)) {}

void DownloadJob::tell(Result<void> result) {
  file_.reset();  // nothing stays of what is not whole
  if (!done_) return;
  channel().call([&] {
    if (!result) return done_(pass(result));
    done_(DownloadedFile{download_.path, offset_, type_});
  });
}

net::Task<Result<void>> DownloadJob::prepare() {
  auto url = parse_http_url(download_.url);
  if (!url) co_return pass(url);
  url_ = std::move(*url);
  auto make = [path = download_.path, overwrite = download_.overwrite] { return FileWriter::make(path, overwrite); };
  auto making = blocking<FileWriter>(std::move(make));
  auto made = co_await std::move(making);
  if (!made) co_return pass(made);
  file_.emplace(std::move(*made));
  co_return Result<void>{};
}

net::Task<Result<void>> DownloadJob::attempt() {
  for (int followed = 0;; ++followed) {
    auto getting = get();
    auto got = co_await std::move(getting);
    if (!got) co_return pass(got);
    if (*got) co_return Result<void>{};
    if (followed >= download_.redirects)
      co_return fail(Errc::protocol, "the server sends us on more than {} times", download_.redirects);
  }
}

net::Task<Result<void>> DownloadJob::complete() {
  auto place = [this] { return file_->put_into_place(); };
  auto placing = blocking<void>(std::move(place));
  auto placed = co_await std::move(placing);
  if (placed) progress(offset_, offset_);
  co_return placed;
}

net::Task<Result<bool>> DownloadJob::get() {
  auto making = tls();
  auto trust = co_await std::move(making);
  if (!trust) co_return pass(trust);
  HttpLine line = make_line(std::move(*trust));
  const Using here{*this, line};
  auto opening = line.open(url_);
  auto opened = co_await std::move(opening);
  if (!opened) co_return pass(opened);

  HttpCall call;
  call.fields.emplace_back("Accept-Encoding", "identity");
  if (offset_ > 0 && validator_.empty()) {
    auto starting = start_anew();
    auto started = co_await std::move(starting);
    if (!started) co_return pass(started);
  }
  if (offset_ > 0) {
    call.fields.emplace_back("Range", fmt::format("bytes={}-", offset_));
    call.fields.emplace_back("If-Range", validator_);
  }
  auto asking = line.ask(std::move(call));
  const auto head = co_await std::move(asking);
  if (!head) co_return pass(head);
  if (head->status / 100 == 3) {
    if (auto followed = follow(*head); !followed) co_return pass(followed);
    co_return false;
  }
  if (offset_ > 0 && head->status == kNotSatisfiable) {  // not the file that it was
    auto starting = start_anew();
    auto started = co_await std::move(starting);
    if (!started) co_return pass(started);
    co_return fail(Errc::closed, "the file has changed while it was fetched");
  }
  auto going_on = goes_on(*head);
  if (!going_on) co_return pass(going_on);
  if (!*going_on && offset_ > 0) {
    auto starting = start_anew();
    auto started = co_await std::move(starting);
    if (!started) co_return pass(started);
  }
  auto taking = take(line);
  auto taken = co_await std::move(taking);
  co_return taken;
}

Result<void> DownloadJob::follow(const net::HttpResponseHead& head) {
  const auto location = head.field("location");
  if (!location || download_.redirects <= 0) return tl::make_unexpected(refusal_of(head.status));
  SocketUrl next = url_;
  if (location->starts_with('/') && !location->starts_with("//")) {
    next.target = *location;
  } else {
    auto url = parse_http_url(*location);
    if (!url) return fail(Errc::protocol, "the server sends us to a place that is none: {}", url.error().message);
    next = std::move(*url);
  }
  if (url_.tls && !next.tls) return fail(Errc::insecure, "the server sends us on to an address without TLS");
  url_ = std::move(next);
  return {};
}

// Whether what comes is the rest of what we have.
Result<bool> DownloadJob::goes_on(const net::HttpResponseHead& head) {
  if (head.field("content-encoding").value_or("identity") != "identity")
    return fail(Errc::protocol, "the server has encoded the file in a way that nobody asked for");
  if (head.status == kPartial) {
    const auto range = read_range(head.field("content-range").value_or(""));
    if (offset_ == 0 || !range || range->first != offset_)
      return fail(Errc::protocol, "the server sends another part of the file than it was asked for");
    if (range->total && total_ && *range->total != *total_)
      return fail(Errc::protocol, "the server sends the rest of another file");
    const std::uint64_t length = range->last - range->first + 1;
    if (head.content_length && *head.content_length != length)
      return fail(Errc::protocol, "the part of the file has another length than the server says");
    if (range->total) total_ = range->total;
    return true;
  }
  if (head.status != kOk) return tl::make_unexpected(refusal_of(head.status));
  total_ = head.content_length;
  type_ = head.field("content-type").value_or("");
  const auto tag = head.field("etag");
  const bool strong = tag && tag->starts_with('"') && tag->size() <= kValidatorBytes;
  validator_ = strong ? std::string{*tag} : std::string{};
  return false;
}

net::Task<Result<bool>> DownloadJob::take(HttpLine& line) {
  if (total_ && *total_ > download_.max_bytes)
    co_return fail(Errc::invalid_argument, "the file has {} bytes, more than the {} that are allowed", *total_,
                   download_.max_bytes);
  std::string pending;
  for (;;) {
    auto reading = line.read();
    const auto piece = co_await std::move(reading);
    if (piece) pending.append(*piece);
    if (offset_ + pending.size() > download_.max_bytes)
      co_return fail(Errc::invalid_argument, "the file has more than the {} bytes that are allowed",
                     download_.max_bytes);
    if (total_ && offset_ + pending.size() > *total_)
      co_return fail(Errc::protocol, "the server sends more than it said");
    const bool over = !piece || piece->empty();
    if (!pending.empty() && (over || pending.size() >= kPiece)) {
      auto keeping = keep(std::exchange(pending, {}));
      auto kept = co_await std::move(keeping);
      if (!kept) co_return pass(kept);
    }
    if (!piece) co_return pass(piece);  // what came before is kept: the next try goes on there
    if (over) break;
  }
  if (total_ && offset_ < *total_) co_return fail(Errc::closed, "the server sent less than it said");
  co_return true;
}

net::Task<Result<void>> DownloadJob::keep(std::string bytes) {
  const std::size_t size = bytes.size();
  auto write = [this, offset = offset_, bytes = std::move(bytes)] { return file_->write(offset, bytes); };
  auto writing = blocking<void>(std::move(write));
  auto written = co_await std::move(writing);
  if (!written) co_return written;
  offset_ += size;
  progress(offset_, total_);
  co_return written;
}

net::Task<Result<void>> DownloadJob::start_anew() {
  offset_ = 0;
  auto truncate = [this] { return file_->truncate(); };
  auto truncating = blocking<void>(std::move(truncate));
  auto truncated = co_await std::move(truncating);
  co_return truncated;
}

}  // namespace anser::sdk
