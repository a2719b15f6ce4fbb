#include "store/message_log.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "store/archive_reader.h"

namespace anser::store {

// True in tests/crash/unsafe.cpp alone, whose server breaks the promise so that the crash test is seen to fail.
#ifdef ANSER_UNSAFE
bool acknowledges_early();
#else
constexpr bool acknowledges_early() { return false; }
#endif

namespace {

using domain::Appended;
using domain::CoreId;
using domain::Jid;
using domain::LogEntry;
using domain::LogRecord;
using domain::RecordKind;

constexpr std::size_t kRecoveryPage = 4'096;  // records read at once at start
constexpr Duration kStep{1};                  // between two records at least
constexpr std::size_t kFetchedAtOnce = 64;    // waiting messages read from the file before their size is looked at

Tick now() { return std::chrono::steady_clock::now(); }

// Of ascending sequences.
using Sequences = std::vector<std::uint64_t>;
Sequences united(const Sequences& some, const Sequences& others) {
  Sequences all;
  all.reserve(some.size() + others.size());
  std::set_union(some.begin(), some.end(), others.begin(), others.end(), std::back_inserter(all));
  return all;
}
Sequences without(const Sequences& all, const Sequences& out) {
  Sequences left;
  left.reserve(all.size());
  std::set_difference(all.begin(), all.end(), out.begin(), out.end(), std::back_inserter(left));
  return left;
}

}  // namespace

// ---- beginning and end ----------------------------------------------------------------------------------------------

Result<std::unique_ptr<MessageLog>> MessageLog::open(const Stores& stores, const Clock& clock, unsigned cores,
                                                     CorePost post, Fatal fatal, MessageLogOptions options) {
  std::unique_ptr<MessageLog> log{
      new MessageLog{stores, clock, cores, std::move(post), std::move(fatal), std::move(options)}};
  if (auto done = log->recover(); !done) return pass(done);
  log->start();
  return log;
}

MessageLog::MessageLog(const Stores& stores, const Clock& clock, unsigned cores, CorePost post, Fatal fatal,
                       MessageLogOptions options)
    : stores_(stores),
      clock_(clock),
      post_(std::move(post)),
      fatal_(std::move(fatal)),
      options_(options),
      handlers_(cores, std::make_shared<const AppendedHandler>([](auto&&) {})) {}

MessageLog::~MessageLog() { stop(); }

Result<void> MessageLog::recover() {
  const auto watermark = stores_.archive->watermark();
  const auto dead = stores_.archive->dead();
  const auto retractions = stores_.archive->retractions();
  const auto last = stores_.log->last_sequence();
  const auto last_time = stores_.log->last_time();
  auto notes = stores_.log->notes();
  if (!watermark) return pass(watermark);
  if (!dead) return pass(dead);
  if (!retractions) return pass(retractions);
  if (!last) return pass(last);
  if (!last_time) return pass(last_time);
  if (!notes) return pass(notes);
  notes_ = std::move(*notes);

  if (auto done = bury_again(*retractions); !done) return done;
  if (!dead->empty()) {
    if (auto done = stores_.log->erase(*dead); !done) return done;
  }
  if (*watermark > *last) {
    log::warn("store", "log.db ends at {} but archive.db knows records up to {}: is log.db an older copy?", *last,
              *watermark);
  }
  last_sequence_ = std::max(*last, *watermark);
  last_time_ = *last_time;
  for (std::uint64_t from = *watermark + 1;;) {
    auto page = stores_.log->read(from, kRecoveryPage);
    if (!page) return pass(page);
    if (page->empty()) break;
    from = page->back().sequence + 1;
    for (auto& record : *page) tail_.push(std::move(record));
  }
  if (!tail_.empty()) log::info("store", "{} log records are not in the archive yet: placing them", tail_.size());
  return {};
}

// They may be carried out or not, or in part.
Result<void> MessageLog::bury_again(const std::vector<std::uint64_t>& retractions) {
  const auto records = stores_.log->fetch(retractions);
  if (!records) return pass(records);
  Burial burial{*records};
  for (;;) {
    const auto more = burial.seek(*stores_.archive);
    if (!more) return pass(more);
    if (!*more) return {};
    if (auto done = burial.carry_out(*stores_.log); !done) return done;
  }
}

void MessageLog::start() {
  place_due_ = expire_due_ = now();
  append_thread_ = std::thread{[this] { run_appends(); }};
  place_thread_ = std::thread{[this] { run_placer(); }};
  read_thread_ = std::thread{[this] { run_reader(); }};
}

void MessageLog::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    append_wake_.notify_all();
    place_wake_.notify_all();
  }
  for (auto* thread : {&place_thread_, &append_thread_, &read_thread_}) {
    if (thread->joinable()) thread->join();
  }
}

