#include "store/open.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <system_error>

#include "store/file_directory.h"
#include "store/memory/account_store.h"
#include "store/memory/archive_store.h"
#include "store/memory/files.h"
#include "store/memory/log_store.h"
#include "store/sqlite/account_store.h"
#include "store/sqlite/archive_store.h"
#include "store/sqlite/file_index.h"
#include "store/sqlite/log_store.h"

namespace anser::store {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPrivateFile = 0600;
constexpr std::size_t kReaderCache = 2 << 20;
// The log and the archive are written in bulk: moving their write-ahead logs less often writes fewer pages twice.
constexpr int kBulkCheckpointPages = 4'000;

std::string reason(int error) { return std::generic_category().message(error); }

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

Result<std::shared_ptr<File>> open_file(const fs::path& path) {
  auto file = std::make_shared<File>(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateFile));
  if (file->descriptor() < 0) return fail(Errc::io, "cannot open {} for writing: {}", path.string(), reason(errno));
  return file;
}

Result<void> make_directory(const fs::path& directory) {
  std::error_code error;
  const bool made = fs::create_directories(directory, error);
  if (error) return fail(Errc::io, "cannot make the data directory {}: {}", directory.string(), error.message());
  if (made) fs::permissions(directory, fs::perms::owner_all, error);
  if (error)
    return fail(Errc::io, "cannot make the data directory {} private: {}", directory.string(), error.message());
  return {};
}

// Who holds the lock file says so inside it.
std::string holder(int descriptor) {
  std::array<char, 32> text{};
  const auto size = ::pread(descriptor, text.data(), text.size(), 0);
  std::string id{text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id.empty() ? "another process" : "process " + id;
}

Result<std::shared_ptr<void>> lock(const fs::path& directory) {
  auto file = open_file(directory / "lock");
  if (!file) return pass(file);
  const int descriptor = (*file)->descriptor();
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(Errc::io, "cannot lock {}: {}", directory.string(), reason(errno));
    return fail(Errc::conflict, "the data directory {} is in use by {}", directory.string(), holder(descriptor));
  }
  const std::string id = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, id.data(), id.size(), 0) < 0) {
    return fail(errno == ENOSPC ? Errc::disk_full : Errc::io, "cannot write in {}: {}", directory.string(),
                reason(errno));
  }
  return std::shared_ptr<void>{*file};
}

// Makes the files before SQLite does, so that they are private from the beginning (it gives its side files the same
// permissions). Never once one of them is open: closing any descriptor of a file drops SQLite's locks on it.
Result<void> make_files(std::initializer_list<fs::path> paths) {
  for (const auto& path : paths) {
    if (auto file = open_file(path); !file) return pass(file);
  }
  return {};
}

template <class Store, class Port>
Result<void> open_store(const fs::path& path, const Connection::Options& options, std::shared_ptr<Port>& store) {
  auto opened = Store::open(path, options);
  if (!opened) return pass(opened);
  store = std::move(*opened);
  return {};
}

}  // namespace

Result<std::unique_ptr<Stores>> open_sqlite(const fs::path& directory, const SqliteOptions& options) {
  if (auto made = make_directory(directory); !made) return pass(made);
  auto stores = std::make_unique<Stores>();
  auto locked = lock(directory);
  if (!locked) return pass(locked);
  stores->lock = std::move(*locked);

  const Connection::Options accounts{.cache_bytes = options.cache_bytes};
  const Connection::Options bulk{.cache_bytes = options.cache_bytes, .checkpoint_pages = kBulkCheckpointPages};
  const Connection::Options reader{.cache_bytes = kReaderCache, .reader = true};
  const Connection::Options small{.cache_bytes = kReaderCache};
  const auto people = directory / "accounts.db", log = directory / "log.db", archive = directory / "archive.db",
             files = directory / "files.db";
  auto done = make_files({people, log, archive, files});
  if (done) done = open_store<SqliteAccountStore>(people, accounts, stores->accounts);
  if (done) done = open_store<SqliteLogStore>(log, bulk, stores->log);
  if (done) done = open_store<SqliteLogStore>(log, reader, stores->log_reader);
  if (done) done = open_store<SqliteArchiveStore>(archive, bulk, stores->archive);
  if (done) done = open_store<SqliteArchiveStore>(archive, reader, stores->archive_reader);
  if (done) done = open_store<SqliteFileIndex>(files, small, stores->files);
  if (!done) return pass(done);
  auto content = FileDirectory::open(directory / "files");
  if (!content) return pass(content);
  stores->content = std::move(*content);
  return stores;
}

std::unique_ptr<Stores> open_memory() {
  auto stores = std::make_unique<Stores>();
  stores->accounts = std::make_shared<MemoryAccountStore>();
  stores->log = stores->log_reader = std::make_shared<MemoryLogStore>();
  stores->archive = stores->archive_reader = std::make_shared<MemoryArchiveStore>();
  stores->files = std::make_shared<MemoryFileIndex>();
  stores->content = std::make_shared<MemoryFileContent>();
  return stores;
}

}  // namespace anser::store
