// What an operator may set, as plain typed members. The members' defaults here are the program's defaults; everything
// else that is known about a key (its TOML path, range, meaning, whether SIGHUP takes it up) is one line in
// config_schema.cpp, from which parsing, `anser config print`, the suggestions and docs/configuration.md are made.
// A Config is a value: loaded once, then read by everybody. Only `load_config` and tests make one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace anser::app {

inline constexpr std::size_t operator""_KB(unsigned long long count) { return count * 1024; }
inline constexpr std::size_t operator""_MB(unsigned long long count) { return count * 1024 * 1024; }

// Where a listener binds: a literal IP address, without brackets, and a port (0: any free one).
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
std::string to_string(const Endpoint& endpoint);  // 0.0.0.0:5222, [::]:5222
std::optional<Endpoint> parse_endpoint(std::string_view text);

enum class ResourceConflict : std::uint8_t { replace, refuse };
enum class RegistrationMode : std::uint8_t { open, local, closed };
enum class StorageEngine : std::uint8_t { sqlite, memory };
enum class ArchiveDefault : std::uint8_t { always, never, roster };
enum class TokenAlgorithm : std::uint8_t { hs256, eddsa };
enum class SecretEncoding : std::uint8_t { raw, base64url };
enum class LogFormat : std::uint8_t { text, json };

struct Config {
  using Duration = std::chrono::milliseconds;

  struct Server {
    std::string data = "./anser-data";
    std::size_t cores = 0;  // 0: as many as the machine has
    std::size_t workers = 2;
  } server;

  struct Host {
    std::string name = "localhost";  // prepared by RFC 7622, as are the aliases
    std::vector<std::string> aliases;
    std::string certificate, key;  // PEM files; both empty: a self-signed one in the data directory
  };
  std::vector<Host> hosts{Host{}};  // never empty; no name or alias stands twice

  struct Xmpp {
    std::vector<Endpoint> listen{{"0.0.0.0", 5222}, {"::", 5222}};
    std::vector<Endpoint> tls_listen{{"0.0.0.0", 5223}, {"::", 5223}};
    bool tls_required = true;
    bool client_certificates = true;
    std::string client_ca;
    Duration login_timeout = std::chrono::seconds{60};
    Duration stanza_timeout = std::chrono::seconds{60};
    Duration write_timeout = std::chrono::seconds{60};
    Duration ping_after = std::chrono::minutes{5};     // 0: never
    Duration silent_limit = std::chrono::minutes{10};  // 0: no limit
    Duration resume_within = std::chrono::minutes{5};  // 0: never
    ResourceConflict resource_conflict = ResourceConflict::replace;
    std::size_t max_resources = 20;
    bool websocket = true;
    std::string websocket_url;
  } xmpp;

  struct Http {
    std::vector<Endpoint> listen{{"0.0.0.0", 5280}, {"::", 5280}};
    std::vector<Endpoint> tls_listen{{"0.0.0.0", 5443}, {"::", 5443}};
    std::size_t header_bytes = 16_KB;
    Duration header_timeout = std::chrono::seconds{20};
    Duration silent_limit = std::chrono::seconds{60};
    std::vector<std::string> proxies;
    bool demo = true;
  } http;

  struct WebSocket {
    bool enabled = true;
    std::size_t message_bytes = 256_KB;
    bool compression = true;
    std::vector<std::string> origins;
    bool password_without_tls = false;
    Duration ping_after = std::chrono::seconds{45};    // 0: never
    Duration silent_limit = std::chrono::seconds{90};  // 0: no limit
    Duration write_timeout = std::chrono::seconds{60};
  } websocket;

  struct Uploads {
    bool enabled = true;
    std::string host, address;
    std::vector<std::string> origins;
    std::size_t file_bytes = 100_MB;
    std::size_t form_bytes = 200_MB;
    std::size_t files_per_form = 20;
    std::size_t part_header_bytes = 4_KB;
    std::size_t quota_bytes = 1024_MB;  // 0: no limit
    bool anonymous = false;
    std::size_t anonymous_quota_bytes = 1024_MB;  // 0: no limit
    std::size_t files_per_account = 10'000;       // 0: no limit
    Duration keep_for{0};                         // 0: for ever
    Duration unfinished_for = std::chrono::hours{24};
    Duration slot_lifetime = std::chrono::minutes{5};
    std::size_t at_once = 1'024;  // on each core
    std::size_t at_once_per_account = 32;
    std::size_t slowest_bytes_per_second = 64;  // 0: no limit
    std::string charset = "GB18030";
  } uploads;

  struct Auth {
    std::vector<std::string> mechanisms{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512",
                                        "SCRAM-SHA-256",      "SCRAM-SHA-1",        "EXTERNAL",         "PLAIN"};
    bool plain_without_tls = false;
    bool sasl2_without_tls = false;
    bool anonymous = false;
    bool iq_auth = false;
    std::uint32_t scram_iterations = 10'000;
    std::size_t attempts_per_stream = 5;
    Duration token_lifetime = std::chrono::hours{28 * 24};  // 0: no tokens
    std::size_t tokens_per_account = 20;
    std::size_t failures_per_address = 50;  // 0: no limit
    Duration address_window = std::chrono::minutes{5};
    std::size_t failures_per_account = 10;  // 0: no limit
    Duration account_window = std::chrono::minutes{5};
  } auth;

