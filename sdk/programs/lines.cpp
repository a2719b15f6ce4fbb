#include "sdk/programs/lines.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace anser::programs {

void LineReader::read_some() {
  std::array<char, 16 * 1024> piece;
  ssize_t size = 0;
  do {
    size = read(fd_, piece.data(), piece.size());
  } while (size < 0 && errno == EINTR);
  if (size <= 0) {
    end_ = size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    return;
  }
  buffer_.append(piece.data(), static_cast<std::size_t>(size));
}

std::optional<LineReader::Line> LineReader::next() {
  const auto end = buffer_.find('\n', looked_);
  if (end != std::string::npos) {
    std::string text = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    looked_ = 0;
    return finish(std::move(text), std::exchange(skipping_, false));
  }
  if (buffer_.size() > limit_) {
    buffer_.clear();
    skipping_ = true;
  }
  looked_ = buffer_.size();
  if (!end_ || (buffer_.empty() && !skipping_)) return std::nullopt;
  looked_ = 0;
  return finish(std::exchange(buffer_, {}), std::exchange(skipping_, false));
}

std::optional<LineReader::Line> LineReader::finish(std::string text, bool too_long) {
  if (text.ends_with('\r')) text.pop_back();
  if (text.size() > limit_) too_long = true;
  return Line{++number_, too_long ? std::string{} : std::move(text), too_long};
}

}  // namespace anser::programs
