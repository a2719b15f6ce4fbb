// Files of this machine for transfers: one that is read, and one that is written beside its place until it is whole.
// Every function blocks, so they are called on a worker; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "net/file.h"
#include "sdk/src/fail.h"

namespace anser::sdk {

class FileReader {
 public:
  // Errc::io: it is not there, cannot be read, or is no file.
  static Result<FileReader> open(const std::string& path);

  std::uint64_t size() const { return size_; }  // when it was opened
  const std::string& name() const { return name_; }
  // Errc::io: the file has become shorter, too.
  Result<std::string> read(std::uint64_t offset, std::size_t size) const;

 private:
  net::File file_;
  std::string path_, name_;
  std::uint64_t size_ = 0;
};

// Written as `.NAME.RANDOM.part` in the same folder; gone again unless it was put into place.
class FileWriter {
 public:
  // Errc::io: the folder is not there, or the file is and must not be replaced.
  static Result<FileWriter> make(const std::string& path, bool overwrite);
  FileWriter(FileWriter&& other) noexcept
      : file_(std::move(other.file_)),
        path_(std::move(other.path_)),
        part_(std::exchange(other.part_, {})),
        overwrite_(other.overwrite_) {}
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();

  Result<void> write(std::uint64_t offset, std::string_view bytes);
  Result<void> truncate();
  // On disk, and at its path.
  Result<void> put_into_place();

 private:
  FileWriter() = default;

  net::File file_;
  std::string path_, part_;  // part_ is "" when there is none
  bool overwrite_ = false;
};

}  // namespace anser::sdk
