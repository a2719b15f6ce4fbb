// The canonical stanza. XMPP is the superset of what our doors speak, so what travels inside the server is its stanza
// in parts: who, to whom, what kind, and the bytes between its tags. The domain carries those bytes and never parses
// them; what it must know of them stands beside as facts, which the door that took the stanza in has read off.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/jid.h"
#include "domain/bytes.h"

namespace anser::domain {

using core::Jid;

enum class Kind : std::uint8_t { message, presence, iq };

// The `type` attribute of every kind of stanza (RFC 6120 §8.2.3, RFC 6121 §4.7.1, §5.2.2).
enum class Type : std::uint8_t {
  normal,
  chat,
  groupchat,
  headline,  // message
  available,
  unavailable,
  subscribe,
  subscribed,
  unsubscribe,
  unsubscribed,
  probe,  // presence
  get,
  set,
  result,  // iq
  error,   // any of them
};

// What the router needs to know of a payload it does not read.
struct Facts {
  bool has_body : 1 = false;
  bool has_subject : 1 = false;
  bool chat_state_only : 1 = false;  // nothing but XEP-0085 and a thread: worthless tomorrow
  bool no_store : 1 = false;         // XEP-0334
  bool no_permanent_store : 1 = false;
  bool no_copy : 1 = false;
  bool store : 1 = false;
  bool has_payload : 1 = false;       // at least one child element
  bool temporary_sender : 1 = false;  // SASL ANONYMOUS: has no archive
  bool typed : 1 = false;             // message: type='normal' was written out, not left away
  bool conversation : 1 = false;    // message: a receipt, chat state, marker or invitation; error: answers one of those
                                    // that devices share (carbons.h)
  bool from_room : 1 = false;       // message: marked as a room's, and no invitation (XEP-0045 muc#user)
  bool no_carbons : 1 = false;      // XEP-0280 §9
  bool tell_sender : 1 = false;     // the sender has other devices that want to know what becomes of this
  bool to_any_session : 1 = false;  // iq of the server's own to a bare address: for a session there, not the account
  bool sender_forgoes : 1 = false;  // message: its sender's preferences keep it out of the sender's archive
  std::int8_t priority = 0;         // presence (RFC 6121 §4.7.2.3)

  friend bool operator==(const Facts&, const Facts&) = default;
};

// Which stanza of which session a message is, for sessions that a restart must know (session_journal.h). It goes where
// the message goes, and is noted when that is committed.
struct Taken {
  std::uint64_t session = 0;  // Session::journal; 0: nobody asks
  std::uint64_t number = 0;
  std::vector<std::uint64_t> copies = {};  // the sender's other sessions that are due a copy (XEP-0280)

  friend bool operator==(const Taken&, const Taken&) = default;
};

struct Envelope {
  Kind kind = Kind::message;
  Type type = Type::normal;
  Facts facts;
  Taken taken = {};
  Jid from;  // set by the server, never by the client
  Jid to;    // as the sender wrote it; empty when it wrote none. Never rewritten
  std::string id;
  std::string lang;  // xml:lang, if the stanza or its stream declared one
  std::string
      extra;  // other attributes and namespace declarations of the stanza tag, escaped, each with a leading space
  std::string origin_id;         // XEP-0359, if the client gave one
  std::string retracts;          // XEP-0424: the id of the message it takes back; in a tombstone, of the one that did
  Time retracted{};              // a tombstone: when its content was taken back; there is no content then
  Bytes inner;                   // the content: default namespace jabber:client, no prefix from outside
  std::optional<Error> failure;  // with Type::error from the server itself: each door writes it in its own words

  // What it occupies, nearly: what limits on waiting stanzas count.
  std::size_t bytes() const {
    return sizeof(Envelope) + from.full().size() + to.full().size() + id.size() + lang.size() + extra.size() +
           origin_id.size() + retracts.size() + inner.size();
  }

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

// The one byte format for envelopes: in the log, and between nodes. Version byte, kind, type, facts, then each string
// with a varint length; `taken` is no part of it. Decoding refuses what encoding would not have made
// (Errc::bad_request).
void encode(const Envelope& envelope, std::string& out);
Result<Envelope> decode_envelope(std::string_view& in);

}  // namespace anser::domain
