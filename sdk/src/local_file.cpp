#include "sdk/src/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "core/random.h"

namespace anser::sdk {
namespace {

tl::unexpected<Error> failed(std::string_view what, const std::string& path) {
  return fail(Errc::io, "{} {}: {}", what, path, std::strerror(errno));
}

}  // namespace

Result<FileReader> FileReader::open(const std::string& path) {
  FileReader reader;
  reader.path_ = path;
  reader.name_ = path.substr(path.rfind('/') + 1);
  reader.file_ = net::File{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // a pipe must not hold us
  if (!reader.file_) return failed("cannot read", path);
  struct stat facts {};
  if (::fstat(reader.file_.get(), &facts) != 0) return failed("cannot read", path);
  if (!S_ISREG(facts.st_mode)) return fail(Errc::io, "{} is no file", path);
  reader.size_ = static_cast<std::uint64_t>(facts.st_size);
  return reader;
}

Result<std::string> FileReader::read(std::uint64_t offset, std::size_t size) const {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::pread(file_.get(), bytes.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("cannot read", path_);
    if (got == 0) return fail(Errc::io, "{} has become shorter", path_);
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<FileWriter> FileWriter::make(const std::string& path, bool overwrite) {
  const auto slash = path.rfind('/') + 1;  // 0 without one
  if (slash == path.size()) return fail(Errc::invalid_argument, "\"{}\" names no file", path);
  struct stat facts {};
  if (!overwrite && ::lstat(path.c_str(), &facts) == 0) return fail(Errc::io, "{} is there already", path);
  FileWriter writer;
  writer.path_ = path;
  writer.overwrite_ = overwrite;
  constexpr std::size_t kNameBytes = 200;  // so that the name with what is added is none too long
  std::string part = path.substr(0, slash) + "." + path.substr(slash, kNameBytes) + "." + core::random_id(8) + ".part";
  constexpr mode_t kMode = 0666;  // less what the umask says
  writer.file_ = net::File{::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode)};
  if (!writer.file_) return failed("cannot write", part);
  writer.part_ = std::move(part);
  return writer;
}

FileWriter::~FileWriter() {
  if (!part_.empty()) ::unlink(part_.c_str());
}

Result<void> FileWriter::write(std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("cannot write", part_);
    offset += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> FileWriter::truncate() {
  if (::ftruncate(file_.get(), 0) != 0) return failed("cannot write", part_);
  return {};
}

Result<void> FileWriter::put_into_place() {
  if (::fsync(file_.get()) != 0) return failed("cannot write", part_);
  const unsigned how = overwrite_ ? 0 : RENAME_NOREPLACE;
  int moved = ::renameat2(AT_FDCWD, part_.c_str(), AT_FDCWD, path_.c_str(), how);
  if (moved != 0 && errno == EINVAL && how != 0) {  // a file system without it: a link is never made over a file
    moved = ::link(part_.c_str(), path_.c_str());
    if (moved == 0) ::unlink(part_.c_str());
  }
  if (moved != 0) return failed("cannot write", path_);
  part_.clear();
  return {};
}

}  // namespace anser::sdk
