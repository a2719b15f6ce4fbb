#include "anser/file_upload.h"

#include <algorithm>
#include <array>
#include <istream>
#include <mutex>
#include <set>
#include <streambuf>
#include <utility>

#include "codec/charset.h"
#include "codec/file_name.h"
#include "form/disk_file_upload.h"
#include "sdk/src/file_upload_errors.h"

namespace anser::sdk {

struct FileItem::Inside {
  std::shared_ptr<form::FileItem> item;  // shared with its streams
  std::string field_name;
  std::optional<std::string> name;
  bool is_form_field = false;
};

struct ItemIteration {
  form::ItemStream items;
  std::string content_type;      // of the request, for errors
  std::string_view unread = {};  // of the item's data
  bool found = false;            // an item that has_next() has seen and next() has not given
  bool ended = false;
  std::optional<form::FormError> error = {};  // after which nothing comes
};

namespace {

constexpr std::size_t kSweptDirectories = 64;

std::uint64_t limit(std::int64_t of) { return of < 0 ? UINT64_MAX : static_cast<std::uint64_t>(of); }

// As commons-fileupload does with names of controls and files.
std::string trimmed(const std::string& text) {
  const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' ' && c != '\0'; };
  const auto first = std::ranges::find_if_not(text, is_space);
  const auto last = std::find_if_not(text.rbegin(), std::make_reverse_iterator(first), is_space).base();
  return {first, last};
}

std::optional<std::string> trimmed_name(const codec::PartHeader& header) {
  if (!header.file_name) return std::nullopt;
  return trimmed(*header.file_name);
}

std::optional<std::string> type_of(const codec::PartHeader& header) {
  const bool has = std::ranges::any_of(header.fields, [](const auto& field) { return field.first == "content-type"; });
  return has ? std::optional{header.content_type} : std::nullopt;
}

const std::optional<std::string>& checked(const std::optional<std::string>& name) {
  if (name && name->find('\0') != name->npos) throw InvalidFileNameException{"a file's name has a NUL in it", *name};
  return name;
}

// What a crash has left, once for each directory that this process uses.
void sweep_once(const std::string& directory) {
  static std::mutex mutex;
  static std::set<std::string> swept;
  const std::lock_guard lock{mutex};
  if (swept.size() < kSweptDirectories && swept.insert(directory).second) form::sweep_temporary_files(directory);
}

// An item's content from its start. Shares it, so the item may go first.
class ContentBuffer : public std::streambuf {
 public:
  explicit ContentBuffer(std::shared_ptr<const form::FileItem> item)
      : item_(std::move(item)), size_(item_->content().size()) {}

 protected:
  int_type underflow() override {
    if (gptr() != egptr()) return traits_type::to_int_type(*gptr());
    const std::size_t count = need(item_->content().read(offset_, buffer_));
    if (count == 0 && offset_ < size_) throw FileUploadIOException{"the content has been removed"};
    offset_ += count;
    setg(buffer_.data(), buffer_.data(), buffer_.data() + count);
    return count == 0 ? traits_type::eof() : traits_type::to_int_type(*gptr());
  }

 private:
  std::shared_ptr<const form::FileItem> item_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
  std::array<char, 16 * 1024> buffer_{};
};

class ContentStream : public std::istream {
 public:
  explicit ContentStream(std::shared_ptr<const form::FileItem> item) : std::istream(nullptr), buffer_(std::move(item)) {
    rdbuf(&buffer_);
  }

 private:
  ContentBuffer buffer_;
};

form::UploadRequest to_form(RequestContext& request) {
  form::UploadRequest made;
  made.content_type = request.content_type();
  if (const std::int64_t length = request.content_length(); length >= 0) {
    made.content_length = static_cast<std::uint64_t>(length);
  }
  made.read = [&request](std::span<char> into) { return request.read(into); };
  return made;
}

form::UploadSettings to_form(const DiskFileUpload& upload, const RequestContext& request,
                             const DiskFileUpload::ProgressListener& listener) {
  form::UploadSettings made;
  made.form.limits = {.request_bytes = limit(upload.size_max()),
                      .file_bytes = limit(upload.file_size_max()),
                      .field_bytes = UINT64_MAX,  // they go to disk as files do
                      .items = limit(upload.file_count_max()),
                      .part_header_bytes = limit(upload.part_header_size_max())};
  made.form.charset = upload.header_encoding().empty() ? request.character_encoding() : upload.header_encoding();
  made.size_threshold = upload.size_threshold();
  made.directory = upload.repository_path().empty() ? form::default_directory() : upload.repository_path();
  if (listener) {
    made.progress = [listener](std::uint64_t bytes, std::int64_t total, std::size_t items) {
      listener(static_cast<std::int64_t>(bytes), total, static_cast<int>(items));
    };
  }
  return made;
}

[[noreturn]] void fail_iteration(ItemIteration& iteration, const form::FormError& error) {
  if (!iteration.error) iteration.error = error;
  throw_form_error(*iteration.error, iteration.content_type);
}

}  // namespace

