// Making and changing accounts in band (XEP-0077): shared by the stream before login and the feature after it.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <string>

#include "net/task.h"
#include "xml/element.h"
#include "xmpp/services.h"

namespace anser::xmpp {

// The form: instructions, username, password, name, email.
Result<std::optional<xml::Element>> registration_form(const Settings& settings);

// Makes the account that `query` asks for. Errc::not_acceptable, conflict, resource_limit (too many from there).
net::Task<Result<void>> register_account(Shared& shared, const Settings& settings, const std::string& host,
                                         boost::asio::ip::address from, xml::Element query);

// Derives all key sets of a password on the workers, the cheapest to verify first.
net::Task<Result<std::vector<core::ScramKeys>>> derive_all(Shared& shared, std::string password,
                                                           std::uint32_t iterations);

}  // namespace anser::xmpp