void MessageLog::settle() {
  Lock lock{mutex_};
  ++settling_;
  expire_asked_ = expires();
  place_wake_.notify_all();
  settled_.wait(lock, [this] {
    return failed_ || placer_done_ || (queue_.empty() && !appending_ && tail_.empty() && !placing_ && !expire_asked_);
  });
  --settling_;
}

void MessageLog::fail_for_good(const Error& error) {
  {
    const std::lock_guard lock{mutex_};
    if (failed_) return;
    failed_ = error;
    append_wake_.notify_all();
    place_wake_.notify_all();
    settled_.notify_all();
  }
  fatal_(error);
}

// ---- any core -------------------------------------------------------------------------------------------------------

Result<void> MessageLog::append(CoreId core, std::uint64_t ticket, LogEntry entry) {
  const std::size_t size = bytes_of(entry);
  const std::lock_guard lock{mutex_};
  ANSER_ASSERT(core < handlers_.size());
  if (failed_) return tl::make_unexpected(*failed_);
  if (stopping_) return fail(Errc::closed, "the message log is closed");
  if (queue_.size() >= options_.queue_entries || queue_bytes_ + size > options_.queue_bytes) {
    return fail(Errc::resource_limit, "too many messages wait to be stored");
  }
  queue_bytes_ += size;
  queue_.emplace_back(Append{core, ticket, std::move(entry)});
  if (queue_.size() == 1) append_wake_.notify_one();
  return {};
}

void MessageLog::on_appended(CoreId core, AppendedHandler handler) {
  const std::lock_guard lock{mutex_};
  ANSER_ASSERT(core < handlers_.size());
  handlers_[core] = std::make_shared<const AppendedHandler>(std::move(handler));
}

void MessageLog::offline(CoreId core, const Jid& owner, std::vector<std::uint64_t> except, std::size_t limit,
                         std::size_t bytes, RecordsDone done) {
  auto query = std::make_unique<Query>();
  query->core = core;
  query->owner = owner;
  query->except = std::move(except);
  query->limit = limit;
  query->bytes = bytes;
  query->records = std::move(done);
  submit(std::move(query));
}

void MessageLog::count_offline(CoreId core, const Jid& owner, std::vector<std::uint64_t> except, CountDone done) {
  auto query = std::make_unique<Query>();
  query->core = core;
  query->owner = owner;
  query->except = std::move(except);
  query->limit = std::numeric_limits<std::size_t>::max();
  query->count = std::move(done);
  submit(std::move(query));
}

void MessageLog::query_archive(CoreId core, domain::ArchiveQuery asked, ArchiveDone done) {
  auto query = std::make_unique<Query>();
  query->core = core;
  query->owner = asked.owner;
  query->archive = std::make_unique<domain::ArchiveQuery>(std::move(asked));
  query->page = std::move(done);
  submit(std::move(query));
}

void MessageLog::fetch(CoreId core, std::vector<std::uint64_t> sequences, RecordsDone done) {
  auto query = std::make_unique<Query>();
  query->core = core;
  query->numbers = std::move(sequences);
  query->bytes = options_.fetch_bytes + 1;  // with so many they are too many
  query->records = std::move(done);
  if (query->numbers->size() > kFetch) {
    return refuse(*query, {Errc::resource_limit, "too many log records are asked for at once"});
  }
  submit(std::move(query));
}

