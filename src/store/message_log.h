// The message log as the cores see it: group commit in front of log.db, the tail of what is not placed yet, and the
// placer behind it. Three threads:
//
//   append  takes everything that waits, numbers and dates it, commits it at once, and posts the outcome to each core
//   in
//           one batch; erases the dead from log.db and buries what is taken back; touches LogStore `log` alone
//   place   moves the tail into archive.db in large batches, takes out what is too old; touches ArchiveStore `archive`
//           alone
//   read    answers queries, so that they wait for neither; touches the two readers alone
//
// A query first waits for the appends that were submitted before it, takes the tail's view of its owner, then asks the
// archive; the tail's events are applied to what the archive says, so the answer is exact wherever the placer stands.
//
// Notes of sessions are committed with the batch they are in and go no further: neither the tail nor the placer sees
// them, and only a start reads them.
//
// Limits: the queue in entries and bytes (past it Errc::resource_limit; the append thread takes it as a whole, so as
// much again may be on its way), what one fetch names and brings, the tail in entries and bytes (past it appends wait
// for the placer, so the queue fills). No core waits for the lock longer than it takes to move a few hundred records. A
// failed commit that is not a full disk or a lock of another process ends everything: the batch and all that waits
// fail, `fatal` is called once, and no commit is tried again.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "domain/ports.h"
#include "store/burial.h"
#include "store/core_post.h"
#include "store/open.h"
#include "store/tail.h"

namespace anser::store {

struct MessageLogOptions {
  std::size_t queue_entries = 65'536;
  std::size_t queue_bytes = 64 << 20;
  std::size_t batch_entries = 8'192;   // in one commit
  std::size_t fetch_bytes = 64 << 20;  // in one fetch
  std::size_t tail_entries = 256'000;
  std::size_t tail_bytes = 256 << 20;
  std::size_t place_entries = 8'192;                      // the placer starts when so many wait …
  Duration place_after = std::chrono::milliseconds{500};  // … or the oldest has waited so long
  Duration retry_after = std::chrono::seconds{1};         // a full disk or a lock, for the placer
  Duration keep_for{0};                                   // archived messages; 0: for ever
  std::size_t keep_messages = 0;                          // in one archive, at least; 0: all
  Duration expire_every = std::chrono::hours{1};
};

class MessageLog final : public domain::MessageLog {
 public:
  // Reads the tail back from log.db above archive.db's watermark and finishes what a crash left half done.
  static Result<std::unique_ptr<MessageLog>> open(const Stores& stores, const Clock& clock, unsigned cores,
                                                  CorePost post, Fatal fatal, MessageLogOptions options = {});
  ~MessageLog() override;  // stop()

  Result<void> append(domain::CoreId core, std::uint64_t ticket, domain::LogEntry entry) override;
  void on_appended(domain::CoreId core, AppendedHandler handler) override;
  void offline(domain::CoreId core, const domain::Jid& owner, std::vector<std::uint64_t> except, std::size_t limit,
               std::size_t bytes, std::function<void(Result<std::vector<domain::LogRecord>>)> done) override;
  void count_offline(domain::CoreId core, const domain::Jid& owner, std::vector<std::uint64_t> except,
                     std::function<void(Result<std::uint64_t>)> done) override;
  void query_archive(domain::CoreId core, domain::ArchiveQuery query,
                     std::function<void(Result<domain::ArchivePage>)> done) override;
  void fetch(domain::CoreId core, std::vector<std::uint64_t> sequences,
             std::function<void(Result<std::vector<domain::LogRecord>>)> done) override;

  // What the sessions of before noted, by session and key; given out once. Before the cores start.
  std::vector<domain::SessionNote> take_notes() { return std::exchange(notes_, {}); }

  // Waits until everything submitted so far is committed and placed, and the dead are erased (or until storage failed).
  // For tests, measurements and before a copy is made of the files.
  void settle();

  // Commits, answers and places what waits, then ends the threads. Appends afterwards get Errc::closed.
  void stop();

 private:
  using RecordsDone = std::function<void(Result<std::vector<domain::LogRecord>>)>;
  using CountDone = std::function<void(Result<std::uint64_t>)>;
  using ArchiveDone = std::function<void(Result<domain::ArchivePage>)>;

