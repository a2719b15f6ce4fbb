#include "app/config_schema.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <type_traits>

#include "core/password.h"

namespace anser::app {
namespace {

using std::string_view;

// ---- between members and Values -------------------------------------------------------------------------------------

// The names of an enumeration's values, in their order.
constexpr std::array<string_view, 2> names(TokenAlgorithm) { return {"HS256", "EdDSA"}; }
constexpr std::array<string_view, 2> names(SecretEncoding) { return {"raw", "base64url"}; }
constexpr std::array<string_view, 4> names(log::Level) { return {"debug", "info", "warn", "error"}; }
constexpr std::array<string_view, 2> names(LogFormat) { return {"text", "json"}; }
constexpr std::array<string_view, 3> names(ArchiveDefault) { return {"always", "never", "roster"}; }
constexpr std::array<string_view, 2> names(StorageEngine) { return {"sqlite", "memory"}; }
constexpr std::array<string_view, 2> names(ResourceConflict) { return {"replace", "refuse"}; }
constexpr std::array<string_view, 3> names(RegistrationMode) { return {"open", "local", "closed"}; }

template <class T>
Value to_value(const T& member) {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string> ||
                std::is_same_v<T, std::vector<std::string>>) {
    return member;
  } else if constexpr (std::is_same_v<T, Config::Duration>) {
    return std::int64_t{member.count()};
  } else if constexpr (std::is_same_v<T, std::vector<Endpoint>>) {
    std::vector<std::string> texts;
    for (const Endpoint& endpoint : member) texts.push_back(to_string(endpoint));
    return texts;
  } else if constexpr (std::is_enum_v<T>) {
    return std::string{names(T{})[static_cast<std::size_t>(member)]};
  } else {
    return static_cast<std::int64_t>(member);
  }
}

// The value is of the key's type and in its range: the reader has seen to that.
template <class T>
void from_value(const Value& value, T& member) {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string> ||
                std::is_same_v<T, std::vector<std::string>>) {
    member = std::get<T>(value);
  } else if constexpr (std::is_same_v<T, Config::Duration>) {
    member = Config::Duration{std::get<std::int64_t>(value)};
  } else if constexpr (std::is_same_v<T, std::vector<Endpoint>>) {
    member.clear();
    for (const std::string& text : std::get<std::vector<std::string>>(value)) {
      if (auto endpoint = parse_endpoint(text)) member.push_back(std::move(*endpoint));
    }
  } else if constexpr (std::is_enum_v<T>) {
    const auto all = names(T{});
    const auto at = std::find(all.begin(), all.end(), std::get<std::string>(value));
    member = static_cast<T>(at - all.begin());
  } else {
    member = static_cast<T>(std::get<std::int64_t>(value));
  }
}

template <class Reach>
Key make_key(string_view path, KeyType type, Range range, Takes takes, string_view meaning, Reach reach) {
  return Key{
      .path = path,
      .type = type,
      .range = range,
      .takes = takes,
      .meaning = meaning,
      .choices = {},
      .get =
          [reach](const Config& config, std::size_t host) {
            return to_value(reach(const_cast<Config&>(config), host));  // only read
          },
      .set = [reach](Config& config, std::size_t host, const Value& value) { from_value(value, reach(config, host)); }};
}

// row<&Config::limits, &Config::Limits::depth>(…): a key of a table; row<&Config::Host::name>(…): of [[host]].
template <auto Section, auto Member>
Key row(string_view path, KeyType type, Range range, Takes takes, string_view meaning) {
  return make_key(path, type, range, takes, meaning,
                  [](Config& config, std::size_t) -> auto& { return (config.*Section).*Member; });
}
template <auto Member>
Key row(string_view path, KeyType type, Range range, Takes takes, string_view meaning) {
  return make_key(path, type, range, takes, meaning,
                  [](Config& config, std::size_t host) -> auto& { return config.hosts[host].*Member; });
}
// The key of a [[token_key]].
template <auto Member>
Key token_row(string_view path, KeyType type, Range range, string_view meaning) {
  Key key = make_key(path, type, range, Takes::sighup, meaning,
                     [](Config& config, std::size_t row) -> auto& { return config.token_keys[row].*Member; });
  using Kind = std::remove_cvref_t<decltype(std::declval<Config::TokenKey&>().*Member)>;
  if constexpr (std::is_enum_v<Kind>) {
    for (const string_view name : names(Kind{})) key.choices.push_back(name);
  }
  return key;
}
template <auto Section, auto Member>
Key choice(string_view path, Takes takes, string_view meaning) {
  Key key = row<Section, Member>(path, KeyType::choice, {}, takes, meaning);
  using Enum = std::remove_cvref_t<decltype((std::declval<Config&>().*Section).*Member)>;
  for (const string_view name : names(Enum{})) key.choices.push_back(name);
  return key;
}

