// Reads the file into a Config: every table and key against the schema, every complaint collected with its line, then
// the rules that tie several keys together.
#include "app/config.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "app/config_schema.h"
#include "app/config_value.h"
#include "codec/charset.h"

namespace anser::app {
namespace {

using std::string_view;

constexpr std::uintmax_t kMaxFileBytes = 1 << 20;
constexpr std::size_t kMaxRows = 1'000;    // of a list of tables
constexpr std::size_t kMaxProblems = 100;  // reported of one file

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  void read(const toml::table& root);
  void check_together();
  void overrule(string_view path, const std::string& value, string_view origin);
  Result<LoadedConfig> finish();

 private:
  using Place = std::pair<string_view, std::size_t>;  // a key's path and its row

  void complain(unsigned line, std::string sentence) { problems_.emplace(line, std::move(sentence)); }
  void read_list(const Table& table, const toml::node& node, unsigned line);
  void read_table(string_view table, std::size_t row, const toml::table& content);
  void unknown_key(string_view table, string_view name, unsigned line);
  void unknown_table(string_view name, const toml::node& node, unsigned line);

  // Complains where the first of the keys is set; all of them at their default never contradict each other.
  void refuse(std::initializer_list<string_view> keys, std::string sentence);
  void check_hosts();
  unsigned line_of(string_view path, std::size_t row = 0) const;

