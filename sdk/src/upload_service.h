// XEP-0363's words, the client's side: what a service says of itself, the question for a slot and its answer. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anser/element.h"
#include "anser/file_transfer.h"

namespace anser::sdk {

inline constexpr std::string_view kUploadNs = "urn:xmpp:http:upload:0";

// Of an answer to disco#info; none: it takes no files.
std::optional<UploadService> read_service(const std::string& address, const Element& info);

Element slot_request(const Upload& upload, const std::string& name, std::uint64_t size);

struct UploadSlot {
  std::string put, get;
  std::vector<std::pair<std::string, std::string>> fields;  // that go with the PUT, in their order
};
// Errc::protocol. Of the fields only Authorization, Cookie and Expires are taken (XEP-0363 §4), without line breaks.
Result<UploadSlot> read_slot(const Element& slot);

}  // namespace anser::sdk
