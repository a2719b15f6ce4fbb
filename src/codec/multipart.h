// multipart/form-data as a reader of pieces (RFC 2046 §5.1, RFC 7578 §4): give it what came, take from it what there
// is. No I/O; data is handed on as views into what was given, so nothing is copied or allocated for it but the few
// bytes at a piece's end that may begin a delimiter. The work is linear in the input, whatever it is (find.h).
//
//   body      = [preamble CRLF] "--" boundary *( delimiter part ) CRLF "--" boundary "--" padding [CRLF epilogue]
//   delimiter = CRLF "--" boundary padding CRLF        ; the CRLF in front belongs to it
//   part      = *( field CRLF ) CRLF data              ; no fields at all: data begins behind the first CRLF
//   padding   = *( SP / HTAB )
//
// Taken as well, since clients send it: LF alone behind a delimiter or in a part's header; no CRLF behind the last
// delimiter; and one level of multipart/mixed, whose parts have the name of the part around them (RFC 7578 §4.3). Not
// taken: an end without the closing delimiter, more levels, a header that never ends.
//
// Used by one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/part_header.h"

namespace anser::codec {

class MultipartReader {
 public:
  static constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 §5.1.1

  struct Limits {
    std::size_t part_header_bytes = 4096;  // of each part, its empty line included
    std::size_t parts = 1000;              // fields, files, and parts of multipart/mixed
    std::size_t around_bytes = 1 << 20;    // preamble and epilogue together
  };
  enum class Event : std::uint8_t { need_more, part, data, part_end, end, error };
  // Of Event::error.
  enum class Fault : std::uint8_t { malformed, part_header_bytes, parts, around_bytes, nesting };

  // The boundary in a Content-Type: `multipart/form-data; boundary=…`, quoted or not, each parameter once.
  // Errc::unsupported: another type. Errc::bad_request: no boundary, an empty, doubled or too long one, one with bytes
  // that no boundary has, or a list of parameters that is none.
  static Result<std::string> boundary_in(std::string_view content_type);

  // A boundary as boundary_in gives it.
  explicit MultipartReader(std::string_view boundary) : MultipartReader(boundary, Limits{}) {}
  MultipartReader(std::string_view boundary, Limits limits);

  // Takes from the front of `input` until there is something to say: for each part `part`, then `data` any number of
  // times (never empty), then `part_end`; after the last one `end`, again and again. `need_more` leaves `input` empty.
  // Views are valid until the next call and as long as the input.
  Event next(std::string_view& input);
  // There is no more input: `end` if the closing delimiter has come, else an error.
  Event finish();

  // What the bytes of names in the headers to come are, if the part itself does not say: a charset's name (charset.h).
  void set_charset(std::string charset) { charset_ = std::move(charset); }

  const PartHeader& part() const { return part_; }  // from Event::part to its part_end
  std::string_view data() const { return data_; }   // of Event::data
  Fault fault() const { return fault_; }
  // A sentence, of Event::error; without a word of what was sent.
  const std::string& reason() const { return reason_; }

 private:
  PartHeader part_;
  std::string_view data_;
  std::string charset_;
  std::string reason_;
  Fault fault_ = Fault::malformed;
};

}  // namespace anser::codec
