#include "form/form_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codec/charset.h"

namespace anser::form {
namespace {

bool says_form(std::string_view content_type) {
  static constexpr std::string_view kForm = "multipart/form-data";
  content_type.remove_prefix(std::min(content_type.find_first_not_of(" \t"), content_type.size()));
  return content_type.size() >= kForm.size() &&
         std::equal(kForm.begin(), kForm.end(), content_type.begin(),
                    [](char a, char b) { return a == b || (a >= 'a' && a <= 'z' && a - 32 == b); });
}

codec::MultipartReader::Limits limits_of(const FormReader::Limits& limits) {
  return {.part_header_bytes = limits.part_header_bytes, .parts = limits.items};
}

}  // namespace

FormReader::FormReader(std::string_view boundary, Settings settings)
    : reader_(boundary, limits_of(settings.limits)), settings_(std::move(settings)) {
  if (!codec::is_charset(settings_.charset)) settings_.charset.clear();
  reader_.set_charset(settings_.charset);
}

tl::expected<FormReader, FormError> FormReader::open(std::string_view content_type,
                                                     std::optional<std::uint64_t> content_length, Settings settings) {
  auto boundary = codec::MultipartReader::boundary_in(content_type);
  if (!boundary) {
    // One that cannot be read at all is not of our type either, unless it begins so.
    const bool type = boundary.error().code == Errc::unsupported || !says_form(content_type);
    return tl::make_unexpected(FormError{.kind = type ? FormError::Kind::content_type : FormError::Kind::boundary,
                                         .message = std::move(boundary.error().message)});
  }
  FormReader reader{*boundary, std::move(settings)};
  const std::uint64_t permitted = reader.settings_.limits.request_bytes;
  if (content_length && *content_length > permitted) {
    reader.failed(FormError::Kind::request_size,
                  fmt::format("the request has {} bytes, and {} are allowed", *content_length, permitted), permitted,
                  *content_length);
    return tl::make_unexpected(std::move(reader.error_));
  }
  return reader;
}

FormReader::Event FormReader::next(std::string_view& input) {
  if (failed_) return Event::error;
  const std::size_t before = input.size();
  const auto event = reader_.next(input);
  request_bytes_ += before - input.size();
  if (const std::uint64_t permitted = settings_.limits.request_bytes; request_bytes_ > permitted) {
    return failed(FormError::Kind::request_size, fmt::format("the request has more than {} bytes", permitted),
                  permitted, request_bytes_);
  }
  return told(event);
}

FormReader::Event FormReader::finish() { return failed_ ? Event::error : told(reader_.finish()); }

FormReader::Event FormReader::told(codec::MultipartReader::Event event) {
  switch (event) {
    case codec::MultipartReader::Event::need_more:
      return Event::need_more;
    case codec::MultipartReader::Event::part:
      return begin_item();
    case codec::MultipartReader::Event::data:
      return take_data();
    case codec::MultipartReader::Event::part_end:
      return end_item();
    case codec::MultipartReader::Event::end:
      return Event::end;
    case codec::MultipartReader::Event::error:
      break;
  }
  return failed_reader();
}

FormReader::Event FormReader::begin_item() {
  in_item_ = true;
  item_bytes_ = 0;
  in_charset_field_ = is_form_field() && item().name == "_charset_";
  saying_charset_.clear();
  return Event::item;
}

FormReader::Event FormReader::take_data() {
  const std::uint64_t more = data().size();
  item_bytes_ += more;
  const Limits& limits = settings_.limits;
  if (!is_form_field()) {
    if (item_bytes_ <= limits.file_bytes) return Event::data;
    return failed(FormError::Kind::file_size, fmt::format("a file has more than {} bytes", limits.file_bytes),
                  limits.file_bytes, item_bytes_);
  }
  field_bytes_ += more;
  if (field_bytes_ > limits.field_bytes) {
    return failed(FormError::Kind::field_size,
                  fmt::format("the form's fields have more than {} bytes", limits.field_bytes), limits.field_bytes,
                  field_bytes_);
  }
  // One byte more than the longest says that it is none.
  if (in_charset_field_) saying_charset_.append(data().substr(0, kLongestCharset + 1 - saying_charset_.size()));
  return Event::data;
}

FormReader::Event FormReader::end_item() {
  in_item_ = false;
  if (in_charset_field_ && saying_charset_.size() <= kLongestCharset && !saying_charset_.empty() &&
      codec::is_charset(saying_charset_)) {
    told_charset_ = saying_charset_;
    reader_.set_charset(told_charset_);
  }
  in_charset_field_ = false;
  return Event::item_end;
}

std::string FormReader::charset_of_item() const {
  if (!item().charset.empty() && codec::is_charset(item().charset)) return item().charset;
  return told_charset_.empty() ? settings_.charset : told_charset_;
}

FormReader::Event FormReader::failed(FormError::Kind kind, std::string message, std::uint64_t permitted,
                                     std::uint64_t actual) {
  failed_ = true;
  error_ = {.kind = kind, .message = std::move(message), .permitted = permitted, .actual = actual};
  if (in_item_) {
    error_.field_name = item().name;
    error_.file_name = item().file_name.value_or("");
  }
  return Event::error;
}

FormReader::Event FormReader::failed_reader() {
  const Limits& limits = settings_.limits;
  switch (reader_.fault()) {
    case codec::MultipartReader::Fault::part_header_bytes:
      in_item_ = false;
      return failed(FormError::Kind::part_header_size, reader_.reason(), limits.part_header_bytes,
                    limits.part_header_bytes + 1);
    case codec::MultipartReader::Fault::parts:
      in_item_ = false;
      return failed(FormError::Kind::count, reader_.reason(), limits.items, limits.items + 1);
    case codec::MultipartReader::Fault::malformed:
    case codec::MultipartReader::Fault::around_bytes:
    case codec::MultipartReader::Fault::nesting:
      break;
  }
  return failed(FormError::Kind::malformed, reader_.reason());
}

}  // namespace anser::form
