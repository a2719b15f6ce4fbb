// Structured fields of HTTP (RFC 9651), as far as uploads need them: an Item that is a Boolean or an Integer, and a
// Dictionary of Byte Sequences. Strict: one wrong character and the field is none, as §4.2 demands. Pure.
//
//   item       = bare *( ";" *SP key [ "=" bare ] )
//   dictionary = [ member *( OWS "," OWS member ) ]
//   member     = key ( [ "=" ( item / inner-list ) ] *parameter )
//   bare       = integer / decimal / string / token / bytes / boolean / date / display-string
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anser::upload {

// None: it is no Item, or one of another type. Parameters are read and do not count.
std::optional<bool> boolean_item(std::string_view field);
std::optional<std::int64_t> integer_item(std::string_view field);

// The members, decoded, in order; of a key that comes twice the last counts. None: the field is no Dictionary, or a
// member is something else.
using ByteSequences = std::vector<std::pair<std::string, std::string>>;
std::optional<ByteSequences> byte_sequences(std::string_view field);

// For fields of our own: ":cHJldGVuZA==:"
std::string byte_sequence(std::string_view bytes);

}  // namespace anser::upload
