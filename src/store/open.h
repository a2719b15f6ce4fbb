// Opens everything that is stored, in one directory: accounts.db, log.db, archive.db, files.db with the directory
// files/, and a lock file that keeps a second server out. Files are readable by their owner only. Errors are sentences
// for the operator who started the program.
#pragma once

#include <filesystem>
#include <memory>

#include "domain/files.h"
#include "domain/ports.h"

namespace anser::store {

// The log and the archive are opened twice: one for the thread that writes, one for the thread that answers queries, so
// that no query waits for a batch and no batch for a query. Engines whose stores may be shared give the same one twice.
struct Stores {
  std::shared_ptr<void> lock;  // first: given back last
  std::shared_ptr<domain::AccountStore> accounts;
  std::shared_ptr<domain::LogStore> log, log_reader;
  std::shared_ptr<domain::ArchiveStore> archive, archive_reader;
  std::shared_ptr<domain::FileIndex> files;
  std::shared_ptr<domain::FileContent> content;
};

struct SqliteOptions {
  std::size_t cache_bytes = 8 << 20;  // page cache of each connection that writes
};

// Makes the directory (0700) and the files (0600) where they are missing, and migrates older files. Errc::conflict:
// another process holds the directory (the sentence names its id). Errc::io: the directory cannot be made or written.
// Errc::storage_failed: a file is broken, of another program, or written by a newer version.
Result<std::unique_ptr<Stores>> open_sqlite(const std::filesystem::path& directory, const SqliteOptions& options = {});

// For tests, and for a server that shall forget everything.
std::unique_ptr<Stores> open_memory();

}  // namespace anser::store
