#include "app/server.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <latch>
#include <mutex>
#include <thread>

#include "app/control.h"
#include "app/file_keeper.h"
#include "app/http_doors.h"
#include "app/live_admin.h"
#include "app/offline_admin.h"
#include "app/token_key.h"
#include "app/web_token_keys.h"
#include "base/log.h"
#include "core/random.h"
#include "net/listener.h"
#include "net/mailbox.h"
#include "net/tls.h"
#include "store/account_storage.h"
#include "store/message_log.h"
#include "store/open.h"
#include "xmpp/feature.h"
#include "xmpp/negotiation.h"
#include "xmpp/push_text.h"
#include "xmpp/stream.h"

namespace anser::app {
namespace {

namespace fs = std::filesystem;
using domain::CoreId;

constexpr std::chrono::seconds kGoodbye{6};  // for streams to end when the server stops

std::chrono::seconds seconds(Config::Duration duration) { return std::chrono::ceil<std::chrono::seconds>(duration); }

// The machine's own addresses: aliases of the first host, because old clients are configured with them.
std::vector<std::string> own_addresses() {
  std::vector<std::string> addresses{"127.0.0.1", "[::1]"};
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return addresses;
  for (const ifaddrs* entry = first; entry; entry = entry->ifa_next) {
    if (!entry->ifa_addr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    char text[NI_MAXHOST];
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (getnameinfo(entry->ifa_addr, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
    std::string address = text;
    if (family == AF_INET6) address = "[" + address.substr(0, address.find('%')) + "]";
    addresses.push_back(std::move(address));
  }
  freeifaddrs(first);
  return addresses;
}

xmpp::SharedSettings settings_of(const Config& config) {
  auto settings = std::make_shared<xmpp::Settings>();
  settings->tls_required = config.xmpp.tls_required;
  settings->plain_without_tls = config.auth.plain_without_tls;
  settings->sasl2_without_tls = config.auth.sasl2_without_tls;
  settings->anonymous = config.auth.anonymous;
  settings->iq_auth = config.auth.iq_auth;
  settings->mechanisms = config.auth.mechanisms;
  if (config.auth.anonymous) settings->mechanisms.push_back("ANONYMOUS");
  settings->scram_iterations = config.auth.scram_iterations;
  settings->token_lifetime = seconds(config.auth.token_lifetime);
  settings->tokens_per_account = config.auth.tokens_per_account;
  settings->registration = static_cast<xmpp::Registration>(config.registration.mode);
  settings->accounts_per_stream = static_cast<unsigned>(config.registration.accounts_per_stream);
  settings->registration_instructions = config.registration.instructions;
  settings->compression = config.compression.enabled;
  settings->compression_limits.ratio = static_cast<unsigned>(config.compression.max_ratio);
  settings->compression_limits.level = config.compression.level;
  settings->compression_limits.window_bits = config.compression.window_bits;
  settings->compression_limits.memory_level = config.compression.memory_level;
  const auto& limits = config.limits;
  settings->limits.stanza_bytes = limits.stanza_bytes;
  settings->limits.depth = static_cast<unsigned>(limits.depth);
  settings->limits.elements = static_cast<unsigned>(limits.elements);
  settings->limits.attributes = static_cast<unsigned>(limits.attributes);
  settings->limits.namespaces = static_cast<unsigned>(limits.namespaces);
  settings->limits_before_login.stanza_bytes = limits.stanza_bytes_before_login;
  settings->limits_before_login.depth = static_cast<unsigned>(limits.depth_before_login);
  settings->limits_before_login.elements = static_cast<unsigned>(limits.elements_before_login);
  settings->limits_before_login.attributes = static_cast<unsigned>(limits.attributes_before_login);
  settings->limits_before_login.namespaces = static_cast<unsigned>(limits.namespaces_before_login);
  settings->login_timeout = seconds(config.xmpp.login_timeout);
  settings->stanza_timeout = seconds(config.xmpp.stanza_timeout);
  settings->write_timeout = config.xmpp.write_timeout;
  settings->attempts_per_stream = static_cast<unsigned>(config.auth.attempts_per_stream);
  settings->ping_after = seconds(config.xmpp.ping_after);
  settings->ping_wait =
      config.xmpp.silent_limit.count() == 0  // without pings ping_wait is the whole of the silence that is allowed
          ? std::chrono::seconds{0}
          : seconds(std::max(config.xmpp.silent_limit - config.xmpp.ping_after, Config::Duration{1'000}));
  settings->unfinished_bytes = limits.unfinished_bytes;
  settings->output_bytes = limits.output_queue_bytes;
  settings->backlog_messages = limits.backlog_messages;
  settings->resume_within = seconds(config.xmpp.resume_within);
  settings->queue_bytes = limits.unacked_bytes;
  settings->queue_stanzas = limits.unacked_stanzas;
  settings->held_back_stanzas = limits.held_back_stanzas;
  settings->uncommitted_stanzas = static_cast<unsigned>(limits.uncommitted_stanzas);
  settings->uncommitted_bytes = limits.uncommitted_bytes;
  settings->rate_bytes_per_second = limits.rate_bytes_per_second;
  settings->rate_burst_bytes = limits.rate_burst_bytes;
  settings->websocket.compression = config.websocket.compression;
  settings->websocket.origins = config.websocket.origins;
  settings->websocket_passwords_without_tls = config.websocket.password_without_tls;
  settings->websocket_url = config.xmpp.websocket_url;
  settings->https_port = config.http.tls_listen.empty() ? 0 : config.http.tls_listen.front().port;
  if (auto proxies = net::HttpProxies::parse(config.http.proxies)) settings->proxies = std::move(*proxies);
  settings->push_sender = config.push.sender;
  settings->push_body = config.push.body;
  settings->private_bytes = limits.private_bytes;
  settings->vcard_bytes = limits.vcard_bytes;
  return settings;
}

Result<door::SharedSignInSettings> sign_in_of(const Config& config) {
  auto tokens = load_web_tokens(config);
  if (!tokens) return pass(tokens);
  auto settings = std::make_shared<door::SignInSettings>();
  settings->plain_without_tls = config.auth.plain_without_tls;
  settings->scram_iterations = config.auth.scram_iterations;
  settings->tokens = std::move(*tokens);
  return settings;
}

domain::RouterLimits router_limits_of(const Config& config) {
  domain::RouterLimits limits;
  limits.sessions_per_account = config.xmpp.max_resources;
  limits.offline_messages = config.offline.max_messages;
  limits.push_registrations = config.push.services;
  // What a client may let wait must hold a page beside all else.
  limits.offline_page =
      std::min({limits.offline_page, config.limits.output_queue_bytes / 4, config.limits.unacked_bytes / 4});
  limits.offline_page_messages = std::max<std::size_t>(
      1,
      std::min({limits.offline_page_messages, config.limits.backlog_messages / 4, config.limits.unacked_stanzas / 4}));
  limits.roster_items = config.limits.roster_items;
  limits.blocked = config.limits.blocked;
  limits.directed_presences = config.limits.directed_presences;
  limits.retries = config.limits.retries;
  limits.groups = config.limits.groups;
  limits.groups_per_session = config.limits.groups_per_session;
  limits.idle_accounts = config.limits.idle_accounts;
  limits.archive = config.archive.enabled;
  limits.archive_default = static_cast<domain::ArchiveDefault>(config.archive.otherwise);
  limits.archive_rules = config.archive.rules;
  limits.archive_keeps = std::chrono::hours{24 * config.archive.days};
  limits.archive_keeps_all = config.archive.messages == 0;
  limits.replace_on_conflict = config.xmpp.resource_conflict == ResourceConflict::replace;
  return limits;
}

door::LoginGuard::Limits guard_limits_of(const Config& config) {
  door::LoginGuard::Limits limits;
  const auto per_minute = [](std::size_t count, Config::Duration window) {
    return 60'000.0 * static_cast<double>(count) / static_cast<double>(std::max<long long>(1, window.count()));
  };
  limits.address_failures_per_minute = per_minute(config.auth.failures_per_address, config.auth.address_window);
  limits.address_burst = static_cast<double>(config.auth.failures_per_address);
  limits.free_failures =
      config.auth.failures_per_account == 0 ? ~0u : static_cast<unsigned>(config.auth.failures_per_account);
  if (config.auth.failures_per_address == 0) limits.address_burst = 1e12;
  limits.forget = std::chrono::ceil<std::chrono::minutes>(config.auth.account_window);
  limits.registrations_per_hour = static_cast<double>(config.registration.per_address_per_hour);
  return limits;
}

// The certificate of each host, made where none is configured and none was made before.
// `alpn` is what is spoken over it.
Result<std::shared_ptr<const net::TlsServer>> load_tls(const Config& config, std::string alpn, bool clients) {
  const fs::path data = config.server.data;
  std::vector<net::TlsServer::Certificate> certificates;
  for (const auto& host : config.hosts) {
    fs::path chain = host.certificate, key = host.key;
    if (chain.empty()) {
      chain = data / (host.name + ".crt");
      key = data / (host.name + ".key");
      if (!fs::exists(chain)) {
        std::vector<std::string> names{host.name};
        names.insert(names.end(), host.aliases.begin(), host.aliases.end());
        if (auto made = net::make_self_signed(chain, key, names); !made) return pass(made);
        log::info("app", "made a self-signed certificate for {}: {}", host.name, chain.string());
      }
    }
    certificates.push_back({host.name, chain, key});
    for (const auto& alias : host.aliases) certificates.push_back({alias, chain, key});
  }
  net::TlsServer::Options options;
  options.ask_client_certificate = clients && config.xmpp.client_certificates && !config.xmpp.client_ca.empty();
  options.ca_file = config.xmpp.client_ca;
  options.alpn = {std::move(alpn)};
  return net::TlsServer::load(certificates, options);
}

// Made once. "secret": salts of accounts that do not exist. "archive key": ids that clients keep, so it never changes.
Result<std::string> installation_secret(domain::AccountStore& accounts, std::string_view name) {
  auto found = accounts.find_setting(name);
  if (!found) return pass(found);
  if (found->has_value()) return std::move(**found);
  std::string secret = core::random_bytes(32);
  if (auto stored = accounts.put_setting(name, secret); !stored) return pass(stored);
  return secret;
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// Brings letters from core to core.
class CorePost final : public domain::Post {
 public:
  CorePost(net::Cores& cores, net::Mailboxes<domain::Mail>::Deliver deliver) : mailboxes_(cores, std::move(deliver)) {}
  void send(CoreId, CoreId to, domain::Mail mail) override {
    if (!net::Core::current()) return;  // the loops have ended; what their streams leave behind goes nowhere
    mailboxes_.post(std::move(mail), to);
  }
  bool congested() const { return mailboxes_.congested(); }

 private:
  net::Mailboxes<domain::Mail> mailboxes_;
};

// What one core needs; made on the main thread before the loops start, used by its core only.
struct Home {
  Home(CoreId id, xmpp::Shared& shared, domain::MessageLog& log)
      : router(id, shared.cores.size(), shared.hosts, shared.storage, log, shared.post, shared.clock),
        services{shared, shared.cores.at(id), router},
        features(services),
        push_text(shared.settings) {
    services.features = &features;
    router.set_iq_service(features);
    router.set_push_writer(push_text);
    router.set_at_turn_end(
        [&core = services.core](std::function<void()> action) { core.at_turn_end(std::move(action)); });
  }

  domain::Router router;
  xmpp::Services services;
  xmpp::Features features;
  xmpp::PushText push_text;
};

class Server {
 public:
  explicit Server(const Config& config)
      : config_(config), hosts_(hosts_of(config, own_addresses())), guard_(guard_limits_of(config)) {}

  Result<void> start();
  void stop();
  void reload(const Config& fresh);
  bool broken() const { return broken_; }
  void announce() const;

 private:
  void restore_sessions();
  Result<void> listen();
  Result<void> listen_on(const Endpoint& endpoint, net::Listener::Handler handler);

  Config config_;
  SystemClock clock_;
  domain::Hosts hosts_;
  door::LoginGuard guard_;
  std::atomic<bool> broken_{false};

  std::mutex reload_mutex_;  // guards the four below: read when a connection comes, written by SIGHUP
  xmpp::SharedSettings settings_;
  door::SharedSignInSettings sign_in_;
  std::shared_ptr<const net::TlsServer> tls_;
  std::shared_ptr<const net::TlsServer> https_;

  std::unique_ptr<store::Stores> stores_;
  std::unique_ptr<net::Workers> workers_;
  std::unique_ptr<FileKeeper> files_;
  std::unique_ptr<store::AccountStorage> storage_;
  std::unique_ptr<store::MessageLog> log_;
  std::unique_ptr<CorePost> post_;
  std::unique_ptr<xmpp::Shared> shared_;
  std::vector<std::unique_ptr<Home>> homes_;
  std::unique_ptr<HttpDoors> http_;
  std::shared_ptr<net::Gate> gate_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unique_ptr<LiveAdmin> admin_;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<net::Cores>
      cores_;  // last: streams that still wait on a loop are destroyed with it, and use the rest
};

Result<void> Server::start() {
  raise_file_limit();
  if (config_.storage.engine == StorageEngine::memory) {
    stores_ = store::open_memory();
    std::error_code ignored;
    fs::create_directories(config_.server.data, ignored);
  } else {
    auto opened = store::open_sqlite(config_.server.data);
    if (!opened) return pass(opened);
    stores_ = std::move(*opened);
  }
  auto secret = installation_secret(*stores_->accounts, "secret");
  if (!secret) return pass(secret);
  // Accounts in memory go with the process, and their tokens too.
  auto tokens = config_.storage.engine == StorageEngine::memory
                    ? Result<std::string>{core::random_bytes(32)}
                    : token_key(fs::path{config_.server.data} / "tokens.key");
  if (!tokens) return pass(tokens);
  auto archive_key = installation_secret(*stores_->accounts, "archive key");
  if (!archive_key) return pass(archive_key);
  auto slot_key = installation_secret(*stores_->accounts, "slot key");
  if (!slot_key) return pass(slot_key);
  auto tls = load_tls(config_, "xmpp-client", true);
  if (!tls) return pass(tls);
  tls_ = std::move(*tls);
  auto https = load_tls(config_, "http/1.1", false);
  if (!https) return pass(https);
  https_ = std::move(*https);
  settings_ = settings_of(config_);
  auto sign_in = sign_in_of(config_);
  if (!sign_in) return pass(sign_in);
  sign_in_ = std::move(*sign_in);

  const std::size_t machine = std::max(1u, std::thread::hardware_concurrency());
  cores_ = std::make_unique<net::Cores>(
      static_cast<unsigned>(std::min<std::size_t>(config_.server.cores ? config_.server.cores : machine, 64)));
  workers_ = std::make_unique<net::Workers>(static_cast<unsigned>(config_.server.workers), 4096);
  files_ = std::make_unique<FileKeeper>(*stores_, *cores_, *workers_, clock_, config_);
  if (auto forgotten = files_->forget_files_of_nobody(); !forgotten) return forgotten;
  const auto to_core = [this](CoreId core, std::function<void()> action) { cores_->post(core, std::move(action)); };
  const auto fatal = [this](const Error& error) {
    log::error("app", "storage failed, nothing more is acknowledged: {}", error.message);
    broken_ = true;
    kill(getpid(), SIGTERM);
  };
  storage_ = std::make_unique<store::AccountStorage>(*stores_->accounts, to_core, fatal,
                                                     store::AccountStorageOptions{.queue = config_.storage.queue});
  store::MessageLogOptions options;
  options.queue_entries = config_.storage.log_queue;
  options.queue_bytes = config_.storage.log_queue_bytes;
  options.tail_entries = config_.storage.tail_entries;
  options.tail_bytes = config_.storage.tail_bytes;
  options.keep_for = std::chrono::hours{24 * config_.archive.days};
  options.keep_messages = config_.archive.messages;
  auto log = store::MessageLog::open(*stores_, clock_, cores_->size(), to_core, fatal, options);
  if (!log) return pass(log);
  log_ = std::move(*log);
  post_ = std::make_unique<CorePost>(*cores_, [this](CoreId core, std::vector<domain::Mail>&& batch) {
    domain::Router& router = homes_[core]->router;
    for (std::size_t at = 0; at < batch.size(); ++at) {
      router.fetch_ahead(batch, at);
      if (core == 0) files_->hear(batch[at]);
      router.receive(std::move(batch[at]));
    }
  });

  shared_ = std::make_unique<xmpp::Shared>(
      xmpp::Shared{{*cores_, *workers_, *storage_, *post_, clock_, hosts_, guard_, std::move(*secret), clock_.now(),
                    [this] {
                      const std::lock_guard lock(reload_mutex_);
                      return sign_in_;
                    },
                    std::move(*archive_key), [this] { return post_->congested(); }},
                   [this] {
                     const std::lock_guard lock(reload_mutex_);
                     return settings_;
                   },
                   [this] {
                     const std::lock_guard lock(reload_mutex_);
                     return tls_;
                   },
                   [this](net::CoreId core) -> xmpp::Services& { return homes_[core]->services; },
                   std::move(*tokens)});
  http_ = std::make_unique<HttpDoors>(
      *shared_, config_, HttpDoors::Files{files_->vault(), std::move(*slot_key)}, [this] { return files_->settings(); },
      [this] {
        const std::lock_guard lock(reload_mutex_);
        return https_;
      });
  shared_->slots = http_->slots();
  for (unsigned core = 0; core < cores_->size(); ++core) {
    homes_.push_back(std::make_unique<Home>(static_cast<CoreId>(core), *shared_, *log_));
    homes_.back()->router.set_limits(router_limits_of(config_));
  }
  for (unsigned core = 0; core < cores_->size(); ++core)
    http_->add_core(cores_->at(static_cast<CoreId>(core)), homes_[core]->router);
  cores_->start();
  restore_sessions();
  cores_->post(0, [this] { files_->sweep_hourly(); });
  if (auto listening = listen(); !listening) return listening;
  admin_ = std::make_unique<LiveAdmin>(*shared_, *log_, [this] {
    const std::lock_guard lock(reload_mutex_);
    return settings_->scram_iterations;
  });
  auto control = ControlServer::start(config_.server.data, *admin_);
  if (!control) return pass(control);
  control_ = std::move(*control);
  return {};
}

// Those that may be resumed wait for their clients again, before anybody can ask for them.
void Server::restore_sessions() {
  std::vector<std::uint64_t> worthless;
  std::vector<std::vector<domain::SavedSession>> by_core(cores_->size());
  std::size_t count = 0;
  for (auto& session : domain::read_sessions(log_->take_notes(), worthless)) {
    const std::string* host = hosts_.resolve(session.jid.domain());
    if (!host || *host != session.jid.domain()) {
      worthless.push_back(session.journal);
      continue;
    }
    by_core[domain::core_of(session.jid.bare(), cores_->size())].push_back(std::move(session));
    ++count;
  }
  if (count > 0) log::info("app", "{} sessions of before wait for their clients", count);
  std::latch restored{static_cast<std::ptrdiff_t>(cores_->size())};
  for (unsigned core = 0; core < cores_->size(); ++core) {
    cores_->post(static_cast<CoreId>(core), [this, core, &by_core, &worthless, &restored] {
      auto& home = *homes_[core];
      for (auto& session : by_core[core]) xmpp::restore_stream(home.services, std::move(session));
      home.router.load_restored();
      if (core == 0) {
        for (const auto journal : worthless) home.router.forget(journal, {});
      }
      restored.count_down();
    });
  }
  restored.wait();
}

Result<void> Server::listen() {
  for (const bool tls : {false, true}) {
    for (const auto& endpoint : tls ? config_.xmpp.tls_listen : config_.xmpp.listen) {
      auto handler = [this, tls](net::Core& core, net::Handed handed) {
        xmpp::accept_connection(*shared_, core, std::move(handed), tls);
      };
      if (auto open = listen_on(endpoint, std::move(handler)); !open) return open;
    }
    for (const auto& endpoint : tls ? config_.http.tls_listen : config_.http.listen) {
      auto handler = [this, tls](net::Core& core, net::Handed handed) { http_->accept(core, std::move(handed), tls); };
      if (auto open = listen_on(endpoint, std::move(handler)); !open) return open;
    }
  }
  return {};
}

Result<void> Server::listen_on(const Endpoint& endpoint, net::Listener::Handler handler) {
  if (!gate_)
    gate_ = std::make_shared<net::Gate>(
        net::Gate::Limits{config_.limits.connections, config_.limits.connections_per_address});
  net::Listener::Options options;
  options.address = endpoint.address;
  options.port = endpoint.port;
  options.gate = gate_;
  auto listener = net::Listener::listen(*cores_, options, std::move(handler));
  if (!listener) return pass(listener);
  listeners_.push_back(std::move(*listener));
  return {};
}

void Server::announce() const {
  std::string where;
  for (const auto& listener : listeners_)
    where += fmt::format("{}{}", where.empty() ? "" : ", ", to_string(Endpoint{listener->address(), listener->port()}));
  log::info("app", "Anser {} serves {} on {}", ANSER_VERSION, config_.hosts.front().name, where);
  log::info("app", "data is in {}; make the first account with: anser user add NAME@{} --data {}", config_.server.data,
            config_.hosts.front().name, config_.server.data);
}

void Server::reload(const Config& fresh) {
  auto tls = load_tls(fresh, "xmpp-client", true);
  auto https = load_tls(fresh, "http/1.1", false);
  if (!tls || !https)
    return log::error("app", "certificates stay as they are: {}", (tls ? https : tls).error().message);
  auto sign_in = sign_in_of(fresh);
  if (!sign_in) return log::error("app", "the configuration stays as it is: {}", sign_in.error().message);
  {
    const std::lock_guard lock(reload_mutex_);
    settings_ = settings_of(fresh);
    sign_in_ = std::move(*sign_in);
    tls_ = std::move(*tls);
    https_ = std::move(*https);
  }
  files_->reload(fresh);
  http_->reload(fresh);
  for (unsigned core = 0; core < cores_->size(); ++core) {
    cores_->post(static_cast<CoreId>(core),
                 [this, core, limits = router_limits_of(fresh)] { homes_[core]->router.set_limits(limits); });
  }
  config_ = fresh;
  log::info("app", "the configuration and the certificates have been read again");
}

void Server::stop() {
  control_.reset();
  for (auto& listener : listeners_) listener->close();
  if (cores_ && !homes_.empty()) {
    // Every stream hears system-shutdown, or internal-server-error if storage has failed; what it still sends by then
    // is written, within bounds.
    for (unsigned core = 0; core < cores_->size(); ++core) {
      cores_->post(static_cast<CoreId>(core), [this, core] {
        auto& services = homes_[core]->services;
        services.stopping = true;
        http_->shut_down(services.core);
        const auto reason = broken_ ? domain::CloseReason::storage_failed : domain::CloseReason::shutdown;
        for (auto* negotiation : std::unordered_set<xmpp::Negotiation*>(services.negotiations))
          negotiation->shut_down();
        const auto unbound = services.unbound;  // they leave it as they end
        for (const auto& [account, stream] : unbound) stream->close(reason);
        auto& router = homes_[core]->router;
        router.each_session([&](domain::Session& session) { session.close(reason); });
      });
    }
    // What has come of an upload is written, and what may go on later is noted, before the workers end.
    files_->vault().end_all();
    const auto until = std::chrono::steady_clock::now() + kGoodbye;
    std::atomic<unsigned> busy{1};
    while (busy > 0 && std::chrono::steady_clock::now() < until) {
      busy = 0;
      std::atomic<unsigned> answered{0};
      for (unsigned core = 0; core < cores_->size(); ++core) {
        cores_->post(static_cast<CoreId>(core), [this, core, &busy, &answered] {
          busy += static_cast<unsigned>(cores_->at(static_cast<CoreId>(core)).closing());
          ++answered;
        });
      }
      while (answered < cores_->size()) std::this_thread::sleep_for(std::chrono::milliseconds{5});
      busy += static_cast<unsigned>(files_->vault().under_way());
    }
  }
  // What the streams gave to storage is committed while the cores still take the outcomes; then all stops.
  if (log_) log_->stop();
  if (storage_) storage_->stop();
  if (workers_) workers_->stop();
  if (cores_) {
    cores_->stop();
    cores_->join();
  }
  listeners_.clear();
}

}  // namespace

int serve(const Config& config, const std::function<Result<Config>()>& reload) {
  // Every thread that is made from here on leaves the signals to this one.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is a full disk

  Server server{config};
  if (auto started = server.start(); !started) {
    std::fprintf(stderr, "anser: %s\n", started.error().message.c_str());
    server.stop();
    return 1;
  }
  server.announce();
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    auto fresh = reload();
    if (fresh)
      server.reload(*fresh);
    else
      log::error("app", "the configuration stays as it is: {}", fresh.error().message);
  }
  log::info("app", "stopping");
  server.stop();
  log::info("app", "stopped");
  return server.broken() ? 1 : 0;
}

}  // namespace anser::app
