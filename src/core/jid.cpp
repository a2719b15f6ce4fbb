#include "core/jid.h"

#include <algorithm>
#include <array>

#include "core/domain_name.h"
#include "core/precis.h"
#include "core/utf8.h"

namespace anser::core {
namespace {

// What an octet may do in each part as long as everything is ASCII. Anything else takes the road through ICU.
enum : std::uint8_t { kLocal = 1, kResource = 2, kNotUpper = 4 };

constexpr std::string_view kNotInLocal = "\"&'/:<>@";  // RFC 7622 §3.3.1

constexpr std::array<std::uint8_t, 256> make_octets() {
  std::array<std::uint8_t, 256> octets{};
  octets[' '] = kResource | kNotUpper;
  for (unsigned c = 0x21; c < 0x7f; ++c) {
    octets[c] = kResource;
    if (kNotInLocal.find(static_cast<char>(c)) == kNotInLocal.npos) octets[c] |= kLocal;
    if (c < 'A' || c > 'Z') octets[c] |= kNotUpper;
  }
  return octets;
}
constexpr auto kOctets = make_octets();

// The bits that all octets have in common.
std::uint8_t common_bits(std::string_view text) {
  std::uint8_t bits = 0xff;
  for (const char c : text) bits &= kOctets[static_cast<unsigned char>(c)];
  return bits;
}

void append_lower(std::string& out, std::string_view text) {
  const auto start = static_cast<std::ptrdiff_t>(out.size());
  out += text;
  std::transform(out.begin() + start, out.end(), out.begin() + start, to_ascii_lower);
}

// The prepared part goes behind what `out` has. ASCII goes there without a detour.
Result<void> append(std::string& out, Result<std::string> prepared) {
  if (!prepared) return pass(prepared);
  out += *prepared;
  return {};
}

Result<void> append_local(std::string& out, std::string_view local) {
  const std::uint8_t bits = common_bits(local);
  if (!(bits & kLocal) || local.size() > kMaxJidPart) return append(out, prepare_local(local));
  if (bits & kNotUpper) {
    out += local;
  } else {
    append_lower(out, local);
  }
  return {};
}

Result<void> append_domain(std::string& out, std::string_view domain) {
  bool has_upper = false;
  if (!is_plain_domain(domain, has_upper)) return append(out, prepare_domain(domain));
  if (has_upper) {
    append_lower(out, domain);
  } else {
    out += domain;
  }
  return {};
}

bool is_plain_resource(std::string_view resource) {
  return !resource.empty() && resource.size() <= kMaxJidPart && resource.front() != ' ' &&
         (common_bits(resource) & kResource);
}

Result<void> append_resource(std::string& out, std::string_view resource) {
  if (!is_plain_resource(resource)) return append(out, prepare_resource(resource));
  out += resource;
  return {};
}

Result<void> check_size(std::string_view part, std::string_view name) {
  if (part.size() <= kMaxJidPart) return {};
  return fail(Errc::jid_malformed, "the {} has {} octets, more than {}", name, part.size(), kMaxJidPart);
}

}  // namespace

Result<std::string> prepare_local(std::string_view local) {
  if (local.size() > kMaxJidInput) return fail(Errc::jid_malformed, "the local part is far too long");
  Result<std::string> prepared = username_case_mapped(local);
  if (!prepared) return fail(Errc::jid_malformed, "the local part cannot be one: {}", prepared.error().message);
  const std::size_t bad = prepared->find_first_of(kNotInLocal);
  if (bad != prepared->npos) {
    return fail(Errc::jid_malformed, "the local part has a {}, which XMPP forbids there", (*prepared)[bad]);
  }
  if (const auto size = check_size(*prepared, "local part"); !size) return pass(size);
  return prepared;
}

Result<std::string> prepare_resource(std::string_view resource) {
  if (resource.size() > kMaxJidInput) return fail(Errc::jid_malformed, "the resource is far too long");
  Result<std::string> prepared = opaque_string(resource);
  if (!prepared) return fail(Errc::jid_malformed, "the resource cannot be one: {}", prepared.error().message);
  if (prepared->front() == ' ') return fail(Errc::jid_malformed, "the resource begins with a space");
  if (const auto size = check_size(*prepared, "resource"); !size) return pass(size);
  return prepared;
}

bool is_plain_jid(std::string_view text) {
  constexpr std::uint8_t kPlainLocal = kLocal | kNotUpper;
  const std::size_t slash = text.find('/');
  if (slash != text.npos && !is_plain_resource(text.substr(slash + 1))) return false;
  const std::string_view bare = text.substr(0, slash);
  const std::size_t at = bare.find('@');
  if (at != bare.npos) {
    const std::string_view local = bare.substr(0, at);
    if (local.empty() || local.size() > kMaxJidPart || (common_bits(local) & kPlainLocal) != kPlainLocal) return false;
  }
  bool has_upper = false;
  return is_plain_domain(at == bare.npos ? bare : bare.substr(at + 1), has_upper) && !has_upper;
}

// The order of RFC 7622 §3.2: the first '/', then the first '@' before it.
Result<Jid> Jid::parse(std::string_view text) {
  if (text.size() > kMaxJidInput) return fail(Errc::jid_malformed, "the address is far too long");
  std::string_view local, resource;
  const std::size_t slash = text.find('/');
  if (slash != text.npos) {
    resource = text.substr(slash + 1);
    if (resource.empty()) return fail(Errc::jid_malformed, "nothing stands behind the /");
    text = text.substr(0, slash);
  }
  const std::size_t at = text.find('@');
  if (at != text.npos) {
    local = text.substr(0, at);
    if (local.empty()) return fail(Errc::jid_malformed, "nothing stands before the @");
    text.remove_prefix(at + 1);
  }
  return make(local, text, resource);
}

Result<Jid> Jid::make(std::string_view local, std::string_view domain, std::string_view resource) {
  std::string full;
  full.reserve(local.size() + 1 + domain.size() + 1 + resource.size());
  if (!local.empty()) {
    if (const auto done = append_local(full, local); !done) return pass(done);
    full += '@';
  }
  const std::size_t start = full.size();
  if (const auto done = append_domain(full, domain); !done) return pass(done);
  const std::size_t bare_size = full.size();
  if (!resource.empty()) {
    full += '/';
    if (const auto done = append_resource(full, resource); !done) return pass(done);
  }
  return Jid{std::move(full), start == 0 ? 0 : start - 1, bare_size - start};
}

Result<Jid> Jid::with_resource(std::string_view resource) const {
  if (empty()) return fail(Errc::jid_malformed, "an empty address has no resources");
  if (resource.empty()) return fail(Errc::jid_malformed, "the resource is empty");
  std::string full;
  full.reserve(bare_size() + 1 + resource.size());
  full.append(bare()).append(1, '/');
  if (const auto done = append_resource(full, resource); !done) return pass(done);
  return Jid{std::move(full), local_size_, domain_size_};
}

}  // namespace anser::core
