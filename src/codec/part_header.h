// What stands above a part's data (RFC 7578 §4): Content-Disposition with its names, Content-Type, and fields that
// nobody asks for. Pure; linear in the block.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace anser::codec {

struct PartHeader {
  std::string name;  // the form's word for it (`name`), UTF-8; of a part in multipart/mixed: of the part around it
  // `filename`, UTF-8, as it came: with directories, without having been made safe. Empty: a file control that was left
  // empty. None: no file.
  std::optional<std::string> file_name;
  std::string content_type;  // as it came, parameters included; "" if the part does not say
  std::string charset;       // its parameter `charset`, in lower case; ""
  std::string mixed;         // the boundary, if it is multipart/mixed; ""
  std::vector<std::pair<std::string, std::string>> fields;  // all, names in lower case, values unfolded, raw bytes
};

// `block` ends before the empty line; lines end with CRLF or LF and may be folded. Names are of the part's own charset
// if it says one, else of `charset` ("" for UTF-8), unless they are plainly UTF-8 (guess_utf8 in charset.h); bytes that
// are none of it become U+FFFD. A line is decoded before anything in it counts, since the second byte of a character
// may be a backslash (GBK, Big5, Shift_JIS). Of a quoted value only \" and \\ are escapes; a path of Windows (C:\…,
// \\host\…) keeps its backslashes; %22 %0D %0A are what browsers write for a quote and line ends (WHATWG HTML,
// multipart/form-data); and a quote with more behind it than the next parameter is one of the name, as old browsers
// wrote it. `filename*` (RFC 8187) counts only without `filename`, and not if it is wrong; `name*` and continuations
// never count.
// Errc::bad_request, with a sentence: a line that is no field, no Content-Disposition at all or twice, one that is not
// form-data (or, in multipart/mixed, file or attachment), no name, a parameter twice, parameters that are none,
// Content-Type twice, multipart/mixed without a boundary, more than 32 fields.
// `inside_mixed`: the part is one of multipart/mixed, and needs no Content-Disposition and no name.
Result<PartHeader> parse_part_header(std::string_view block, std::string_view charset, bool inside_mixed = false);

// A value and its parameters, as in Content-Type (RFC 9110 §5.6.6): `value` in lower case, names in lower case, values
// unquoted (their bytes as they are). Values without quotes may have bytes that no token has, since boundaries do
// ("----=_Part"), and a comma may stand for the first semicolon, as it once did. Errc::bad_request: not of that form,
// or a name twice.
struct ValueAndParameters {
  std::string value;
  std::vector<std::pair<std::string, std::string>> parameters;

  const std::string* find(std::string_view name) const;
};
Result<ValueAndParameters> parse_parameters(std::string_view text);

}  // namespace anser::codec
