// A disk that is slow, full, or loses what was not synced, for LD_PRELOAD under the server of the crash test. The
// environment says how; all of it concerns the files directly in ANSER_DISK_FOLDER:
//
//   ANSER_DISK_SLOW    "50-300": each fsync takes so many milliseconds longer, as it happens
//   ANSER_DISK_FULL    a path: as long as a file is there, what would make a file longer fails with ENOSPC
//   ANSER_DISK_SHADOW  a folder: what a power loss would leave is kept in its subfolder `names`
//
// The shadow has two parts. `content` is the durable bytes of each file: fsync brings there what was written since the
// last one. `names` is the durable directory, hard links into `content`: an fsync of the directory brings it up to
// date, so a file that was made, renamed or unlinked without one is as it was before, and a file whose name is durable
// but whose bytes are not is empty. All that the folder holds when the process starts is durable. SQLite's -shm files
// are left out: they are mapped memory, made anew after a crash.
//
// Files are known by device and inode, so it does not matter how they were opened. What is not seen here (a write
// within libc, say) is found at the next fsync, which copies small and new files whole.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr off_t kSmall = 64 << 10;  // copied whole at each fsync
constexpr std::string_view kMapped = "-shm";

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// A disk that does not work as it says would make the test say anything.
[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "disk.cpp: %s: %s\n", what, std::strerror(errno));
  std::abort();
}

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

using Inode = std::pair<dev_t, ino_t>;
Inode inode_of(const struct stat& status) { return {status.st_dev, status.st_ino}; }

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// What is not durable of one file, and where the durable bytes are.
struct File {
  bool ours = false;  // in the folder
  bool shadowed = false;
  int durable = -1;              // descriptor of its file in `content`
  std::string content;           // and that file's path
  std::map<off_t, off_t> dirty;  // begin to end, apart from each other
  off_t cut = LLONG_MAX;         // the least length that it was cut to
  bool whole = true;             // not synced since we know it

  void wrote(off_t begin, off_t end) {
    auto next = dirty.upper_bound(begin);
    if (next != dirty.begin() && std::prev(next)->second >= begin) --next;
    while (next != dirty.end() && next->first <= end) {
      begin = std::min(begin, next->first);
      end = std::max(end, next->second);
      next = dirty.erase(next);
    }
    dirty.emplace(begin, end);
  }
};

void copy(int from, int to, off_t begin, off_t end) {
  std::vector<char> buffer(1 << 16);
  while (begin < end) {
    const auto wanted = std::min<off_t>(static_cast<off_t>(buffer.size()), end - begin);
    const ssize_t got = ::pread(from, buffer.data(), static_cast<std::size_t>(wanted), begin);
    if (got < 0) give_up("cannot read a file");
    if (got == 0) return;
    static auto* const write = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
    if (write(to, buffer.data(), static_cast<std::size_t>(got), begin) != got) give_up("cannot write the shadow");
    begin += got;
  }
}

class Disk {
 public:
  static Disk& instance() {
    static Disk* const disk = new Disk;  // outlives every thread
    return *disk;
  }

  // errno is set when it is.
  bool full_for(int descriptor, off_t end) {
    if (full_.empty() || folder_.empty() || ::access(full_.c_str(), F_OK) != 0) return false;
    struct stat status;
    if (!regular(descriptor, status) || end <= status.st_size) return false;
    const std::lock_guard lock{mutex_};
    if (!file(descriptor, status).ours) return false;
    errno = ENOSPC;
    return true;
  }

  void wrote(int descriptor, off_t begin, off_t end) {
    change(descriptor, [&](File& file) { file.wrote(begin, end); });
  }
  void wrote_somewhere(int descriptor) {
    change(descriptor, [](File& file) { file.whole = true; });
  }
  void cut(int descriptor, off_t length) {
    change(descriptor, [&](File& file) { file.cut = std::min(file.cut, length); });
  }

  void unlinked(const struct stat& status) {
    if (status.st_nlink > 1) return;
    const std::lock_guard lock{mutex_};
    const auto found = files_.find(inode_of(status));
    if (found == files_.end()) return;
    if (found->second.durable >= 0) ::close(found->second.durable);
    files_.erase(found);
  }

  // Before the real one, whose return is the promise.
  void sync(int descriptor) {
    struct stat status;
    if (folder_.empty() || ::fstat(descriptor, &status) != 0) return;
    if (S_ISDIR(status.st_mode)) {
      if (!shadow_.empty() && inode_of(status) == folder_inode_) sync_names();
      return;
    }
    if (!S_ISREG(status.st_mode)) return;
    useconds_t wait = 0;
    {
      const std::lock_guard lock{mutex_};
      File& synced = file(descriptor, status);
      if (!synced.ours) return;
      if (slowest_ > 0) wait = 1000 * std::uniform_int_distribution<useconds_t>{fastest_, slowest_}(random_);
    }
    if (wait > 0) ::usleep(wait);
    const std::lock_guard lock{mutex_};
    File& synced = file(descriptor, status);
    if (synced.shadowed) sync_content(descriptor, synced);
  }