  struct Tokens {
    std::string issuer, audience;  // empty: not looked at
    std::string claim = "sub";
    Duration leeway = std::chrono::minutes{1};
  } tokens;

  struct TokenKey {
    std::string id;  // empty: it may check every token of its algorithm
    TokenAlgorithm algorithm = TokenAlgorithm::hs256;
    std::string file;  // not empty
    SecretEncoding encoding = SecretEncoding::raw;
  };
  std::vector<TokenKey> token_keys;

  struct Registration {
    RegistrationMode mode = RegistrationMode::local;
    std::size_t accounts_per_stream = 1;
    std::size_t per_address_per_hour = 20;  // 0: no limit
    std::string instructions = "Choose a user name and a password.";
  } registration;

  struct Compression {
    bool enabled = false;
    int level = 6;
    int window_bits = 12;
    int memory_level = 4;
    std::size_t max_ratio = 100;
  } compression;

  struct Limits {
    std::size_t stanza_bytes = 256_KB;
    std::size_t stanza_bytes_before_login = 10_KB;
    std::size_t depth = 64;
    std::size_t depth_before_login = 10;
    std::size_t elements = 10'000;
    std::size_t elements_before_login = 100;
    std::size_t attributes = 64;
    std::size_t attributes_before_login = 16;
    std::size_t namespaces = 64;
    std::size_t namespaces_before_login = 16;
    std::size_t connections = 100'000;
    std::size_t connections_per_address = 100;  // 0: no limit
    std::size_t unfinished_bytes = 256_MB;
    std::size_t output_queue_bytes = 2_MB;
    std::size_t backlog_messages = 10'000;
    std::size_t unacked_bytes = 2_MB;
    std::size_t unacked_stanzas = 2'000;
    std::size_t held_back_stanzas = 256;
    std::size_t rate_bytes_per_second = 1_MB;  // 0: no limit
    std::size_t rate_burst_bytes = 4_MB;
    std::size_t roster_items = 1'000;
    std::size_t blocked = 1'000;
    std::size_t directed_presences = 1'000;
    std::size_t retries = 128;    // of each account; 0: none are recognised
    std::size_t groups = 10'000;  // on each core
    std::size_t groups_per_session = 100;
    std::size_t idle_accounts = 4'096;  // on each core
    std::size_t private_bytes = 1_MB;
    std::size_t vcard_bytes = 128_KB;
    std::size_t uncommitted_stanzas = 64;
    std::size_t uncommitted_bytes = 256_KB;
  } limits;

  struct Offline {
    std::size_t max_messages = 1'000;  // 0: keep none
  } offline;

  struct Push {
    std::size_t services = 10;
    bool sender = false;
    bool body = false;
  } push;

  struct Archive {
    bool enabled = true;
    ArchiveDefault otherwise = ArchiveDefault::always;
    std::size_t days = 0;      // 0: for ever
    std::size_t messages = 0;  // 0: all
    std::size_t rules = 1'000;
  } archive;

  struct Storage {
    StorageEngine engine = StorageEngine::sqlite;
    std::size_t queue = 16'384;
    std::size_t log_queue = 65'536;
    std::size_t log_queue_bytes = 64_MB;
    std::size_t tail_entries = 256'000;
    std::size_t tail_bytes = 256_MB;
  } storage;

  struct Log {
    log::Level level = log::Level::info;
    LogFormat format = LogFormat::text;
  } log;
};

// What stands above the file, strongest first: the command line, then the environment (ANSER_CONFIG, ANSER_DATA).
struct ConfigChoice {
  std::optional<std::string> file, data;  // --config, --data
  std::optional<std::string> environment_file, environment_data;

  static ConfigChoice from_environment();
};

// One effective value and where it comes from, in the order of the schema.
struct Setting {
  std::string path;     // "xmpp.listen", "host.name"
  std::size_t row = 0;  // which one of a list of tables, for its keys
  std::string value;    // as TOML
  std::string origin;   // "default", "anser.toml:12", "command line", "environment"
};

struct LoadedConfig {
  Config config;
  std::vector<Setting> settings;
};

// Reads the chosen file if there is one; without a file everything is at its default. Errc::invalid_config with one
// line for each thing that is wrong, `FILE:LINE: sentence`; Errc::io when the file cannot be read.
Result<LoadedConfig> load_config(const ConfigChoice& choice);
// The same for text at hand; `file` is only its name.
Result<LoadedConfig> parse_config(std::string_view text, const std::string& file, const ConfigChoice& choice = {});

// SIGHUP: what the running server may take up of a fresh configuration, and the paths of what it may not before it is
// started again (left as they were).
struct Reloaded {
  Config config;
  std::vector<std::string> needs_restart;
};
Reloaded take_up(const Config& running, const Config& fresh);

// `anser config print`: TOML that could be a configuration file, with each value's origin as a comment.
std::string print_settings(const std::vector<Setting>& settings);
// docs/configuration.md.
std::string configuration_page();

}  // namespace anser::app