void MessageLog::submit(std::unique_ptr<Query> query) {
  Error refusal;
  {
    const std::lock_guard lock{mutex_};
    if (failed_) {
      refusal = *failed_;
    } else if (stopping_) {
      refusal = {Errc::closed, "the message log is closed"};
    } else if (queue_.size() + reads_.size() >= options_.queue_entries) {
      refusal = {Errc::resource_limit, "too many queries wait for the message log"};
    } else {
      queue_.emplace_back(std::move(query));
      if (queue_.size() == 1) append_wake_.notify_one();
      return;
    }
  }
  refuse(*query, refusal);
}

// ---- append thread --------------------------------------------------------------------------------------------------

bool MessageLog::tail_has_room() const {
  return tail_.size() < options_.tail_entries && tail_.bytes() < options_.tail_bytes;
}

bool MessageLog::idle() const { return queue_.empty() && taken_.empty(); }

bool MessageLog::append_due() const {
  if (idle()) return false;
  const Item& next = taken_.empty() ? queue_.front() : taken_.front();
  return failed_ || stopping_ || tail_has_room() || !std::holds_alternative<Append>(next);
}

void MessageLog::run_appends() {
  Lock lock{mutex_};
  for (;;) {
    append_wake_.wait(
        lock, [this] { return order_ || append_due() || (stopping_ && idle() && (!drained_ || placer_done_)); });
    if (failed_) {
      refuse_all(lock);
    } else if (order_) {
      carry_out(lock);
    } else if (append_due()) {
      append_some(lock);
    }
    if (stopping_ && idle()) {
      drained_ = true;
      place_wake_.notify_all();
      if (placer_done_) break;
    }
  }
  appends_done_ = true;
  read_wake_.notify_all();
}

void MessageLog::append_some(Lock& lock) {
  if (taken_.empty()) {
    taken_.swap(queue_);
    queue_bytes_ = 0;
  }
  appending_ = true;
  lock.unlock();
  Batch batch = take_batch();
  commit(batch);
  lock.lock();
  appending_ = !taken_.empty();
  settled_.notify_all();
}

// Numbers and dates what waits, in order of submission.
MessageLog::Batch MessageLog::take_batch() {
  Batch batch;
  batch.by_core.resize(handlers_.size());
  batch.records.reserve(std::min(taken_.size(), options_.batch_entries));
  std::uint64_t sequence = last_sequence_;
  Time time = std::max(clock_.now(), last_time_ + kStep);
  while (!taken_.empty() && batch.records.size() < options_.batch_entries) {
    auto* append = std::get_if<Append>(&taken_.front());
    if (append && append->entry.kind == RecordKind::note) {
      batch.by_core[append->core].push_back({append->ticket, std::max<std::uint64_t>(sequence, 1), time});
      batch.records.push_back({0, time, std::move(append->entry)});
    } else if (append) {
      batch.by_core[append->core].push_back({append->ticket, ++sequence, time});
      batch.records.push_back({sequence, time, std::move(append->entry)});
      time += kStep;
    } else {
      auto& query = std::get<std::unique_ptr<Query>>(taken_.front());
      query->upto = sequence;
      batch.queries.push_back(std::move(query));
    }
    taken_.pop_front();
  }
  return batch;
}

// Commits, then tells the cores, then takes the records into the tail: nobody looks there before this thread does.
void MessageLog::commit(Batch& batch) {
  if (acknowledges_early()) post_appended(batch.by_core, std::nullopt);
  const auto committed = batch.records.empty() ? Result<void>{} : stores_.log->append(batch.records);
  if (!committed && !passes(committed.error())) {
    for (auto& query : batch.queries) refuse(*query, committed.error());
    post_appended(batch.by_core, committed.error());
    fail_for_good(committed.error());
    return;
  }
  if (!committed) {
    refuse_for_now(batch, committed.error());
  } else if (!batch.records.empty() && std::exchange(refusing_, false)) {
    log::info("store", "messages are stored again");
  }
  if (!acknowledges_early()) post_appended(batch.by_core, std::nullopt);
  take_into_tail(batch.records);
  if (!batch.queries.empty()) pass_on(batch.queries);
}

void MessageLog::refuse_for_now(Batch& batch, const Error& error) {
  if (!std::exchange(refusing_, true)) log::warn("store", "messages are refused: {}", error.message);
  for (auto& core : batch.by_core) {
    for (auto& appended : core) appended.sequence = 0;
  }
  batch.records.clear();
}

