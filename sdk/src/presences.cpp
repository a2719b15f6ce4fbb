#include "sdk/src/presences.h"

#include <algorithm>
#include <tuple>

#include "sdk/src/stanza_error.h"

namespace anser::sdk {
namespace {

// chat, available, away, xa, dnd: from the most present on.
int presentness(Presence::Mode mode) {
  switch (mode) {
    case Presence::Mode::chat:
      return 4;
    case Presence::Mode::available:
      return 3;
    case Presence::Mode::away:
      return 2;
    case Presence::Mode::xa:
      return 1;
    case Presence::Mode::dnd:
      break;
  }
  return 0;
}

Presence unavailable_from(std::string_view bare, std::string_view resource = {}) {
  Presence presence{Presence::Type::unavailable};
  std::string from{bare};
  if (!resource.empty()) from.append("/").append(resource);
  presence.set_from(std::move(from));
  return presence;
}

// What somebody else may make us keep. What a presence has beyond that is not needed to know who is there; its `from`
// is an address, so it has a length of its own.
Presence slim(const Presence& presence, std::size_t most) {
  std::size_t texts = 0;
  for (const auto& status : presence.statuses()) texts += status.text.size() + status.language.size();
  std::size_t others = presence.id().size() + presence.to().size() + presence.language().size();
  for (const auto& extension : presence.raw_extensions()) others += extension.xml.size();
  if (const auto& error = presence.error()) {
    std::string xml;
    append_error(xml, *error);
    others += xml.size();
  }
  if (texts + others <= most) return presence;
  Presence slim{presence.type()};
  slim.set_from(presence.from());
  slim.set_mode(presence.mode());
  slim.set_priority(presence.priority());
  if (texts <= most) {
    for (const auto& status : presence.statuses()) slim.set_status(status.text, status.language);
  }
  return slim;
}

}  // namespace

void Presences::apply(const Presence& presence, const std::string& bare, const std::string& resource, bool is_contact) {
  // Of a stranger who leaves nothing need be kept that was not kept before.
  if (!is_contact && !presence.is_available() && !people_.contains(bare)) return;
  const auto [found, fresh] = people_.try_emplace(bare);
  Person& person = found->second;
  if (fresh) {
    person.is_contact = is_contact;
    strangers_ += is_contact ? 0 : 1;
  }
  person.heard = ++heard_;
  if (presence.is_available()) {
    person.there.insert_or_assign(resource,
                                  Resource{slim(presence, person.is_contact ? kContactBytes : kStrangerBytes), heard_});
    person.gone.reset();
    bound(person);
  } else {
    resource.empty() ? person.there.clear() : static_cast<void>(person.there.erase(resource));
    person.gone = slim(presence, kContactBytes);
  }
  if (!person.is_contact && person.there.empty()) {
    people_.erase(found);
    --strangers_;
  } else if (fresh) {
    bound(found);
  }
}

void Presences::set_contact(std::string_view bare, bool is_contact) {
  const auto found = people_.find(bare);
  if (found == people_.end() || found->second.is_contact == is_contact) return;
  found->second.is_contact = is_contact;
  if (is_contact) {
    --strangers_;
  } else if (found->second.there.empty()) {
    people_.erase(found);
  } else {
    ++strangers_;
    bound(found);
  }
}

void Presences::bound(Person& person) {
  if (person.there.size() <= kResources) return;
  person.there.erase(std::min_element(person.there.begin(), person.there.end(),
                                      [](const auto& a, const auto& b) { return a.second.heard < b.second.heard; }));
}

void Presences::bound(People::iterator kept) {
  if (strangers_ <= kStrangers) return;
  auto oldest = people_.end();
  for (auto at = people_.begin(); at != people_.end(); ++at) {
    if (at == kept || at->second.is_contact) continue;
    if (oldest == people_.end() || at->second.heard < oldest->second.heard) oldest = at;
  }
  people_.erase(oldest);
  --strangers_;
}

Presence Presences::best(std::string_view bare) const {
  const auto found = people_.find(bare);
  if (found == people_.end()) return unavailable_from(bare);
  const Person& person = found->second;
  if (person.there.empty()) return person.gone.value_or(unavailable_from(bare));
  const auto rank = [](const auto& named) {
    const Resource& resource = named.second;
    return std::tuple{resource.presence.priority(), presentness(resource.presence.mode()), resource.heard};
  };
  return std::max_element(person.there.begin(), person.there.end(),
                          [&](const auto& a, const auto& b) { return rank(a) < rank(b); })
      ->second.presence;
}

Presence Presences::of(std::string_view bare, std::string_view resource) const {
  const auto found = people_.find(bare);
  if (found != people_.end()) {
    const auto there = found->second.there.find(resource);
    if (there != found->second.there.end()) return there->second.presence;
  }
  return unavailable_from(bare, resource);
}

std::vector<Presence> Presences::all(std::string_view bare) const {
  std::vector<Presence> all;
  const auto found = people_.find(bare);
  if (found == people_.end()) return all;
  for (const auto& [name, resource] : found->second.there) all.push_back(resource.presence);
  return all;
}

std::vector<Presence> Presences::clear() {
  std::vector<Presence> gone;
  for (const auto& [bare, person] : people_) {
    if (!person.is_contact) continue;
    for (const auto& [name, resource] : person.there) gone.push_back(unavailable_from(bare, name));
  }
  people_.clear();
  strangers_ = 0;
  return gone;
}

}  // namespace anser::sdk
