// MessageLog, the part of the place thread: the tail goes into archive.db, what is too old leaves it, and the append
// thread is asked for what only it may do to the log.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "store/message_log.h"

namespace anser::store {
namespace {

using domain::LogRecord;

constexpr std::size_t kExpiredAtOnce = 256;  // chunks, in one transaction

Tick now() { return std::chrono::steady_clock::now(); }

}  // namespace

void MessageLog::run_placer() {
  Lock lock{mutex_};
  while (wait_for_records(lock) && place_some(lock)) {
  }
  placer_done_ = true;
  append_wake_.notify_all();
  settled_.notify_all();
}

// False: there is nothing more to come.
bool MessageLog::wait_for_records(Lock& lock) {
  for (;;) {
    if (failed_) return false;
    if (!drained_ && expires() && (expire_asked_ || now() >= expire_due_)) {
      if (!expire_some(lock)) return false;
      continue;
    }
    if (tail_.empty()) {
      if (drained_) return false;
      if (expires())
        place_wake_.wait_until(lock, expire_due_);
      else
        place_wake_.wait(lock);
      continue;
    }
    const bool due = drained_ || settling_ > 0 || !tail_has_room() || tail_.size() >= options_.place_entries;
    if (due || now() >= place_due_) return true;
    place_wake_.wait_until(lock, place_due_);
  }
}

// One batch; false: give up.
bool MessageLog::place_some(Lock& lock) {
  const auto records = tail_.unplaced(options_.place_entries);
  placing_ = true;
  lock.unlock();
  auto dead = stores_.archive->place(records);
  lock.lock();
  placing_ = false;
  if (!dead) return give_up_or_wait(lock, dead.error());
  // While the tail still has the retractions: a query knows of them from there until the log is without the words.
  placing_ = true;
  const bool buried = bury_some(lock, records);
  placing_ = false;
  if (!buried) return false;
  for (std::size_t done = 0; done < records.size();) {
    done = std::min(done + kSlice, records.size());
    tail_.placed(records[done - 1].sequence);
    if (done == records.size()) break;
    lock.unlock();
    lock.lock();
  }
  place_due_ = now() + options_.place_after;
  append_wake_.notify_one();  // there is room again

  placing_ = true;
  const bool erased = order(lock, Order{.dead = std::move(*dead)});
  placing_ = false;
  settled_.notify_all();
  if (erased && std::exchange(archive_waits_, false)) log::info("store", "the archive goes on");
  return erased;
}

// What those of the records say that take messages back; false: give up.
bool MessageLog::bury_some(Lock& lock, std::span<const LogRecord> records) {
  Burial burial{records};
  for (;;) {
    lock.unlock();
    const auto more = burial.seek(*stores_.archive);
    lock.lock();
    if (!more) {
      if (!give_up_or_wait(lock, more.error())) return false;
    } else if (!*more) {
      return true;
    } else if (!order(lock, Order{.dead = {}, .burial = &burial})) {
      return false;
    }
  }
}

// A few of the oldest messages of all archives; false: give up.
bool MessageLog::expire_some(Lock& lock) {
  domain::Expiry expiry{.before = std::nullopt, .keep = options_.keep_messages, .work = kExpiredAtOnce};
  if (options_.keep_for > Duration{0}) expiry.before = clock_.now() - options_.keep_for;
  placing_ = true;
  lock.unlock();
  auto expired = stores_.archive->expire(expiry);
  lock.lock();
  placing_ = false;
  if (!expired) return give_up_or_wait(lock, expired.error());
  placing_ = true;
  const bool erased = order(lock, Order{.dead = std::move(expired->dead)});
  placing_ = false;
  if (!erased) return false;
  if (!expired->more) {
    expire_due_ = now() + options_.expire_every;
    expire_asked_ = false;
  } else if (tail_.size() >= options_.place_entries || (!tail_has_room() && !tail_.empty())) {
    return place_some(lock);  // what is new goes on meanwhile
  }
  settled_.notify_all();
  return true;
}

// Has the append thread do it; false: give up.
bool MessageLog::order(Lock& lock, Order order) {
  if (order.empty()) return true;
  do {
    order_ = order;
    append_wake_.notify_one();
    place_wake_.wait(lock, [this] { return !order_; });
    if (failed_) return false;
    if (!order_error_) return true;
  } while (give_up_or_wait(lock, Error{*order_error_}));
  return false;
}

bool MessageLog::give_up_or_wait(Lock& lock, const Error& error) {
  if (passes(error)) return wait_for_disk(lock, error);
  lock.unlock();
  fail_for_good(error);
  lock.lock();
  return false;
}

// Waits before it is tried again; false: not any more, the next start goes on from here.
bool MessageLog::wait_for_disk(Lock& lock, const Error& error) {
  if (!std::exchange(archive_waits_, true)) log::warn("store", "the archive waits: {}", error.message);
  const Tick until = now() + options_.retry_after;
  place_wake_.wait_until(lock, until, [this, until] { return failed_ || drained_ || now() >= until; });
  return !failed_ && !drained_;
}

}  // namespace anser::store