  struct Append {
    domain::CoreId core;
    std::uint64_t ticket;
    domain::LogEntry entry;
  };
  struct Query {
    domain::CoreId core = 0;
    domain::Jid owner;
    std::optional<std::vector<std::uint64_t>> numbers;  // these, instead of what waits for the owner
    std::vector<std::uint64_t> except;                  // of what waits; ascending
    std::size_t limit = 0;
    std::size_t bytes = 0;
    RecordsDone records;  // one of the three
    CountDone count;
    ArchiveDone page;
    std::unique_ptr<domain::ArchiveQuery> archive;  // with `page`
    Tail::ArchiveView archive_view;
    std::uint64_t upto = 0;  // what was appended before it
    Tail::View view;
    std::vector<domain::LogRecord> recent;  // of view.waiting: what the tail holds
  };
  using Item = std::variant<Append, std::unique_ptr<Query>>;
  struct Batch {
    std::vector<domain::LogRecord> records;
    std::vector<std::vector<domain::Appended>> by_core;
    std::vector<std::unique_ptr<Query>> queries;
  };
  // What the placer asks of the append thread, which alone writes to the log.
  struct Order {
    std::vector<std::uint64_t> dead;
    Burial* burial = nullptr;  // the placer waits meanwhile
    bool empty() const { return dead.empty() && !burial; }
  };
  using Lock = std::unique_lock<std::mutex>;
  static constexpr std::size_t kSlice = 256;  // records moved while the cores may wait for the lock: some 50 us
  // A full disk, or a lock of another process: what is refused today may go tomorrow.
  static bool passes(const Error& error) { return error.code == Errc::disk_full || error.code == Errc::timeout; }

  MessageLog(const Stores& stores, const Clock& clock, unsigned cores, CorePost post, Fatal fatal,
             MessageLogOptions options);
  Result<void> recover();
  Result<void> bury_again(const std::vector<std::uint64_t>& retractions);
  void start();
  void submit(std::unique_ptr<Query> query);

  // append thread
  void run_appends();
  bool idle() const;
  bool append_due() const;
  bool tail_has_room() const;
  void append_some(Lock& lock);
  Batch take_batch();
  void commit(Batch& batch);
  void refuse_for_now(Batch& batch, const Error& error);
  void take_into_tail(std::vector<domain::LogRecord>& records);
  void pass_on(std::vector<std::unique_ptr<Query>>& queries);
  void look_at_tail(Query& query) const;
  void carry_out(Lock& lock);
  void refuse_all(Lock& lock);
  void post_appended(const std::vector<std::vector<domain::Appended>>& by_core, const std::optional<Error>& error);
  // place thread
  void run_placer();
  bool wait_for_records(Lock& lock);
  bool place_some(Lock& lock);
  bool bury_some(Lock& lock, std::span<const domain::LogRecord> records);
  bool expire_some(Lock& lock);
  bool expires() const { return options_.keep_for > Duration{0} || options_.keep_messages > 0; }
  bool order(Lock& lock, Order order);
  bool give_up_or_wait(Lock& lock, const Error& error);
  bool wait_for_disk(Lock& lock, const Error& error);
  // read thread
  void run_reader();
  void answer(Query& query);
  Result<std::vector<std::uint64_t>> waiting_for(const Query& query);
  Result<std::vector<domain::LogRecord>> read_waiting(Query& query);
  Result<std::vector<domain::LogRecord>> read_numbers(Query& query);
  Result<std::vector<domain::LogRecord>> read_records(Query& query, const std::vector<std::uint64_t>& sequences);

  // Any of them, without the lock.
  void refuse(Query& query, const Error& error);
  void fail_for_good(const Error& error);

  const Stores stores_;
  const Clock& clock_;
  const CorePost post_;
  const Fatal fatal_;
  const MessageLogOptions options_;
  std::vector<domain::SessionNote> notes_;  // from open() to take_notes(), on one thread

  // append thread only
  std::deque<Item> taken_;           // from the queue, as a whole; the next batches come from here
  std::uint64_t last_sequence_ = 0;  // committed
  Time last_time_{};
  bool refusing_ = false;  // the last batch was refused
  // place thread only
  bool archive_waits_ = false;  // for room on the disk, or for a lock

  std::mutex mutex_;  // guards all below but the threads
  std::condition_variable append_wake_, place_wake_, read_wake_, settled_;
  std::vector<std::shared_ptr<const AppendedHandler>> handlers_;
  std::deque<Item> queue_;
  std::size_t queue_bytes_ = 0;
  std::deque<std::unique_ptr<Query>> reads_;  // waiting for the read thread; not more than queue_entries
  Tail tail_;
  Tick place_due_{};  // when the oldest unplaced record has waited long enough
  Tick expire_due_{};
  bool expire_asked_ = false;   // by settle()
  std::optional<Order> order_;  // the placer asks, the append thread does and clears
  std::optional<Error> order_error_;
  std::optional<Error> failed_;
  int settling_ = 0;
  bool appending_ = false, placing_ = false;
  bool stopping_ = false;     // nothing new is taken
  bool drained_ = false;      // … and everything taken is committed
  bool placer_done_ = false;  // … and placed
  bool appends_done_ = false;

  std::thread append_thread_, place_thread_, read_thread_;
};

}  // namespace anser::store
