#include "sdk/src/file_upload_errors.h"

#include <algorithm>
#include <utility>

namespace anser::sdk {
namespace {

std::int64_t number(std::uint64_t of) { return static_cast<std::int64_t>(std::min<std::uint64_t>(of, INT64_MAX)); }

template <class Exception>
[[noreturn]] void throw_size(const form::FormError& error) {
  throw Exception{error.message, number(error.permitted), number(error.actual), error.field_name, error.file_name};
}

}  // namespace

FileUploadException::FileUploadException(const std::string& message) : std::runtime_error(message) {}
SizeException::SizeException(const std::string& message, std::int64_t permitted, std::int64_t actual,
                             std::string field_name, std::string file_name)
    : FileUploadException(message),
      permitted_(permitted),
      actual_(actual),
      field_name_(std::move(field_name)),
      file_name_(std::move(file_name)) {}
FileUploadContentTypeException::FileUploadContentTypeException(const std::string& message, std::string content_type)
    : FileUploadException(message), content_type_(std::move(content_type)) {}
InvalidFileNameException::InvalidFileNameException(const std::string& message, std::string name)
    : FileUploadException(message), name_(std::move(name)) {}

// Here, so that each class is one and the same for a program and for this library.
FileUploadException::~FileUploadException() = default;
SizeException::~SizeException() = default;
SizeLimitExceededException::~SizeLimitExceededException() = default;
FileSizeLimitExceededException::~FileSizeLimitExceededException() = default;
FileCountLimitExceededException::~FileCountLimitExceededException() = default;
PartHeaderSizeLimitExceededException::~PartHeaderSizeLimitExceededException() = default;
FileUploadContentTypeException::~FileUploadContentTypeException() = default;
FileUploadBoundaryException::~FileUploadBoundaryException() = default;
MalformedStreamException::~MalformedStreamException() = default;
ItemSkippedException::~ItemSkippedException() = default;
InvalidFileNameException::~InvalidFileNameException() = default;
UnsupportedEncodingException::~UnsupportedEncodingException() = default;
FileUploadIOException::~FileUploadIOException() = default;

void throw_form_error(const form::FormError& error, const std::string& content_type) {
  using Kind = form::FormError::Kind;
  switch (error.kind) {
    case Kind::content_type:
      throw FileUploadContentTypeException{error.message, content_type};
    case Kind::boundary:
      throw FileUploadBoundaryException{error.message};
    case Kind::request_size:
      throw_size<SizeLimitExceededException>(error);
    case Kind::file_size:
      throw_size<FileSizeLimitExceededException>(error);
    case Kind::field_size:
      throw_size<SizeException>(error);
    case Kind::count:
      throw_size<FileCountLimitExceededException>(error);
    case Kind::part_header_size:
      throw_size<PartHeaderSizeLimitExceededException>(error);
    case Kind::io:
      throw FileUploadIOException{error.message};
    case Kind::malformed:
      break;
  }
  throw MalformedStreamException{error.message};
}

void need(const anser::Result<void>& done) {
  if (done) return;
  if (done.error().code == anser::Errc::unsupported) throw UnsupportedEncodingException{done.error().message};
  throw FileUploadIOException{done.error().message};
}

}  // namespace anser::sdk
