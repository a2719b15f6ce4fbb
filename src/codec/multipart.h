// multipart/form-data as a reader of pieces (RFC 2046 §5.1, RFC 7578 §4): give it what came, take from it what there
// is. No I/O; data is handed on as views into what was given, so nothing is copied or allocated for it but the few
// bytes at a piece's end that may begin a delimiter. The work is linear in the input, whatever it is (find.h).
//
//   body      = [preamble] delimiter ( "--" / padding CRLF parts ) padding [CRLF epilogue]
//   parts     = part *( delimiter padding CRLF part ) delimiter "--"
//   delimiter = CRLF "--" boundary                     ; the CRLF in front belongs to it; the body may begin behind it
//   part      = *( field CRLF ) CRLF [data]            ; no fields at all: data begins behind the first CRLF
//   padding   = *( SP / HTAB )
//
// A part without data may share its last CRLF with the delimiter behind it. What has a delimiter in front is no data,
// whatever follows: what is neither padding nor "--" is refused, so that no other reader of the same body sees another
// part there. Taken as well, since clients send it: LF alone behind a delimiter or in a part's header; no CRLF behind
// the last delimiter; and one level of multipart/mixed, whose parts have the name of the part around them (RFC 7578
// §4.3). Not taken: an end without the closing delimiter, more levels, the delimiter of the body inside
// multipart/mixed that is not closed, two boundaries one of which begins with the other, a header that never ends.
//
// Used by one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/find.h"
#include "codec/part_header.h"

namespace anser::codec {

class MultipartReader {
 public:
  static constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 §5.1.1

  struct Limits {
    std::size_t part_header_bytes = 4096;  // of each part, its empty line included
    std::size_t parts = 1000;              // fields and files; as many multipart/mixed, which are neither
    std::size_t around_bytes = 1 << 20;    // preambles and epilogues together
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
  // times (never empty), then `part_end`; when it is known that nothing but an epilogue follows `end`, again and again.
  // `need_more` leaves `input` empty. After `error` there is nothing but `error`. Views are valid until the next call
  // and as long as the input.
  Event next(std::string_view& input);
  // There is no more input: `end` if the closing delimiter has come (which may have been the last thing), else an
  // error.
  Event finish();

  // What the bytes of names in the headers to come are, if the part itself does not say: a charset's name (charset.h).
  void set_charset(std::string charset) { charset_ = std::move(charset); }

  const PartHeader& part() const { return part_; }  // from Event::part to its part_end
  std::string_view data() const { return data_; }   // of Event::data
  Fault fault() const { return fault_; }
  // A sentence, of Event::error; without a word of what was sent.
  const std::string& reason() const { return reason_; }

 private:
  enum class State : std::uint8_t { around, behind_delimiter, header, data, closing, epilogue, failed };
  // What is at the front: text (data_), a delimiter, or what cannot be told yet. `own` is the one that parts are
  // divided by just now, `outer` the body's while that is the one of multipart/mixed.
  enum class Met : std::uint8_t { text, own, outer, need_more };
  using Said = std::optional<Event>;  // nothing: go on in the state that is now

  Met meet(std::string_view& input);
  Met meet_with_kept(std::string_view& input);
  std::size_t place_of_delimiter(std::string_view input) const;
  const Finder& own() const { return inner_ ? *inner_ : outer_; }

  Said skip_around(std::string_view& input);
  Said read_behind_delimiter(std::string_view& input);
  Said begin_part();
  Said read_header(std::string_view& input);
  Said take_header(std::string_view block);
  Said begin_mixed();
  Said read_data(std::string_view& input);
  Said read_closing(std::string_view& input);
  Event skip_epilogue(std::string_view& input);

  void expect_delimiter(State state);
  bool count_padding() { return ++padding_ <= limits_.part_header_bytes; }
  bool count_around(std::size_t bytes);
  Event refuse(Fault fault, std::string_view reason);
  Event refuse_malformed(std::string_view reason) { return refuse(Fault::malformed, reason); }
  Event refuse_header_bytes();
  Event refuse_open_mixed();

  Limits limits_;
  Finder outer_;
  std::optional<Finder> inner_;  // inside of multipart/mixed
  State state_ = State::around;
  // So many bytes that came last are the front of a delimiter. The first `assumed_` of them are no text if it turns out
  // to be none: the CRLF before the first byte of the body, or what ended the line above the data.
  std::uint8_t kept_ = 2;
  std::uint8_t assumed_ = 2;
  bool kept_of_outer_ = false;
  char behind_ = 0;          // what came last behind the delimiter
  std::size_t padding_ = 0;  // bytes behind the delimiter
  std::size_t parts_ = 0;    // that have begun
  std::size_t mixed_ = 0;    // multipart/mixed
  std::size_t around_ = 0;   // bytes so far
  std::string header_;       // of a part, as far as it has come; less than limits_.part_header_bytes
  std::string mixed_name_;   // of the part around the parts
  PartHeader part_;
  std::string_view data_;
  std::string charset_;
  std::string reason_;
  Fault fault_ = Fault::malformed;
};

}  // namespace anser::codec
