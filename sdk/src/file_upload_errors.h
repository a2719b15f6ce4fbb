// What the form layer tells, as what the public component throws.
#pragma once

#include "anser/file_upload.h"
#include "base/result.h"
#include "form/form_reader.h"

namespace anser::sdk {

[[noreturn]] void throw_form_error(const form::FormError& error, const std::string& content_type);

// The value, or FileUploadIOException; UnsupportedEncodingException for Errc::unsupported.
void need(const anser::Result<void>& done);
template <class T>
T need(anser::Result<T> result) {
  if (!result) need(anser::Result<void>{tl::make_unexpected(result.error())});
  return std::move(*result);
}

}  // namespace anser::sdk
