// What a stream and its features may use. `Shared` is the program's and the same for every core; `Services` is one
// core's. Both outlive every stream.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/clock.h"
#include "domain/archive_id.h"
#include "domain/hosts.h"
#include "domain/ports.h"
#include "domain/router.h"
#include "net/cores.h"
#include "net/workers.h"
#include "xmpp/login_guard.h"
#include "xmpp/settings.h"

namespace anser::xmpp {

class Features;
class Negotiation;
class Stream;
struct Services;

struct Shared {
  net::Cores& cores;
  net::Workers& workers;
  domain::Storage& storage;
  domain::Post& post;
  const Clock& clock;
  const domain::Hosts& hosts;
  LoginGuard& guard;
  std::string secret;  // of this installation: salts of accounts that do not exist come from it
  Time started;
  std::function<SharedSettings()> settings;                    // as of now; any thread
  std::function<std::shared_ptr<const net::TlsServer>()> tls;  // null: no certificate, no TLS
  std::function<Services&(net::CoreId)> home;
  std::string archive_key = {};          // of this installation, for ever: archive ids are made with it
  std::function<bool()> congested = {};  // more is under way from this core to another than that one takes; may be none
  std::string token_key = {};  // what makes login tokens of what is stored of them; lives outside of the database
};

struct Services {
  Shared& shared;
  net::Core& core;
  domain::Router& router;
  const Features* features = nullptr;                            // set when they are made, before the first stream
  std::unordered_set<Negotiation*> negotiations = {};            // of this core, for the server's stop
  std::unordered_multimap<std::string, Stream*> unbound = {};    // logged in, without a resource yet; by account
  std::unordered_map<std::string_view, Stream*> resumable = {};  // by the id of their session, which has it (XEP-0198)
  std::size_t unfinished = 0;                                    // bytes that its streams keep of unfinished stanzas
  bool stopping = false;                                         // whoever comes now is told so
  domain::ArchiveIds archive_ids{shared.archive_key};
};

// Runs `work` on the thread of accounts.db and resumes on this core after the commit. Make the function first, then
// await (net/task.h says why):
//   auto work = [owner](domain::AccountStore& store) { return store.load_roster(owner); };
//   auto task = ask<domain::Roster>(services.shared, std::move(work));
//   auto roster = co_await std::move(task);
template <class Value, class Work>
net::Task<Result<Value>> ask(Shared& shared, Work work) {
  auto start = [&shared, core = net::Core::current(), work = std::move(work)](auto handler) mutable {
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    auto done = [resume, core](Result<Value> value) {
      // Posted, so that nothing of the coroutine runs inside the storage's own call.
      auto slot = std::make_shared<Result<Value>>(std::move(value));
      boost::asio::post(core->io(), [resume, slot] { std::move (*resume)(std::move(*slot)); });
    };
    if constexpr (std::is_void_v<Value>) {
      shared.storage.submit(core->id(), std::move(work), std::move(done));
    } else {
      shared.storage.run<Value>(core->id(), std::move(work), std::move(done));
    }
  };
  Result<Value> result =
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<net::Executor>&, void(Result<Value>)>(
          std::move(start), boost::asio::use_awaitable_t<net::Executor>{});
  co_return result;
}

// Suspends one coroutine until somebody on the same core opens it. Costs nothing while nobody waits.
class Gate {
 public:
  net::Task<void> wait() {
    auto start = [this](auto handler) {
      auto resume = std::make_shared<decltype(handler)>(std::move(handler));
      opener_ = [resume, core = net::Core::current()] {
        boost::asio::post(core->io(), [resume] { std::move (*resume)(); });
      };
    };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<net::Executor>&, void()>(
        std::move(start), boost::asio::use_awaitable_t<net::Executor>{});
  }
  void open() {
    if (opener_) std::exchange(opener_, nullptr)();
  }

 private:
  std::function<void()> opener_;
};

}  // namespace anser::xmpp