void MessageLog::take_into_tail(std::vector<LogRecord>& records) {
  for (std::size_t next = 0; next < records.size();) {
    const std::lock_guard lock{mutex_};
    const bool first = tail_.empty();
    if (first) place_due_ = now() + options_.place_after;
    for (const auto end = std::min(next + kSlice, records.size()); next < end; ++next) {
      LogRecord& record = records[next];
      if (record.entry.kind == RecordKind::note) continue;
      record.entry.note.reset();  // it has done its work
      last_sequence_ = record.sequence;
      last_time_ = record.time;
      tail_.push(std::move(record));
    }
    if (first || settling_ > 0 || tail_.size() >= options_.place_entries || !tail_has_room()) place_wake_.notify_one();
  }
}

void MessageLog::pass_on(std::vector<std::unique_ptr<Query>>& queries) {
  for (auto& query : queries) {
    const std::lock_guard lock{mutex_};  // for one at a time: the cores wait for it too
    query->upto = std::min(query->upto, last_sequence_);
    look_at_tail(*query);
    reads_.push_back(std::move(query));
  }
  const std::lock_guard lock{mutex_};
  read_wake_.notify_one();
}

void MessageLog::look_at_tail(Query& query) const {
  if (query.numbers) return;  // log.db has them all
  if (query.archive) {
    query.archive_view = tail_.archive_view(*query.archive, query.archive->limit + 1, query.upto);
    return;
  }
  query.view = tail_.view(query.owner.bare(), query.upto);
  if (query.count) return;
  auto except = query.except.begin();
  for (const auto sequence : query.view.waiting) {
    if (query.recent.size() == query.limit) return;
    while (except != query.except.end() && *except < sequence) ++except;
    if (except != query.except.end() && *except == sequence) continue;
    if (const LogRecord* record = tail_.find(sequence)) query.recent.push_back(*record);
  }
}

void MessageLog::carry_out(Lock& lock) {
  const Order order = *order_;
  lock.unlock();
  auto done = order.burial ? order.burial->carry_out(*stores_.log) : Result<void>{};
  if (done && !order.dead.empty()) done = stores_.log->erase(order.dead);
  lock.lock();
  order_error_ = done ? std::nullopt : std::optional{done.error()};
  order_.reset();
  place_wake_.notify_all();
}

