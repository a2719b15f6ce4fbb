// The requests that come with the component.
#include <algorithm>
#include <istream>
#include <utility>

#include "anser/file_upload.h"

namespace anser::sdk {

RequestContext::~RequestContext() = default;
std::string RequestContext::character_encoding() const { return {}; }

StreamRequestContext::StreamRequestContext(std::istream& body, std::string content_type, std::int64_t content_length,
                                           std::string method)
    : body_(body),
      content_type_(std::move(content_type)),
      method_(std::move(method)),
      content_length_(std::max<std::int64_t>(content_length, -1)),
      left_(content_length_ < 0 ? INT64_MAX : content_length_) {}
StreamRequestContext::~StreamRequestContext() = default;

std::string StreamRequestContext::method() const { return method_; }
std::string StreamRequestContext::content_type() const { return content_type_; }
std::int64_t StreamRequestContext::content_length() const { return content_length_; }

std::size_t StreamRequestContext::read(std::span<char> into) {
  const auto room = static_cast<std::streamsize>(std::min<std::int64_t>(left_, static_cast<std::int64_t>(into.size())));
  if (room == 0 || !body_) return 0;
  body_.read(into.data(), room);
  left_ -= body_.gcount();
  return static_cast<std::size_t>(body_.gcount());
}

BytesRequestContext::BytesRequestContext(std::string_view body, std::string content_type, std::string method)
    : body_(body),
      content_type_(std::move(content_type)),
      method_(std::move(method)),
      content_length_(static_cast<std::int64_t>(body.size())) {}
BytesRequestContext::~BytesRequestContext() = default;

std::string BytesRequestContext::method() const { return method_; }
std::string BytesRequestContext::content_type() const { return content_type_; }
std::int64_t BytesRequestContext::content_length() const { return content_length_; }

std::size_t BytesRequestContext::read(std::span<char> into) {
  const std::size_t count = body_.copy(into.data(), into.size());
  body_.remove_prefix(count);
  return count;
}

}  // namespace anser::sdk