// ---- the table ------------------------------------------------------------------------------------------------------

constexpr std::int64_t kSecond = 1'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr std::int64_t kKB = 1'024, kMB = 1'024 * kKB, kGB = 1'024 * kMB, kTB = 1'024 * kGB;
constexpr std::int64_t kMany = 100'000'000;
// RFC 6120 §13.12: a server must not refuse smaller stanzas.
constexpr std::int64_t kSmallestStanzaLimit = 10'000;
constexpr Range kAny{};
constexpr Range kPath{1, 4'096};
constexpr Range kPathOrNone{0, 4'096};

constexpr auto kBoolean = KeyType::boolean;
constexpr auto kInteger = KeyType::integer;
constexpr auto kSize = KeyType::size;
constexpr auto kDuration = KeyType::duration;
constexpr auto kText = KeyType::text;
constexpr auto kSighup = Takes::sighup;
constexpr auto kRestart = Takes::restart;

std::vector<Key> make_server_keys() {
  using C = Config;
  using S = Config::Server;
  return {
      row<&C::server, &S::data>("server.data", kText, kPath, kRestart,
                                "Directory of the databases, the self-signed certificate and the control socket."),
      row<&C::server, &S::cores>("server.cores", kInteger, {1, 64, "one for each processor"}, kRestart,
                                 "Event loops, each with its own thread."),
      row<&C::server, &S::workers>("server.workers", kInteger, {1, 64}, kRestart,
                                   "Threads that derive keys from passwords."),
  };
}

std::vector<Key> make_host_keys() {
  using H = Config::Host;
  return {
      row<&H::name>("host.name", KeyType::domain, kAny, kRestart, "The domain behind the @ of its accounts."),
      row<&H::aliases>("host.aliases", KeyType::domains, {0, 100}, kRestart,
                       "Other names for the same host; stanzas to them go to it."),
      row<&H::certificate>("host.certificate", kText, kPathOrNone, kSighup,
                           "PEM file with the certificate and its chain; without one a self-signed certificate is made "
                           "in the data directory."),
      row<&H::key>("host.key", kText, kPathOrNone, kSighup, "PEM file with the certificate's private key."),
  };
}

std::vector<Key> make_xmpp_keys() {
  using C = Config;
  using X = Config::Xmpp;
  return {
      row<&C::xmpp, &X::listen>("xmpp.listen", KeyType::endpoints, {0, 64}, kRestart,
                                "Where to listen for XMPP that begins in plain text and offers STARTTLS."),
      row<&C::xmpp, &X::tls_listen>("xmpp.tls_listen", KeyType::endpoints, {0, 64}, kRestart,
                                    "Where to listen for XMPP over TLS from the first byte."),
      row<&C::xmpp, &X::tls_required>("xmpp.tls_required", kBoolean, kAny, kSighup,
                                      "Whether a client must use TLS before it logs in or sends stanzas."),
      row<&C::xmpp, &X::client_certificates>("xmpp.client_certificates", kBoolean, kAny, kSighup,
                                             "Whether clients are asked, never forced, to show a certificate."),
      row<&C::xmpp, &X::client_ca>("xmpp.client_ca", kText, kPathOrNone, kSighup,
                                   "PEM file of those who may sign clients' certificates (SASL EXTERNAL); without one "
                                   "clients are not asked."),
      row<&C::xmpp, &X::login_timeout>("xmpp.login_timeout", kDuration, {kSecond, kHour}, kSighup,
                                       "Time from connecting to a bound resource; then the stream is closed."),
      row<&C::xmpp, &X::stanza_timeout>("xmpp.stanza_timeout", kDuration, {kSecond, kHour}, kSighup,
                                        "Time from a stanza's first byte to its last; then the stream is closed."),
      row<&C::xmpp, &X::write_timeout>("xmpp.write_timeout", kDuration, {kSecond, kHour}, kSighup,
                                       "How long a client may take nothing of what waits for it; then it is "
                                       "disconnected and its messages wait for its next login."),
      row<&C::xmpp, &X::ping_after>("xmpp.ping_after", kDuration, {kSecond, kDay, "never"}, kSighup,
                                    "Silence after which the server asks a client whether it is still there."),
      row<&C::xmpp, &X::silent_limit>("xmpp.silent_limit", kDuration, {kSecond, 7 * kDay, "no limit"}, kSighup,
                                      "Silence after which a session is taken for dead and ended."),
      row<&C::xmpp, &X::resume_within>("xmpp.resume_within", kDuration, {kSecond, kDay, "not at all"}, kSighup,
                                       "How long a session with stream management waits for a client that has lost "
                                       "its connection; then its messages go elsewhere or wait."),
      choice<&C::xmpp, &X::resource_conflict>(
          "xmpp.resource_conflict", kSighup,
          "Whether a new session with a resource that is online replaces the old one or is refused."),
      row<&C::xmpp, &X::max_resources>("xmpp.max_resources", kInteger, {1, 1'000}, kSighup,
                                       "Sessions that one account may have at a time."),
      row<&C::xmpp, &X::websocket>("xmpp.websocket", kBoolean, kAny, kRestart,
                                   "Whether XMPP is spoken over WebSocket (RFC 7395), at /xmpp-websocket of the HTTP "
                                   "ports."),
      row<&C::xmpp, &X::websocket_url>("xmpp.websocket_url", kText, {0, 1'000}, kSighup,
                                       "Where that is, for clients that ask /.well-known/host-meta (XEP-0156); without "
                                       "one, where they have asked."),
  };
}

std::vector<Key> make_auth_keys() {
  using C = Config;
  using A = Config::Auth;
  Key mechanisms = row<&C::auth, &A::mechanisms>("auth.mechanisms", KeyType::choices, {0, 8}, kSighup,
                                                 "SASL mechanisms to offer, where the connection allows them.");
  mechanisms.choices = {"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512",
                        "SCRAM-SHA-256",      "SCRAM-SHA-1",        "EXTERNAL",         "PLAIN"};
  return {
      mechanisms,
      row<&C::auth, &A::plain_without_tls>("auth.plain_without_tls", kBoolean, kAny, kSighup,
                                           "Whether passwords may cross a connection without TLS."),
      row<&C::auth, &A::sasl2_without_tls>("auth.sasl2_without_tls", kBoolean, kAny, kSighup,
                                           "Whether SASL2 is offered without TLS too, against XEP-0388: for "
                                           "measurements on one machine."),
      row<&C::auth, &A::anonymous>("auth.anonymous", kBoolean, kAny, kSighup,
                                   "Whether anybody may log in without an account, with SASL ANONYMOUS."),
      row<&C::auth, &A::iq_auth>("auth.iq_auth", kBoolean, kAny, kSighup,
                                 "Whether the login of before 2004 (XEP-0078, password form) is offered."),
      row<&C::auth, &A::scram_iterations>("auth.scram_iterations", kInteger, {core::kMinIterations, 1'000'000}, kSighup,
                                          "Work put into the keys of a new password; old accounts keep theirs."),
      row<&C::auth, &A::attempts_per_stream>("auth.attempts_per_stream", kInteger, {1, 100}, kSighup,
                                             "Failed logins on one stream before it is closed."),
      row<&C::auth, &A::token_lifetime>("auth.token_lifetime", kDuration, {kSecond, 366 * kDay, "no tokens"}, kSighup,
                                        "How long a client may log in again with a token (FAST) instead of a "
                                        "password; it gets another when half of that is over."),
      row<&C::auth, &A::tokens_per_account>("auth.tokens_per_account", kInteger, {1, 1'000}, kSighup,
                                            "Clients of one account that may have such a token; the one whose is the "
                                            "oldest gives way."),
      row<&C::auth, &A::failures_per_address>("auth.failures_per_address", kInteger, {1, kMany, "no limit"}, kRestart,
                                              "Failed logins from one IP address in auth.address_window; "
                                              "then it is slowed down."),
      row<&C::auth, &A::address_window>("auth.address_window", kDuration, {kSecond, kDay}, kRestart,
                                        "Time in which an address's failed logins are counted."),
      row<&C::auth, &A::failures_per_account>("auth.failures_per_account", kInteger, {1, kMany, "no limit"}, kRestart,
                                              "Failed logins to one account in auth.account_window; "
                                              "then it is slowed down."),
      row<&C::auth, &A::account_window>("auth.account_window", kDuration, {kSecond, kDay}, kRestart,
                                        "Time in which an account's failed logins are counted."),
  };
}

std::vector<Key> make_http_keys() {
  using C = Config;
  using H = Config::Http;
  using W = Config::WebSocket;
  return {
      row<&C::http, &H::listen>("http.listen", KeyType::endpoints, {0, 64}, kRestart,
                                "Where to listen for HTTP and WebSocket in plain text."),
      row<&C::http, &H::tls_listen>("http.tls_listen", KeyType::endpoints, {0, 64}, kRestart,
                                    "Where to listen for HTTP and WebSocket over TLS."),
      row<&C::http, &H::header_bytes>("http.header_bytes", kSize, {kKB, kMB}, kSighup,
                                      "Largest head of a request: its first line and its fields."),
      row<&C::http, &H::header_timeout>("http.header_timeout", kDuration, {kSecond, kHour}, kSighup,
                                        "Time for a request's head, and on a WebSocket for signing in with the first "
                                        "frame."),
      row<&C::http, &H::silent_limit>("http.silent_limit", kDuration, {kSecond, kHour}, kSighup,
                                      "Silence after which a connection is closed: between two requests, or inside of "
                                      "one's body."),
      row<&C::http, &H::proxies>("http.proxies", KeyType::networks, {0, 100}, kSighup,
                                 "Proxies that take TLS off and tell the client's address in X-Forwarded-For; of "
                                 "anybody else that field is not believed."),
      row<&C::http, &H::demo>("http.demo", kBoolean, kAny, kRestart,
                              "Whether the page at /demo/ is served, a small chat to try the WebSocket door with."),
      row<&C::websocket, &W::enabled>("websocket.enabled", kBoolean, kAny, kRestart,
                                      "Whether apps may connect at /ws."),
      row<&C::websocket, &W::message_bytes>("websocket.message_bytes", kSize, {kKB, 64 * kMB}, kSighup,
                                            "Largest message, after it was inflated."),
      row<&C::websocket, &W::compression>("websocket.compression", kBoolean, kAny, kSighup,
                                          "Whether permessage-deflate is agreed on with clients that offer it."),
      row<&C::websocket, &W::origins>("websocket.origins", KeyType::origins, {0, 100}, kSighup,
                                      "Pages that may connect beside those that came from the same host and port, as "
                                      "browsers write them: https://app.example. \"*\" is all."),
      row<&C::websocket, &W::password_without_tls>("websocket.password_without_tls", kBoolean, kAny, kSighup,
                                                   "Whether passwords and tokens are taken over connections without "
                                                   "TLS from other machines; from this one they are."),
      row<&C::websocket, &W::ping_after>("websocket.ping_after", kDuration, {kSecond, kDay, "never"}, kSighup,
                                         "Silence after which the server sends a ping."),
      row<&C::websocket, &W::silent_limit>("websocket.silent_limit", kDuration, {kSecond, kDay, "no limit"}, kSighup,
                                           "Silence after which a client is taken for gone."),
      row<&C::websocket, &W::write_timeout>("websocket.write_timeout", kDuration, {kSecond, kHour}, kSighup,
                                            "How long a client may take nothing of what waits for it; then it is "
                                            "disconnected and its messages wait for it."),
  };
}

std::vector<Key> make_upload_keys() {
  using C = Config;
  using U = Config::Uploads;
  return {
      row<&C::uploads, &U::enabled>("uploads.enabled", kBoolean, kAny, kRestart,
                                    "Whether files are taken and served at /upload, /uploads and /files."),
      row<&C::uploads, &U::host>("uploads.host", kText, {0, 253}, kSighup,
                                 "The only name that files are served under, better one that nothing else has; without "
                                 "one, every name."),
      row<&C::uploads, &U::address>("uploads.address", kText, {0, 1'000}, kSighup,
                                    "What addresses of files begin with, https://files.example.org; without one, the "
                                    "name and the port that were asked."),
      row<&C::uploads, &U::origins>("uploads.origins", KeyType::origins, {0, 100}, kSighup,
                                    "Pages that may send files beside those that came from the same host and port."),
      row<&C::uploads, &U::file_bytes>("uploads.file_bytes", kSize, {1, kTB}, kSighup, "Largest file."),
      row<&C::uploads, &U::form_bytes>("uploads.form_bytes", kSize, {1, kTB}, kSighup,
                                       "Largest form, with all its files."),
      row<&C::uploads, &U::files_per_form>("uploads.files_per_form", kInteger, {1, 10'000}, kSighup,
                                           "Files that one form may have."),
      row<&C::uploads, &U::part_header_bytes>("uploads.part_header_bytes", kSize, {512, 64 * kKB}, kSighup,
                                              "Largest header of a part of a form."),
      row<&C::uploads, &U::quota_bytes>("uploads.quota_bytes", kSize, {1, 1'024 * kTB, "no limit"}, kSighup,
                                        "What the files of one account may have together."),
      row<&C::uploads, &U::anonymous>("uploads.anonymous", kBoolean, kAny, kSighup,
                                      "Whether people without an account may send files."),
      row<&C::uploads, &U::anonymous_quota_bytes>("uploads.anonymous_quota_bytes", kSize, {1, 1'024 * kTB, "no limit"},
                                                  kSighup, "What all their files may have together."),
      row<&C::uploads, &U::files_per_account>(
          "uploads.files_per_account", kInteger, {1, 10'000'000, "no limit"}, kSighup,
          "Files of one account, or of all people without one; unfinished ones count."),
      row<&C::uploads, &U::keep_for>("uploads.keep_for", kDuration, {kMinute, 36'500 * kDay, "for ever"}, kSighup,
                                     "How long a file is kept."),
      row<&C::uploads, &U::unfinished_for>("uploads.unfinished_for", kDuration, {kMinute, 365 * kDay}, kSighup,
                                           "How long an upload that has stopped may go on."),
      row<&C::uploads, &U::slot_lifetime>("uploads.slot_lifetime", kDuration, {10 * kSecond, kDay}, kSighup,
                                          "How long an XMPP client may wait before it uses a slot (XEP-0363)."),
      row<&C::uploads, &U::at_once>("uploads.at_once", kInteger, {1, 1'000'000}, kSighup,
                                    "Uploads under way on each core; more are told to come back."),
      row<&C::uploads, &U::at_once_per_account>("uploads.at_once_per_account", kInteger, {1, 100'000}, kSighup,
                                                "The same of one account."),
      row<&C::uploads, &U::slowest_bytes_per_second>("uploads.slowest_bytes_per_second", kSize, {1, kGB, "no limit"},
                                                     kSighup,
                                                     "What an upload must bring on average once it has had a minute; "
                                                     "slower ones end."),
      row<&C::uploads, &U::charset>("uploads.charset", kText, {1, 60}, kSighup,
                                    "Charset of names and fields of forms that are not UTF-8 and name none."),
  };
}

std::vector<Key> make_token_keys() {
  using C = Config;
  using T = Config::Tokens;
  using K = Config::TokenKey;
  return {
      row<&C::tokens, &T::issuer>("tokens.issuer", kText, {0, 1'000}, kSighup,
                                  "What a token's `iss` must be; without one it is not looked at."),
      row<&C::tokens, &T::audience>("tokens.audience", kText, {0, 1'000}, kSighup,
                                    "What a token's `aud` must be or hold; without one it is not looked at."),
      row<&C::tokens, &T::claim>("tokens.claim", kText, {1, 100}, kSighup,
                                 "The claim with the account: a name, or an address of a host of this server."),
      row<&C::tokens, &T::leeway>("tokens.leeway", kDuration, {kSecond, kHour, "none"}, kSighup,
                                  "How far the clocks of issuer and server may be apart."),
      token_row<&K::id>("token_key.id", kText, {0, 200},
                        "If it has one, it checks only tokens that name it (`kid`) or that name none."),
      token_row<&K::algorithm>("token_key.algorithm", KeyType::choice, {},
                               "What it checks: HS256 with a secret, EdDSA with a public key of Ed25519."),
      token_row<&K::file>("token_key.file", kText, kPathOrNone,
                          "The secret, at least 32 bytes of it; or a PEM file with the public key."),
      token_row<&K::encoding>("token_key.encoding", KeyType::choice, {},
                              "How a file holds a secret; a line's end at its end is no part of it."),
  };
}

std::vector<Key> make_registration_keys() {
  using C = Config;
  using R = Config::Registration;
  return {
      choice<&C::registration, &R::mode>("registration.mode", kSighup,
                                         "Who may make an account in-band: anybody, clients on this machine, nobody."),
      row<&C::registration, &R::accounts_per_stream>("registration.accounts_per_stream", kInteger, {1, 100'000},
                                                     kSighup, "Accounts that one stream may make before it logs in."),
      row<&C::registration, &R::per_address_per_hour>("registration.per_address_per_hour", kInteger,
                                                      {1, kMany, "no limit"}, kRestart,
                                                      "Accounts that one IP address may make in an hour."),
      row<&C::registration, &R::instructions>("registration.instructions", kText, {0, 2'000}, kSighup,
                                              "What a client shows to somebody who registers."),
  };
}

std::vector<Key> make_compression_keys() {
  using C = Config;
  using Z = Config::Compression;
  return {
      row<&C::compression, &Z::enabled>("compression.enabled", kBoolean, kAny, kSighup,
                                        "Whether zlib (XEP-0138) is offered after login; it may betray what is under "
                                        "TLS."),
      row<&C::compression, &Z::level>("compression.level", kInteger, {1, 9}, kSighup, "From fast (1) to small (9)."),
      row<&C::compression, &Z::window_bits>("compression.window_bits", kInteger, {9, 15}, kSighup,
                                            "Power of two of the window for what the server sends; 4 << window_bits "
                                            "bytes a session."),
      row<&C::compression, &Z::memory_level>("compression.memory_level", kInteger, {1, 9}, kSighup,
                                             "zlib's memory level for what the server sends; 512 << memory_level bytes "
                                             "a session."),
      row<&C::compression, &Z::max_ratio>("compression.max_ratio", kInteger, {10, 1'100}, kSighup,
                                          "Times that what a client sends may grow when it is inflated; beyond it is a "
                                          "bomb."),
  };
}

std::vector<Key> make_limit_keys() {
  using C = Config;
  using L = Config::Limits;
  return {
      row<&C::limits, &L::stanza_bytes>("limits.stanza_bytes", kSize, {kSmallestStanzaLimit, 64 * kMB}, kSighup,
                                        "Largest stanza after login."),
      row<&C::limits, &L::stanza_bytes_before_login>("limits.stanza_bytes_before_login", kSize,
                                                     {kSmallestStanzaLimit, kMB}, kSighup,
                                                     "Largest element before login."),
      row<&C::limits, &L::depth>("limits.depth", kInteger, {8, 1'000}, kSighup,
                                 "Elements nested in each other, the stanza included."),
      row<&C::limits, &L::depth_before_login>("limits.depth_before_login", kInteger, {4, 1'000}, kSighup,
                                              "The same before login."),
      row<&C::limits, &L::elements>("limits.elements", kInteger, {100, 1'000'000}, kSighup, "Elements in one stanza."),
      row<&C::limits, &L::elements_before_login>("limits.elements_before_login", kInteger, {20, 1'000'000}, kSighup,
                                                 "The same before login."),
      row<&C::limits, &L::attributes>("limits.attributes", kInteger, {8, 10'000}, kSighup,
                                      "Attributes of one element, namespace declarations included."),
      row<&C::limits, &L::attributes_before_login>("limits.attributes_before_login", kInteger, {8, 10'000}, kSighup,
                                                   "The same before login."),
      row<&C::limits, &L::namespaces>("limits.namespaces", kInteger, {8, 10'000}, kSighup,
                                      "Namespace declarations in force at once, the stream's included."),
      row<&C::limits, &L::namespaces_before_login>("limits.namespaces_before_login", kInteger, {8, 10'000}, kSighup,
                                                   "The same before login."),
      row<&C::limits, &L::connections>("limits.connections", kInteger, {1, 10'000'000}, kRestart,
                                       "Connections to this server, logged in or not."),
      row<&C::limits, &L::connections_per_address>("limits.connections_per_address", kInteger, {1, kMany, "no limit"},
                                                   kRestart, "Connections of one IP address that have not logged in."),
      row<&C::limits, &L::unfinished_bytes>(
          "limits.unfinished_bytes", kSize, {kMB, 64 * kGB}, kSighup,
          "What is kept of unfinished stanzas, of all sessions together; beyond, a session with a large one ends."),
      row<&C::limits, &L::output_queue_bytes>(
          "limits.output_queue_bytes", kSize, {64 * kKB, kGB}, kSighup,
          "Bytes that wait for a client that does not read; then its session ends."),
      row<&C::limits, &L::backlog_messages>("limits.backlog_messages", kInteger, {100, kMany}, kSighup,
                                            "Messages that wait for a session that does not keep up; then it ends."),
      row<&C::limits, &L::unacked_bytes>(
          "limits.unacked_bytes", kSize, {64 * kKB, kGB}, kSighup,
          "Bytes that a client with stream management has not confirmed; then its session ends."),
      row<&C::limits, &L::unacked_stanzas>("limits.unacked_stanzas", kInteger, {10, kMany}, kSighup,
                                           "The same in stanzas."),
      row<&C::limits, &L::held_back_stanzas>(
          "limits.held_back_stanzas", kInteger, {1, 100'000, "nothing waits"}, kSighup,
          "Presence and chat states that wait while a client says it is inactive; then all are sent."),
      row<&C::limits, &L::rate_bytes_per_second>("limits.rate_bytes_per_second", kSize, {kKB, kGB, "no limit"}, kSighup,
                                                 "What the server reads of one session in a second, on average."),
      row<&C::limits, &L::rate_burst_bytes>("limits.rate_burst_bytes", kSize, {kKB, kGB}, kSighup,
                                            "What it reads at once before that rate counts."),
      row<&C::limits, &L::roster_items>("limits.roster_items", kInteger, {1, 100'000}, kSighup,
                                        "Contacts of one account."),
      row<&C::limits, &L::blocked>("limits.blocked", kInteger, {1, 100'000}, kSighup,
                                   "Addresses that one account may block."),
      row<&C::limits, &L::directed_presences>("limits.directed_presences", kInteger, {10, 100'000}, kSighup,
                                              "Addresses beside its contacts to which one session shows presence."),
      row<&C::limits, &L::retries>(
          "limits.retries", kInteger, {1, 4'096, "none are recognised"}, kSighup,
          "Messages of one account that are remembered, so that one which its client sends again is delivered once."),
      row<&C::limits, &L::groups>("limits.groups", kInteger, {1, 10'000'000}, kSighup,
                                  "Groups that each core keeps in memory: those with subscribers."),
      row<&C::limits, &L::groups_per_session>("limits.groups_per_session", kInteger, {1, 100'000}, kSighup,
                                              "Groups that one session may subscribe to."),
      row<&C::limits, &L::idle_accounts>("limits.idle_accounts", kInteger, {16, 10'000'000}, kSighup,
                                         "Accounts that each core keeps in memory while nobody uses them."),
      row<&C::limits, &L::private_bytes>("limits.private_bytes", kSize, {kKB, kGB}, kSighup,
                                         "Private XML (XEP-0049) of one account, all told."),
      row<&C::limits, &L::vcard_bytes>("limits.vcard_bytes", kSize, {kKB, 64 * kMB}, kSighup,
                                       "An account's vCard (XEP-0054), picture included."),
      row<&C::limits, &L::uncommitted_stanzas>("limits.uncommitted_stanzas", kInteger, {1, 10'000}, kSighup,
                                               "Stanzas of one session not yet on disk; beyond, the server stops "
                                               "reading from it."),
      row<&C::limits, &L::uncommitted_bytes>("limits.uncommitted_bytes", kSize, {16 * kKB, kGB}, kSighup,
                                             "The same in bytes."),
  };
}

std::vector<Key> make_storage_keys() {
  using C = Config;
  return {
      row<&C::offline, &Config::Offline::max_messages>("offline.max_messages", kInteger, {1, 1'000'000, "keep none"},
                                                       kSighup,
                                                       "Messages kept for one account while nobody is there to read."),
      row<&C::push, &Config::Push::services>("push.services", kInteger, {1, 1'000, "none"}, kSighup,
                                             "Push services, or nodes of one, that an account may have told of its "
                                             "news."),
      row<&C::push, &Config::Push::sender>("push.sender", kBoolean, kAny, kSighup,
                                           "Whether notifications name the sender; push services are third parties."),
      row<&C::push, &Config::Push::body>("push.body", kBoolean, kAny, kSighup,
                                         "Whether they quote the text of the message."),
      row<&C::archive, &Config::Archive::enabled>("archive.enabled", kBoolean, kAny, kSighup,
                                                  "Whether messages are kept for their sender and recipient to look "
                                                  "up later."),
      choice<&C::archive, &Config::Archive::otherwise>("archive.default", kSighup,
                                                       "What is archived of accounts that have not set preferences "
                                                       "(XEP-0441): all, nothing, or what they exchange with their "
                                                       "contacts."),
      row<&C::archive, &Config::Archive::days>("archive.days", kInteger, {1, 36'500, "for ever"}, kRestart,
                                               "Days that messages stay in archives."),
      row<&C::archive, &Config::Archive::messages>("archive.messages", kInteger, {64, kMany, "all"}, kRestart,
                                                   "How many messages an archive keeps; the oldest go first. It may "
                                                   "have up to 128 more."),
      row<&C::archive, &Config::Archive::rules>("archive.rules", kInteger, {1, 100'000}, kSighup,
                                                "Addresses that one account may name in its archiving preferences."),
      choice<&C::storage, &Config::Storage::engine>("storage.engine", kRestart,
                                                    "Where data lives: in files, or in memory until the server stops."),
      row<&C::storage, &Config::Storage::queue>("storage.queue", kInteger, {16, kMany}, kRestart,
                                                "Jobs that wait for the account database; more are refused."),
      row<&C::storage, &Config::Storage::log_queue>("storage.log_queue", kInteger, {16, kMany}, kRestart,
                                                    "Messages that wait to be written to the log; more are refused."),
      row<&C::storage, &Config::Storage::log_queue_bytes>("storage.log_queue_bytes", kSize, {kMB, 64 * kGB}, kRestart,
                                                          "The same in bytes."),
      row<&C::storage, &Config::Storage::tail_entries>("storage.tail_entries", kInteger, {1'000, kMany}, kRestart,
                                                       "Messages in the log but not yet in their archives; beyond, "
                                                       "writing slows down."),
      row<&C::storage, &Config::Storage::tail_bytes>("storage.tail_bytes", kSize, {kMB, 64 * kGB}, kRestart,
                                                     "The same in bytes."),
      choice<&C::log, &Config::Log::level>("log.level", kSighup, "The least important lines that are written."),
      choice<&C::log, &Config::Log::format>("log.format", kSighup,
                                            "Lines for people or JSON objects, one a line, on standard error."),
  };
}

std::vector<Key> make_schema() {
  std::vector<Key> all;
  for (auto* make :
       {&make_server_keys, &make_host_keys, &make_xmpp_keys, &make_http_keys, &make_upload_keys, &make_auth_keys,
        &make_token_keys, &make_registration_keys, &make_compression_keys, &make_limit_keys, &make_storage_keys}) {
    auto keys = make();
    std::move(keys.begin(), keys.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

const std::vector<Table>& schema_tables() {
  static const std::vector<Table> tables{
      {"server", "The process."},
      {"host",
       "A virtual host. The table is written `[[host]]`, once for each; the first also answers to the machine's "
       "own IP addresses.",
       {"name"}},
      {"xmpp", "Connections of XMPP clients."},
      {"http", "HTTP, and what begins with it."},
      {"websocket", "Apps that chat over a WebSocket (docs/wire/websocket.md)."},
      {"uploads", "Files that are sent and fetched over HTTP (docs/wire/upload.md)."},
      {"auth", "Logging in."},
      {"tokens", "Logging in with JSON web tokens that somebody else issues, at doors other than XMPP."},
      {"token_key",
       "A key that such tokens are signed with. The table is written `[[token_key]]`, once for each; without any, "
       "tokens are refused. On SIGHUP the files are read again.",
       {"algorithm", "file"}},
      {"registration", "Making accounts in-band (XEP-0077)."},
      {"compression", "Stream compression (XEP-0138)."},
      {"limits", "What one client may ask of the server. Crossing a limit gets the protocol's own error."},
      {"offline", "Messages for people who are away."},
      {"push", "Push notifications (XEP-0357)."},
      {"archive", "The message archive."},
      {"storage", "Databases and the queues in front of them."},
      {"log", "What the server says on standard error."},
  };
  return tables;
}

const std::vector<Key>& schema() {
  static const std::vector<Key> keys = make_schema();
  return keys;
}

const Key* find_key(string_view path) {
  const auto at = std::find_if(schema().begin(), schema().end(), [path](const Key& key) { return key.path == path; });
  return at == schema().end() ? nullptr : &*at;
}

const Table* find_table(string_view name) {
  const auto& tables = schema_tables();
  const auto at = std::find_if(tables.begin(), tables.end(), [name](const Table& table) { return table.name == name; });
  return at == tables.end() ? nullptr : &*at;
}

std::string header_of(const Table& table) {
  return table.list() ? fmt::format("[[{}]]", table.name) : fmt::format("[{}]", table.name);
}

std::size_t rows_of(const Config& config, string_view table) {
  return table == "host" ? config.hosts.size() : table == "token_key" ? config.token_keys.size() : 1;
}

void set_rows(Config& config, string_view table, std::size_t rows) {
  if (table == "host") config.hosts.assign(rows, {});
  if (table == "token_key") config.token_keys.assign(rows, {});
}

}  // namespace anser::app
