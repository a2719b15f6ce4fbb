// Lines from a descriptor, of a bounded length, read when the caller knows that there is something to read.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace anser::programs {

class LineReader {
 public:
  struct Line {
    std::size_t number;  // from 1
    std::string text;    // without its end, which may be \n or \r\n
    bool too_long;       // then the text is empty
  };

  LineReader(int fd, std::size_t limit) : fd_(fd), limit_(limit) {}

  // Reads once, which blocks if there is nothing. At the end, or on an error, at_end() holds from then on.
  void read_some();
  bool at_end() const { return end_; }

  // The next whole line; at the end also the last, unfinished one.
  std::optional<Line> next();

 private:
  std::optional<Line> finish(std::string text, bool too_long);

  const int fd_;
  const std::size_t limit_;
  std::string buffer_;
  std::size_t looked_ = 0;  // no line ends before here
  std::size_t number_ = 0;
  bool skipping_ = false;  // the rest of a line that was too long
  bool end_ = false;
};

}  // namespace anser::programs
