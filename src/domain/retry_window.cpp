#include "domain/retry_window.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace anser::domain {
namespace {

std::uint32_t second_of(Time time) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

bool outlived(std::uint32_t second, Time now) {
  constexpr auto kSeconds = std::chrono::seconds{RetryWindow::kRemembers}.count();
  return second + kSeconds < second_of(now);
}

}  // namespace

// ---- the pool -------------------------------------------------------------------------------------------------------

Fingerprint RetryPool::hash(const Envelope& message, std::string_view content) {
  // Sizes first, or the end of one part could pass for the start of the next.
  const std::uint64_t frame[] = {static_cast<std::uint64_t>(message.type), message.origin_id.size(),
                                 message.to.full().size(), content.size()};
  sha_.add({reinterpret_cast<const char*>(frame), sizeof frame});
  sha_.add(message.origin_id);
  sha_.add(message.to.full());
  sha_.add(content);
  const auto digest = sha_.finish();
  Fingerprint fingerprint;
  std::memcpy(&fingerprint, digest.data(), sizeof fingerprint);
  return fingerprint == 0 ? 1 : fingerprint;
}

void RetryPool::trim(const RetryWindow& in_use, Time now) {
  while (!by_use_.empty() && by_use_.front() != &in_use) {
    RetryWindow& stalest = *by_use_.front();
    if (size_ <= most_ && !outlived(stalest.used_, now)) return;
    stalest.empty();
  }
}

// ---- one window -----------------------------------------------------------------------------------------------------

RetryWindow::~RetryWindow() { empty(); }

// The archive has what it held; the rest is forgotten.
void RetryWindow::empty() {
  filled_ = tombstones_ = mixed_ = false;
  groups_.reset();
  if (firsts_.empty()) return;
  pool_.size_ -= firsts_.size();
  pool_.by_use_.erase(place_);
  firsts_ = {};
  oldest_ = used_ = 0;
}

bool RetryWindow::filled_for(const Jid& group) const {
  return groups_ && std::find(groups_->begin(), groups_->end(), std::hash<Jid>{}(group)) != groups_->end();
}

// Of too many the first one is asked again when it is needed.
void RetryWindow::set_filled_for(const Jid& group) {
  constexpr std::size_t kMost = 128;
  if (!groups_) groups_ = std::make_unique<std::vector<std::size_t>>();
  if (groups_->size() == kMost) groups_->erase(groups_->begin());
  groups_->push_back(std::hash<Jid>{}(group));
}

const RetryWindow::First* RetryWindow::find(Fingerprint message, Time now) const {
  for (const First& first : firsts_) {
    if (first.message == message && !outlived(first.second, now)) return &first;
  }
  return nullptr;
}

void RetryWindow::note(Fingerprint message, Time sent, CoreId home, bool done, std::size_t most) {
  const First first{message, second_of(sent), home, done};
  mixed_ = mixed_ || first.second < used_;
  if (firsts_.empty()) {
    place_ = pool_.by_use_.insert(pool_.by_use_.end(), this);
  } else {
    pool_.by_use_.splice(pool_.by_use_.end(), pool_.by_use_, place_);
  }
  if (firsts_.size() < most) {
    if (firsts_.size() == firsts_.capacity())
      firsts_.reserve(std::min(most, std::max<std::size_t>(4, 2 * firsts_.size())));
    firsts_.push_back(first);
    ++pool_.size_;
  } else {
    const std::size_t place = oldest();
    firsts_[place] = first;
    oldest_ = static_cast<std::uint32_t>((place + 1) % firsts_.size());
  }
  used_ = std::max(used_, first.second);
  pool_.trim(*this, sent);
}

// What a group had comes when others have been noted already.
void RetryWindow::note_recalled(Fingerprint message, Time sent, CoreId home, std::size_t most) {
  if (firsts_.size() >= most && second_of(sent) < firsts_[oldest()].second) return;
  note(message, sent, home, true, most);
}

// Of those of one second it is the one that was noted first.
std::size_t RetryWindow::oldest() const {
  const std::size_t size = firsts_.size();
  std::size_t found = oldest_ % size;
  for (std::size_t i = 1; mixed_ && i < size; ++i) {
    const std::size_t at = (oldest_ + i) % size;
    if (firsts_[at].second < firsts_[found].second) found = at;
  }
  return found;
}

void RetryWindow::forget(Fingerprint message) {
  for (First& first : firsts_) {
    if (first.message == message) first.message = 0;
  }
}

void RetryWindow::done_at(CoreId home) {
  for (First& first : firsts_) first.done |= first.home == home;
}

void RetryWindow::wait(Sent behind) {
  ANSER_ASSERT(waiting_);
  waiting_->push_back(std::move(behind));
}

void RetryWindow::wait_first(Sent undecided) {
  ANSER_ASSERT(!held_);
  if (!waiting_) waiting_ = std::make_unique<std::deque<Sent>>();
  waiting_->push_front(std::move(undecided));
  held_ = true;
}

std::optional<RetryWindow::Sent> RetryWindow::take() {
  if (held_ || !waiting_) return std::nullopt;
  if (waiting_->empty()) {
    waiting_.reset();
    return std::nullopt;
  }
  Sent next = std::move(waiting_->front());
  waiting_->pop_front();
  return next;
}

}  // namespace anser::domain
