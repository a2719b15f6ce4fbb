// Names of accounts as people and clients write them. Strangers' words: pure, and fuzzed.
#pragma once

#include <string>
#include <string_view>

#include "domain/hosts.h"

namespace anser::door {

// Some clients send their bare address as the name: the local part if it is an address at `host`, else `username`.
std::string name_at_host(std::string username, const std::string& host, const domain::Hosts& hosts);

// At which of our hosts is that name? "romeo@example.org" says it himself, anybody else is at `otherwise`.
std::string host_of_name(std::string_view username, const std::string& otherwise, const domain::Hosts& hosts);

// An address of a client's as a log line shows it: in one word (a space is \20), so that a resource cannot pass for the
// words around it. Other white space is in no address (RFC 7622 §3.4).
std::string for_log(std::string_view address);

}  // namespace anser::door
