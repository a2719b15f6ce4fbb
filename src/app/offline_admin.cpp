#include "app/offline_admin.h"

#include <algorithm>
#include <filesystem>
#include <future>
#include <set>
#include <thread>

#include "domain/session_journal.h"
#include "store/open.h"
#include "upload/keeping.h"

namespace anser::app {
namespace {

using core::Jid;
using domain::LogRecord;
using domain::RecordKind;

constexpr std::size_t kMaxThreads = 16;
constexpr std::size_t kLogPage = 1'000;
constexpr std::size_t kMaxCounted = 1'000'000;  // offline messages

AccountInfo info_of(const domain::AccountRecord& account) {
  return {.jid = account.jid,
          .created = account.created,
          .name = account.name,
          .email = account.email,
          .disabled = account.disabled,
          .roster_items = 0,
          .offline_messages = 0,
          .sessions = {}};
}

// What a record of the log changes in the set of messages that wait for `owner`.
void apply(const LogRecord& record, const Jid& owner, std::set<std::uint64_t>& waiting) {
  const domain::LogEntry& entry = record.entry;
  if (entry.owner != owner) return;
  switch (entry.kind) {
    case RecordKind::message:
      if (entry.references.offline) waiting.insert(record.sequence);
      break;
    case RecordKind::offline:
      waiting.insert(entry.target);
      break;
    case RecordKind::delivered:
      waiting.erase(waiting.begin(), waiting.upper_bound(entry.target));
      break;
    case RecordKind::forget:
      waiting.clear();
      break;
    case RecordKind::released:
      for (const auto sequence : entry.sequences) waiting.erase(sequence);
      break;
    case RecordKind::note:
      break;  // never in the log
  }
}

// With everything it needs: the databases.
class OwningAdmin final : public AccountAdmin {
 public:
  OwningAdmin(std::unique_ptr<store::Stores> stores, const Config& config)
      : stores_(std::move(stores)),
        admin_({*stores_->accounts, *stores_->log, *stores_->archive, *stores_->files, *stores_->content}, clock_,
               config.auth.scram_iterations) {}

  Result<void> add(const Jid& bare, const std::string& password) override { return admin_.add(bare, password); }
  std::vector<Result<void>> add_many(std::span<const NewAccount> accounts) override {
    return admin_.add_many(accounts);
  }
  Result<void> set_password(const Jid& bare, const std::string& password) override {
    return admin_.set_password(bare, password);
  }
  Result<void> remove(const Jid& bare) override { return admin_.remove(bare); }
  Result<std::vector<AccountInfo>> list(std::string_view host, std::string_view after, std::size_t limit) override {
    return admin_.list(host, after, limit);
  }
  Result<AccountInfo> show(const Jid& bare) override { return admin_.show(bare); }

 private:
  std::unique_ptr<store::Stores> stores_;
  SystemClock clock_;
  OfflineAdmin admin_;
};

}  // namespace

Result<std::vector<core::ScramKeys>> account_keys(std::string_view password, std::uint32_t iterations) {
  std::vector<core::ScramKeys> keys;
  for (const core::Hash hash : {core::Hash::sha1, core::Hash::sha256, core::Hash::sha512}) {
    auto one = core::fresh_keys(hash, password, iterations);
    if (!one) return pass(one);
    keys.push_back(std::move(*one));
  }
  return keys;
}

domain::Hosts hosts_of(const Config& config, const std::vector<std::string>& own_addresses) {
  std::vector<domain::Host> hosts;
  for (const Config::Host& host : config.hosts) hosts.push_back({host.name, host.aliases});
  return domain::Hosts{std::move(hosts), own_addresses};
}

Result<void> OfflineAdmin::add(const Jid& bare, const std::string& password) {
  const NewAccount account{bare, password};
  return std::move(add_many({&account, 1}).front());
}

std::vector<Result<void>> OfflineAdmin::add_many(std::span<const NewAccount> accounts) {
  // The keys first, side by side: they cost tens of milliseconds an account, and the transaction should be short.
  std::vector<Result<std::vector<core::ScramKeys>>> keys(accounts.size());
  const std::size_t threads =
      std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, std::min(kMaxThreads, accounts.size() + 1));
  std::vector<std::future<void>> workers;
  for (std::size_t first = 0; first < threads; ++first) {
    workers.push_back(std::async(std::launch::async, [&, first] {
      for (std::size_t i = first; i < accounts.size(); i += threads) {
        keys[i] = account_keys(accounts[i].password, iterations_);
      }
    }));
  }
  for (auto& worker : workers) worker.get();

  const auto all = [&](const Result<void>& outcome) { return std::vector<Result<void>>(accounts.size(), outcome); };
  if (auto begun = stores_.accounts.begin(); !begun) return all(begun);
  std::vector<Result<void>> outcomes;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    if (!keys[i]) {
      outcomes.push_back(pass(keys[i]));
      continue;
    }
    Result<void> outcome = stores_.accounts.savepoint();
    if (outcome) {
      outcome = stores_.accounts.create_account({.jid = accounts[i].jid,
                                                 .keys = std::move(*keys[i]),
                                                 .name = {},
                                                 .email = {},
                                                 .created = clock_.now(),
                                                 .disabled = false});
      if (!outcome) stores_.accounts.rollback_to_savepoint();
    }
    outcomes.push_back(std::move(outcome));
  }
  if (auto committed = stores_.accounts.commit(); !committed) return all(committed);
  return outcomes;
}

