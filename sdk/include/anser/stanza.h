// What messages, presence and IQs have in common (RFC 6120 §8): addresses, an id, a language, an error, extensions, and
// typed properties. Stanzas are values: copy them, keep them. Different objects may be used by different threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "anser/element.h"
#include "anser/error.h"
#include "anser/export.h"

namespace anser::sdk {

// RFC 6120 §8.3. `type` is auth, cancel, continue, modify or wait; `code` is the number of XEP-0086 that old programs
// look at, 0 if there was none.
struct StanzaError {
  std::string condition;  // "item-not-found"
  std::string type = "cancel";
  std::string text = {};
  std::string by = {};
  int code = 0;
  std::optional<Element> application = {};  // the application's own condition
  std::string new_address = {};             // with "gone" and "redirect": where to, if they said it

  friend bool operator==(const StanzaError&, const StanzaError&) = default;
};

// A property of an old Smack or Openfire program in another programming language's form: opaque, and sent as it came.
struct JavaObject {
  std::string serialized;  // bytes of Java's serialisation, never interpreted

  friend bool operator==(const JavaObject&, const JavaObject&) = default;
};

// The types of Jive's properties: integer, long, float, double, boolean, string, java-object.
using Property = std::variant<std::int32_t, std::int64_t, float, double, bool, std::string, JavaObject>;

class ANSER_API Stanza {
 public:
  enum class Kind : std::uint8_t { message, presence, iq };

  // An extension as it is kept: its name to find it by, and its XML, read only when somebody asks.
  struct Extension {
    std::string name, ns, xml;  // complete by itself where jabber:client is the default namespace

    friend bool operator==(const Extension&, const Extension&) = default;
  };

  virtual ~Stanza();

  Kind kind() const { return kind_; }

  // "" is none. The id of a stanza that has none is made when it is sent.
  const std::string& id() const { return id_; }
  const std::string& from() const { return from_; }
  const std::string& to() const { return to_; }
  const std::string& language() const { return language_; }
  void set_id(std::string id) { id_ = std::move(id); }
  void set_from(std::string from) { from_ = std::move(from); }
  void set_to(std::string to) { to_ = std::move(to); }
  void set_language(std::string language) { language_ = std::move(language); }

  const std::optional<StanzaError>& error() const { return error_; }
  void set_error(std::optional<StanzaError> error) { error_ = std::move(error); }

  // Child elements that the stanza's own type does not speak for, in their order.
  std::vector<Element> extensions() const;
  bool has_extension(std::string_view name, std::string_view ns) const;
  bool has_extension(std::string_view ns) const;
  std::optional<Element> extension(std::string_view name, std::string_view ns) const;  // the first such
  void add_extension(const Element& extension);
  void remove_extension(std::string_view name, std::string_view ns);  // all such
  const std::vector<Extension>& raw_extensions() const { return extensions_; }

  // Jive's properties (http://www.jivesoftware.com/xmlns/xmpp/properties), as Smack's setProperty and getProperty.
  std::optional<Property> property(std::string_view name) const;
  std::map<std::string, Property> properties() const;
  void set_property(std::string_view name, Property value);
  void remove_property(std::string_view name);

  // When it was sent, if somebody kept it on the way (XEP-0203, and its forerunner jabber:x:delay). UTC.
  std::optional<std::chrono::system_clock::time_point> delay() const;

  // Errc::invalid_argument with a sentence if the stanza cannot be sent: an address that is none, text that XML does
  // not allow, a name that is none. Sending checks it too.
  Result<void> check() const;
  // One element in namespace jabber:client.
  std::string to_xml() const;

 protected:
  explicit Stanza(Kind kind) : kind_(kind) {}
  Stanza(const Stanza&) = default;
  Stanza(Stanza&&) = default;
  Stanza& operator=(const Stanza&) = default;
  Stanza& operator=(Stanza&&) = default;
  bool equals(const Stanza& other) const;

 private:
  friend struct StanzaAccess;
  virtual std::string_view type_attribute() const = 0;       // "" for the default
  virtual void append_children(std::string& out) const = 0;  // those that are not extensions
  virtual Result<void> check_children() const = 0;

  Kind kind_;
  std::string id_, from_, to_, language_;
  std::optional<StanzaError> error_;
  std::vector<Extension> extensions_;
};

}  // namespace anser::sdk