FileItem::FileItem(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
FileItem::FileItem(FileItem&& other) noexcept = default;
FileItem& FileItem::operator=(FileItem&& other) noexcept = default;
FileItem::~FileItem() = default;

bool FileItem::is_form_field() const { return inside_->is_form_field; }
void FileItem::set_form_field(bool state) { inside_->is_form_field = state; }
const std::string& FileItem::field_name() const { return inside_->field_name; }
void FileItem::set_field_name(std::string name) { inside_->field_name = std::move(name); }
std::optional<std::string> FileItem::name() const { return checked(inside_->name); }
std::string FileItem::safe_name() const { return codec::safe_file_name(inside_->name.value_or("")); }
std::optional<std::string> FileItem::content_type() const { return type_of(inside_->item->header()); }
const FileItemHeaders& FileItem::headers() const { return inside_->item->header().fields; }

std::uint64_t FileItem::size() const { return inside_->item->content().size(); }
bool FileItem::is_in_memory() const { return inside_->item->content().is_in_memory(); }
std::string FileItem::get() const { return need(inside_->item->content().bytes()); }
std::string FileItem::get_string() const { return need(inside_->item->text_as_told("iso-8859-1")); }
std::string FileItem::get_string(std::string_view encoding) const { return need(inside_->item->text(encoding)); }

std::unique_ptr<std::istream> FileItem::input_stream() const { return std::make_unique<ContentStream>(inside_->item); }

void FileItem::write(const std::string& path) { need(inside_->item->content().keep_as(path)); }
void FileItem::remove() { inside_->item->content().remove(); }

std::optional<std::string> FileItemStream::name() const { return checked(name_); }

std::size_t FileItemStream::read(std::span<char> into) {
  ItemIteration& iteration = *iteration_;
  if (iteration.items.number() != number_ || iteration.found || iteration.ended) {
    throw ItemSkippedException{"the iterator has gone on to another item"};
  }
  if (iteration.error) fail_iteration(iteration, *iteration.error);
  if (into.empty()) return 0;
  if (iteration.unread.empty()) {
    const auto data = iteration.items.data();
    if (!data) fail_iteration(iteration, data.error());
    iteration.unread = *data;
  }
  const std::size_t count = iteration.unread.copy(into.data(), into.size());
  iteration.unread.remove_prefix(count);
  return count;
}

FileItemIterator::FileItemIterator(std::shared_ptr<ItemIteration> iteration) : iteration_(std::move(iteration)) {}

bool FileItemIterator::has_next() {
  ItemIteration& iteration = *iteration_;
  if (iteration.error) fail_iteration(iteration, *iteration.error);
  if (iteration.found || iteration.ended) return iteration.found;
  iteration.unread = {};
  const auto more = iteration.items.next();
  if (!more) fail_iteration(iteration, more.error());
  iteration.found = *more;
  iteration.ended = !*more;
  return *more;
}

FileItemStream FileItemIterator::next() {
  if (!has_next()) throw std::out_of_range{"the request has no more items"};
  iteration_->found = false;
  const codec::PartHeader& header = iteration_->items.header();
  FileItemStream item;
  item.iteration_ = iteration_;
  item.number_ = iteration_->items.number();
  item.field_name_ = trimmed(header.name);
  item.name_ = trimmed_name(header);
  item.content_type_ = type_of(header);
  item.headers_ = header.fields;
  return item;
}

bool DiskFileUpload::is_multipart_content(const RequestContext& request) {
  const std::string method = request.method();
  if (method != "POST" && method != "PUT" && method != "PATCH") return false;
  const auto type = codec::parse_parameters(request.content_type());
  if (type) return type->value == "multipart/form-data";
  // What is wrong with its parameters is for who parses it to say.
  std::string text = trimmed(request.content_type());
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text.starts_with("multipart/form-data");
}

void DiskFileUpload::set_header_encoding(std::string encoding) {
  if (!codec::is_charset(encoding)) throw UnsupportedEncodingException{"no such charset"};
  header_encoding_ = std::move(encoding);
}

std::vector<FileItem> DiskFileUpload::parse_request(RequestContext& request) {
  auto settings = to_form(*this, request, progress_listener_);
  sweep_once(settings.directory);
  auto read = form::read_items(to_form(request), std::move(settings));
  if (!read) throw_form_error(read.error(), request.content_type());
  std::vector<FileItem> items;
  items.reserve(read->size());
  for (form::FileItem& item : *read) {
    auto inside = std::make_unique<FileItem::Inside>();
    inside->field_name = trimmed(item.header().name);
    inside->name = trimmed_name(item.header());
    inside->is_form_field = !inside->name;
    inside->item = std::make_shared<form::FileItem>(std::move(item));
    items.push_back(FileItem{std::move(inside)});
  }
  return items;
}

std::vector<FileItem> DiskFileUpload::parse_request(RequestContext& request, int size_threshold, std::int64_t size_max,
                                                    std::string path) {
  set_size_threshold(size_threshold);
  set_size_max(size_max);
  set_repository_path(std::move(path));
  return parse_request(request);
}

FileItemIterator DiskFileUpload::item_iterator(RequestContext& request) {
  auto stream = form::ItemStream::open(to_form(request), to_form(*this, request, progress_listener_));
  if (!stream) throw_form_error(stream.error(), request.content_type());
  return FileItemIterator{std::make_shared<ItemIteration>(
      ItemIteration{.items = std::move(*stream), .content_type = request.content_type()})};
}

}  // namespace anser::sdk
