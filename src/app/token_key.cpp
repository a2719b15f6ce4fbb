#include "app/token_key.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/random.h"
#include "net/file.h"

namespace anser::app {
namespace {

constexpr std::size_t kKeyBytes = 32;

}  // namespace

Result<std::string> token_key(const std::filesystem::path& file) {
  std::string key(kKeyBytes + 1, '\0');  // one more, to see a longer file
  if (const net::File there{::open(file.c_str(), O_RDONLY | O_CLOEXEC)}) {
    if (::read(there.get(), key.data(), key.size()) != static_cast<ssize_t>(kKeyBytes))
      return fail(Errc::invalid_config, "{} is not a key of {} bytes", file.string(), kKeyBytes);
    key.pop_back();
    return key;
  }
  if (errno != ENOENT) return fail(Errc::invalid_config, "{} cannot be read: {}", file.string(), std::strerror(errno));

  // Under another name first: a crash leaves no half of a key.
  key = core::random_bytes(kKeyBytes);
  const std::filesystem::path draft = file.string() + ".new";
  const net::File made{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!made || ::write(made.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size()) ||
      ::fsync(made.get()) != 0 || ::rename(draft.c_str(), file.c_str()) != 0) {
    return fail(Errc::invalid_config, "{} cannot be written: {}", file.string(), std::strerror(errno));
  }
  return key;
}

}  // namespace anser::app
