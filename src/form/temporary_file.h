// A file that nobody else can guess, read or get in the way of, and that is gone whatever happens: without a name where
// the file system allows that (O_TMPFILE), else under 128 bits of chance, created exclusively, for its owner alone, and
// locked as long as it is open, so that what a crash left can be told from what somebody still writes.
// Blocks on the disk: not for the thread of an event loop. Used by one thread at a time; processes may share a
// directory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace anser::form {

class TemporaryFile {
 public:
  enum class Naming : std::uint8_t { none_if_possible, always };  // the second as on file systems without O_TMPFILE

  // In `directory`, which must exist. Errc::disk_full, Errc::io.
  static Result<TemporaryFile> create(const std::string& directory, Naming naming = Naming::none_if_possible);

  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&& other) noexcept;
  ~TemporaryFile();

  // At the end. Errc::disk_full, Errc::io; then the content is not to be trusted.
  Result<void> append(std::string_view data);
  std::uint64_t size() const { return size_; }
  // As many bytes from `offset` as there are room and file; 0 at its end.
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const;

  // Under `path` from now on, whatever was there before: a symbolic link there is replaced, not followed. All of it or
  // nothing; the mode stays 0600. A second time, or onto another file system, it is copied. It can still be read.
  Result<void> keep_as(const std::string& path);
  // A copy of a part of it under `path`, in the same way.
  Result<void> copy_to(const std::string& path, std::uint64_t offset, std::uint64_t size) const;

 private:
  TemporaryFile(int file, std::string path) : file_(file), path_(std::move(path)) {}
  void drop() noexcept;
  int rename_to(const std::string& path);  // of one with a name; errno, or 0

  int file_ = -1;
  std::string path_;  // "" if it has no name, or has been kept
  bool kept_ = false;
  std::uint64_t size_ = 0;
};

// Writes `data` to `path` as keep_as() does.
Result<void> write_file(const std::string& path, std::string_view data);

// Removes from `directory` what processes that are no more have left there: our names, our user, not locked by anybody.
// Says how many.
std::size_t sweep_temporary_files(const std::string& directory);

// $TMPDIR, or /tmp.
std::string default_directory();

}  // namespace anser::form
