#include "xmpp/sasl2_messages.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"

namespace anser::xmpp {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// xs:boolean, false without the attribute.
Result<bool> flag(const xml::Element& element, std::string_view name) {
  const auto value = trimmed(element.attr(name));
  if (value == "1" || value == "true") return true;
  if (value == "0" || value == "false" || !element.has_attr(name)) return false;
  return fail(Errc::bad_request, "{} is true or false", name);
}

Result<FastClaim> read_fast(const xml::Element& element) {
  FastClaim claim;
  const auto invalidate = flag(element, "invalidate");
  if (!invalidate) return pass(invalidate);
  claim.invalidate = *invalidate;
  if (!element.has_attr("count")) return claim;
  const auto digits = trimmed(element.attr("count"));
  std::int32_t count = 0;  // xs:int
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc{} || end != digits.data() + digits.size() || count < 0) {
    return fail(Errc::bad_request, "count is a positive integer");
  }
  claim.count = static_cast<std::uint32_t>(count);
  return claim;
}

BindRequest read_bind(const xml::Element& element) {
  BindRequest bind;
  for (const auto& child : element.children()) {
    if (child.is({kBind2Ns, "tag"}))
      bind.tag = trimmed(child.text());
    else if (child.ns() != kBind2Ns)
      bind.enables.push_back(child);
  }
  return bind;
}

}  // namespace

std::optional<std::string> uuid_v4(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx";
  if (text.size() != kForm.size()) return std::nullopt;
  std::string id{text};
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (id[i] >= 'A' && id[i] <= 'F') id[i] = static_cast<char>(id[i] - 'A' + 'a');
    const bool hex = (id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f');
    const bool variant = id[i] == '8' || id[i] == '9' || id[i] == 'a' || id[i] == 'b';
    if (kForm[i] == 'x' ? !hex : kForm[i] == 'v' ? !variant : id[i] != kForm[i]) return std::nullopt;
  }
  return id;
}

std::string_view upgrade_task(core::Hash hash) {
  switch (hash) {
    case core::Hash::sha1:
      return "UPGR-SCRAM-SHA-1";
    case core::Hash::sha256:
      return "UPGR-SCRAM-SHA-256";
    case core::Hash::sha512:
      break;
  }
  return "UPGR-SCRAM-SHA-512";
}

Result<Authenticate> read_authenticate(const xml::Element& element) {
  Authenticate said;
  said.mechanism = element.attr("mechanism");
  if (said.mechanism.empty()) return fail(Errc::bad_request, "a mechanism must be named");
  bool agent = false;
  const auto twice = [](const xml::Element& child) {
    return fail(Errc::bad_request, "{} stands twice", child.local());
  };
  for (const auto& child : element.children()) {
    if (child.is({kSasl2Ns, "initial-response"})) {
      if (said.initial) return twice(child);
      said.initial = child.text();
    } else if (child.is({kSasl2Ns, "user-agent"})) {
      if (std::exchange(agent, true)) return twice(child);
      if (!child.has_attr("id")) continue;
      auto id = uuid_v4(child.attr("id"));
      if (!id) return fail(Errc::bad_request, "the id of a user-agent is a UUID of version 4");
      said.agent = std::move(*id);
    } else if (child.is({kBind2Ns, "bind"})) {
      if (said.bind) return twice(child);
      said.bind = read_bind(child);
    } else if (child.is({"urn:xmpp:sm:3", "resume"})) {
      if (said.resume) return twice(child);
      said.resume = child;
    } else if (child.is({kFastNs, "fast"})) {
      if (said.fast) return twice(child);
      auto fast = read_fast(child);
      if (!fast) return pass(fast);
      said.fast = *fast;
    } else if (child.is({kFastNs, "request-token"})) {
      if (!said.wanted_token.empty()) return twice(child);
      said.wanted_token = child.attr("mechanism");
      if (said.wanted_token.empty()) return fail(Errc::bad_request, "a token is for a mechanism, which must be named");
    } else if (child.is({kUpgradeNs, "upgrade"})) {
      const std::string task{trimmed(child.text())};
      for (const auto hash : {core::Hash::sha256, core::Hash::sha512}) {
        if (task == upgrade_task(hash) && std::count(said.upgrades.begin(), said.upgrades.end(), hash) == 0)
          said.upgrades.push_back(hash);
      }
    }
  }
  return said;
}

Result<std::string> decode_sasl2_text(std::string_view text) { return base64_decode(trimmed(text)); }

std::string bound_resource(const core::Jid& account, const std::string& tag, std::string_view id) {
  if (tag.empty()) return std::string{id};
  const auto full = account.with_resource(fmt::format("{}/{}", tag, id));
  return full ? std::string{full->resource()} : std::string{id};
}

}  // namespace anser::xmpp
