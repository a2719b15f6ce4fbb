#include "form/temporary_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace anser::form {
namespace {

constexpr std::string_view kStart = "anser-upload-";
constexpr std::string_view kEnd = ".tmp";
constexpr std::size_t kRandomBytes = 16;
constexpr int kAttempts = 16;  // a name is never taken twice, but a sweeper may be quicker than our lock
constexpr std::size_t kBuffer = 64 * 1024;

tl::unexpected<Error> failed(const char* what, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return fail(full ? Errc::disk_full : Errc::io, "{}: {}", what, std::strerror(error));
}

std::string random_name() {
  std::array<unsigned char, kRandomBytes> bytes{};
  ANSER_ASSERT(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  std::string name{kStart};
  for (const unsigned char byte : bytes) name += fmt::format("{:02x}", byte);
  return name.append(kEnd);
}

bool is_our_name(std::string_view name) {
  if (name.size() != kStart.size() + 2 * kRandomBytes + kEnd.size() || !name.starts_with(kStart) ||
      !name.ends_with(kEnd)) {
    return false;
  }
  return std::ranges::all_of(name.substr(kStart.size(), 2 * kRandomBytes),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// A file that has a name, and is locked. The name is free again if the file could not be made.
Result<std::pair<int, std::string>> create_named(const std::string& directory) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string path = directory + '/' + random_name();
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0 && errno == EEXIST) continue;
    if (file < 0) return failed("a temporary file can't be made", errno);
    // A sweeper that came between takes it for a dead one's: it holds the lock, or has taken the name away.
    struct stat status {};
    if (::flock(file, LOCK_EX | LOCK_NB) == 0 && ::fstat(file, &status) == 0 && status.st_nlink == 1) {
      return std::pair{file, std::move(path)};
    }
    ::unlink(path.c_str());
    ::close(file);
  }
  return fail(Errc::io, "a temporary file can't be made: no name is free");
}

// Gives a file without a name this one, which must be free.
int link_as(int file, const std::string& path) {
  const std::string self = fmt::format("/proc/self/fd/{}", file);
  return ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

}  // namespace

Result<TemporaryFile> TemporaryFile::create(const std::string& directory, Naming naming) {
  if (naming == Naming::none_if_possible) {
    const int file = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0) return TemporaryFile{file, ""};
    // EISDIR and EOPNOTSUPP: a kernel or a file system that does not know it. Others fail with a name as well.
  }
  auto made = create_named(directory);
  if (!made) return pass(made);
  return TemporaryFile{made->first, std::move(made->second)};
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      path_(std::exchange(other.path_, {})),
      kept_(other.kept_),
      size_(other.size_) {}

TemporaryFile& TemporaryFile::operator=(TemporaryFile&& other) noexcept {
  if (this != &other) {
    drop();
    file_ = std::exchange(other.file_, -1);
    path_ = std::exchange(other.path_, {});
    kept_ = other.kept_;
    size_ = other.size_;
  }
  return *this;
}

TemporaryFile::~TemporaryFile() { drop(); }

void TemporaryFile::drop() noexcept {
  if (!path_.empty()) ::unlink(path_.c_str());  // before the lock goes
  if (file_ >= 0) ::close(file_);
  path_.clear();
  file_ = -1;
}

Result<void> TemporaryFile::append(std::string_view data) {
  ANSER_ASSERT(!kept_);
  while (!data.empty()) {
    const ssize_t written = ::write(file_, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("a temporary file can't be written", errno);
    data.remove_prefix(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<std::size_t> TemporaryFile::read(std::uint64_t offset, std::span<char> into) const {
  for (;;) {
    const ssize_t count = ::pread(file_, into.data(), into.size(), static_cast<off_t>(offset));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return failed("a temporary file can't be read", errno);
  }
}

Result<void> TemporaryFile::keep_as(const std::string& path) {
  if (kept_ || path.find('\0') != path.npos) return copy_to(path, 0, size_);
  if (path_.empty()) {
    int error = link_as(file_, path);
    if (error == 0) {
      kept_ = true;
      return {};
    }
    // With a name of its own first if the path is taken: linkat() replaces nothing. Locked before, as all that have
    // one.
    if (error == EEXIST) {
      std::string beside = directory_of(path) + '/' + random_name();
      error = ::flock(file_, LOCK_EX | LOCK_NB) == 0 ? link_as(file_, beside) : errno;
      if (error == 0) path_ = std::move(beside);
    }
    if (error != 0)
      return copy_to(path, 0, size_);  // another file system, or no /proc; or nothing works there, which it says
  }
  const int error = rename_to(path);
  // ENOENT: somebody who cleans up has taken our name away, but we have the file; or there is no such directory.
  if (error == EXDEV || error == ENOENT) return copy_to(path, 0, size_);
  return error == 0 ? Result<void>{} : failed("a file can't be put in its place", error);
}

int TemporaryFile::rename_to(const std::string& path) {
  if (::rename(path_.c_str(), path.c_str()) != 0) return errno;
  path_.clear();
  kept_ = true;
  ::flock(file_, LOCK_UN);
  return 0;
}

Result<void> TemporaryFile::copy_to(const std::string& path, std::uint64_t offset, std::uint64_t size) const {
  // The system would see another path, which ends there.
  if (path.find('\0') != path.npos) return fail(Errc::io, "a file can't be put in its place: a NUL in its path");
  auto copy = create(directory_of(path), Naming::always);  // beside the path, so that it can be renamed
  if (!copy) return pass(copy);
  const auto buffer = std::make_unique<std::array<char, kBuffer>>();
  while (size > 0) {
    const auto count = read(offset, std::span{*buffer}.first(std::min<std::uint64_t>(size, kBuffer)));
    if (!count) return pass(count);
    if (*count == 0) return fail(Errc::io, "a temporary file has become shorter");
    if (auto done = copy->append({buffer->data(), *count}); !done) return done;
    offset += *count;
    size -= *count;
  }
  const int error = copy->rename_to(path);
  return error == 0 ? Result<void>{} : failed("a file can't be put in its place", error);
}

Result<void> write_file(const std::string& path, std::string_view data) {
  auto file = TemporaryFile::create(directory_of(path));
  if (!file) return pass(file);
  if (auto done = file->append(data); !done) return done;
  return file->keep_as(path);
}

std::size_t sweep_temporary_files(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder{::opendir(directory.c_str()), &::closedir};
  if (folder == nullptr) return 0;
  std::size_t removed = 0;
  const int where = ::dirfd(folder.get());
  while (const dirent* entry = ::readdir(folder.get())) {
    if (!is_our_name(entry->d_name)) continue;
    const int file = ::openat(where, entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) continue;
    struct stat status {};
    if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
        ::flock(file, LOCK_EX | LOCK_NB) == 0 && ::unlinkat(where, entry->d_name, 0) == 0) {
      ++removed;
    }
    ::close(file);
  }
  return removed;
}

std::string default_directory() {
  const char* set = std::getenv("TMPDIR");
  return set != nullptr && *set != '\0' ? set : "/tmp";
}

}  // namespace anser::form
