// Router, the part that keeps the devices of an account together (XEP-0280): what one of them sends or is given, the
// others get a copy of, if they asked for copies. A copy is made when the message itself is handed over or kept, so
// copies about one contact come in the order of the log. A copy alone is never bounced and never kept.
#include <algorithm>

#include "domain/carbons.h"
#include "domain/router.h"

namespace anser::domain {

bool Router::others_listen(const Account& account, const Session* session) const {
  return std::any_of(account.sessions_.begin(), account.sessions_.end(),
                     [&](const Session* other) { return other != session && other->carbons_; });
}

// ---- to the recipient's devices -------------------------------------------------------------------------------------

// To all that asked for copies and are not `given` the message itself. The device that has sent it knows it already.
void Router::copy_to_others(Account& account, const Envelope& envelope, const Stamp& stamp,
                            const std::function<bool(const Session&)>& given) {
  Stamp mark = stamp;
  mark.copy = Copy::received;
  for (Session* session : account.sessions_) {
    if (session->carbons_ && !given(*session) && session->jid_ != envelope.from) {
      session->deliver(envelope, owed_to(*session, mark));
    }
  }
}

// It waits for a session that is available: whoever is not will get the message itself when it is, and so will the one
// that is being handed what waited. The rest would never see it.
void Router::copy_of_kept(Account& account, const Envelope& envelope, const Stamp& stamp) {
  if (account.sessions_.empty() || !copied_to_recipient(envelope)) return;
  const SessionId reader = account.offline_ ? account.offline_->session : 0;
  copy_to_others(account, envelope, stamp,
                 [reader](const Session& session) { return !session.available() || session.id_ == reader; });
}

// An error for a device that has gone: the others have seen what it answers, so they see it too.
void Router::copy_of_ignored(Account& account, const Envelope& envelope, const Jid& target) {
  const bool for_a_device = envelope.type == Type::error && !target.resource().empty();
  if (!for_a_device || account.sessions_.empty() || !copied_to_recipient(envelope)) return;
  if (!envelope.failure && account.blocks(envelope.from)) return;
  copy_to_others(account, envelope, {}, [](const Session&) { return false; });
}

// ---- to the sender's devices ----------------------------------------------------------------------------------------

// What becomes of the message is decided: it is in the log if it had to be. Once for each message.
void Router::tell_sender(Envelope& envelope, const Stamp& stamp) {
  if (!envelope.facts.tell_sender) return;
  envelope.facts.tell_sender = false;
  const CoreId home = home_of(envelope.from);
  if (home == core_) return sent_copy(envelope, stamp);
  post_.send(core_, home, SentCopy{envelope, stamp.sequence, stamp.time});
}

void Router::sent_copy(const Envelope& envelope, const Stamp& stamp) {
  const Account* account = find(envelope.from.bare());
  if (!account) return;
  // The log has it: then the sender's archive shows it as the sender has decided (messages.cpp, `references`).
  const auto& facts = envelope.facts;
  const bool archived = stamp.sequence != 0 && limits_.archive && archivable(envelope) && !facts.temporary_sender &&
                        !facts.sender_forgoes;
  const Stamp mark{.sequence = stamp.sequence, .time = stamp.time, .archived = archived, .copy = Copy::sent};
  for (Session* session : account->sessions_) {
    if (session->carbons_ && session->jid_ != envelope.from) session->deliver(envelope, mark);
  }
}

void Router::refuse(Envelope& envelope, const Stamp& stamp, Errc code, std::string_view text) {
  tell_sender(envelope, stamp);
  forget_sent(envelope);
  bounce(envelope, code, text);
}

}  // namespace anser::domain