 private:
  Disk()
      : folder_(setting("ANSER_DISK_FOLDER")),
        shadow_(setting("ANSER_DISK_SHADOW")),
        full_(setting("ANSER_DISK_FULL")) {
    std::sscanf(setting("ANSER_DISK_SLOW").c_str(), "%u-%u", &fastest_, &slowest_);
    char resolved[PATH_MAX];
    struct stat status;
    if (folder_.empty() || !::realpath(folder_.c_str(), resolved) || ::stat(resolved, &status) != 0) {
      folder_.clear();
      return;
    }
    folder_ = resolved;
    folder_inode_ = inode_of(status);
    if (shadow_.empty()) return;
    clear("/content");
    clear("/names");
    for (const auto& name : names()) {
      const int descriptor = ::open((folder_ + "/" + name).c_str(), O_RDONLY | O_CLOEXEC);
      if (descriptor < 0 || ::fstat(descriptor, &status) != 0) give_up("cannot open a file");
      sync_content(descriptor, file(descriptor, status));
      ::close(descriptor);
    }
    sync_names_locked();
  }

  static bool regular(int descriptor, struct stat& status) {
    return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  }

  template <class Change>
  void change(int descriptor, const Change& apply) {
    const int before = errno;
    struct stat status;
    if (!shadow_.empty() && !folder_.empty() && regular(descriptor, status)) {
      const std::lock_guard lock{mutex_};
      if (File& changed = file(descriptor, status); changed.shadowed) apply(changed);
    }
    errno = before;
  }

  // The names of the shadowed files in the folder.
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    DIR* const directory = ::opendir(folder_.c_str());
    if (!directory) give_up("cannot list the folder");
    while (const dirent* entry = ::readdir(directory)) {
      if (entry->d_type == DT_REG && !ends_with(entry->d_name, kMapped)) found.emplace_back(entry->d_name);
    }
    ::closedir(directory);
    return found;
  }

  // Empties one part of the shadow, which is not made before.
  void clear(const char* part) {
    const std::string path = shadow_ + part;
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) give_up("cannot make the shadow");
    DIR* const directory = ::opendir(path.c_str());
    if (!directory) give_up("cannot list the shadow");
    while (const dirent* entry = ::readdir(directory)) {
      if (entry->d_type == DT_REG) ::unlinkat(::dirfd(directory), entry->d_name, 0);
    }
    ::closedir(directory);
  }

  // With the lock. Who it is, is asked once.
  File& file(int descriptor, const struct stat& status) {
    const auto [found, fresh] = files_.try_emplace(inode_of(status));
    File& known = found->second;
    if (!fresh) return known;
    char link[64], path[PATH_MAX];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const ssize_t length = ::readlink(link, path, sizeof path);
    const std::string_view name{path, length > 0 ? static_cast<std::size_t>(length) : 0};
    known.ours = name.size() > folder_.size() && name.substr(0, folder_.size()) == folder_ &&
                 name.find('/', folder_.size()) == folder_.size() &&
                 name.find('/', folder_.size() + 1) == std::string_view::npos;
    known.shadowed = known.ours && !shadow_.empty() && !ends_with(name, kMapped);
    if (known.shadowed) {
      known.content = shadow_ + "/content/" + std::to_string(++contents_);
      known.durable = ::open(known.content.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (known.durable < 0) give_up("cannot make a file in the shadow");
    }
    return known;
  }

  void sync_content(int descriptor, File& file) {
    struct stat status;
    if (::fstat(descriptor, &status) != 0) give_up("cannot look at a file");
    static auto* const truncate = real<int(int, off_t)>("ftruncate");
    if (file.whole || status.st_size <= kSmall) {
      file.dirty.clear();
      file.wrote(0, status.st_size);
      file.cut = 0;
    }
    struct stat durable;
    if (::fstat(file.durable, &durable) != 0) give_up("cannot look at the shadow");
    if (file.cut < durable.st_size && truncate(file.durable, file.cut) != 0) give_up("cannot cut the shadow");
    // A descriptor for writing only is opened again for reading.
    char link[64];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const int source = ::open(link, O_RDONLY | O_CLOEXEC);
    if (source < 0) give_up("cannot open a file again");
    for (const auto& [begin, end] : file.dirty) copy(source, file.durable, begin, std::min(end, status.st_size));
    ::close(source);
    if (truncate(file.durable, status.st_size) != 0) give_up("cannot set the length of the shadow");
    file.dirty.clear();
    file.cut = LLONG_MAX;
    file.whole = false;
  }

  void sync_names() {
    const std::lock_guard lock{mutex_};
    sync_names_locked();
  }

  void sync_names_locked() {
    static auto* const rename = real<int(const char*, const char*)>("rename");
    static auto* const unlink = real<int(const char*)>("unlink");
    const auto live = names();
    for (const auto& name : live) {
      const int descriptor = ::open((folder_ + "/" + name).c_str(), O_RDONLY | O_CLOEXEC);
      struct stat status;
      if (descriptor < 0 || ::fstat(descriptor, &status) != 0) continue;  // gone meanwhile
      const std::string draft = shadow_ + "/draft", durable = shadow_ + "/names/" + name;
      unlink(draft.c_str());
      if (::link(file(descriptor, status).content.c_str(), draft.c_str()) != 0 ||
          rename(draft.c_str(), durable.c_str()) != 0) {
        give_up("cannot name a file in the shadow");
      }
      unlink(draft.c_str());  // rename() leaves it when both are the same file
      ::close(descriptor);
    }
    DIR* const directory = ::opendir((shadow_ + "/names").c_str());
    if (!directory) give_up("cannot list the shadow");
    while (const dirent* entry = ::readdir(directory)) {
      if (entry->d_type == DT_REG && std::find(live.begin(), live.end(), entry->d_name) == live.end()) {
        ::unlinkat(::dirfd(directory), entry->d_name, 0);
      }
    }
    ::closedir(directory);
  }

  std::string folder_, shadow_;
  const std::string full_;
  unsigned fastest_ = 0, slowest_ = 0;
  Inode folder_inode_{};
  std::mutex mutex_;  // guards all below
  std::map<Inode, File> files_;
  std::mt19937 random_{std::random_device{}()};
  unsigned long contents_ = 0;
};

