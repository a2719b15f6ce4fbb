#include "app/live_admin.h"

#include <future>
#include <thread>

#include "app/offline_admin.h"
#include "domain/shards.h"

namespace anser::app {
namespace {

constexpr std::chrono::seconds kPatience{30};  // for the cores and the disk; past it the operator is told

// Waits for what another thread will say.
template <class Value>
Result<Value> await(std::future<Result<Value>> answer) {
  if (answer.wait_for(kPatience) != std::future_status::ready)
    return fail(Errc::timeout, "the server is too busy to answer");
  return answer.get();
}

template <class Value, class Work>
Result<Value> on_storage(xmpp::Shared& shared, Work work) {
  auto promise = std::make_shared<std::promise<Result<Value>>>();
  auto answer = promise->get_future();
  if constexpr (std::is_void_v<Value>) {
    shared.storage.submit(0, std::move(work),
                          [promise](Result<void> outcome) { promise->set_value(std::move(outcome)); });
  } else {
    shared.storage.run<Value>(0, std::move(work),
                              [promise](Result<Value> value) { promise->set_value(std::move(value)); });
  }
  return await(std::move(answer));
}

AccountInfo info_of(const domain::AccountRecord& record) {
  AccountInfo info;
  info.jid = record.jid;
  info.created = record.created;
  info.name = record.name;
  info.email = record.email;
  info.disabled = record.disabled;
  return info;
}

}  // namespace

bool LiveAdmin::ours(const core::Jid& bare) const {
  const std::string* host = shared_.hosts.resolve(bare.domain());
  return host && *host == bare.domain();
}

void LiveAdmin::tell_home(const core::Jid& bare, std::function<void(domain::Router&)> action) {
  const auto home = domain::core_of(bare.full(), shared_.cores.size());
  shared_.cores.post(home, [&services = shared_.home(home), action = std::move(action)] { action(services.router); });
}

Result<void> LiveAdmin::add(const core::Jid& bare, const std::string& password) {
  const NewAccount account{bare, password};
  return add_many({&account, 1}).front();
}

std::vector<Result<void>> LiveAdmin::add_many(std::span<const NewAccount> accounts) {
  // Deriving keys is nearly all of the work, so it is spread.
  std::vector<Result<std::vector<core::ScramKeys>>> keys(accounts.size(), fail(Errc::internal, "not derived"));
  std::atomic<std::size_t> next{0};
  const auto derive = [&] {
    for (std::size_t i = next++; i < accounts.size(); i = next++)
      keys[i] = account_keys(accounts[i].password, iterations_());
  };
  {
    std::vector<std::jthread> helpers;
    const std::size_t threads =
        std::min<std::size_t>(accounts.size(), std::max(1u, std::thread::hardware_concurrency()));
    for (std::size_t i = 1; i < threads; ++i) helpers.emplace_back(derive);
    derive();
  }
  std::vector<Result<void>> outcomes;
  std::vector<std::future<Result<void>>> waiting(accounts.size());
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    if (!keys[i] || !ours(accounts[i].jid)) continue;
    domain::AccountRecord record;
    record.jid = accounts[i].jid;
    record.keys = *keys[i];
    record.created = shared_.clock.now();
    auto promise = std::make_shared<std::promise<Result<void>>>();
    waiting[i] = promise->get_future();
    shared_.storage.submit(
        0, [record = std::move(record)](domain::AccountStore& store) { return store.create_account(record); },
        [promise](Result<void> outcome) { promise->set_value(std::move(outcome)); });
  }
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    if (!ours(accounts[i].jid)) {
      outcomes.push_back(fail(Errc::not_found, "{} is not served here", accounts[i].jid.domain()));
    } else if (!keys[i]) {
      outcomes.push_back(pass(keys[i]));
    } else {
      outcomes.push_back(await(std::move(waiting[i])));
      if (outcomes.back()) {
        tell_home(accounts[i].jid, [jid = accounts[i].jid](domain::Router& router) {
          router.receive(domain::AccountChanged{jid, domain::AccountChanged::What::created, 0});
        });
      }
    }
  }
  return outcomes;
}

Result<void> LiveAdmin::set_password(const core::Jid& bare, const std::string& password) {
  auto keys = account_keys(password, iterations_());
  if (!keys) return pass(keys);
  auto stored = on_storage<void>(
      shared_, [bare, keys = std::move(*keys)](domain::AccountStore& store) { return store.set_keys(bare, keys); });
  if (!stored) return stored;
  tell_home(bare,
            [bare](domain::Router& router) { router.end_sessions(bare, 0, domain::CloseReason::password_changed); });
  return {};
}

Result<void> LiveAdmin::remove(const core::Jid& bare) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto answer = promise->get_future();
  tell_home(bare, [bare, promise](domain::Router& router) {
    router.remove_account(bare, 0, [promise](Result<void> outcome) { promise->set_value(std::move(outcome)); });
  });
  return await(std::move(answer));
}

Result<std::vector<AccountInfo>> LiveAdmin::list(std::string_view host, std::string_view after, std::size_t limit) {
  auto work = [host = std::string{host}, after = std::string{after}, limit](domain::AccountStore& store) {
    return store.list_accounts(host, after, limit);
  };
  auto records = on_storage<std::vector<domain::AccountRecord>>(shared_, std::move(work));
  if (!records) return pass(records);
  std::vector<AccountInfo> infos;
  for (const auto& record : *records) infos.push_back(info_of(record));
  return infos;
}

Result<AccountInfo> LiveAdmin::show(const core::Jid& bare) {
  struct Stored {
    std::optional<domain::AccountRecord> record;
    std::uint64_t roster_items = 0;
  };
  auto work = [bare](domain::AccountStore& store) -> Result<Stored> {
    auto record = store.find_account(bare);
    if (!record) return pass(record);
    auto roster = store.load_roster(bare);
    if (!roster) return pass(roster);
    return Stored{std::move(*record), roster->items.size()};
  };
  auto stored = on_storage<Stored>(shared_, std::move(work));
  if (!stored) return pass(stored);
  if (!stored->record) return fail(Errc::not_found, "there is no account {}", bare.full());
  AccountInfo info = info_of(*stored->record);
  info.roster_items = stored->roster_items;

  auto promise = std::make_shared<std::promise<Result<std::vector<OnlineSession>>>>();
  auto sessions = promise->get_future();
  tell_home(bare, [bare, promise](domain::Router& router) {
    std::vector<OnlineSession> online;
    if (const auto* account = router.find(bare.full())) {
      for (const auto* session : account->sessions())
        online.push_back({std::string{session->jid().resource()}, session->peer()});
    }
    promise->set_value(std::move(online));
  });
  auto online = await(std::move(sessions));
  if (!online) return pass(online);
  info.sessions = std::move(*online);

  auto counted = std::make_shared<std::promise<Result<std::uint64_t>>>();
  auto count = counted->get_future();
  log_.count_offline(0, bare, {},
                     [counted](Result<std::uint64_t> messages) { counted->set_value(std::move(messages)); });
  auto messages = await(std::move(count));
  if (!messages) return pass(messages);
  info.offline_messages = *messages;
  return info;
}

}  // namespace anser::app