  std::string file_;
  Config config_;
  std::map<Place, unsigned> lines_;                // of keys that the file sets
  std::map<Place, std::string> overruled_;         // origins stronger than the file
  std::multimap<unsigned, std::string> problems_;  // by line; 0 is no line
};

unsigned line_of_node(const toml::node& node) { return node.source().begin.line; }

void Reader::read(const toml::table& root) {
  for (const auto& [key, node] : root) {
    const unsigned line = key.source().begin.line;
    const Table* known = find_table(key.str());
    if (!known) {
      unknown_table(key.str(), node, line);
    } else if (known->list()) {
      read_list(*known, node, line);
    } else if (const auto* table = node.as_table()) {
      read_table(key.str(), 0, *table);
    } else {
      complain(line, fmt::format("\"{}\" is a table, write {}", key.str(), header_of(*known)));
    }
  }
}

void Reader::read_list(const Table& table, const toml::node& node, unsigned line) {
  const auto* list = node.as_array();
  if (!list || !list->is_homogeneous(toml::node_type::table)) {
    return complain(line, fmt::format("\"{}\" is a list of tables, write {}", table.name, header_of(table)));
  }
  if (list->size() > kMaxRows)
    return complain(line, fmt::format("there are more than {} of {}", kMaxRows, header_of(table)));
  set_rows(config_, table.name, list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    const toml::table& content = *(*list)[i].as_table();
    read_table(table.name, i, content);
    for (const string_view name : table.needs) {
      if (!content.contains(name))
        complain(line_of_node(content), fmt::format("this {} has no {}", header_of(table), name));
    }
  }
}

void Reader::read_table(string_view table, std::size_t row, const toml::table& content) {
  for (const auto& [name, node] : content) {
    const unsigned line = name.source().begin.line;
    const Key* key = find_key(fmt::format("{}.{}", table, name.str()));
    if (!key) {
      unknown_key(table, name.str(), line);
      continue;
    }
    const auto value = read_value(*key, node);
    if (!value) {
      complain(line, value.error().message);
      continue;
    }
    key->set(config_, row, *value);
    lines_[{key->path, row}] = line;
  }
}

void Reader::unknown_key(string_view table, string_view name, unsigned line) {
  std::vector<string_view> here;
  string_view elsewhere;
  for (const Key& key : schema()) {
    if (key.table() == table) here.push_back(key.name());
    if (key.name() == name) elsewhere = key.path;
  }
  const string_view near = nearest(name, here);
  const std::string meant = !near.empty() ? fmt::format("{}.{}", table, near) : std::string{elsewhere};
  complain(line, fmt::format("unknown key \"{}.{}\"{}", table, name,
                             meant.empty() ? "" : fmt::format(", did you mean \"{}\"?", meant)));
}

void Reader::unknown_table(string_view name, const toml::node& node, unsigned line) {
  std::vector<string_view> tables, paths;
  for (const Table& table : schema_tables()) tables.push_back(table.name);
  for (const Key& key : schema()) {
    if (key.name() == name) paths.push_back(key.path);
  }
  const bool table = node.is_table() || node.is_array_of_tables();
  std::string meant{table || paths.empty() ? nearest(name, tables) : paths.front()};
  if (!meant.empty() && table) meant = header_of(*find_table(meant));
  complain(line, fmt::format("unknown {} \"{}\"{}", table ? "table" : "key", name,
                             meant.empty() ? ""
                             : table       ? fmt::format(", did you mean {}?", meant)
                                           : fmt::format(", did you mean \"{}\"?", meant)));
}

unsigned Reader::line_of(string_view path, std::size_t row) const {
  const auto at = lines_.find({path, row});
  return at == lines_.end() ? 0 : at->second;
}

void Reader::refuse(std::initializer_list<string_view> keys, std::string sentence) {
  for (const string_view key : keys) {
    if (const unsigned line = line_of(key)) return complain(line, std::move(sentence));
  }
}

void Reader::check_hosts() {
  std::set<string_view> seen;
  for (std::size_t i = 0; i < config_.hosts.size(); ++i) {
    const Config::Host& host = config_.hosts[i];
    const unsigned name_line = line_of("host.name", i);
    if (name_line && !seen.insert(host.name).second) {
      complain(name_line, fmt::format("\"{}\" names two hosts", host.name));
    }
    for (const std::string& alias : host.aliases) {
      if (!seen.insert(alias).second) {
        complain(line_of("host.aliases", i), fmt::format("\"{}\" names two hosts", alias));
      }
    }
    if (host.certificate.empty() != host.key.empty()) {
      const bool lone_key = host.certificate.empty();
      complain(line_of(lone_key ? "host.key" : "host.certificate", i),
               fmt::format("host \"{}\" has a {} but no {}", host.name, lone_key ? "key" : "certificate",
                           lone_key ? "certificate" : "key"));
    }
  }
}

void Reader::check_together() {
  check_hosts();
  for (std::size_t i = 0; i < config_.token_keys.size(); ++i) {
    const unsigned line = line_of("token_key.file", i);
    if (config_.token_keys[i].file.empty() && line) complain(line, "token_key.file must not be empty");
  }
  const Config& c = config_;
  if (c.xmpp.listen.empty() && c.xmpp.tls_listen.empty()) {
    refuse({"xmpp.listen", "xmpp.tls_listen"}, "xmpp.listen and xmpp.tls_listen are both empty: nobody could connect");
  }
  for (const Endpoint& endpoint : c.xmpp.tls_listen) {
    if (endpoint.port != 0 && std::count(c.xmpp.listen.begin(), c.xmpp.listen.end(), endpoint) > 0) {
      refuse({"xmpp.tls_listen", "xmpp.listen"},
             fmt::format("xmpp.listen and xmpp.tls_listen both have {}", to_string(endpoint)));
    }
  }
  if (c.xmpp.ping_after.count() != 0 && c.xmpp.silent_limit.count() != 0 && c.xmpp.silent_limit <= c.xmpp.ping_after) {
    refuse({"xmpp.silent_limit", "xmpp.ping_after"},
           "xmpp.silent_limit must be longer than xmpp.ping_after, or nobody has time to answer");
  }
  const auto& ws = c.websocket;
  if (ws.ping_after.count() != 0 && ws.silent_limit.count() != 0 && ws.silent_limit <= ws.ping_after) {
    refuse({"websocket.silent_limit", "websocket.ping_after"},
           "websocket.silent_limit must be longer than websocket.ping_after, or nobody has time to answer");
  }
  if (!codec::is_charset(c.uploads.charset)) {
    refuse({"uploads.charset"}, fmt::format("uploads.charset must be a charset that ICU knows and that has ASCII in "
                                            "it, not \"{}\"",
                                            c.uploads.charset));
  }
  if (!c.uploads.address.empty() &&
      (!(c.uploads.address.starts_with("https://") || c.uploads.address.starts_with("http://")) ||
       c.uploads.address.ends_with('/') || c.uploads.address.find_first_of(" \"<>?#@") != std::string::npos)) {
    refuse({"uploads.address"},
           "uploads.address must be an address such as \"https://files.example.org\", without a "
           "slash at its end");
  }
  if (c.uploads.form_bytes < c.uploads.file_bytes) {
    refuse({"uploads.form_bytes", "uploads.file_bytes"},
           "uploads.form_bytes must hold at least one file of uploads.file_bytes");
  }
  if (c.auth.mechanisms.empty() && !c.auth.anonymous && !c.auth.iq_auth) {
    refuse({"auth.mechanisms"}, "auth.mechanisms is empty: nobody could log in");
  }
  if (c.auth.plain_without_tls && c.xmpp.tls_required) {
    refuse({"auth.plain_without_tls"}, "auth.plain_without_tls has no effect while xmpp.tls_required is true");
  }
  // Whoever has not logged in never gets more than who has.
  const auto before_login = [this](string_view path, std::size_t before, std::size_t after) {
    const Key* key = find_key(fmt::format("{}_before_login", path));
    if (before > after) refuse({key->path, path}, fmt::format("{} must not be more than {}", key->path, path));
  };
  before_login("limits.stanza_bytes", c.limits.stanza_bytes_before_login, c.limits.stanza_bytes);
  before_login("limits.depth", c.limits.depth_before_login, c.limits.depth);
  before_login("limits.elements", c.limits.elements_before_login, c.limits.elements);
  before_login("limits.attributes", c.limits.attributes_before_login, c.limits.attributes);
  before_login("limits.namespaces", c.limits.namespaces_before_login, c.limits.namespaces);
  if (c.limits.output_queue_bytes < c.limits.stanza_bytes) {
    refuse({"limits.output_queue_bytes", "limits.stanza_bytes"},
           "limits.output_queue_bytes must hold at least one stanza of limits.stanza_bytes");
  }
  if (c.limits.unacked_bytes < c.limits.stanza_bytes) {
    refuse({"limits.unacked_bytes", "limits.stanza_bytes"},
           "limits.unacked_bytes must hold at least one stanza of limits.stanza_bytes");
  }
}

void Reader::overrule(string_view path, const std::string& value, string_view origin) {
  const Key* key = find_key(path);
  const toml::value<std::string> node{value};
  const auto read = read_value(*key, node);
  if (!read) return complain(0, fmt::format("{}: {}", origin, read.error().message));
  key->set(config_, 0, *read);
  overruled_[{key->path, 0}] = origin;
}

Result<LoadedConfig> Reader::finish() {
  if (!problems_.empty()) {
    std::string lines;
    std::size_t count = 0;
    for (const auto& [line, sentence] : problems_) {
      if (count++ == kMaxProblems) break;
      if (!lines.empty()) lines += '\n';
      lines += line == 0 ? sentence : fmt::format("{}:{}: {}", file_, line, sentence);
    }
    return fail(Errc::invalid_config, "{}", lines);
  }

  LoadedConfig loaded{std::move(config_), {}};
  for (const Key& key : schema()) {
    for (std::size_t row = 0; row < rows_of(loaded.config, key.table()); ++row) {
      const auto overruled = overruled_.find({key.path, row});
      const unsigned line = line_of(key.path, row);
      loaded.settings.push_back({.path = std::string{key.path},
                                 .row = row,
                                 .value = to_toml(key, key.get(loaded.config, row)),
                                 .origin = overruled != overruled_.end() ? overruled->second
                                           : line != 0                   ? fmt::format("{}:{}", file_, line)
                                                                         : "default"});
    }
  }
  return loaded;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  struct stat about {};
  if (!file || stat(path.c_str(), &about) != 0) {
    return fail(Errc::io, "cannot read the configuration {}: {}", path, std::strerror(errno));
  }
  if (!S_ISREG(about.st_mode)) return fail(Errc::io, "cannot read the configuration {}: it is not a file", path);
  if (static_cast<std::uintmax_t>(about.st_size) > kMaxFileBytes) {
    return fail(Errc::io, "cannot read the configuration {}: it is larger than {}", path, size_text(kMaxFileBytes));
  }
  std::string text(static_cast<std::size_t>(about.st_size), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return fail(Errc::io, "cannot read the configuration {}: {}", path, std::strerror(errno));
  return text;
}

}  // namespace

ConfigChoice ConfigChoice::from_environment() {
  ConfigChoice choice;
  const auto variable = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value && *value ? std::optional<std::string>{value} : std::nullopt;
  };
  choice.environment_file = variable("ANSER_CONFIG");
  choice.environment_data = variable("ANSER_DATA");
  return choice;
}

