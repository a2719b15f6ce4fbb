// What goes over a Socket, as plain values. The fields are those of proto/anser.proto, where docs/wire/websocket.md
// says what they mean; "" is: not given. Text must be what XML can carry (no control characters), for every reader's
// sake.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace anser::sdk {

struct SocketAttachment {
  std::string url;
  std::string name = {};
  std::uint64_t size = 0;  // bytes
  std::string media_type = {};
  std::string hash = {};  // SHA-256 of the file, in hexadecimal

  friend bool operator==(const SocketAttachment&, const SocketAttachment&) = default;
};

struct SocketMessage {
  SocketMessage() = default;
  SocketMessage(std::string to, std::string body) : to(std::move(to)), body(std::move(body)) {}

  // Names this message for good: it is repeated under it until it is acknowledged. "": send() makes one.
  std::string event_id = {};
  std::string from = {};        // set by the server
  std::string to = {};          // a name, or an address of XMPP; "": the own account
  std::string created_at = {};  // the server's time: RFC 3339 in UTC
  std::string type = "text";    // text, image, file, audio, video, system
  std::string body = {};
  std::string archive_id = {};  // from the server: where it stands in the reader's archive
  std::string thread = {};
  std::optional<SocketAttachment> attachment = {};
  std::string replaces = {};  // the event_id of an earlier message, which this one corrects
  std::string group = {};     // the group that it is for, or came from
  bool ephemeral = false;     // for whoever is there now: stored nowhere

  friend bool operator==(const SocketMessage&, const SocketMessage&) = default;
};

struct SocketPresence {
  std::string from = {};
  std::string to = {};      // "": one's own presence, to all who see it
  std::string type = {};    // "": available; unavailable, subscribe, subscribed, unsubscribe, unsubscribed
  std::string show = {};    // "": simply there; chat, away, xa, dnd
  std::string status = {};  // for people
  std::int32_t priority = 0;

  friend bool operator==(const SocketPresence&, const SocketPresence&) = default;
};

struct SocketTyping {
  std::string from = {};
  std::string to = {};
  std::string state = "composing";  // composing, paused, active, inactive, gone
  std::string group = {};

  friend bool operator==(const SocketTyping&, const SocketTyping&) = default;
};

struct SocketReceipt {
  std::string from = {};
  std::string to = {};
  std::string kind = "read";  // delivered, read
  std::string event_id = {};  // of the message

  friend bool operator==(const SocketReceipt&, const SocketReceipt&) = default;
};

struct SocketContact {
  std::string address;
  std::string name = {};
  std::string subscription = {};  // none, to, from, both; remove: in a change, it is gone
  std::string ask = {};           // subscribe: asked, not answered yet
  std::vector<std::string> groups = {};

  friend bool operator==(const SocketContact&, const SocketContact&) = default;
};

struct SocketHistoryQuery {
  std::string with = {};    // only messages with this address
  std::string group = {};   // of this group, instead of the own archive
  std::string after = {};   // an archive_id: only later ones
  std::string before = {};  // an archive_id: only earlier ones, the last of them
  bool latest = false;      // the last page, not the first
  std::uint32_t limit = 0;  // 0: 50; at most 100
};

struct SocketHistoryPage {
  std::vector<SocketMessage> messages = {};  // oldest first
  bool complete = false;                     // there are no more in this direction
  std::string after = {}, before = {};       // to go on: for the next query

  friend bool operator==(const SocketHistoryPage&, const SocketHistoryPage&) = default;
};

}  // namespace anser::sdk
