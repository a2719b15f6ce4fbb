// What a file probably is, by its name's ending: for who has not said it, so that others see a picture and not bytes.
#pragma once

#include <string_view>

namespace anser::sdk {

// The media type, or "" if the ending is none that people commonly send.
std::string_view media_type_of(std::string_view file_name);

}  // namespace anser::sdk
