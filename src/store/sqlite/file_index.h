// files.db: who has which file, and which uploads have been begun. The bytes are elsewhere (store/file_directory.h).
// Several workers use it at once, one at a time: locked inside.
//
//   file    whole files; `number` is their order
//   upload  those that have been begun, or that are whole and remembered so that a client can ask
#pragma once

#include <memory>
#include <mutex>

#include "domain/files.h"
#include "store/sqlite/connection.h"

namespace anser::store {

class SqliteFileIndex final : public domain::FileIndex {
 public:
  static Result<std::unique_ptr<SqliteFileIndex>> open(const std::filesystem::path& file,
                                                       const Connection::Options& options);

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
  explicit SqliteFileIndex(std::unique_ptr<Connection> database) : database_(std::move(database)) {}

  template <class Work>
  auto in_transaction(Work work) -> decltype(work());
  Result<bool> exists(const char* sql, std::string_view key);
  Result<void> enter(const domain::FileRecord& file, bool keep_upload);  // in a transaction

  std::mutex mutex_;
  std::unique_ptr<Connection> database_;  // guarded by mutex_
};

}  // namespace anser::store
