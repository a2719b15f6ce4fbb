// What is written here stays in memory until it is large, and goes on in a temporary file then (temporary_file.h):
// Java's DeferredFileOutputStream. Blocks once it has a file. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "form/temporary_file.h"

namespace anser::form {

class DeferredOutput {
 public:
  static constexpr std::int64_t kAlwaysDisk = -1;

  // In memory are fewer than `threshold` bytes; with 0, none; with kAlwaysDisk there is a file even for no byte at all.
  DeferredOutput(std::int64_t threshold, std::string directory)
      : threshold_(threshold), directory_(std::move(directory)) {}
  // Behind what others have written to `file`, instead of to one of its own; they have been closed.
  DeferredOutput(std::int64_t threshold, std::shared_ptr<TemporaryFile> file)
      : threshold_(threshold), file_(std::move(file)), start_(file_->size()), is_shared_(true) {}

  DeferredOutput(DeferredOutput&&) noexcept = default;
  DeferredOutput& operator=(DeferredOutput&&) noexcept = default;

  // Errors of TemporaryFile.
  Result<void> write(std::string_view data);
  // Nothing more will be written.
  Result<void> close();

  bool is_in_memory() const { return !is_file_; }
  std::uint64_t size() const { return is_file_ ? size_ : memory_.size(); }
  // Bytes of memory that are taken for the content: hardly any once it is in a file.
  std::size_t memory() const { return memory_.capacity(); }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const;
  // All of it.
  Result<std::string> bytes() const;
  // TemporaryFile::keep_as, or the same for what is in memory.
  Result<void> keep_as(const std::string& path);
  // Empty from now on, and without a file.
  void remove();

 private:
  Result<void> spill();
  void forget() { std::string{}.swap(memory_); }  // an assignment would keep what it holds

  std::int64_t threshold_;
  std::string directory_;
  std::string memory_;
  std::shared_ptr<TemporaryFile> file_;  // with `is_shared_` from the beginning, else when it is needed
  std::uint64_t start_ = 0, size_ = 0;   // of what is in it
  bool is_shared_ = false;
  bool is_file_ = false;
};

}  // namespace anser::form
