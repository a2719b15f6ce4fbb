#include "sdk/src/stanza_error.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sdk/src/element_access.h"
#include "sdk/src/fail.h"
#include "sdk/src/legal.h"
#include "xml/writer.h"

namespace anser::sdk {
namespace {

struct Legacy {
  std::string_view condition, type;
  int code;
};
// XEP-0086 table 2. Of several conditions with one number the first is what the number alone means (table 3).
constexpr Legacy kLegacy[] = {
    {"gone", "modify", 302},
    {"redirect", "modify", 302},
    {"bad-request", "modify", 400},
    {"jid-malformed", "modify", 400},
    {"unexpected-request", "wait", 400},
    {"not-authorized", "auth", 401},
    {"payment-required", "auth", 402},
    {"forbidden", "auth", 403},
    {"item-not-found", "cancel", 404},
    {"recipient-unavailable", "wait", 404},
    {"remote-server-not-found", "cancel", 404},
    {"not-allowed", "cancel", 405},
    {"not-acceptable", "modify", 406},
    {"registration-required", "auth", 407},
    {"subscription-required", "auth", 407},
    {"conflict", "cancel", 409},
    {"internal-server-error", "wait", 500},
    {"resource-constraint", "wait", 500},
    {"undefined-condition", "cancel", 500},
    {"feature-not-implemented", "cancel", 501},
    {"service-unavailable", "cancel", 503},
    {"remote-server-timeout", "wait", 504},
};
// Numbers that only old programs send.
constexpr Legacy kNumbersOnly[] = {{"remote-server-timeout", "wait", 408},
                                   {"service-unavailable", "wait", 502},
                                   {"service-unavailable", "cancel", 510}};
constexpr std::array<std::string_view, 5> kTypes{"auth", "cancel", "continue", "modify", "wait"};
constexpr int kMaxCode = 999;

const Legacy* find(std::string_view condition) {
  const auto* found = std::find_if(std::begin(kLegacy), std::end(kLegacy),
                                   [=](const Legacy& legacy) { return legacy.condition == condition; });
  return found == std::end(kLegacy) ? nullptr : found;
}

const Legacy* find(int code) {
  const auto has_code = [=](const Legacy& legacy) { return legacy.code == code; };
  const auto* found = std::find_if(std::begin(kLegacy), std::end(kLegacy), has_code);
  if (found != std::end(kLegacy)) return found;
  found = std::find_if(std::begin(kNumbersOnly), std::end(kNumbersOnly), has_code);
  return found == std::end(kNumbersOnly) ? nullptr : found;
}

bool is_type(std::string_view word) { return std::find(kTypes.begin(), kTypes.end(), word) != kTypes.end(); }

bool has_new_address(std::string_view condition) { return condition == "gone" || condition == "redirect"; }

int read_code(std::string_view text) {
  int code = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), code);
  const bool whole = problem == std::errc{} && end == text.data() + text.size();
  return whole && code > 0 && code <= kMaxCode ? code : 0;
}

void read_child(StanzaError& error, bool& has_text, const xml::Element& child) {
  if (child.ns() != kStanzaErrorsNs) {
    if (error.application) return;
    Element application = ElementAccess::wrap(child);
    if (ElementAccess::is_legal(application)) error.application = std::move(application);
  } else if (child.local() == "text") {
    if (!has_text) error.text = child.text();
    has_text = true;
  } else if (error.condition.empty()) {
    error.condition = child.local();
    if (has_new_address(child.local())) error.new_address = child.text();
  }
}

}  // namespace

int code_of(const StanzaError& error) {
  if (error.code != 0) return error.code;
  const Legacy* const legacy = find(error.condition);
  return legacy ? legacy->code : 0;
}

StanzaError read_error(std::string_view xml) {
  StanzaError error;
  const auto element = ElementAccess::parse(xml);
  if (!element) return error.condition = "undefined-condition", error;
  error.by = element->attr("by");
  error.code = read_code(element->attr("code"));
  bool has_text = false;
  for (const xml::Element& child : element->children()) read_child(error, has_text, child);

  const Legacy* const legacy = error.condition.empty() ? find(error.code) : find(error.condition);
  if (error.condition.empty()) {  // from before RFC 3920: a number, and words for people
    error.condition = legacy ? legacy->condition : "undefined-condition";
    if (!has_text) error.text = element->text();
  }
  const std::string_view type = element->attr("type");
  error.type = is_type(type) ? type : legacy ? legacy->type : "cancel";
  return error;
}

// The condition comes first: some clients take the first element for it.
void append_error(std::string& out, const StanzaError& error) {
  xml::Writer writer{out};
  const int code = code_of(error);
  writer.open("error").attr("type", error.type).attr_if("by", error.by);
  if (code != 0) writer.attr("code", std::to_string(code));
  writer.open(error.condition, kStanzaErrorsNs).text(error.new_address).close();
  if (!error.text.empty()) writer.open("text", kStanzaErrorsNs).text(error.text).close();
  if (error.application) writer.raw(ElementAccess::extension(*error.application).xml);
  writer.close();
}

Result<void> check_error(const StanzaError& error) {
  if (!is_legal_name(error.condition) || error.condition == "text") {
    return fail(Errc::invalid_argument, "an error needs a condition, such as item-not-found");
  }
  if (!is_type(error.type)) {
    return fail(Errc::invalid_argument, "an error is of type auth, cancel, continue, modify or wait");
  }
  if (error.code < 0 || error.code > kMaxCode) return fail(Errc::invalid_argument, "an error's code has three digits");
  if (!error.new_address.empty() && !has_new_address(error.condition)) {
    return fail(Errc::invalid_argument, "only the conditions gone and redirect have a new address");
  }
  if (error.application && !ElementAccess::is_legal(*error.application)) {
    return fail(Errc::invalid_argument, "the error's own condition holds what XML cannot carry");
  }
  if (auto checked = check_address("the address that the error is by", error.by); !checked) return checked;
  if (auto checked = check_text("the error's new address", error.new_address); !checked) return checked;
  return check_text("the error's text", error.text);
}

}  // namespace anser::sdk
