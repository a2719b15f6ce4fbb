#include "sdk/src/upload_job.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "sdk/src/media_type.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kDraft = "8";  // draft-ietf-httpbis-resumable-upload: its interop version

bool is_success(unsigned status) { return status / 100 == 2; }

// A structured field (RFC 9651) that is an integer.
std::optional<std::uint64_t> integer(std::optional<std::string_view> field) {
  if (!field) return std::nullopt;
  std::uint64_t value = 0;
  const char* const end = field->data() + field->size();
  const auto [last, wrong] = std::from_chars(field->data(), end, value);
  if (wrong != std::errc{} || last != end) return std::nullopt;
  return value;
}

}  // namespace

UploadJob::UploadJob(Channel& channel, Upload upload, FindService find_service, Done done)
    : Job(channel, upload.limits, std::move(upload.progress)),
      upload_(std::move(upload)),
      find_service_(std::move(find_service)),
      done_(std::move(done)) {}

void UploadJob::tell(Result<void> result) {
  if (!done_) return;
  channel().call([&] {
    if (!result) return done_(pass(result));
    done_(UploadedFile{slot_.get, size_});
  });
}

net::Task<Result<void>> UploadJob::prepare() {
  name_ = upload_.name;
  size_ = upload_.bytes.size();
  if (!upload_.path.empty()) {
    auto open = [path = upload_.path] { return FileReader::open(path); };
    auto opening = blocking<FileReader>(std::move(open));
    auto opened = co_await std::move(opening);
    if (!opened) co_return pass(opened);
    file_.emplace(std::move(*opened));
    size_ = file_->size();
    if (name_.empty()) name_ = file_->name();
  }
  if (name_.empty()) co_return fail(Errc::invalid_argument, "the file has no name");
  if (upload_.type.empty()) upload_.type = media_type_of(name_);
  if (size_ == 0) co_return fail(Errc::invalid_argument, "the file has no bytes, and no service takes such");

  auto finding = hear<UploadService>(find_service_);
  auto found = co_await std::move(finding);
  if (!found) co_return pass(found);
  if (found->max_file_size && size_ > *found->max_file_size)
    co_return fail(Errc::invalid_argument, "the file has {} bytes, and {} takes {}", size_, found->address,
                   *found->max_file_size);
  service_ = std::move(*found);
  co_return Result<void>{};
}

net::Task<Result<void>> UploadJob::attempt() {
  if (resource_) {
    auto finding = find_offset();
    auto found = co_await std::move(finding);
    if (!found || whole_) co_return found;
  }
  if (resource_) {
    auto patching = patch();
    auto patched = co_await std::move(patching);
    co_return patched;
  }
  auto asking = get_slot();
  auto got = co_await std::move(asking);
  if (!got) co_return got;
  auto putting = put();
  auto done = co_await std::move(putting);
  co_return done;
}

net::Task<Result<void>> UploadJob::complete() {
  progress(size_, size_);
  co_return Result<void>{};
}

net::Task<Result<void>> UploadJob::get_slot() {
  auto asking = ask(IQ{IQ::Type::get, slot_request(upload_, name_, size_), service_->address});
  const auto answer = co_await std::move(asking);
  if (!answer) co_return pass(answer);
  const auto payload = answer->payload();
  if (!payload) co_return fail(Errc::protocol, "the upload service answered nothing");
  auto slot = read_slot(*payload);
  if (!slot) co_return pass(slot);
  auto url = parse_http_url(slot->put);
  if (!url) co_return fail(Errc::protocol, "the slot: {}", url.error().message);
  slot_ = std::move(*slot);
  slot_url_ = std::move(*url);
  co_return Result<void>{};
}

HttpCall UploadJob::call(std::string method) const {
  HttpCall call{.method = std::move(method), .fields = slot_.fields};
  call.fields.emplace_back("Upload-Draft-Interop-Version", kDraft);
  return call;
}

