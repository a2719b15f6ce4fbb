// The bytes of files as files of a directory:
//
//   unfinished/ID          an upload that has been begun
//   content/XX/CONTENT     a whole file; XX are the first two characters of its name
//
// Directories are 0700, files 0600. Everything is reached from descriptors of these directories and never through a
// symbolic link. What seal() made is there after a loss of power; so is what sync() has confirmed. Any thread: nothing
// is kept between two calls but the descriptors, and which directories are known to be on disk.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "domain/files.h"

namespace anser::store {

class FileDirectory final : public domain::FileContent {
 public:
  // Makes what is missing. Errc::io.
  static Result<std::unique_ptr<FileDirectory>> open(const std::filesystem::path& directory);
  ~FileDirectory() override;

  Result<void> create(std::string_view id) override;
  Result<void> append(std::string_view id, std::uint64_t offset, std::span<const char> bytes) override;
  Result<std::uint64_t> size(std::string_view id) override;
  Result<void> sync(std::string_view id) override;
  Result<void> discard(std::string_view id) override;
  Result<void> seal(std::string_view id, std::string_view content) override;
  Result<std::size_t> read(std::string_view content, std::uint64_t offset, std::span<char> into) override;
  Result<std::size_t> read_unfinished(std::string_view id, std::uint64_t offset, std::span<char> into) override;
  Result<void> remove(std::string_view content) override;
  Result<std::vector<std::string>> unfinished(std::string_view after, std::size_t limit) override;
  Result<std::vector<std::string>> contents(std::string_view after, std::size_t limit) override;

 private:
  FileDirectory(int unfinished, int content) : unfinished_(unfinished), content_(content) {}

  Result<void> keep_prefix(const std::string& prefix);

  const int unfinished_, content_;  // descriptors of the two
  std::mutex mutex_;
  std::set<std::string> kept_prefixes_;  // guarded by it; 4,096 at most
};

}  // namespace anser::store
