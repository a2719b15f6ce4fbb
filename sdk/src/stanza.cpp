#include "anser/stanza.h"

#include <algorithm>

#include "sdk/src/dates.h"
#include "sdk/src/element_access.h"
#include "sdk/src/fail.h"
#include "sdk/src/legal.h"
#include "sdk/src/raw_element.h"
#include "sdk/src/stanza_access.h"
#include "sdk/src/stanza_error.h"
#include "sdk/src/stanza_writer.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kDelayNs = "urn:xmpp:delay";
constexpr std::string_view kOldDelayNs = "jabber:x:delay";

std::optional<Element> read(const Stanza::Extension& extension) {
  auto element = ElementAccess::parse(extension.xml);
  return element ? std::optional{ElementAccess::wrap(*std::move(element))} : std::nullopt;
}

}  // namespace

Stanza::~Stanza() = default;

std::vector<Element> Stanza::extensions() const {
  std::vector<Element> elements;
  elements.reserve(extensions_.size());
  for (const Extension& extension : extensions_) {
    if (auto element = read(extension)) elements.push_back(*std::move(element));
  }
  return elements;
}

bool Stanza::has_extension(std::string_view name, std::string_view ns) const {
  return find_extension(*this, name, ns) != nullptr;
}

bool Stanza::has_extension(std::string_view ns) const {
  return std::any_of(extensions_.begin(), extensions_.end(), [=](const Extension& e) { return e.ns == ns; });
}

std::optional<Element> Stanza::extension(std::string_view name, std::string_view ns) const {
  const Extension* const found = find_extension(*this, name, ns);
  return found ? read(*found) : std::nullopt;
}

void Stanza::add_extension(const Element& extension) { extensions_.push_back(ElementAccess::extension(extension)); }

void Stanza::remove_extension(std::string_view name, std::string_view ns) {
  std::erase_if(extensions_, [=](const Extension& e) { return e.name == name && e.ns == ns; });
}

std::optional<std::chrono::system_clock::time_point> Stanza::delay() const {
  std::string scratch;
  const RawElement delay{raw_extension(*this, "delay", kDelayNs)};
  if (const auto stamp = parse_date(delay.attribute("stamp", scratch))) return stamp;
  const RawElement old{raw_extension(*this, "x", kOldDelayNs)};
  return parse_old_date(old.attribute("stamp", scratch));
}

Result<void> Stanza::check() const {
  if (auto checked = check_address("'to'", to_); !checked) return checked;
  if (auto checked = check_address("'from'", from_); !checked) return checked;
  if (auto checked = check_text("the id", id_); !checked) return checked;
  if (auto checked = check_text("the language", language_); !checked) return checked;
  for (const Extension& extension : extensions_) {
    if (extension.xml.empty()) {
      return fail(Errc::invalid_argument, "an extension holds a name, a namespace or text that XML cannot carry");
    }
    if (extension.ns == xml::kClientNs && speaks_for(kind_, extension.name)) {
      return fail(Errc::invalid_argument, "<{}/> is no extension but has a function of its own", extension.name);
    }
  }
  if ((type_attribute() == "error") != error_.has_value()) {
    return fail(Errc::invalid_argument, "a stanza of type error has an error, and no other has one");
  }
  if (error_) {
    if (auto checked = check_error(*error_); !checked) return checked;
  }
  return check_children();
}

std::string Stanza::to_xml() const {
  std::string out;
  append_stanza(out, *this);
  return out;
}

bool Stanza::equals(const Stanza& other) const {
  return kind_ == other.kind_ && id_ == other.id_ && from_ == other.from_ && to_ == other.to_ &&
         language_ == other.language_ && error_ == other.error_ && extensions_ == other.extensions_;
}

const Stanza::Extension* find_extension(const Stanza& stanza, std::string_view name, std::string_view ns) {
  for (const Stanza::Extension& extension : stanza.raw_extensions()) {
    if (extension.name == name && extension.ns == ns) return &extension;
  }
  return nullptr;
}

std::string_view raw_extension(const Stanza& stanza, std::string_view name, std::string_view ns) {
  const Stanza::Extension* const found = find_extension(stanza, name, ns);
  return found ? std::string_view(found->xml) : std::string_view();
}

std::string_view name_of(Stanza::Kind kind) {
  switch (kind) {
    case Stanza::Kind::message:
      return "message";
    case Stanza::Kind::presence:
      return "presence";
    case Stanza::Kind::iq:
      break;
  }
  return "iq";
}

bool speaks_for(Stanza::Kind kind, std::string_view child) {
  if (child == "error") return true;
  switch (kind) {
    case Stanza::Kind::message:
      return child == "body" || child == "subject" || child == "thread";
    case Stanza::Kind::presence:
      return child == "show" || child == "status" || child == "priority";
    case Stanza::Kind::iq:
      break;
  }
  return false;
}

}  // namespace anser::sdk
