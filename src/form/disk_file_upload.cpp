#include "form/disk_file_upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace anser::form {
namespace {

tl::unexpected<FormError> file_failed(const codec::PartHeader& header, Error error) {
  return tl::make_unexpected(FormError{.kind = FormError::Kind::io,
                                       .message = std::move(error.message),
                                       .field_name = header.name,
                                       .file_name = header.file_name.value_or("")});
}

}  // namespace

ItemStream::ItemStream(FormReader reader, UploadRequest request, UploadSettings settings)
    : reader_(std::move(reader)), request_(std::move(request)), settings_(std::move(settings)) {}

tl::expected<ItemStream, FormError> ItemStream::open(UploadRequest request, UploadSettings settings) {
  auto reader = FormReader::open(request.content_type, request.content_length, settings.form);
  if (!reader) return tl::make_unexpected(std::move(reader.error()));
  return ItemStream{std::move(*reader), std::move(request), std::move(settings)};
}

void ItemStream::tell_progress() {
  if (!settings_.progress) return;
  const std::int64_t total = request_.content_length ? static_cast<std::int64_t>(*request_.content_length) : -1;
  broken_ = true;  // unless it comes back
  settings_.progress(bytes_, total, items_);
  broken_ = false;
}

// What a Content-Length says is believed behind the form only: the body may be longer, if it was sent compressed.
bool ItemStream::all_has_come() const {
  return ended_ || (request_.content_length && bytes_ >= *request_.content_length);
}

tl::expected<FormReader::Event, FormError> ItemStream::step() {
  for (;;) {
    if (broken_) {
      return tl::make_unexpected(
          FormError{.kind = FormError::Kind::io, .message = "the request could not be read to its end"});
    }
    auto event = reader_.next(unread_);
    if (event == FormReader::Event::need_more && ended_) event = reader_.finish();
    if (event == FormReader::Event::error) return tl::make_unexpected(reader_.error());
    const bool more = event == FormReader::Event::need_more ||
                      (event == FormReader::Event::end && !(unread_.empty() && all_has_come()));
    if (!more) return event;
    if (!unread_.empty()) continue;  // an epilogue
    if (auto done = read_more(); !done) return tl::make_unexpected(std::move(done.error()));
  }
}

tl::expected<void, FormError> ItemStream::read_more() {
  buffer_.resize(kBuffer);
  broken_ = true;  // unless it comes back with what it may say
  const std::size_t count = request_.read(buffer_);
  if (count > kBuffer) {  // the -1 of a system call that failed, for example
    return tl::make_unexpected(
        FormError{.kind = FormError::Kind::io, .message = "the request has given more bytes than there was room for"});
  }
  broken_ = false;
  ended_ = count == 0;
  unread_ = std::string_view{buffer_}.substr(0, count);
  bytes_ += count;
  if (!ended_) tell_progress();
  return {};
}

tl::expected<bool, FormError> ItemStream::next() {
  for (;;) {
    const auto event = step();
    if (!event) return tl::make_unexpected(event.error());
    switch (*event) {
      case FormReader::Event::item:
        ++items_;
        in_item_ = true;
        item_bytes_ = 0;
        tell_progress();
        return true;
      case FormReader::Event::end:
        in_item_ = false;
        return false;
      case FormReader::Event::data:
      case FormReader::Event::item_end:
      case FormReader::Event::need_more:
      case FormReader::Event::error:
        break;  // what is left of the item before
    }
  }
}

tl::expected<std::string_view, FormError> ItemStream::data() {
  if (!in_item_) return std::string_view{};
  const auto event = step();
  if (!event) return tl::make_unexpected(event.error());
  if (*event == FormReader::Event::data) {
    item_bytes_ += reader_.data().size();
    if (const std::uint64_t permitted = settings_.form.limits.file_bytes; item_bytes_ > permitted) {
      return tl::make_unexpected(FormError{.kind = FormError::Kind::file_size,
                                           .message = fmt::format("an item has more than {} bytes", permitted),
                                           .permitted = permitted,
                                           .actual = item_bytes_,
                                           .field_name = header().name,
                                           .file_name = header().file_name.value_or("")});
    }
    return reader_.data();
  }
  ANSER_ASSERT(*event == FormReader::Event::item_end);
  in_item_ = false;
  return std::string_view{};
}

tl::expected<std::vector<FileItem>, FormError> read_items(UploadRequest request, UploadSettings settings) {
  const std::string directory = settings.directory.empty() ? default_directory() : settings.directory;
  const std::int64_t threshold = settings.size_threshold;
  auto stream = ItemStream::open(std::move(request), std::move(settings));
  if (!stream) return tl::make_unexpected(std::move(stream.error()));
  std::vector<FileItem> items;
  std::size_t files = 0;
  std::shared_ptr<TemporaryFile> shared;
  for (;;) {
    const auto more = stream->next();
    if (!more) return tl::make_unexpected(more.error());
    if (!*more) return items;
    if (files == kOwnFiles && !shared) {
      auto made = TemporaryFile::create(directory);
      if (!made) return file_failed(stream->header(), std::move(made.error()));
      shared = std::make_shared<TemporaryFile>(std::move(*made));
    }
    DeferredOutput content = shared ? DeferredOutput{threshold, shared} : DeferredOutput{threshold, directory};
    for (;;) {
      const auto data = stream->data();
      if (!data) return tl::make_unexpected(data.error());
      auto done = data->empty() ? content.close() : content.write(*data);
      if (!done) return file_failed(stream->header(), std::move(done.error()));
      if (data->empty()) break;
    }
    if (!content.is_in_memory()) files = std::min(files + 1, kOwnFiles);
    items.emplace_back(stream->header(), stream->told_charset(), std::move(content));
  }
}

}  // namespace anser::form
