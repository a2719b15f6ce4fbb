#include "store/archive_reader.h"

#include <algorithm>

#include "store/retraction.h"
#include "store/sqlite/chunk.h"

namespace anser::store {
namespace {

using domain::ArchivePage;
using domain::ArchiveQuery;
using domain::ArchiveRange;
using domain::Jid;
using domain::LogRecord;

constexpr std::size_t kFetchedAtOnce = 64;

class Reader {
 public:
  Reader(const ArchiveQuery& query, Tail::ArchiveView tail, domain::ArchiveStore& archive, domain::LogStore& log)
      : query_(query), tail_(std::move(tail)), archive_(archive), log_(log) {}

  Result<ArchivePage> read();

 private:
  static constexpr std::size_t kLookedBytes = 8 << 20;  // of messages that are looked at, whether they match or not

  Result<void> find_bounds();
  Result<void> check_named();
  Result<bool> placed(std::uint64_t sequence);
  Result<void> read_placed();
  Result<std::vector<std::uint64_t>> next_placed();
  void read_tail();
  void take(LogRecord record);
  bool full() const {
    return page_.records.size() > query_.limit || bytes_ >= query_.bytes || looked_ >= kLooked ||
           looked_bytes_ >= kLookedBytes;
  }

  const ArchiveQuery& query_;
  Tail::ArchiveView tail_;
  domain::ArchiveStore& archive_;
  domain::LogStore& log_;
  std::uint64_t after_ = 0, before_ = 0;  // of what is placed
  bool placed_end_ = false, tail_end_ = false;
  std::size_t bytes_ = 0, looked_ = 0, looked_bytes_ = 0;
  ArchivePage page_;
};

Result<ArchivePage> Reader::read() {
  if (auto done = check_named(); !done) return pass(done);
  if (auto done = find_bounds(); !done) return pass(done);
  if (query_.backwards) {
    read_tail();
    if (auto done = read_placed(); !done) return pass(done);
  } else {
    if (auto done = read_placed(); !done) return pass(done);
    read_tail();
  }
  // As the placer will: of those on this page that bear the id the newest.
  for (const auto& retraction : tail_.retractions) {
    LogRecord* newest = nullptr;
    for (auto& record : page_.records) {
      if (names(retraction, record) && (!newest || newest->sequence < record.sequence)) newest = &record;
    }
    if (newest && takes_back(retraction, *newest)) bury(*newest, retraction);
  }
  page_.complete = placed_end_ && tail_end_ && page_.records.size() <= query_.limit;
  if (page_.records.size() > query_.limit) {
    page_.records.resize(query_.limit);
    if (!page_.records.empty()) page_.reached = page_.records.back().sequence;
  }
  if (query_.backwards) std::reverse(page_.records.begin(), page_.records.end());
  return std::move(page_);
}

// The tail has seen to its own bounds.
Result<void> Reader::find_bounds() {
  after_ = std::max(query_.after, tail_.gone_through);
  before_ = std::min(query_.before, tail_.first);
  if (query_.since) {
    const auto first = log_.first_since(*query_.since);
    if (!first) return pass(first);
    after_ = std::max(after_, *first - 1);
  }
  if (query_.until) {
    const auto first = log_.first_since(*query_.until);
    if (!first) return pass(first);
    before_ = std::min(before_, *first);
  }
  return {};
}

Result<bool> Reader::placed(std::uint64_t sequence) {
  if (sequence == 0 || sequence >= tail_.first || sequence <= tail_.gone_through) return false;
  const auto found = archive_.archived(
      ArchiveRange{.owner = query_.owner, .peer = {}, .after = sequence - 1, .before = sequence + 1, .limit = 1});
  if (!found) return pass(found);
  return !found->empty();
}

Result<void> Reader::check_named() {
  for (const auto sequence : query_.named) {
    if (std::find(tail_.named.begin(), tail_.named.end(), sequence) != tail_.named.end()) continue;
    const auto found = placed(sequence);
    if (!found) return pass(found);
    if (!*found) return fail(Errc::not_found, "the archive holds no such message");
  }
  return {};
}

// In the direction asked for; none when there are no more.
Result<std::vector<std::uint64_t>> Reader::next_placed() {
  if (!query_.only_named) {
    const std::size_t missing = query_.limit + 1 - page_.records.size();
    return archive_.archived(ArchiveRange{.owner = query_.owner,
                                          .peer = query_.with.to_bare(),
                                          .after = after_,
                                          .before = before_,
                                          .backwards = query_.backwards,
                                          .limit = std::min(missing, kFetchedAtOnce)});
  }
  std::vector<std::uint64_t> found;
  for (const auto sequence : query_.named) {
    if (sequence > after_ && sequence < before_) found.push_back(sequence);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  if (query_.backwards) std::reverse(found.begin(), found.end());
  if (found.size() > kFetchedAtOnce) found.resize(kFetchedAtOnce);
  return found;
}

Result<void> Reader::read_placed() {
  while (!full()) {
    const auto sequences = next_placed();
    if (!sequences) return pass(sequences);
    if (sequences->empty()) {
      placed_end_ = true;
      return {};
    }
    (query_.backwards ? before_ : after_) = sequences->back();
    auto records = log_.fetch(*sequences);
    if (!records) return pass(records);
    for (auto& record : *records) {
      if (full()) return {};
      ++looked_;
      page_.reached = record.sequence;
      looked_bytes_ += record.entry.envelope.bytes();
      if (matches(record, query_)) take(std::move(record));
    }
  }
  return {};
}

void Reader::read_tail() {
  for (auto& record : tail_.records) {
    if (full()) return;
    take(std::move(record));
  }
  // The tail was asked for one more than a page: had it more, the page would be full.
  tail_end_ = true;
}

void Reader::take(LogRecord record) {
  page_.reached = record.sequence;
  bytes_ += record.entry.envelope.bytes();
  page_.records.push_back(std::move(record));
}

bool has_resource(const Jid& address, const Jid& with) {
  return with.resource().empty() || address.resource() == with.resource();
}

}  // namespace

std::uint8_t roles_of(const domain::LogEntry& entry, std::string_view owner) {
  if (entry.kind != domain::RecordKind::message) return 0;
  std::uint8_t roles = 0;
  if (entry.references.sender_archive && entry.envelope.from.bare() == owner) roles |= kSent;
  if (entry.references.recipient_archive && entry.owner.bare() == owner) roles |= kReceived;
  return roles;
}

bool matches(const LogRecord& record, const ArchiveQuery& query) {
  if (record.sequence <= query.after || record.sequence >= query.before) return false;
  if (query.since && record.time < *query.since) return false;
  if (query.until && record.time >= *query.until) return false;
  if (query.only_named && std::find(query.named.begin(), query.named.end(), record.sequence) == query.named.end()) {
    return false;
  }
  const auto& envelope = record.entry.envelope;
  const Jid& recipient = record.entry.owner;
  const std::uint8_t roles = roles_of(record.entry, query.owner.bare());
  if (roles == 0) return false;
  const Jid& with = query.with;
  if (with.empty()) return true;
  if (with.bare() == query.owner.bare()) {
    return envelope.from.bare() == recipient.bare() &&
           (has_resource(envelope.from, with) || has_resource(envelope.to, with));
  }
  // `to` may name the peer by an alias, so only its resource counts.
  if (roles & kSent) return recipient.bare() == with.bare() && has_resource(envelope.to, with);
  return envelope.from.bare() == with.bare() && has_resource(envelope.from, with);
}

Result<ArchivePage> read_archive(const ArchiveQuery& query, Tail::ArchiveView tail, domain::ArchiveStore& archive,
                                 domain::LogStore& log) {
  return Reader{query, std::move(tail), archive, log}.read();
}

}  // namespace anser::store
