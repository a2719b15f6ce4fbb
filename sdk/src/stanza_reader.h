// Makes messages, presence and IQs of what the reader has read: the values that the types speak for are taken from the
// bytes as they are, each copied once; every other child becomes an extension, whose XML is parsed when somebody asks.
// What a peer gets wrong costs no more than the value that it is about: an unknown type of a message counts as normal
// (RFC 6121 §5.2.2), an unknown <show/> as none, a priority that is none as 0, of two threads the first counts. Of
// bodies, subjects and status texts the first 64 languages are kept. Addresses are as they were written. Pure.
#pragma once

#include <memory>
#include <string_view>

#include "anser/iq.h"
#include "anser/message.h"
#include "anser/presence.h"
#include "xml/reader.h"

namespace anser::sdk {

// In namespace jabber:client and named so; else nothing of what follows may be called.
bool is_stanza(const xml::Stanza& stanza);

// Null if it is no stanza. Errc::protocol with the condition "bad-request", to answer with, if it is a presence or an
// IQ of a type that there is not.
Result<std::unique_ptr<Stanza>> read_stanza(const xml::Stanza& stanza);
// The same of an element alone, as a forwarded stanza is (XEP-0297), where jabber:client is the default namespace. Read
// with the reader's own limits; Errc::protocol also for what is not one element.
Result<std::unique_ptr<Stanza>> read_stanza(std::string_view xml);

Message read_message(const xml::Stanza& stanza);
// The same into a message that held another one, whose memory is used again.
void read_message(Message& message, const xml::Stanza& stanza);
Result<Presence> read_presence(const xml::Stanza& stanza);
Result<IQ> read_iq(const xml::Stanza& stanza);

// The first such child, null if there is none. What it holds without making a tree: RawElement{stanza.raw(*child)}.
const xml::Child* find_child(const xml::Stanza& stanza, xml::Name name);

}  // namespace anser::sdk
