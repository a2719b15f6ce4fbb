#include "sdk/src/roster_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "net/file.h"
#include "sdk/src/fail.h"
#include "sdk/src/roster_items.h"
#include "xml/element.h"

namespace anser::sdk {
namespace {

constexpr xml::Name kHead{"urn:anser:roster:1", "roster"};

tl::unexpected<Error> broken(const std::string& path, std::string_view what) {
  return fail(Errc::io, "the roster cache {} {}", path, what);
}

tl::unexpected<Error> failed(const std::string& path, std::string_view what) {
  return fail(Errc::io, "the roster cache {} can't be {}: {}", path, what, std::strerror(errno));
}

Result<std::string> read_file(const std::string& path) {
  const net::File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) return failed(path, "opened");
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return failed(path, "read");
  if (!S_ISREG(facts.st_mode)) return broken(path, "is no file");
  if (static_cast<std::size_t>(facts.st_size) > RosterCache::kBytes) return broken(path, "is too long");
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  for (std::size_t done = 0; done < text.size();) {
    const auto got = ::read(file.get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path, "read");
    if (got == 0) return broken(path, "became shorter");
    done += static_cast<std::size_t>(got);
  }
  return text;
}

Result<void> write_all(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const auto written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(path, "written");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file) != 0) return failed(path, "written");
  return {};
}

// A line end in a name or a group must not be one in the file.
void append_line(std::string& out, const xml::Element& element) {
  for (const char c : element.to_string("")) c == '\n' ? out.append("&#10;") : out.append(1, c);
  out += '\n';
}

// Takes the first line off; not found: the rest, if it has no end.
std::optional<std::string_view> next_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// So that the new name is on disk too. A file system that can't is no reason to have no cache.
void sync_folder(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  const net::File file{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (file) static_cast<void>(::fsync(file.get()));
}

}  // namespace

Result<RosterCache> RosterCache::load(const std::string& path, const std::string& account, const std::string& service) {
  const auto text = read_file(path);
  if (!text) return pass(text);
  std::string_view rest = *text;
  const auto first = next_line(rest);
  const auto head = first ? xml::parse_element(*first) : anser::fail(anser::Errc::bad_request, "no line");
  if (!head || !head->is(kHead)) return broken(path, "is none");
  if (head->attr("account") != account || head->attr("service") != service) return broken(path, "is another account's");
  const auto count = number(head->attr("items"));
  if (!count || *count > kEntries) return broken(path, "does not say how long it is");
  RosterCache cache{account, service, std::string{head->attr("ver")}};
  cache.entries.reserve(*count);
  while (cache.entries.size() < *count) {
    const auto line = next_line(rest);
    if (!line) return broken(path, "is not whole");
    const auto item = xml::parse_element(*line);
    if (!item || !item->is({kRosterNs, "item"})) return broken(path, "holds what is no contact");
    auto entry = read_item(*item);
    if (!entry || entry->subscription == RosterEntry::Subscription::remove)
      return broken(path, "holds what is no contact");
    cache.entries.push_back(std::move(*entry));
  }
  if (!rest.empty()) return broken(path, "is longer than it says");
  return cache;
}

Result<void> RosterCache::save(const std::string& path) const {
  std::string text;
  xml::Element head{kHead};
  head.attr("account", account).attr("service", service).attr("ver", version);
  append_line(text, head.attr("items", std::to_string(entries.size())));
  for (const auto& entry : entries) append_line(text, write_item(entry));

  std::string temporary = path + ".XXXXXX";
  net::File file{::mkostemp(temporary.data(), O_CLOEXEC)};  // only the owner can read it
  if (!file) return failed(path, "made");
  if (auto written = write_all(file.get(), text, path); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto error = failed(path, "replaced");
    ::unlink(temporary.c_str());
    return error;
  }
  sync_folder(path);
  return {};
}

}  // namespace anser::sdk
