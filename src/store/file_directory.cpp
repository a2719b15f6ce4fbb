#include "store/file_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <system_error>

namespace anser::store {
namespace {

constexpr mode_t kPrivateDirectory = 0700, kPrivateFile = 0600;
constexpr std::size_t kLongestName = 64, kPrefix = 2;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

tl::unexpected<Error> failure(int error, std::string_view doing) {
  switch (error) {
    case ENOENT:
      return fail(Errc::not_found, "there is no such file");
    case EEXIST:
      return fail(Errc::conflict, "there is such a file already");
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return fail(Errc::disk_full, "the disk is full");
    default:
      return fail(Errc::io, "cannot {} a file: {}", doing, std::generic_category().message(error));
  }
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// A name of ours in a directory of ours. What is not a name is nowhere, so nobody ever leaves the directory.
struct Place {
  int directory = -1;
  std::string name;
  bool valid = false;
};
Place unfinished_place(int unfinished, std::string_view id) { return {unfinished, std::string{id}, is_name(id)}; }
Place content_place(int contents, std::string_view content) {
  return {contents, fmt::format("{}/{}", content.substr(0, kPrefix), content), is_name(content)};
}

int open_at(const Place& place, int flags) {
  if (!place.valid) {
    errno = ENOENT;
    return -1;
  }
  int descriptor;
  do {
    descriptor = ::openat(place.directory, place.name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, kPrivateFile);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

Result<std::uint64_t> size_of(const File& file) {
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return failure(errno, "look at");
  if (!S_ISREG(about.st_mode)) return fail(Errc::io, "a file of uploads is none");
  return static_cast<std::uint64_t>(about.st_size);
}

Result<void> sync_directory(int directory) {
  if (::fsync(directory) != 0) return failure(errno, "keep");
  return {};
}

// All of it, or an errno.
int write_all(int descriptor, std::span<const char> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written == 0 ? ENOSPC : errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return 0;
}

Result<std::size_t> read_at(const Place& place, std::uint64_t offset, std::span<char> into) {
  const File file{open_at(place, O_RDONLY)};
  if (!file) return failure(errno, "read");
  std::size_t size = 0;
  while (size < into.size()) {
    const ssize_t got = ::pread(file.get(), into.data() + size, into.size() - size, static_cast<off_t>(offset + size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(errno, "read");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return size;
}

Result<void> remove_at(const Place& place) {
  if (!place.valid || ::unlinkat(place.directory, place.name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return failure(errno, "remove");
}

// The `limit` first names behind `after`, in order. Owns `directory`.
Result<std::vector<std::string>> names_in(int directory, std::string_view after, std::size_t limit) {
  DIR* entries = ::fdopendir(directory);
  if (!entries) {
    const int error = errno;
    ::close(directory);
    return failure(error, "list");
  }
  std::set<std::string> first;
  errno = 0;
  while (const dirent* entry = ::readdir(entries)) {
    const std::string_view name{entry->d_name};
    if (!is_name(name) || name <= after) continue;
    if (first.size() >= limit && (limit == 0 || name >= *first.rbegin())) continue;
    first.emplace(name);
    if (first.size() > limit) first.erase(std::prev(first.end()));
  }
  const int error = errno;
  ::closedir(entries);
  if (error != 0) return failure(error, "list");
  return std::vector<std::string>{first.begin(), first.end()};
}

Result<int> open_directory(int at, const char* name) {
  if (::mkdirat(at, name, kPrivateDirectory) != 0 && errno != EEXIST) return failure(errno, "make a directory for");
  const int descriptor = ::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return failure(errno, "open the directory of");
  return descriptor;
}

}  // namespace

Result<std::unique_ptr<FileDirectory>> FileDirectory::open(const std::filesystem::path& directory) {
  const auto named = [&](const Error& error) {
    return fail(error.code == Errc::disk_full ? error.code : Errc::io, "{}: {}", directory.string(), error.message);
  };
  const auto top = open_directory(AT_FDCWD, directory.c_str());
  if (!top) return named(top.error());
  const File parent{*top};
  auto unfinished = open_directory(parent.get(), "unfinished");
  if (!unfinished) return named(unfinished.error());
  File first{*unfinished};
  auto content = open_directory(parent.get(), "content");
  if (!content) return named(content.error());
  if (auto kept = sync_directory(parent.get()); !kept) {
    ::close(*content);
    return named(kept.error());
  }
  return std::unique_ptr<FileDirectory>{new FileDirectory{first.release(), *content}};
}

FileDirectory::~FileDirectory() {
  ::close(unfinished_);
  ::close(content_);
}

Result<void> FileDirectory::create(std::string_view id) {
  const auto place = unfinished_place(unfinished_, id);
  if (!place.valid) return fail(Errc::io, "no name for a file");
  const File file{open_at(place, O_WRONLY | O_CREAT | O_EXCL)};
  if (!file) return failure(errno, "make");
  return {};
}

Result<void> FileDirectory::append(std::string_view id, std::uint64_t offset, std::span<const char> bytes) {
  const File file{open_at(unfinished_place(unfinished_, id), O_WRONLY)};
  if (!file) return failure(errno, "write to");
  const auto size = size_of(file);
  if (!size) return pass(size);
  if (*size != offset) return fail(Errc::conflict, "the upload has {} bytes", *size);
  const int error = write_all(file.get(), bytes, offset);
  if (error == 0) return {};
  if (::ftruncate(file.get(), static_cast<off_t>(offset)) != 0) return failure(errno, "take back what was written to");
  return failure(error, "write to");
}

Result<std::uint64_t> FileDirectory::size(std::string_view id) {
  const File file{open_at(unfinished_place(unfinished_, id), O_RDONLY)};
  if (!file) return failure(errno, "look at");
  return size_of(file);
}

Result<void> FileDirectory::sync(std::string_view id) {
  const File file{open_at(unfinished_place(unfinished_, id), O_RDONLY)};
  if (!file) return failure(errno, "keep");
  if (::fdatasync(file.get()) != 0) return failure(errno, "keep");
  return sync_directory(unfinished_);
}

Result<void> FileDirectory::discard(std::string_view id) { return remove_at(unfinished_place(unfinished_, id)); }

// In this order, so that a name in content/ always stands for bytes that are there.
Result<void> FileDirectory::seal(std::string_view id, std::string_view content) {
  const auto from = unfinished_place(unfinished_, id), to = content_place(content_, content);
  if (!to.valid) return fail(Errc::io, "no name for a file");
  const File file{open_at(from, O_RDONLY)};
  if (!file) return failure(errno, "keep");
  if (::fdatasync(file.get()) != 0) return failure(errno, "keep");

  const std::string prefix{content.substr(0, kPrefix)};
  if (::mkdirat(content_, prefix.c_str(), kPrivateDirectory) != 0 && errno != EEXIST)
    return failure(errno, "make a directory for");
  const File directory{::openat(content_, prefix.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!directory) return failure(errno, "open the directory of");
  if (::linkat(unfinished_, from.name.c_str(), content_, to.name.c_str(), 0) != 0) {
    const int error = errno;
    struct stat ours {
    }, theirs{};
    const bool done_before = error == EEXIST && ::fstat(file.get(), &ours) == 0 &&
                             ::fstatat(content_, to.name.c_str(), &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
                             ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
    if (!done_before) return failure(error, "keep");
  }
  if (auto kept = sync_directory(directory.get()); !kept) return kept;
  return keep_prefix(prefix);
}

// Whoever made it: its entry must be on disk before anything in it counts.
Result<void> FileDirectory::keep_prefix(const std::string& prefix) {
  const std::lock_guard lock{mutex_};
  if (kept_prefixes_.contains(prefix)) return {};
  if (auto kept = sync_directory(content_); !kept) return kept;
  kept_prefixes_.insert(prefix);
  return {};
}

Result<std::size_t> FileDirectory::read(std::string_view content, std::uint64_t offset, std::span<char> into) {
  return read_at(content_place(content_, content), offset, into);
}

Result<std::size_t> FileDirectory::read_unfinished(std::string_view id, std::uint64_t offset, std::span<char> into) {
  return read_at(unfinished_place(unfinished_, id), offset, into);
}

Result<void> FileDirectory::remove(std::string_view content) { return remove_at(content_place(content_, content)); }

Result<std::vector<std::string>> FileDirectory::unfinished(std::string_view after, std::size_t limit) {
  const int again = ::openat(unfinished_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return failure(errno, "list");
  return names_in(again, after, limit);
}

Result<std::vector<std::string>> FileDirectory::contents(std::string_view after, std::size_t limit) {
  std::vector<std::string> found;
  const int again = ::openat(content_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return failure(errno, "list");
  constexpr std::size_t kPrefixes = 64 * 64 + 64;
  const auto prefixes = names_in(again, {}, kPrefixes);
  if (!prefixes) return prefixes;
  for (const auto& prefix : *prefixes) {
    if (prefix < after.substr(0, kPrefix)) continue;
    if (found.size() >= limit) break;
    const int directory = ::openat(content_, prefix.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) continue;  // no directory of ours
    auto names = names_in(directory, after, limit - found.size());
    if (!names) return names;
    std::move(names->begin(), names->end(), std::back_inserter(found));
  }
  return found;
}

}  // namespace anser::store
