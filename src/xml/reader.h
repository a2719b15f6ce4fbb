// Reads one XMPP stream: <stream:stream …> stanza* </stream:stream>, whatever pieces the bytes arrive in, and every
// byte once. A stanza that lies in the caller's buffer is handed out as views of it; only an unfinished one is copied.
// Owned by one connection, hence by one core. Sources: XML 1.0 (5th ed.), Namespaces in XML 1.0, RFC 6120 §4, §11.
//
// What it accepts, expat with namespaces accepts with the same events. It refuses what expat refuses, and besides:
//   - comments, processing instructions, DTDs and entities other than the five (RFC 6120 §11.1)
//   - a byte-order mark, an XML declaration with a version other than 1.0 or an encoding other than UTF-8
//   - an XML declaration of more than 256 bytes, a character or entity reference of more than 32
//   - names with other letters than ASCII and the ranges in `is_name_start` (chars.cpp): what the 4th and the 5th
//     edition of XML agree on, for alphabets in use
//   - anything but white space directly in the stream: text, references, CDATA sections (even empty ones)
//   - of messages (RFC 7395), those that do not begin with '<'
//   - what crosses a limit
// Whether the root is a <stream:stream/> and which namespaces stanzas have is for the caller to judge.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "xml/limits.h"
#include "xml/name.h"

namespace anser::xml {

struct Attribute {
  std::string_view ns, local, value;  // the value is normalised, its references are replaced
};

// The value of the attribute without a namespace, "" if there is none.
std::string_view attr_of(std::span<const Attribute> attributes, std::string_view local);
bool has_attr_of(std::span<const Attribute> attributes, std::string_view local);
std::string_view lang_of(std::span<const Attribute> attributes);  // xml:lang

// A direct child element; inner.substr(offset, length) is all of it, and stands alone as `inner` does.
struct Child {
  std::string_view ns, local;
  std::uint32_t offset, length;
};

// One complete element directly below the stream's root.
//
// `inner` is what stands between its tags, and it is self-contained: placed where the default namespace is the
// stanza's own (usually jabber:client) and no prefix but `xml` is declared, it means the same. If the sender's bytes
// are so already, which is usual, they are `inner`, untouched. Otherwise each child that leans on a declaration from
// outside gets that declaration written into its own start tag.
struct Stanza {
  std::string_view ns, local;
  std::span<const Attribute> attributes;  // xml:lang has namespace kXmlNs; namespace declarations are not attributes
  std::string_view inner;
  std::span<const Child> children;

  Name name() const { return {ns, local}; }
  std::string_view attr(std::string_view name) const { return attr_of(attributes, name); }
  bool has_attr(std::string_view name) const { return has_attr_of(attributes, name); }
  std::string_view lang() const { return lang_of(attributes); }
  std::string_view raw(const Child& child) const { return inner.substr(child.offset, child.length); }
};

struct StreamHeader {
  std::string_view ns, local;
  std::string_view default_ns;  // what stanzas without a prefix are in, "" if none is declared
  std::span<const Attribute> attributes;

  Name name() const { return {ns, local}; }
  std::string_view attr(std::string_view name) const { return attr_of(attributes, name); }
  bool has_attr(std::string_view name) const { return has_attr_of(attributes, name); }
  std::string_view lang() const { return lang_of(attributes); }
};

// Which stream error (RFC 6120 §4.9.3) answers what was read.
enum class StreamError : std::uint8_t {
  not_well_formed,       // breaks XML 1.0 or Namespaces in XML (§11.3)
  restricted_xml,        // XML that XMPP forbids (§11.1)
  unsupported_encoding,  // not UTF-8 (§11.6)
  bad_format,            // text where only stanzas may be
  invalid_namespace,     // <open/> or <close/> of another namespace than that of framed streams (RFC 7395 §3.3.2)
  policy_violation,      // a limit
};

// The defined condition's element name: "not-well-formed".
std::string_view condition_of(StreamError error);

struct Scratch;  // working memory while there is something to read, see scratch.h

class StreamReader {
 public:
  enum class Event { need_more, header, stanza, end, error };

  explicit StreamReader(Limits limits = {});
  ~StreamReader();
  StreamReader(StreamReader&&) noexcept;
  StreamReader& operator=(StreamReader&&) noexcept;

  // Consumes from the front of `input` up to and including one event. need_more: all of it was consumed. Call until
  // need_more, error or end: at need_more between stanzas the reader lets go of all working memory. After `end` and
  // `error` it consumes everything and says the same again. What header(), stanza() and error() return is valid until
  // the next call, stanza() also no longer than the bytes of `input`.
  Event next(std::string_view& input);

  const StreamHeader& header() const;  // after Event::header
  const Stanza& stanza() const;        // after Event::stanza
  const Error& error() const;          // after Event::error: Errc::not_well_formed or Errc::policy_violation
  StreamError stream_error() const;    // after Event::error

  void set_limits(Limits limits);  // they grow after login; holds from the next stanza on

  // A new stream header follows, as after TLS, SASL and compression. Between stanzas only.
  void restart();

  // Messages frame the stream (RFC 7395): from here on each input of next() that is not empty is one whole message and
  // must hold one whole element, all of which it consumes. `header` is the first after this or a restart(), whatever
  // its name, and its default_ns is its own namespace; `end` is <close/>. Before the first byte only.
  void expect_messages();

  std::size_t tail_bytes() const;  // kept for an unfinished stanza
  bool between_stanzas() const;    // nothing unfinished; the header has been read

 private:
  enum class State : std::uint8_t { start, prolog, stream, ended, failed };
  struct Root;

  Event next_token(std::string_view& input);
  Event next_message(std::string_view message);
  bool begin_token(std::string_view& input);
  Event scan_token(std::string_view& input);
  Event header_read();
  Event stanza_read();
  Event fail_with(StreamError kind, Error error);
  void rewrite();
  void load_root();
  const char* root_text() const;
  void acquire();
  void release();

  Limits limits_;
  State state_ = State::start;
  bool messages_ = false;
  std::shared_ptr<const Root> root_;  // others' too: most streams begin alike
  std::unique_ptr<Scratch> scratch_;  // only between a '<' and the next need_more
};

}  // namespace anser::xml
