// Whose stanza is it? Addresses are compared prepared; the server's stanzas mostly are.
#pragma once

#include <string>
#include <string_view>

#include "sdk/src/channel.h"

namespace anser::sdk {

std::string prepared_or_empty(std::string_view address);  // "" if it is none
std::string own_bare(const Channel& channel);             // "" before login

// The own bare address, exactly: what XEP-0280 asks of carbons.
bool is_account(const Channel& channel, std::string_view from);
// That, or none: from the account as well (RFC 6120 §8.1.2.1), because nobody but the server can leave it out.
bool is_account_or_none(const Channel& channel, std::string_view from);

}  // namespace anser::sdk
