// One item of a form that has been read: what stood above it, and its content in memory or in a temporary file, which
// goes with it. Blocks where the content is in a file. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/part_header.h"
#include "form/deferred_output.h"

namespace anser::form {

class FileItem {
 public:
  // `told_charset`: what the form said in `_charset_` before this item.
  FileItem(codec::PartHeader header, std::string told_charset, DeferredOutput content)
      : header_(std::move(header)), told_charset_(std::move(told_charset)), content_(std::move(content)) {}

  const codec::PartHeader& header() const { return header_; }
  DeferredOutput& content() { return content_; }
  const DeferredOutput& content() const { return content_; }

  // UTF-8. Errc::unsupported: no such charset.
  Result<std::string> text(std::string_view charset) const;
  // In the charset that the part says, else the form, else `otherwise`.
  Result<std::string> text_as_told(std::string_view otherwise) const;

 private:
  codec::PartHeader header_;
  std::string told_charset_;
  DeferredOutput content_;
};

}  // namespace anser::form
