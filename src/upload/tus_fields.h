// The fields of tus 1.0 that are more than a word. Pure.
//
//   Upload-Metadata = pair *( "," pair )        pair = key [ SP base64 ]; keys differ, and have neither SP nor ","
//   Upload-Concat   = "partial" / "final;" url *( SP url )
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anser::upload {

// None: not of that form. An empty field has nothing in it; white space around commas may come from HTTP (RFC 9110
// §5.3).
using TusMetadata = std::vector<std::pair<std::string, std::string>>;
std::optional<TusMetadata> parse_tus_metadata(std::string_view field);

// The first of these keys that is there; "".
std::string first_of(const TusMetadata& metadata, std::string_view key, std::string_view other);

// A number without sign, at most 2^63 - 1.
std::optional<std::uint64_t> parse_count(std::string_view field);

// The ids of the uploads that are to be joined: every address ends with /uploads/ID. None: not "final;…", or one of
// them is no such address.
std::optional<std::vector<std::string>> parse_final(std::string_view concat);

// "/uploads/ID" or an address that ends so: ID, which is a name of ours; "" if it is none.
std::string upload_id_in(std::string_view address);

}  // namespace anser::upload