// Before main(), so that what is there then is what was durable.
[[gnu::constructor]] void begin() { Disk::instance(); }

template <class Offset>
ssize_t write_at(const char* name, int file, const void* data, size_t size, Offset offset) {
  const off_t begin = static_cast<off_t>(offset);
  if (Disk::instance().full_for(file, begin + static_cast<off_t>(size))) return -1;
  const ssize_t written = real<ssize_t(int, const void*, size_t, Offset)>(name)(file, data, size, offset);
  if (written > 0) Disk::instance().wrote(file, begin, begin + written);
  return written;
}

int sync_with(const char* name, int file) {
  const int before = errno;
  Disk::instance().sync(file);
  errno = before;
  return real<int(int)>(name)(file);
}

template <class Offset>
int cut_with(const char* name, int file, Offset length) {
  if (Disk::instance().full_for(file, static_cast<off_t>(length))) return -1;
  const int done = real<int(int, Offset)>(name)(file, length);
  if (done == 0) Disk::instance().cut(file, static_cast<off_t>(length));
  return done;
}

}  // namespace

extern "C" {

int fsync(int file) { return sync_with("fsync", file); }
int fdatasync(int file) { return sync_with("fdatasync", file); }

ssize_t pwrite(int file, const void* data, size_t size, off_t offset) {
  return write_at("pwrite", file, data, size, offset);
}
ssize_t pwrite64(int file, const void* data, size_t size, off64_t offset) {
  return write_at("pwrite64", file, data, size, offset);
}

// Where these write, only the file's own offset says: it is copied whole.
ssize_t write(int file, const void* data, size_t size) {
  if (Disk::instance().full_for(file, LLONG_MAX)) return -1;
  const ssize_t written = real<ssize_t(int, const void*, size_t)>("write")(file, data, size);
  if (written > 0) Disk::instance().wrote_somewhere(file);
  return written;
}
ssize_t writev(int file, const iovec* pieces, int count) {
  if (Disk::instance().full_for(file, LLONG_MAX)) return -1;
  const ssize_t written = real<ssize_t(int, const iovec*, int)>("writev")(file, pieces, count);
  if (written > 0) Disk::instance().wrote_somewhere(file);
  return written;
}

int ftruncate(int file, off_t length) noexcept { return cut_with("ftruncate", file, length); }
int ftruncate64(int file, off64_t length) noexcept { return cut_with("ftruncate64", file, length); }

int unlink(const char* path) noexcept {
  struct stat status;
  const bool known = ::lstat(path, &status) == 0;
  const int done = real<int(const char*)>("unlink")(path);
  if (done == 0 && known) Disk::instance().unlinked(status);
  return done;
}

int rename(const char* from, const char* to) noexcept {
  struct stat status;
  const bool replaces = ::lstat(to, &status) == 0;
  const int done = real<int(const char*, const char*)>("rename")(from, to);
  if (done == 0 && replaces) Disk::instance().unlinked(status);
  return done;
}

}  // extern "C"
