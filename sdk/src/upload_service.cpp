#include "sdk/src/upload_service.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "net/http_request.h"
#include "sdk/src/dates.h"
#include "sdk/src/fail.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kForms = "jabber:x:data";
constexpr std::string_view kPurposeNs = "urn:xmpp:http:upload:purpose:0";
constexpr std::array<std::string_view, 4> kPurposes{"message", "profile", "ephemeral", "permanent"};  // as the enum
constexpr std::size_t kFields = 20;  // of a slot, each with at most kFieldBytes
constexpr std::size_t kFieldBytes = 8 * 1024;

std::optional<std::uint64_t> max_file_size(const Element& info) {
  for (const Element& form : info.children()) {
    if (!form.is("x", kForms)) continue;
    bool ours = false;
    std::optional<std::uint64_t> size;
    for (const Element& field : form.children()) {
      const std::string value = field.child_text("value");
      if (field.attribute("var") == "FORM_TYPE") ours = value == kUploadNs;
      if (field.attribute("var") != "max-file-size") continue;
      std::uint64_t number = 0;
      const char* const end = value.data() + value.size();
      const auto [last, wrong] = std::from_chars(value.data(), end, number);
      if (wrong == std::errc{} && last == end && number > 0) size = number;
    }
    if (ours) return size;
  }
  return std::nullopt;
}

std::string without_line_breaks(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  return text;
}

}  // namespace

std::optional<UploadService> read_service(const std::string& address, const Element& info) {
  UploadService service;
  service.address = address;
  bool takes_files = false;
  const std::string purpose = std::string{kPurposeNs} + "#";
  for (const Element& feature : info.children()) {
    if (feature.name() != "feature") continue;
    const std::string_view var = feature.attribute("var");
    takes_files = takes_files || var == kUploadNs;
    if (var.starts_with(purpose)) service.purposes.emplace_back(var.substr(purpose.size()));
  }
  if (!takes_files) return std::nullopt;
  service.max_file_size = max_file_size(info);
  return service;
}

Element slot_request(const Upload& upload, const std::string& name, std::uint64_t size) {
  Element request{"request", kUploadNs};
  request.set_attribute("filename", name).set_attribute("size", std::to_string(size));
  if (!upload.type.empty()) request.set_attribute("content-type", upload.type);
  if (upload.purpose == Upload::Purpose::message) return request;  // every service's own idea of it
  Element purpose{kPurposes[static_cast<std::size_t>(upload.purpose)], kPurposeNs};
  if (upload.purpose == Upload::Purpose::ephemeral)
    purpose.set_attribute("expire-before", format_date(upload.expire_before));
  request.add_child(std::move(purpose));
  return request;
}

Result<UploadSlot> read_slot(const Element& slot) {
  if (!slot.is("slot", kUploadNs))
    return fail(Errc::protocol, "the upload service answered something else than a slot");
  const Element put = slot.child("put");
  UploadSlot read{
      .put = std::string{put.attribute("url")}, .get = std::string{slot.child("get").attribute("url")}, .fields = {}};
  if (read.put.empty() || read.get.empty()) return fail(Errc::protocol, "the slot has no addresses");
  for (const Element& header : put.children()) {
    if (!header.is("header", kUploadNs)) continue;
    std::string name = without_line_breaks(std::string{header.attribute("name")});
    const std::string known = net::lower(name);
    if (known != "authorization" && known != "cookie" && known != "expires") continue;
    std::string value = without_line_breaks(header.text());
    if (read.fields.size() >= kFields || value.size() > kFieldBytes)
      return fail(Errc::protocol, "the slot comes with too many fields");
    read.fields.emplace_back(std::move(name), std::move(value));
  }
  return read;
}

}  // namespace anser::sdk
