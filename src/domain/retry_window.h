// What an account has sent of late, by fingerprint, so that a message which its client sends again (it never saw the
// acknowledgement) is known and delivered once. Only messages with an origin-id are remembered; whoever gives none is
// never taken for a retry. The window is a cache of the account's own archive and of the archives of the groups that it
// writes to: it may be dropped at any time and is filled again from there before the next message is decided. Of what
// no archive has, the window is all there is.
//
// An account owns its window; the windows of a core share one pool, which bounds them all. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "core/crypto.h"
#include "domain/envelope.h"
#include "domain/session.h"

namespace anser::domain {

// Two messages of an account with the same fingerprint are one message: the same origin-id, destination, type and
// content. The `id` attribute is not part of it (it names nothing for sure), nor is the language, which a new stream
// may give by default. Delays that clients write into what they send again (XEP-0198 §5) have been taken out with
// everything else that only the server may say. 64 bits of SHA-256; 0 is none.
using Fingerprint = std::uint64_t;

// A message that could be a retry, or be sent again. An error answers another stanza; nobody waits for its delivery.
inline bool may_come_again(const Envelope& envelope) {
  return envelope.kind == Kind::message && !envelope.origin_id.empty() && envelope.type != Type::error;
}

class RetryWindow;

// Of one core: what its windows share, and how much they hold together. Past `most` messages, the window that was not
// used for the longest time is emptied.
class RetryPool {
 public:
  explicit RetryPool(std::size_t most) : most_(most) {}

  Fingerprint of(const Envelope& message) { return hash(message, message.inner.view()); }
  // What its tombstone would have: content and all that went with it are gone.
  Fingerprint of_tombstone(const Envelope& message) { return hash(message, {}); }
  std::size_t size() const { return size_; }

 private:
  friend class RetryWindow;

  Fingerprint hash(const Envelope& message, std::string_view content);
  void trim(const RetryWindow& in_use, Time now);

  const std::size_t most_;
  std::size_t size_ = 0;
  std::list<RetryWindow*> by_use_;  // those that hold anything, longest unused first
  core::Sha256 sha_;
};

class RetryWindow {
 public:
  // Longer than a phone is out of reach on most days. It also bounds what a program loses that gives all its messages
  // one origin-id: the same words to the same address go through once a day.
  static constexpr std::chrono::hours kRemembers{24};

  struct First {
    Fingerprint message = 0;   // 0: forgotten
    std::uint32_t second = 0;  // when it was sent, since 1970
    CoreId home = 0;           // of whom it is for
    bool done = false;         // committed where that was due, and on its way to whom it is for
  };

  explicit RetryWindow(RetryPool& pool) : pool_(pool) {}
  ~RetryWindow();
  RetryWindow(const RetryWindow&) = delete;

  // The archive has been asked; until then nothing can be said of any message.
  bool filled() const { return filled_; }
  void set_filled() { filled_ = true; }
  // As these, for what the account has sent to a group, which has an archive of its own.
  bool filled_for(const Jid& group) const;
  void set_filled_for(const Jid& group);

  // Null: it is new. The pointer holds until the next call of anything else.
  const First* find(Fingerprint message, Time now) const;
  bool has_tombstones() const { return tombstones_; }
  // Of more than `most` the oldest go.
  void note(Fingerprint message, Time sent, CoreId home, bool done, std::size_t most);
  // What the log had, and is done. Of too many the oldest go, whichever these are.
  void note_recalled(Fingerprint message, Time sent, CoreId home, std::size_t most);
  void set_tombstones() { tombstones_ = true; }
  void forget(Fingerprint message);  // it was answered with an error: sent again, it is new
  void done_at(CoreId home);         // all that were noted for this core are done

  // ---- what the account's sessions send while one of its messages waits to be decided, in order ----
  struct Sent {
    SessionId session = 0;                       // gone, perhaps, when its turn comes
    std::variant<Envelope, std::uint64_t> what;  // a stanza, or the number of a fence
  };
  bool waits() const { return waiting_ != nullptr; }
  void wait(Sent behind);
  void wait_first(Sent undecided);  // and nothing is taken before `go_on`
  void go_on() { held_ = false; }
  std::optional<Sent> take();

 private:
  friend class RetryPool;

  void empty();
  std::size_t oldest() const;

  RetryPool& pool_;
  std::list<RetryWindow*>::iterator place_;           // in the pool, while there is anything
  std::vector<First> firsts_;                         // a ring once it is full
  std::uint32_t oldest_ = 0;                          // where the next one goes then
  std::uint32_t used_ = 0;                            // the newest
  std::unique_ptr<std::vector<std::size_t>> groups_;  // hashes of those that have been asked, a bounded number
  bool filled_ = false;
  bool tombstones_ = false;
  bool mixed_ = false;  // not all were noted in the order in which they were sent
  bool held_ = false;
  std::unique_ptr<std::deque<Sent>> waiting_;  // bounded by what sessions may have under way
};

}  // namespace anser::domain
