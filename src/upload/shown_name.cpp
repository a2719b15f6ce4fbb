#include "upload/shown_name.h"

#include "base/utf8.h"
#include "codec/charset.h"
#include "codec/file_name.h"

namespace anser::upload {

std::string shown_name(std::string_view said, std::string_view charset) {
  if (is_utf8(said)) return codec::safe_file_name(said);
  const auto text = codec::to_utf8(said, charset);
  return codec::safe_file_name(text ? *text : "");
}

}  // namespace anser::upload