// 104 (Upload Resumption Supported) names the upload. Only on the slot's own server: what goes with its PUT goes there.
void UploadJob::note_resource(const net::HttpResponseHead& interim) {
  constexpr unsigned kSupported = 104;
  const auto location = interim.field("location");
  if (interim.status != kSupported || !location) return;
  if (location->starts_with('/') && !location->starts_with("//")) {
    SocketUrl url = slot_url_;
    url.target = *location;
    resource_ = std::move(url);
    return;
  }
  auto url = parse_http_url(*location);
  if (url && url->tls == slot_url_.tls && url->host == slot_url_.host && url->port == slot_url_.port)
    resource_ = std::move(*url);
}

net::Task<Result<void>> UploadJob::put() {
  HttpCall put = call("PUT");
  put.fields.emplace_back("Content-Type", upload_.type.empty() ? "application/octet-stream" : upload_.type);
  put.fields.emplace_back("Upload-Complete", "?1");
  put.interim = [this](const net::HttpResponseHead& interim) { note_resource(interim); };
  return send(std::move(put), slot_url_, 0);
}

net::Task<Result<void>> UploadJob::patch() {
  HttpCall patch = call("PATCH");
  patch.fields.emplace_back("Content-Type", "application/partial-upload");
  patch.fields.emplace_back("Upload-Offset", std::to_string(offset_));
  patch.fields.emplace_back("Upload-Complete", "?1");
  return send(std::move(patch), *resource_, offset_);
}

// The file from there on.
net::Task<Result<void>> UploadJob::send(HttpCall call, SocketUrl url, std::uint64_t from) {
  auto making = tls();
  auto trust = co_await std::move(making);
  if (!trust) co_return pass(trust);
  HttpLine line = make_line(std::move(*trust));
  const Using here{*this, line};
  auto opening = line.open(std::move(url));
  auto opened = co_await std::move(opening);
  if (!opened) co_return opened;

  struct Source {
    UploadJob& job;
    std::uint64_t at;
    net::Task<Result<std::string>> read(std::size_t most) {
      const std::uint64_t from = std::exchange(at, at + most);
      if (!job.file_) co_return job.upload_.bytes.substr(static_cast<std::size_t>(from), most);
      auto read = [&file = *job.file_, from, most] { return file.read(from, most); };
      auto reading = job.blocking<std::string>(std::move(read));
      auto piece = co_await std::move(reading);
      co_return piece;
    }
  };
  Source source{*this, from};
  call.length = size_ - from;
  call.read = [&source](std::size_t most) { return source.read(most); };
  call.sent = [this, from](std::uint64_t sent) {
    if (from + sent < size_) progress(from + sent, size_);  // all of it is told when the server has it
  };
  const bool resuming = from > 0 || resource_.has_value();
  auto asking = line.ask(std::move(call));
  const auto head = co_await std::move(asking);
  if (!head) co_return pass(head);
  if (is_success(head->status) && head->field("upload-complete").value_or("?1") != "?0") co_return Result<void>{};
  if (is_success(head->status)) co_return fail(Errc::closed, "the server has not taken all of the file");
  // The offset was another one than it said: asked again, it says which.
  constexpr unsigned kConflict = 409;
  if (resuming && head->status == kConflict) co_return fail(Errc::closed, "the server is at another offset");
  co_return tl::make_unexpected(refusal_of(head->status));
}

net::Task<Result<void>> UploadJob::find_offset() {
  auto making = tls();
  auto trust = co_await std::move(making);
  if (!trust) co_return pass(trust);
  HttpLine line = make_line(std::move(*trust));
  const Using here{*this, line};
  auto opening = line.open(*resource_);
  auto opened = co_await std::move(opening);
  if (!opened) co_return opened;
  auto asking = line.ask(call("HEAD"));
  const auto head = co_await std::move(asking);
  if (!head) co_return pass(head);
  constexpr unsigned kNotFound = 404, kGone = 410;
  if (head->status == kNotFound || head->status == kGone) {  // it has ended, or was never written down: anew
    resource_.reset();
    co_return Result<void>{};
  }
  if (!is_success(head->status)) co_return tl::make_unexpected(refusal_of(head->status));
  const auto offset = integer(head->field("upload-offset"));
  whole_ = head->field("upload-complete") == "?1";
  if (!whole_ && (!offset || *offset > size_))
    co_return fail(Errc::protocol, "the server does not say how much it has of the upload");
  offset_ = whole_ ? size_ : *offset;
  progress(offset_, size_);
  co_return Result<void>{};
}

}  // namespace anser::sdk
