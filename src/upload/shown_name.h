// A file's name as a header says it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace anser::upload {

// In UTF-8 and safe to show; what is not UTF-8 is of that charset, as in a form.
std::string shown_name(std::string_view said, std::string_view charset);

}  // namespace anser::upload
