// The router's surroundings without threads, disks or sockets: storage and log that do their work when told to, a post
// that keeps letters, sessions that remember what they were given.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "domain/router.h"
#include "domain/unacked_queue.h"

namespace anser::domain {

inline Jid jid(std::string_view text) { return Jid::parse(text).value(); }

class FakeClock final : public Clock {
 public:
  Time now() const override { return time; }
  Tick tick() const override { return ticks; }
  Time time{std::chrono::seconds{1'700'000'000}};
  Tick ticks{};
};

// What the router needs of accounts: state and subscriptions. The rest of the port belongs to the stores' own tests.
class FakeAccounts final : public AccountStore {
 public:
  std::map<std::string, AccountState> states;
  std::vector<AccountRecord> records;       // what logins read
  std::map<std::string, RosterItem> items;  // owner, space, contact
  std::uint64_t version = 0;

  Result<void> begin() override { return {}; }
  Result<void> commit() override { return {}; }
  void rollback() override {}
  Result<void> savepoint() override { return {}; }
  void rollback_to_savepoint() override {}
  Result<void> create_account(const AccountRecord& account) override {
    states[account.jid.full()].exists = true;
    return {};
  }
  Result<std::optional<AccountRecord>> find_account(const Jid& bare) override {
    const auto record = std::find_if(records.begin(), records.end(), [&](const auto& one) { return one.jid == bare; });
    return record == records.end() ? std::optional<AccountRecord>{} : std::optional{*record};
  }
  Result<void> set_keys(const Jid&, std::span<const core::ScramKeys>) override { return {}; }
  Result<void> add_key(const Jid&, const core::ScramKeys&) override { return {}; }
  Result<TokenSlots> find_tokens(const Jid&, std::string_view) override { return TokenSlots{}; }
  Result<void> put_tokens(const Jid&, std::string_view, const TokenSlots&, std::size_t) override { return {}; }
  Result<void> set_disabled(const Jid&, bool) override { return {}; }
  Result<void> remove_account(const Jid& bare) override {
    states.erase(bare.full());
    return {};
  }
  Result<std::vector<AccountRecord>> list_accounts(std::string_view, std::string_view, std::size_t) override {
    return std::vector<AccountRecord>{};
  }
  Result<std::uint64_t> count_accounts(std::string_view) override { return states.size(); }
  Result<AccountState> load_state(const Jid& bare) override { return states[bare.full()]; }
  Result<Roster> load_roster(const Jid&) override { return Roster{}; }
  Result<std::optional<RosterItem>> find_roster_item(const Jid& owner, const Jid& contact) override {
    const auto found = items.find(owner.full() + " " + contact.full());
    return found == items.end() ? std::optional<RosterItem>{} : std::optional<RosterItem>{found->second};
  }
  Result<Changed> set_roster_entry(const Jid& owner, const Jid& contact, std::string_view name,
                                   std::span<const std::string>) override {
    auto& item = items[owner.full() + " " + contact.full()];
    item.contact = contact;
    item.name = name;
    item.subscription.listed = true;
    return Changed{item, ++version};
  }
  Result<Changed> set_subscription(const Jid& owner, const Jid& contact, Subscription subscription,
                                   std::string_view request) override {
    auto& item = items[owner.full() + " " + contact.full()];
    item.contact = contact;
    item.subscription = subscription;
    if (!request.empty()) item.request = request;
    return Changed{item, ++version};
  }
  Result<std::uint64_t> remove_roster_item(const Jid& owner, const Jid& contact) override {
    items.erase(owner.full() + " " + contact.full());
    return ++version;
  }
  Result<void> block(const Jid&, std::span<const Jid>) override { return {}; }
  Result<void> unblock(const Jid&, std::span<const Jid>) override { return {}; }
  Result<void> put_push(const Jid& owner, const PushTarget& target) override {
    auto& all = states[owner.full()].push;
    std::erase_if(all, [&](const PushTarget& old) { return old.service == target.service && old.node == target.node; });
    all.push_back(target);
    return {};
  }
  Result<void> remove_push(const Jid& owner, const Jid& service, const std::optional<std::string>&) override {
    std::erase_if(states[owner.full()].push, [&](const PushTarget& target) { return target.service == service; });
    return {};
  }
  Result<void> set_archive_preferences(const Jid& owner, const ArchivePreferences& preferences) override {
    states[owner.full()].archive = preferences;
    return {};
  }
  Result<std::optional<std::string>> find_document(const Jid&, std::string_view, std::string_view) override {
    return std::optional<std::string>{};
  }
  Result<void> put_document(const Jid&, std::string_view, std::string_view, std::string_view) override { return {}; }
  Result<std::uint64_t> documents_size(const Jid&) override { return 0; }
  Result<void> set_last_activity(const Jid&, const LastActivity&) override { return {}; }
  Result<std::optional<LastActivity>> find_last_activity(const Jid&) override { return std::optional<LastActivity>{}; }
  Result<std::optional<std::string>> find_setting(std::string_view) override { return std::optional<std::string>{}; }
  Result<void> put_setting(std::string_view, std::string_view) override { return {}; }
};

class FakeStorage final : public Storage {
 public:
  explicit FakeStorage(FakeAccounts& accounts) : accounts_(accounts) {}
  void submit(CoreId, Work work, Done done) override { jobs_.push_back({std::move(work), std::move(done)}); }
  bool run_one() {
    if (jobs_.empty()) return false;
    auto [work, done] = std::move(jobs_.front());
    jobs_.pop_front();
    done(work(accounts_));
    return true;
  }

 private:
  FakeAccounts& accounts_;
  std::deque<std::pair<Work, Done>> jobs_;
};

class FakeLog final : public MessageLog {
 public:
  std::vector<LogRecord> records;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> notes;  // by session and key
  bool full = false;                                                     // the queue
  bool disk_full = false;
  bool unreadable = false;  // the archives, and what waits

  Result<void> append(CoreId, std::uint64_t ticket, LogEntry entry) override {
    if (full) return fail(Errc::resource_limit, "full");
    waiting_.push_back({ticket, std::move(entry)});
    return {};
  }
  void on_appended(CoreId, AppendedHandler handler) override { handler_ = std::move(handler); }
  void offline(CoreId, const Jid& owner, std::vector<std::uint64_t> except, std::size_t limit, std::size_t bytes,
               std::function<void(Result<std::vector<LogRecord>>)> done) override {
    queries_.push_back([this, owner, except = std::move(except), limit, bytes, done = std::move(done)] {
      if (unreadable) return done(fail(Errc::storage_failed, "unreadable"));
      auto found = waiting_for(owner);
      std::erase_if(found, [&](const LogRecord& record) {
        return std::binary_search(except.begin(), except.end(), record.sequence);
      });
      if (found.size() > limit) found.resize(limit);
      std::size_t size = 0, kept = 0;
      while (kept < found.size() && size < bytes) size += found[kept++].entry.envelope.bytes();
      found.resize(kept);
      done(std::move(found));
    });
  }
  void count_offline(CoreId, const Jid& owner, std::vector<std::uint64_t> except,
                     std::function<void(Result<std::uint64_t>)> done) override {
    queries_.push_back([this, owner, except = std::move(except), done = std::move(done)] {
      auto found = waiting_for(owner);
      std::erase_if(found, [&](const LogRecord& record) {
        return std::binary_search(except.begin(), except.end(), record.sequence);
      });
      done(found.size());
    });
  }
  void fetch(CoreId, std::vector<std::uint64_t> sequences,
             std::function<void(Result<std::vector<LogRecord>>)> done) override {
    queries_.push_back([this, sequences = std::move(sequences), done = std::move(done)] {
      std::vector<LogRecord> found;
      for (const auto sequence : sequences) {
        if (sequence > 0 && sequence <= records.size()) found.push_back(records[sequence - 1]);
      }
      done(std::move(found));
    });
  }

  // By owner, place, time and size; the stores' own tests know the rest of what may be asked.
  void query_archive(CoreId, ArchiveQuery query, std::function<void(Result<ArchivePage>)> done) override {
    queries_.push_back([this, query = std::move(query), done = std::move(done)] {
      if (unreadable) return done(fail(Errc::storage_failed, "unreadable"));
      done(page_of(query));
    });
  }

  // Makes everything that was appended durable, in one batch.
  bool commit() {
    if (waiting_.empty()) return false;
    std::vector<Appended> batch;
    for (auto& [ticket, entry] : std::exchange(waiting_, {})) {
      if (disk_full) {
        batch.push_back({ticket, 0, {}});
        continue;
      }
      const bool recorded = entry.kind != RecordKind::note;
      const auto notes_of_it = std::exchange(entry.note, {});
      for (const auto* note = notes_of_it.get(); note; note = note->next.get()) take(*note, records.size() + 1);
      const std::uint64_t sequence = recorded ? records.size() + 1 : std::max<std::uint64_t>(records.size(), 1);
      const Time time{std::chrono::seconds{1'700'000'000 + static_cast<long long>(sequence)}};
      if (recorded) records.push_back({sequence, time, std::move(entry)});
      batch.push_back({ticket, sequence, time});
    }
    handler_(std::span<const Appended>{batch});
    return true;
  }
  bool answer() {
    if (queries_.empty()) return false;
    commit();  // a query comes after the appends before it
    const auto query = std::move(queries_.front());
    queries_.pop_front();
    query();
    return true;
  }

 private:
  void take(const SessionNote& note, std::uint64_t sequence) {
    if (note.erase) {
      notes.erase(notes.lower_bound({note.session, note.erase->from}),
                  notes.upper_bound({note.session, note.erase->through}));
    }
    if (!note.bytes.empty()) notes[{note.session, note.key + (note.at_sequence ? sequence : 0)}] = note.bytes;
  }
  ArchivePage page_of(const ArchiveQuery& query) const {
    ArchivePage page{.records = {}, .complete = true};
    std::size_t bytes = 0;
    const auto take = [&](const LogRecord& record) {
      const References& shown = record.entry.references;
      const bool mine = (shown.recipient_archive && record.entry.owner == query.owner) ||
                        (shown.sender_archive && record.entry.envelope.from.bare() == query.owner.full());
      const bool inside = record.sequence > query.after && record.sequence < query.before &&
                          (!query.since || record.time >= *query.since);
      if (record.entry.kind != RecordKind::message || !mine || !inside) return;
      page.complete = page.records.size() < query.limit && bytes < query.bytes;
      if (!page.complete) return;
      page.records.push_back(record);
      bytes += record.entry.envelope.bytes();
    };
    if (!query.backwards) {
      for (auto record = records.begin(); record != records.end() && page.complete; ++record) take(*record);
      return page;
    }
    for (auto record = records.rbegin(); record != records.rend() && page.complete; ++record) take(*record);
    std::reverse(page.records.begin(), page.records.end());
    return page;
  }
  std::vector<LogRecord> waiting_for(const Jid& owner) const {
    std::map<std::uint64_t, LogRecord> found;
    const auto is_archived = [](const LogRecord& record) {
      return record.entry.references.sender_archive || record.entry.references.recipient_archive;
    };
    std::set<std::uint64_t> gone;  // nothing refers to them any more, and nothing can again
    for (const auto& record : records) {
      if (record.entry.owner != owner) continue;
      if (record.entry.kind == RecordKind::message && record.entry.references.offline)
        found.emplace(record.sequence, record);
      if (record.entry.kind == RecordKind::offline && !gone.contains(record.entry.target))
        found.emplace(record.entry.target, records[record.entry.target - 1]);
      if (record.entry.kind == RecordKind::delivered)
        found.erase(found.begin(), found.upper_bound(record.entry.target));
      if (record.entry.kind == RecordKind::released)
        for (const auto sequence : record.entry.sequences) {
          found.erase(sequence);
          if (!is_archived(records[sequence - 1])) gone.insert(sequence);
        }
    }
    std::vector<LogRecord> list;
    for (auto& [sequence, record] : found) list.push_back(record);
    return list;
  }

  std::vector<std::pair<std::uint64_t, LogEntry>> waiting_;
  std::deque<std::function<void()>> queries_;
  AppendedHandler handler_;
};

class FakePost final : public Post {
 public:
  void send(CoreId, CoreId to, Mail mail) override { letters.push_back({to, std::move(mail)}); }
  std::deque<std::pair<CoreId, Mail>> letters;
};

class FakeSession final : public Session {
 public:
  ~FakeSession() override = default;
  void deliver(const Envelope& envelope, const Stamp& stamp) override {
    heard.push_back({envelope, stamp});
    if (confirms() && envelope.kind == Kind::message) queue.push({.envelope = envelope, .stamp = stamp, .text = {}});
  }
  void push_roster(const RosterItem& item, std::uint64_t) override { pushes.push_back(item); }
  void push_roster_removal(const Jid& contact, std::uint64_t) override { removals.push_back(contact); }
  void push_blocking(bool, const std::vector<Jid>&) override {}
  void ask_confirmation(std::uint64_t number) override { asked = number; }
  void fence_passed(std::uint64_t number) override {
    passed = number;
    heard_before_fence = heard.size();
  }
  void close(CloseReason why) override { closed = why; }
  std::string peer() const override { return "test"; }
  bool detached() const override { return !connected; }
  bool attentive() const override { return looking && connected; }
  UnackedQueue* unacked() override { return confirms() ? &queue : nullptr; }
  void noted(std::uint64_t mark, bool stored) override { notes.push_back({mark, stored}); }

  // Its client has everything up to the number.
  void acknowledge(Router& router, std::uint32_t handled) {
    while (queue.next()) queue.mark_written();
    router.acknowledged(*this, queue.confirmed_by(handled).size(), std::nullopt);
    ASSERT_TRUE(queue.acknowledge(handled));
  }

  // Bodies of the messages it heard, in order; forgets them.
  std::vector<std::string> bodies() {
    std::vector<std::string> found;
    for (const auto& [envelope, stamp] : heard) {
      if (envelope.kind == Kind::message && envelope.type != Type::error) found.emplace_back(envelope.inner.view());
    }
    heard.clear();
    return found;
  }
  std::vector<Envelope> of(Kind kind, Type type) const {
    std::vector<Envelope> found;
    for (const auto& [envelope, stamp] : heard) {
      if (envelope.kind == kind && envelope.type == type) found.push_back(envelope);
    }
    return found;
  }

  std::vector<std::pair<Envelope, Stamp>> heard;
  UnackedQueue queue;
  std::vector<std::pair<std::uint64_t, bool>> notes;
  std::vector<RosterItem> pushes;
  std::vector<Jid> removals;
  std::optional<std::uint64_t> asked, passed;
  std::size_t heard_before_fence = 0;
  std::optional<CloseReason> closed;
  bool looking = true;
  bool connected = true;
};

class FakeIqs final : public IqService {
 public:
  void serve(Account* account, Session*, Envelope iq) override {
    served.push_back({account ? account->bare().full() : "host", std::move(iq)});
  }
  std::vector<std::pair<std::string, Envelope>> served;
};

}  // namespace anser::domain
