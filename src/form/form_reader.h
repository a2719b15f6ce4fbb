// A form that was sent, as a stream of its items (RFC 7578), within limits: the one place where what a form may be is
// decided, for DiskFileUpload (disk_file_upload.h) and for the server's door. No I/O. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "codec/multipart.h"

namespace anser::form {

// What went wrong. The sizes' `permitted` and `actual` are bytes or pieces; `actual` is what is known so far.
struct FormError {
  enum class Kind : std::uint8_t {
    content_type,      // not multipart/form-data
    boundary,          // its boundary is missing or wrong
    malformed,         // the body is not what its type says, or ends too early
    request_size,      // more than Limits::request_bytes, known from Content-Length already or counted
    file_size,         // an item with more than Limits::file_bytes
    field_size,        // fields (items without a file's name) with more than Limits::field_bytes together
    count,             // more than Limits::items
    part_header_size,  // more than Limits::part_header_bytes
    io,                // a temporary file; or the source of the bytes
  };
  Kind kind = Kind::malformed;
  std::string message;  // a sentence for people, without a word of what was sent
  std::uint64_t permitted = 0;
  std::uint64_t actual = 0;
  std::string field_name = {};  // of the item that it is about, if it is about one
  std::string file_name = {};
};

class FormReader {
 public:
  struct Limits {
    std::uint64_t request_bytes = UINT64_MAX;  // of the whole body
    std::uint64_t file_bytes = UINT64_MAX;     // of each file
    std::uint64_t field_bytes = 2 << 20;       // of all fields together: they are kept in memory
    std::size_t items = 1000;
    std::size_t part_header_bytes = 4096;
  };
  struct Settings {
    Limits limits = {};
    // Of names and of fields that do not say theirs; "" is UTF-8. What the form says itself counts before it.
    std::string charset = {};
  };
  enum class Event : std::uint8_t { need_more, item, data, item_end, end, error };

  // `content_length`: of the body, if it is known.
  static tl::expected<FormReader, FormError> open(std::string_view content_type,
                                                  std::optional<std::uint64_t> content_length, Settings settings);

  // As MultipartReader::next.
  Event next(std::string_view& input);
  Event finish();

  const codec::PartHeader& item() const { return reader_.part(); }
  bool is_form_field() const { return !item().file_name.has_value(); }
  // What a field's bytes are: its own charset, or that of the form, or that of the settings; "" is UTF-8.
  std::string charset_of_item() const;
  // What the form has said in its field `_charset_` (RFC 7578 §4.6), which is an item like others, for the items behind
  // it; "" if nothing, or nothing that ICU knows.
  const std::string& told_charset() const { return told_charset_; }
  std::string_view data() const { return reader_.data(); }
  const FormError& error() const { return error_; }

 private:
  FormReader(std::string_view boundary, Settings settings);

  Event told(codec::MultipartReader::Event event);
  Event begin_item();
  Event take_data();
  Event end_item();
  Event failed(FormError::Kind kind, std::string message, std::uint64_t permitted = 0, std::uint64_t actual = 0);
  Event failed_reader();

  static constexpr std::size_t kLongestCharset = 64;

  codec::MultipartReader reader_;
  Settings settings_;
  FormError error_;
  std::string told_charset_;
  std::string saying_charset_;  // of `_charset_`, while its data comes
  bool in_charset_field_ = false;
  bool in_item_ = false;
  bool failed_ = false;
  std::uint64_t request_bytes_ = 0;
  std::uint64_t field_bytes_ = 0;
  std::uint64_t item_bytes_ = 0;
};

}  // namespace anser::form
