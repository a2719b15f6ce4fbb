#include "app/file_keeper.h"

#include "base/log.h"

namespace anser::app {
namespace {

std::chrono::seconds seconds(Config::Duration duration) { return std::chrono::ceil<std::chrono::seconds>(duration); }

upload::SharedSettings settings_of(const Config& config) {
  auto settings = std::make_shared<upload::Settings>();
  const auto& uploads = config.uploads;
  settings->file_bytes = uploads.file_bytes;
  settings->form_bytes = uploads.form_bytes;
  settings->files_per_form = uploads.files_per_form;
  settings->part_header_bytes = uploads.part_header_bytes;
  settings->quota_bytes = uploads.quota_bytes;
  settings->anonymous_quota_bytes = uploads.anonymous_quota_bytes;
  settings->files_per_account = uploads.files_per_account;
  settings->keep_for = seconds(uploads.keep_for);
  settings->unfinished_for = seconds(uploads.unfinished_for);
  settings->slot_lifetime = seconds(uploads.slot_lifetime);
  settings->at_once = uploads.at_once;
  settings->at_once_per_account = uploads.at_once_per_account;
  settings->slowest_bytes_per_second = uploads.slowest_bytes_per_second;
  settings->charset = uploads.charset;
  settings->anonymous = uploads.anonymous;
  settings->password_without_tls = config.websocket.password_without_tls;
  settings->host = uploads.host;
  settings->address = uploads.address;
  settings->origins = uploads.origins;
  if (auto proxies = net::HttpProxies::parse(config.http.proxies)) settings->proxies = std::move(*proxies);
  return settings;
}

}  // namespace

FileKeeper::FileKeeper(const store::Stores& stores, net::Cores& cores, net::Workers& workers, const Clock& clock,
                       const Config& config)
    : stores_(stores),
      cores_(cores),
      workers_(workers),
      settings_(settings_of(config)),
      vault_(*stores.files, *stores.content, workers, clock, [this] { return settings(); }),
      alarm_([this] { sweep_hourly(); }) {}

upload::SharedSettings FileKeeper::settings() {
  const std::lock_guard lock(mutex_);
  return settings_;
}

void FileKeeper::reload(const Config& config) {
  auto fresh = settings_of(config);
  const std::lock_guard lock(mutex_);
  settings_ = std::move(fresh);
}

Result<void> FileKeeper::forget_files_of_nobody() {
  constexpr std::size_t kPage = 1'000;
  std::string after;
  for (;;) {
    const auto owners = stores_.files->owners(after, kPage);
    if (!owners) return pass(owners);
    if (owners->empty()) return {};
    after = owners->back().full();
    for (const auto& owner : *owners) {
      const auto account = stores_.accounts->find_account(owner);
      if (!account) return pass(account);
      if (*account) continue;
      if (auto removed = vault_.remove_all_of(owner); !removed) return removed;
    }
  }
}

void FileKeeper::hear(const domain::Mail& mail) {
  const auto* changed = std::get_if<domain::AccountChanged>(&mail);
  if (!changed || changed->what != domain::AccountChanged::What::gone) return;
  {
    const std::lock_guard lock(mutex_);
    gone_.insert(changed->account);
  }
  if (!workers_.submit([this] { forget(false); }))
    log::warn("upload", "the files of {} stay for now: too much work is waiting", changed->account.full());
}

// On a worker.
void FileKeeper::forget(bool again) {
  std::set<core::Jid> owners;
  {
    const std::lock_guard lock(mutex_);
    owners.swap(gone_);
  }
  for (const auto& owner : owners) {
    // Whoever has taken the name meanwhile has files of his own there.
    const auto taken = again ? stores_.accounts->find_account(owner) : Result<std::optional<domain::AccountRecord>>{};
    if (taken && *taken) {
      log::error("upload", "{} is an account again, and what its last owner left stays", owner.full());
      continue;
    }
    const Result<void> removed = taken ? vault_.remove_all_of(owner) : pass(taken);
    if (removed) continue;
    log::error("upload", "the files of {} stay for now: {}", owner.full(), removed.error().message);
    const std::lock_guard lock(mutex_);
    gone_.insert(owner);
  }
}

// A piece at a time, so that other work has its turn. Where the workers' queue is full, the next hour will do.
void FileKeeper::sweep() {
  static_cast<void>(workers_.submit([this] {
    if (vault_.sweep()) sweep();
  }));
}

void FileKeeper::sweep_hourly() {
  static_cast<void>(workers_.submit([this] { forget(true); }));
  sweep();
  cores_.at(0).timers().arm(alarm_, std::chrono::hours{1});
}

}  // namespace anser::app
