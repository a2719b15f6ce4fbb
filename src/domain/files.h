// What the domain asks of where files are kept: who has what (FileIndex) and the bytes themselves (FileContent). Both
// block, so they are called on workers; both may be called by several threads at once and order that for themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/jid.h"

namespace anser::domain {

// A file that is whole.
struct FileRecord {
  std::string id;           // of its address: random, 32 characters of [A-Za-z0-9_-]
  core::Jid owner;          // bare; empty: somebody without an account
  std::string name;         // UTF-8, safe to show (codec/file_name.h)
  std::string type;         // as its sender said; ""
  std::uint64_t size = 0;   // bytes
  std::string content;      // where FileContent has its bytes; several files may share them
  std::string fingerprint;  // of its content: 32 bytes, equal for equal bytes
  std::string removal;      // SHA-256 of the key that removes it; "" if it has an owner
  Time created{};
  Time expires{};  // {}: never

  friend bool operator==(const FileRecord&, const FileRecord&) = default;
};

// One that has been begun. Its bytes are FileContent's `id`, and their number there is its offset.
struct UploadRecord {
  std::string id;  // of its address, and of the file that it becomes
  core::Jid owner;
  std::string name, type;
  std::string metadata;  // of its protocol, kept for it; tus: Upload-Metadata as it came
  std::string removal;
  std::optional<std::uint64_t> length;  // of the whole; none: not known yet
  std::uint64_t held = 0;               // what counts as its owner's use: the length, or what has come
  bool partial = false;                 // tus: to be joined with others, no file by itself
  bool whole = false;                   // the file is there; the record is kept so that a client can ask
  Time expires{};                       // when it is forgotten, unless more comes
  Time file_expires{};                  // of the file that it becomes

  friend bool operator==(const UploadRecord&, const UploadRecord&) = default;
};

struct FileUse {
  std::uint64_t bytes = 0;  // of whole files, and what those under way hold
  std::uint64_t files = 0;
  std::uint64_t unfinished = 0;  // uploads that are no files, or not yet
};

// files.db. Each call is a transaction of its own, durable when it returns. Errors: Errc::not_found, conflict,
// disk_full, storage_failed, resource_limit (the database is locked by another process).
class FileIndex {
 public:
  virtual ~FileIndex() = default;

  virtual Result<void> begin_upload(const UploadRecord& upload) = 0;   // conflict: the id is taken, by a file too
  virtual Result<void> update_upload(const UploadRecord& upload) = 0;  // not_found
  virtual Result<std::optional<UploadRecord>> find_upload(std::string_view id) = 0;
  virtual Result<void> remove_upload(std::string_view id) = 0;  // no error if it is not there

  // Uploads have become these files: enters all of them at once, and of each marks the upload, if there is a record of
  // it, as whole (it holds nothing then) if it is to be kept, else removes it. conflict: there is such a file. On an
  // error, and after a crash, it is none of them.
  virtual Result<void> finish_uploads(std::span<const FileRecord> files, bool keep_uploads) = 0;
  virtual Result<std::optional<FileRecord>> find_file(std::string_view id) = 0;
  // The contents of that size and fingerprint, oldest first.
  virtual Result<std::vector<std::string>> find_content(std::uint64_t size, std::string_view fingerprint,
                                                        std::size_t limit) = 0;
  // Newest first, before that file (empty: from the newest).
  virtual Result<std::vector<FileRecord>> list_files(const core::Jid& owner, std::string_view before,
                                                     std::size_t limit) = 0;
  // Forgets it. True: nothing else has its content.
  virtual Result<bool> remove_file(std::string_view id) = 0;
  // Without what has ended by `now`.
  virtual Result<FileUse> use_of(const core::Jid& owner, Time now) = 0;

  // What has ended by `now`, at most `limit` of each.
  virtual Result<std::vector<FileRecord>> ended_files(Time now, std::size_t limit) = 0;
  virtual Result<std::vector<UploadRecord>> ended_uploads(Time now, std::size_t limit) = 0;
  // Is there a file with this content, or an upload of this id? For the sweep.
  virtual Result<bool> has_content(std::string_view content) = 0;
  virtual Result<bool> has_upload(std::string_view id) = 0;
  // The ids of its files and uploads: for an account that is gone.
  virtual Result<std::vector<std::string>> files_of(const core::Jid& owner, std::size_t limit) = 0;
  // Who has any, in order of address, those after `after`.
  virtual Result<std::vector<core::Jid>> owners(std::string_view after, std::size_t limit) = 0;
};

// The bytes. Names are ids of ours: [A-Za-z0-9_-]{1,64}; nothing else is ever used as a name. Errors: Errc::not_found,
// conflict, disk_full, io. Neither an unfinished one nor a content is ever reached by two calls that change it at once.
class FileContent {
 public:
  virtual ~FileContent() = default;

  virtual Result<void> create(std::string_view id) = 0;  // conflict: it is there
  // At the end, which must be `offset` (else conflict, and nothing is written). What was written in part is taken back.
  virtual Result<void> append(std::string_view id, std::uint64_t offset, std::span<const char> bytes) = 0;
  virtual Result<std::uint64_t> size(std::string_view id) = 0;
  virtual Result<void> sync(std::string_view id) = 0;     // what was appended outlives a loss of power
  virtual Result<void> discard(std::string_view id) = 0;  // an unfinished one; no error if it is not there

  // The bytes of unfinished `id` are whole: they are content `content` from here on, durably. Unfinished `id` stays
  // until it is discarded, so that whoever fails in between can do it again; nothing may be appended to it.
  virtual Result<void> seal(std::string_view id, std::string_view content) = 0;
  virtual Result<std::size_t> read(std::string_view content, std::uint64_t offset, std::span<char> into) = 0;
  // The same of an unfinished one.
  virtual Result<std::size_t> read_unfinished(std::string_view id, std::uint64_t offset, std::span<char> into) = 0;
  virtual Result<void> remove(std::string_view content) = 0;  // no error if it is not there

  // All names, for the sweep; at most `limit` of each, after `after`.
  virtual Result<std::vector<std::string>> unfinished(std::string_view after, std::size_t limit) = 0;
  virtual Result<std::vector<std::string>> contents(std::string_view after, std::size_t limit) = 0;
};

}  // namespace anser::domain
