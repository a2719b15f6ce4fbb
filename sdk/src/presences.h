// Who is there: the last presence of each resource, of contacts and of others (people met in rooms, the account's own
// other resources). A value; the roster guards it. Addresses are prepared.
// Invariant: at most kStrangers bare addresses are not contacts', at most kResources resources are kept of each; beyond
// that what was heard of longest ago is forgotten.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anser/presence.h"

namespace anser::sdk {

class Presences {
 public:
  static constexpr std::size_t kStrangers = 1'000;
  static constexpr std::size_t kResources = 100;
  // Of what one presence says, its address apart; what is beyond that is left out.
  static constexpr std::size_t kContactBytes = 16 * 1024;
  static constexpr std::size_t kStrangerBytes = 1024;

  // Available, unavailable or error, from this address. Unavailable and errors from a bare address speak for all of its
  // resources (RFC 6121 §4.5.4).
  void apply(const Presence& presence, const std::string& bare, const std::string& resource, bool is_contact);
  void set_contact(std::string_view bare, bool is_contact);

  // As Roster::presence() and its sisters.
  Presence best(std::string_view bare) const;
  Presence of(std::string_view bare, std::string_view resource) const;
  std::vector<Presence> all(std::string_view bare) const;

  // Everybody is gone: an unavailable presence from each resource of a contact that was there.
  std::vector<Presence> clear();

 private:
  struct Resource {
    Presence presence;
    std::uint64_t heard = 0;
  };
  struct Person {
    bool is_contact = false;
    std::uint64_t heard = 0;
    std::map<std::string, Resource, std::less<>> there;  // by resource; "" for one that has none
    std::optional<Presence> gone;                        // the last that said so, or the error
  };
  using People = std::map<std::string, Person, std::less<>>;

  void bound(People::iterator kept);
  static void bound(Person& person);

  People people_;
  std::size_t strangers_ = 0;
  std::uint64_t heard_ = 0;
};

}  // namespace anser::sdk
