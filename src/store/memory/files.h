// Files in memory: for tests, and for a server that shall forget everything. Any thread: locked inside.
#pragma once

#include <map>
#include <mutex>

#include "domain/files.h"

namespace anser::store {

class MemoryFileIndex : public domain::FileIndex {
 public:
  Result<void> begin_upload(const domain::UploadRecord& upload) override;
  Result<void> update_upload(const domain::UploadRecord& upload) override;
  Result<std::optional<domain::UploadRecord>> find_upload(std::string_view id) override;
  Result<void> remove_upload(std::string_view id) override;
  Result<void> finish_uploads(std::span<const domain::FileRecord> files, bool keep_uploads) override;
  Result<std::optional<domain::FileRecord>> find_file(std::string_view id) override;
  Result<std::vector<std::string>> find_content(std::uint64_t size, std::string_view fingerprint,
                                                std::size_t limit) override;
  Result<std::vector<domain::FileRecord>> list_files(const core::Jid& owner, std::string_view before,
                                                     std::size_t limit) override;
  Result<bool> remove_file(std::string_view id) override;
  Result<domain::FileUse> use_of(const core::Jid& owner, Time now) override;
  Result<std::vector<domain::FileRecord>> ended_files(Time now, std::size_t limit) override;
  Result<std::vector<domain::UploadRecord>> ended_uploads(Time now, std::size_t limit) override;
  Result<bool> has_content(std::string_view content) override;
  Result<bool> has_upload(std::string_view id) override;
  Result<std::vector<std::string>> files_of(const core::Jid& owner, std::size_t limit) override;
  Result<std::vector<core::Jid>> owners(std::string_view after, std::size_t limit) override;

 private:
  using Files = std::map<std::uint64_t, domain::FileRecord>;  // by their order
  Files::iterator find(std::string_view id);

  std::mutex mutex_;
  Files files_;
  std::map<std::string, domain::UploadRecord, std::less<>> uploads_;
  std::uint64_t last_ = 0;
};

class MemoryFileContent : public domain::FileContent {
 public:
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
  using Bytes = std::map<std::string, std::string, std::less<>>;
  static Result<std::size_t> read_from(const Bytes& all, std::string_view id, std::uint64_t offset,
                                       std::span<char> into);
  static std::vector<std::string> names(const Bytes& all, std::string_view after, std::size_t limit);

  std::mutex mutex_;
  Bytes unfinished_, contents_;
};

}  // namespace anser::store
