#include "upload/claims.h"

#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace anser::upload {

struct Claims::Entry {
  std::string id, owner;
  net::Core* core = nullptr;  // null: a sweep's
  std::weak_ptr<Listener> listener = {};
  std::shared_ptr<Waiter> waiter = {};
  std::uint64_t held = 0;
  bool asked = false;
  std::atomic<bool> condemned{false};
};

// A coroutine of `core` that waits for an upload. The timer is touched on that core only.
struct Claims::Waiter {
  using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                  boost::asio::wait_traits<std::chrono::steady_clock>, net::Executor>;
  Waiter(net::Core& core, std::string owner, Limits limits)
      : core(core), owner(std::move(owner)), limits(limits), timer(core.io(), kPatience) {}

  net::Core& core;
  const std::string owner;
  const Limits limits;
  Timer timer;
  // Guarded by the table's lock.
  Result<std::shared_ptr<Entry>> outcome = fail(Errc::timeout, "another request of this upload does not end");
  bool decided = false;
};

// ---- a claim --------------------------------------------------------------------------------------------------------

void Claims::Claim::release() {
  if (entry_) std::exchange(claims_, nullptr)->give_back(std::move(entry_));
  entry_.reset();
}

void Claims::Claim::listen(const std::shared_ptr<Listener>& listener) {
  const std::lock_guard lock{claims_->mutex_};
  entry_->listener = listener;
  if (entry_->asked) listener->unwanted = true;
}

void Claims::Claim::hold(std::uint64_t bytes) {
  const std::lock_guard lock{claims_->mutex_};
  claims_->set_hold(*entry_, bytes);
}

std::uint64_t Claims::Claim::held() const {
  const std::lock_guard lock{claims_->mutex_};
  return entry_->held;
}

bool Claims::Claim::condemned() const { return entry_->condemned; }

std::function<bool()> Claims::Claim::condemnation() const {
  return [entry = entry_] { return entry->condemned.load(); };
}

// ---- the table ------------------------------------------------------------------------------------------------------

Result<std::shared_ptr<Claims::Entry>> Claims::add(std::string_view id, std::string_view owner, net::Core* core,
                                                   Limits limits) {
  if (ended_) return fail(Errc::closed, "the server stops");
  if (core) {
    if (cores_[core] >= limits.on_core)
      return fail(Errc::queue_full, "too many uploads are under way; try again later");
    const auto use = owners_.find(owner);
    if (!owner.empty() && use != owners_.end() && use->second.count >= limits.of_owner)
      return fail(Errc::queue_full, "you have {} uploads under way already; try again later", limits.of_owner);
    ++cores_[core];
    ++owners_[std::string{owner}].count;
  }
  auto entry = std::make_shared<Entry>();
  entry->id = id;
  entry->owner = owner;
  entry->core = core;
  entries_.emplace(entry->id, entry);
  return entry;
}

void Claims::remove(Entry& entry) {
  entries_.erase(entry.id);
  if (!entry.core) return;
  set_hold(entry, 0);
  --cores_[entry.core];
  const auto use = owners_.find(entry.owner);
  if (--use->second.count == 0) owners_.erase(use);
}

void Claims::set_hold(Entry& entry, std::uint64_t bytes) {
  auto& use = owners_[entry.owner];
  use.held += bytes;
  use.held -= std::exchange(entry.held, bytes);
}

void Claims::ask(Entry& entry) {
  if (!entry.core || std::exchange(entry.asked, true)) return;
  boost::asio::post(entry.core->io(), [listener = entry.listener] {
    const auto there = listener.lock();
    if (!there || std::exchange(there->unwanted, true)) return;
    if (auto stop = std::exchange(there->stop, {})) stop();
  });
}

void Claims::wake(std::shared_ptr<Waiter> waiter) {
  waiter->decided = true;
  auto& io = waiter->core.io();
  boost::asio::post(io, [waiter = std::move(waiter)] { waiter->timer.cancel(); });
}

Result<Claims::Claim> Claims::take(std::string_view id, std::string_view owner, net::Core& core, Limits limits) {
  const std::lock_guard lock{mutex_};
  if (entries_.contains(id)) return fail(Errc::conflict, "this upload is under way already");
  auto entry = add(id, owner, &core, limits);
  if (!entry) return pass(entry);
  return Claim{*this, std::move(*entry)};
}