// Storage has failed: all that waits is told so.
void MessageLog::refuse_all(Lock& lock) {
  order_.reset();
  place_wake_.notify_all();
  std::deque<Item> refused{std::move(taken_)};
  refused.insert(refused.end(), std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
  taken_.clear();
  queue_.clear();
  queue_bytes_ = 0;
  appending_ = false;
  const Error error = *failed_;

  lock.unlock();
  std::vector<std::vector<Appended>> by_core(handlers_.size());
  for (auto& item : refused) {
    if (auto* append = std::get_if<Append>(&item))
      by_core[append->core].push_back({append->ticket, 0, Time{}});
    else
      refuse(*std::get<std::unique_ptr<Query>>(item), error);
  }
  post_appended(by_core, error);
  lock.lock();
}

void MessageLog::post_appended(const std::vector<std::vector<Appended>>& by_core, const std::optional<Error>& error) {
  for (std::size_t core = 0; core < by_core.size(); ++core) {
    if (by_core[core].empty()) continue;
    std::shared_ptr<const AppendedHandler> handler;
    {
      const std::lock_guard lock{mutex_};
      handler = handlers_[core];
    }
    auto batch = std::make_shared<const std::vector<Appended>>(by_core[core]);
    post_(static_cast<CoreId>(core), [handler = std::move(handler), batch = std::move(batch), error] {
      if (error)
        (*handler)(tl::make_unexpected(*error));
      else
        (*handler)(std::span{*batch});
    });
  }
}

// ---- read thread ----------------------------------------------------------------------------------------------------

void MessageLog::run_reader() {
  Lock lock{mutex_};
  for (;;) {
    read_wake_.wait(lock, [this] { return !reads_.empty() || appends_done_; });
    if (reads_.empty()) return;
    const auto query = std::move(reads_.front());
    reads_.pop_front();
    lock.unlock();
    answer(*query);
    lock.lock();
  }
}

void MessageLog::answer(Query& query) {
  if (query.count) {
    const auto waiting = waiting_for(query);
    const auto count = waiting ? Result<std::uint64_t>{waiting->size()} : Result<std::uint64_t>{pass(waiting)};
    post_(query.core, [done = std::move(query.count), count] { done(count); });
  } else if (query.page) {
    auto page = std::make_shared<Result<domain::ArchivePage>>(
        read_archive(*query.archive, std::move(query.archive_view), *stores_.archive_reader, *stores_.log_reader));
    post_(query.core, [done = std::move(query.page), page] { done(std::move(*page)); });
  } else {
    auto records =
        std::make_shared<Result<std::vector<LogRecord>>>(query.numbers ? read_numbers(query) : read_waiting(query));
    post_(query.core, [done = std::move(query.records), records] { done(std::move(*records)); });
  }
}

void MessageLog::refuse(Query& query, const Error& error) {
  if (query.count) {
    post_(query.core, [done = std::move(query.count), error] { done(tl::make_unexpected(error)); });
  } else if (query.page) {
    post_(query.core, [done = std::move(query.page), error] { done(tl::make_unexpected(error)); });
  } else {
    post_(query.core, [done = std::move(query.records), error] { done(tl::make_unexpected(error)); });
  }
}

// What the archive says, and what the tail adds. The placer may have moved on since the tail was looked at: then the
// archive says some of it twice, and perhaps things that came after the query, which are left out.
Result<std::vector<std::uint64_t>> MessageLog::waiting_for(const Query& query) {
  // So many that enough are left.
  const std::size_t out = query.view.released.size() + query.except.size();
  const std::size_t limit = query.limit + std::min(out, std::numeric_limits<std::size_t>::max() - query.limit);
  auto placed = stores_.archive_reader->offline(query.owner, query.view.done_through, limit);
  if (!placed) return placed;
  placed->erase(std::upper_bound(placed->begin(), placed->end(), query.upto), placed->end());

  auto waiting = united(without(*placed, query.view.released), query.view.waiting);
  if (!query.except.empty()) waiting = without(waiting, query.except);
  if (waiting.size() > query.limit) waiting.resize(query.limit);
  return waiting;
}

Result<std::vector<LogRecord>> MessageLog::read_waiting(Query& query) {
  const auto waiting = waiting_for(query);
  if (!waiting) return pass(waiting);
  return read_records(query, *waiting);
}

Result<std::vector<LogRecord>> MessageLog::read_numbers(Query& query) {
  auto records = read_records(query, *query.numbers);
  if (!records) return records;
  std::size_t size = 0;
  for (const auto& record : *records) size += record.entry.envelope.bytes();
  // Part of them would say that the others are gone.
  if (size >= query.bytes)
    return fail(Errc::resource_limit, "the log records that are asked for are too large together");
  return records;
}

// Until they have query.bytes together. `recent` has those that the tail held, ascending as `sequences` are then; the
// others are read from the log, some at a time.
Result<std::vector<LogRecord>> MessageLog::read_records(Query& query, const std::vector<std::uint64_t>& sequences) {
  std::vector<LogRecord> records;
  std::size_t size = 0;
  auto recent = query.recent.begin();
  for (auto next = sequences.begin(); next != sequences.end() && size < query.bytes;) {
    std::vector<std::uint64_t> missing;
    const auto is_recent = [&](std::uint64_t sequence) {
      return recent != query.recent.end() && recent->sequence == sequence;
    };
    while (next != sequences.end() && !is_recent(*next) && missing.size() < kFetchedAtOnce) missing.push_back(*next++);
    auto fetched = stores_.log_reader->fetch(missing);
    if (!fetched) return fetched;
    for (auto& record : *fetched) {
      if (size >= query.bytes) return records;
      size += record.entry.envelope.bytes();
      records.push_back(std::move(record));
    }
    for (; next != sequences.end() && is_recent(*next) && size < query.bytes; ++next, ++recent) {
      size += recent->entry.envelope.bytes();
      records.push_back(std::move(*recent));
    }
  }
  return records;
}

}  // namespace anser::store