Result<LoadedConfig> parse_config(string_view text, const std::string& file, const ConfigChoice& choice) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return fail(Errc::invalid_config, "{}:{}: {}", file, parsed.error().source().begin.line,
                parsed.error().description());
  }
  Reader reader{file};
  reader.read(parsed.table());
  if (choice.data) {
    reader.overrule("server.data", *choice.data, "command line");
  } else if (choice.environment_data) {
    reader.overrule("server.data", *choice.environment_data, "environment");
  }
  reader.check_together();
  return reader.finish();
}

Result<LoadedConfig> load_config(const ConfigChoice& choice) {
  const auto& file = choice.file ? choice.file : choice.environment_file;
  if (!file) return parse_config({}, {}, choice);
  const auto text = read_file(*file);
  if (!text) return pass(text);
  return parse_config(*text, *file, choice);
}

Reloaded take_up(const Config& running, const Config& fresh) {
  Reloaded reloaded{running, {}};
  // Other hosts, or in another order, are other keys: nothing of them can be taken up.
  const bool same_hosts = std::equal(running.hosts.begin(), running.hosts.end(), fresh.hosts.begin(), fresh.hosts.end(),
                                     [](const Config::Host& a, const Config::Host& b) { return a.name == b.name; });
  reloaded.config.token_keys = fresh.token_keys;
  for (const Key& key : schema()) {
    if ((key.table() == "host" && !same_hosts) || key.table() == "token_key") continue;
    bool restart = false;
    for (std::size_t row = 0; row < rows_of(running, key.table()); ++row) {
      const Value value = key.get(fresh, row);
      if (value == key.get(running, row)) continue;
      if (key.takes == Takes::sighup) {
        key.set(reloaded.config, row, value);
      } else {
        restart = true;
      }
    }
    if (restart) reloaded.needs_restart.emplace_back(key.path);
  }
  if (!same_hosts) reloaded.needs_restart.emplace_back("host");
  return reloaded;
}

}  // namespace anser::app