Result<void> OfflineAdmin::set_password(const Jid& bare, const std::string& password) {
  const auto account = stores_.accounts.find_account(bare);
  if (!account) return pass(account);
  if (!*account) return fail(Errc::not_found, "there is no account {}", bare);
  const auto keys = account_keys(password, iterations_);
  if (!keys) return pass(keys);
  return stores_.accounts.set_keys(bare, *keys);
}

// The messages and files go first: if anything fails in between, the command can be run again, and nobody who takes the
// name later finds them.
Result<void> OfflineAdmin::remove(const Jid& bare) {
  const auto account = stores_.accounts.find_account(bare);
  if (!account) return pass(account);
  if (!*account) return fail(Errc::not_found, "there is no account {}", bare);
  if (auto forgotten = forget_messages(bare); !forgotten) return forgotten;
  upload::Claims nobody;
  upload::Keeping files{stores_.files, stores_.content, clock_, nobody};
  if (auto removed = files.remove_all_of(bare); !removed) return removed;
  return stores_.accounts.remove_account(bare);
}

// The server places the record when it starts, as it does after a crash. Sessions that wait for their clients go too:
// whoever takes the name next must not be given what they were owed.
Result<void> OfflineAdmin::forget_messages(const Jid& bare) {
  const auto last = stores_.log.last_sequence();
  if (!last) return pass(last);
  const auto last_time = stores_.log.last_time();
  if (!last_time) return pass(last_time);
  LogRecord record;
  record.sequence = *last + 1;
  record.time = std::max(*last_time, clock_.now());
  record.entry.kind = RecordKind::forget;
  record.entry.owner = bare;
  const auto notes = stores_.log.notes();
  if (!notes) return pass(notes);
  std::vector<std::uint64_t> damaged;
  for (const auto& session : domain::read_sessions(*notes, damaged)) {
    if (session.jid.bare() != bare.full()) continue;
    auto forget = domain::forget_note(session.journal);
    forget.next = std::move(record.entry.note);
    record.entry.note = std::make_shared<const domain::SessionNote>(std::move(forget));
  }
  return stores_.log.append({&record, 1});
}

Result<std::vector<AccountInfo>> OfflineAdmin::list(std::string_view host, std::string_view after, std::size_t limit) {
  const auto accounts = stores_.accounts.list_accounts(host, after, std::min(limit, kMaxListPage));
  if (!accounts) return pass(accounts);
  std::vector<AccountInfo> infos;
  for (const domain::AccountRecord& account : *accounts) infos.push_back(info_of(account));
  return infos;
}

Result<AccountInfo> OfflineAdmin::show(const Jid& bare) {
  const auto account = stores_.accounts.find_account(bare);
  if (!account) return pass(account);
  if (!*account) return fail(Errc::not_found, "there is no account {}", bare);
  const auto roster = stores_.accounts.load_roster(bare);
  if (!roster) return pass(roster);
  const auto offline = count_offline(bare);
  if (!offline) return pass(offline);

  AccountInfo info = info_of(**account);
  info.roster_items = roster->items.size();
  info.offline_messages = *offline;
  return info;
}

// What is placed, and then what the log says beyond it (a server that was killed leaves some).
Result<std::uint64_t> OfflineAdmin::count_offline(const Jid& bare) {
  const auto watermark = stores_.archive.watermark();
  if (!watermark) return pass(watermark);
  const auto placed = stores_.archive.offline(bare, 0, kMaxCounted);
  if (!placed) return pass(placed);

  std::set<std::uint64_t> waiting(placed->begin(), placed->end());
  for (std::uint64_t next = *watermark + 1;;) {
    const auto page = stores_.log.read(next, kLogPage);
    if (!page) return pass(page);
    if (page->empty()) return waiting.size();
    for (const LogRecord& record : *page) apply(record, bare, waiting);
    next = page->back().sequence + 1;
  }
}

Result<std::unique_ptr<AccountAdmin>> open_offline_admin(const Config& config, bool create) {
  if (config.storage.engine == StorageEngine::memory) {
    return fail(Errc::unavailable, "accounts are kept in memory (storage.engine) and no server runs on {}",
                config.server.data);
  }
  const std::filesystem::path directory{config.server.data};
  std::error_code error;
  if (!create && !std::filesystem::exists(directory / "accounts.db", error) && !error) {
    return fail(Errc::not_found, "there are no accounts in {} yet", config.server.data);
  }
  auto stores = store::open_sqlite(directory);
  if (!stores) return pass(stores);
  return std::make_unique<OwningAdmin>(std::move(*stores), config);
}

}  // namespace anser::app
