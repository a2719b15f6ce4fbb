#include "anser/filter.h"

#include <algorithm>

#include "anser/address.h"

namespace anser::sdk::filter {
namespace {

// What comes in is prepared already, as a rule.
class Wanted {
 public:
  explicit Wanted(std::string address) : address_(prepare_address(address).value_or(address)) {}

  bool is(std::string_view found) const { return found == address_ || (!found.empty() && prepared(found) == address_); }
  bool is_bare_of(std::string_view found) const {
    return bare_of(found) == address_ || (!found.empty() && bare_of(prepared(found)) == address_);
  }
  Wanted bare() const { return Wanted{std::string(bare_of(address_))}; }

 private:
  static std::string prepared(std::string_view address) {
    return prepare_address(address).value_or(std::string(address));
  }

  std::string address_;
};

bool passes(const StanzaFilter& filter, const Stanza& stanza) { return !filter || filter(stanza); }

}  // namespace

StanzaFilter everything() {
  return [](const Stanza&) { return true; };
}

StanzaFilter kind(Stanza::Kind kind) {
  return [kind](const Stanza& stanza) { return stanza.kind() == kind; };
}

StanzaFilter message(Message::Type type) {
  return [type](const Stanza& stanza) {
    return stanza.kind() == Stanza::Kind::message && static_cast<const Message&>(stanza).type() == type;
  };
}

StanzaFilter id(std::string id) {
  return [id = std::move(id)](const Stanza& stanza) { return stanza.id() == id; };
}

StanzaFilter from(std::string address) {
  return [wanted = Wanted{std::move(address)}](const Stanza& stanza) { return wanted.is(stanza.from()); };
}

StanzaFilter from_bare(std::string address) {
  return
      [wanted = Wanted{std::move(address)}.bare()](const Stanza& stanza) { return wanted.is_bare_of(stanza.from()); };
}

StanzaFilter to(std::string address) {
  return [wanted = Wanted{std::move(address)}](const Stanza& stanza) { return wanted.is(stanza.to()); };
}

StanzaFilter thread(std::string thread) {
  return [thread = std::move(thread)](const Stanza& stanza) {
    return stanza.kind() == Stanza::Kind::message && static_cast<const Message&>(stanza).thread() == thread;
  };
}

StanzaFilter extension(std::string name, std::string ns) {
  return [name = std::move(name), ns = std::move(ns)](const Stanza& stanza) { return stanza.has_extension(name, ns); };
}

StanzaFilter extension(std::string ns) {
  return [ns = std::move(ns)](const Stanza& stanza) { return stanza.has_extension(ns); };
}

StanzaFilter all_of(std::vector<StanzaFilter> filters) {
  return [filters = std::move(filters)](const Stanza& stanza) {
    return std::all_of(filters.begin(), filters.end(), [&](const auto& filter) { return passes(filter, stanza); });
  };
}

StanzaFilter any_of(std::vector<StanzaFilter> filters) {
  return [filters = std::move(filters)](const Stanza& stanza) {
    return std::any_of(filters.begin(), filters.end(), [&](const auto& filter) { return passes(filter, stanza); });
  };
}

StanzaFilter not_of(StanzaFilter filter) {
  return [filter = std::move(filter)](const Stanza& stanza) { return !passes(filter, stanza); };
}

}  // namespace anser::sdk::filter
