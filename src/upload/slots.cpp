#include "upload/slots.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "base/assert.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "codec/file_name.h"
#include "codec/idna.h"
#include "core/crypto.h"
#include "core/random.h"
#include "domain/byte_codec.h"
#include "net/host.h"

namespace anser::upload {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kTag = 16, kIdChars = 32, kMaxAddress = 3071;  // RFC 7622 §3: 1023 bytes for each part
constexpr std::uint16_t kHttps = 443;

std::uint64_t seconds(Time time) {
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}

std::string tag_of(std::string_view payload, std::string_view id, std::string_view name, std::string_view key) {
  std::string signed_bytes{"anser upload slot"};
  signed_bytes += '\0';
  signed_bytes += payload;
  domain::put_string(signed_bytes, id);
  domain::put_string(signed_bytes, name);
  return core::hmac(core::Hash::sha256, key, signed_bytes).substr(0, kTag);
}

// What a Content-Type may consist of (RFC 9110 §5.5), so that no answer or log is led astray by it.
bool is_field_text(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c == 0x7f) return false;  // other bytes than ASCII are negative
  }
  return true;
}

}  // namespace

std::string sign_slot(const SlotTerms& terms, std::string_view id, std::string_view name, std::string_view key) {
  std::string token;
  token += static_cast<char>(kVersion);
  domain::put_varint(token, seconds(terms.end));
  domain::put_varint(token, static_cast<std::uint64_t>(terms.expires.time_since_epoch().count()));
  domain::put_varint(token, terms.size);
  domain::put_jid(token, terms.owner);
  domain::put_string(token, terms.type);
  token += tag_of(token, id, name, key);
  return base64url_encode(token);
}

std::optional<SlotTerms> verify_slot(std::string_view token, std::string_view id, std::string_view name,
                                     std::string_view key) {
  if (token.size() > kMaxSlotToken) return std::nullopt;
  const auto bytes = base64url_decode(token);
  if (!bytes || bytes->size() <= kTag) return std::nullopt;
  const std::string_view payload = std::string_view{*bytes}.substr(0, bytes->size() - kTag);
  const std::string_view tag = std::string_view{*bytes}.substr(payload.size());
  if (!core::constant_time_equal(tag, tag_of(payload, id, name, key))) return std::nullopt;
  domain::ByteReader reader{payload};
  if (reader.byte() != kVersion) return std::nullopt;
  SlotTerms terms;
  terms.end = Time{std::chrono::seconds{static_cast<std::int64_t>(reader.varint())}};
  terms.expires = Time{Duration{static_cast<std::int64_t>(reader.varint())}};
  terms.size = reader.varint();
  auto owner = core::Jid::parse(reader.string(kMaxAddress));
  terms.type = reader.string(kMaxSlotType);
  if (!reader.ok() || !reader.rest().empty() || !owner) return std::nullopt;
  terms.owner = std::move(*owner);
  return terms;
}

Slots::Slots(Shared& shared, std::uint16_t tls_port)
    : shared_(shared), tls_port_(tls_port), counts_(shared.cores.size()) {}

bool Slots::available() const { return tls_port_ != 0 || !shared_.settings()->address.empty(); }

std::string Slots::address(const Settings& settings, const core::Jid& owner) const {
  if (!settings.address.empty()) return settings.address;
  if (tls_port_ == 0) return {};
  std::string host = settings.host;
  if (host.empty())
    host = codec::to_a_labels(owner.domain()).value_or(std::string{owner.domain()});  // or an IP address
  std::string address = "https://" + net::authority(host, tls_port_);
  if (tls_port_ == kHttps) address.resize(address.rfind(':'));
  return address;
}

void Slots::request(domain::SlotRequest request, std::function<void(Result<domain::Slot>)> done) {
  net::Core* const core = net::Core::current();
  ANSER_ASSERT(core);  // of an account or a session
  boost::asio::post(core->io(), [this, core, request = std::move(request), done = std::move(done)]() mutable {
    net::spawn(core->io(), answer(std::move(request), std::move(done)));
  });
}

net::Task<void> Slots::answer(domain::SlotRequest request, std::function<void(Result<domain::Slot>)> done) {
  auto making = make(std::move(request));
  auto made = co_await std::move(making);
  done(std::move(made));
}

net::Task<Result<domain::Slot>> Slots::make(domain::SlotRequest request) {
  const SharedSettings settings = shared_.settings();
  if (auto fine = check(request, *settings); !fine) co_return pass(fine);
  const std::string front = address(*settings, request.owner);
  if (front.empty())
    co_return fail(Errc::unavailable, "files cannot be taken: there is no HTTP port with TLS, and no uploads.address");
  if (auto fine = count(request.owner, settings->slot_lifetime); !fine) co_return pass(fine);
  if (settings->quota_bytes > 0) {
    auto asking = shared_.vault.use_of(request.owner);
    auto use = co_await std::move(asking);
    if (!use) co_return pass(use);
    if (use->bytes > settings->quota_bytes || request.size > settings->quota_bytes - use->bytes)
      co_return fail(Errc::resource_limit, "your files have {} bytes and may have {}; delete some first", use->bytes,
                     settings->quota_bytes);
  }
  domain::FileRecord file;
  file.id = core::random_id(kIdChars);
  file.name = std::move(request.name);
  const SlotTerms terms{.owner = request.owner,
                        .type = std::move(request.type),
                        .size = request.size,
                        .end = shared_.clock.now() + settings->slot_lifetime,
                        .expires = request.expire_before};
  domain::Slot slot;
  slot.get = url_of(front, file);
  slot.put = slot.get + "?slot=" + sign_slot(terms, file.id, file.name, shared_.slot_key);
  co_return slot;
}

// And makes of the request what will be kept.
Result<void> Slots::check(domain::SlotRequest& request, const Settings& settings) const {
  if (request.name.empty()) return fail(Errc::not_acceptable, "the file has no name");
  if (!is_utf8(request.name)) return fail(Errc::not_acceptable, "the file's name is not UTF-8");
  if (request.size == 0) return fail(Errc::not_acceptable, "the file has no bytes");
  if (request.size > settings.file_bytes)
    return fail(Errc::policy_violation, "the file has {} bytes; a file may have {}", request.size, settings.file_bytes);
  if (request.type.size() > kMaxSlotType || !is_field_text(request.type))
    return fail(Errc::not_acceptable, "the file's type is no media type");
  const Time now = shared_.clock.now();
  if (request.expire_before != Time{}) {
    if (request.expire_before <= now) return fail(Errc::not_acceptable, "the file would have expired already");
    if (settings.keep_for.count() > 0) request.expire_before = std::min(request.expire_before, now + settings.keep_for);
  }
  request.name = codec::safe_file_name(request.name);
  return {};
}

Result<void> Slots::count(const core::Jid& owner, std::chrono::seconds window) {
  Counts& counts = counts_.at(net::Core::current()->id());
  const Tick now = shared_.clock.tick();
  if (!counts.contains(owner.full()) && counts.size() >= kOwners) {
    std::erase_if(counts, [&](const auto& entry) { return now - entry.second.since >= window; });
    if (counts.size() >= kOwners) return fail(Errc::resource_limit, "too many send files now; try again later");
  }
  Count& count = counts[owner.full()];
  if (count.slots == 0 || now - count.since >= window) count = {now, 0};
  if (count.slots >= kSlots)
    return fail(Errc::resource_limit, "you have asked for {} slots in {} s; try again later", kSlots, window.count());
  ++count.slots;
  return {};
}

}  // namespace anser::upload
