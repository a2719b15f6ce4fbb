#include "form/file_item.h"

#include "codec/charset.h"

namespace anser::form {

Result<std::string> FileItem::text(std::string_view charset) const {
  if (!codec::is_charset(charset)) return fail(Errc::unsupported, "no such charset");
  const auto bytes = content_.bytes();
  if (!bytes) return bytes;
  return *codec::to_utf8(*bytes, charset);
}

Result<std::string> FileItem::text_as_told(std::string_view otherwise) const {
  if (!header_.charset.empty() && codec::is_charset(header_.charset)) return text(header_.charset);
  return text(told_charset_.empty() ? otherwise : told_charset_);
}

}  // namespace anser::form
