// What a file may be called when it is served: types of a closed list, and only if the bytes look like it. Whatever is
// not on it is bytes and nothing else, so neither a page nor a script, a drawing or a document ever comes from here as
// what it is. Pure.
#pragma once

#include <string>
#include <string_view>

namespace anser::upload {

// A media type as a stranger says it, fit to be kept and shown: visible ASCII, `type/subtype` with whatever parameters;
// "" if it is none.
std::string declared_type(std::string_view said);

struct ServedType {
  std::string_view type;  // static storage
  bool in_place = false;  // shown where it is, and not only saved
};

inline constexpr std::size_t kLookedAt = 4096;  // bytes from the front are enough to see what it is

// Would a file of this type be looked at? If not, served_type needs no bytes.
bool is_listed_type(std::string_view declared);
// `front`: the first kLookedAt bytes, or fewer if the file has no more (`whole`).
ServedType served_type(std::string_view declared, std::string_view front, bool whole);

}  // namespace anser::upload