Result<Claims::Claim> Claims::take_to_remove(std::string_view id) {
  const std::lock_guard lock{mutex_};
  if (entries_.contains(id)) return fail(Errc::conflict, "this upload is under way");
  auto entry = add(id, {}, nullptr, {});
  if (!entry) return pass(entry);
  return Claim{*this, std::move(*entry)};
}

net::Task<Result<Claims::Claim>> Claims::wait(std::string id, std::string owner, Limits limits) {
  const net::Executor executor = co_await boost::asio::this_coro::executor;
  net::Core& core = net::Core::of(executor.context());
  // Takes itself away, whether it is served, is late, or dies with its core.
  struct Place {
    Claims& claims;
    const std::string& id;
    std::shared_ptr<Waiter> waiter;
    ~Place() {
      if (waiter) claims.stop_waiting(id, waiter);
    }
  } place{*this, id, nullptr};
  {
    const std::lock_guard lock{mutex_};
    const auto at = entries_.find(id);
    if (at == entries_.end()) {
      auto entry = add(id, owner, &core, limits);
      if (!entry) co_return pass(entry);
      co_return Claim{*this, std::move(*entry)};
    }
    place.waiter = std::make_shared<Waiter>(core, owner, limits);
    if (auto older = std::exchange(at->second->waiter, place.waiter)) {
      older->outcome = fail(Errc::closed, "a newer request has taken this upload");
      wake(std::move(older));
    }
    ask(*at->second);
  }
  const auto [ignored] = co_await place.waiter->timer.async_wait(net::kAwait);
  static_cast<void>(ignored);
  const std::lock_guard lock{mutex_};
  place.waiter->decided = true;
  auto outcome = std::exchange(place.waiter->outcome, fail(Errc::closed, "taken"));
  if (!outcome) co_return pass(outcome);
  co_return Claim{*this, std::move(*outcome)};
}

void Claims::stop_waiting(const std::string& id, const std::shared_ptr<Waiter>& waiter) {
  std::shared_ptr<Entry> ours;  // given to a coroutine that is no more
  {
    const std::lock_guard lock{mutex_};
    const auto at = entries_.find(id);
    if (at != entries_.end() && at->second->waiter == waiter) at->second->waiter.reset();
    if (waiter->outcome) ours = std::move(*waiter->outcome);
  }
  if (ours) give_back(std::move(ours));
}

void Claims::give_back(std::shared_ptr<Entry> entry) {
  const std::lock_guard lock{mutex_};
  auto next = std::move(entry->waiter);
  const std::string id = entry->id;
  remove(*entry);
  if (!next) return;
  next->outcome = add(id, next->owner, &next->core, next->limits);
  wake(std::move(next));
}

std::uint64_t Claims::held_by(std::string_view owner) const {
  const std::lock_guard lock{mutex_};
  const auto use = owners_.find(owner);
  return use == owners_.end() ? 0 : use->second.held;
}

std::size_t Claims::under_way() const {
  const std::lock_guard lock{mutex_};
  std::size_t count = 0;
  for (const auto& [core, uploads] : cores_) count += uploads;
  return count;
}

void Claims::condemn(std::string_view owner) {
  const std::lock_guard lock{mutex_};
  for (const auto& [id, entry] : entries_) {
    if (!entry->core || entry->owner != owner) continue;
    entry->condemned = true;
    ask(*entry);
  }
}

void Claims::end_all() {
  const std::lock_guard lock{mutex_};
  ended_ = true;
  for (const auto& [id, entry] : entries_) ask(*entry);
}

// ---- contents -------------------------------------------------------------------------------------------------------

bool Pins::pin(std::string_view content) {
  const std::lock_guard lock{mutex_};
  int& pins = pins_[std::string{content}];
  if (pins == kRemoval) return false;
  ++pins;
  return true;
}

void Pins::unpin(std::string_view content) {
  const std::lock_guard lock{mutex_};
  const auto at = pins_.find(std::string{content});
  if (--at->second == 0) pins_.erase(at);
}

bool Pins::begin_removal(std::string_view content) {
  const std::lock_guard lock{mutex_};
  return pins_.try_emplace(std::string{content}, kRemoval).second;
}

void Pins::end_removal(std::string_view content) {
  const std::lock_guard lock{mutex_};
  pins_.erase(std::string{content});
}

}  // namespace anser::upload
