// What the reader and the writer do with a stanza beyond its promise.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "anser/iq.h"
#include "anser/message.h"
#include "anser/presence.h"

namespace anser::sdk {

struct StanzaAccess {
  static std::string& id(Stanza& stanza) { return stanza.id_; }
  static std::string& from(Stanza& stanza) { return stanza.from_; }
  static std::string& to(Stanza& stanza) { return stanza.to_; }
  static std::string& language(Stanza& stanza) { return stanza.language_; }
  static std::vector<Stanza::Extension>& extensions(Stanza& stanza) { return stanza.extensions_; }
  static std::vector<Message::Text>& bodies(Message& message) { return message.bodies_; }
  static std::vector<Message::Text>& subjects(Message& message) { return message.subjects_; }
  static std::string& thread(Message& message) { return message.thread_; }
  static std::string& parent_thread(Message& message) { return message.parent_thread_; }
  static std::vector<Presence::Status>& statuses(Presence& presence) { return presence.statuses_; }

  static std::string_view type_attribute(const Stanza& stanza) { return stanza.type_attribute(); }
  static void append_children(std::string& out, const Stanza& stanza) { stanza.append_children(out); }
};

// The first such extension, null if there is none. As it is kept: see RawElement.
const Stanza::Extension* find_extension(const Stanza& stanza, std::string_view name, std::string_view ns);
// Its XML, "" if there is none.
std::string_view raw_extension(const Stanza& stanza, std::string_view name, std::string_view ns);

// "message", "presence", "iq".
std::string_view name_of(Stanza::Kind kind);
// Children in jabber:client that the type itself speaks for, so that they are no extensions.
bool speaks_for(Stanza::Kind kind, std::string_view child);

}  // namespace anser::sdk
