// Slots of XEP-0363 (docs/wire/upload.md): an address that takes one file of one account. All that there is to know
// stands signed in the address, so nothing is kept until its first byte comes.
//
//   token   = base64url(payload tag)                   the parameter `slot`
//   payload = version=1 end=varint expires=varint size=varint string(account) string(type)
//             end in seconds, expires in microseconds since 1970; expires is 0 for a file that is kept as configured
//   tag     = the first 16 bytes of HMAC-SHA-256(key, "anser upload slot" NUL payload string(id) string(name))
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domain/upload_slots.h"
#include "upload/request.h"
#include "upload/services.h"
#include "upload/vault.h"

namespace anser::upload {

// What a slot allows.
struct SlotTerms {
  core::Jid owner;   // bare
  std::string type;  // "": any
  std::uint64_t size = 0;
  Time end{};      // of the slot: seconds
  Time expires{};  // of the file; {}: as configured

  friend bool operator==(const SlotTerms&, const SlotTerms&) = default;
};

inline constexpr std::size_t kMaxSlotToken = 8 * 1024;  // characters
inline constexpr std::size_t kMaxSlotType = 255;        // bytes of a media type

std::string sign_slot(const SlotTerms& terms, std::string_view id, std::string_view name, std::string_view key);
// None: it was not signed with this key for this id and name. Whether it has ended is the caller's to look at.
std::optional<SlotTerms> verify_slot(std::string_view token, std::string_view id, std::string_view name,
                                     std::string_view key);

// A PUT's slot, for those who carry it out: slot_put.cpp in one piece, resumable.cpp in several. A Problem when the
// address holds none that is good now, or when the request's length or type is not the slot's. A slot that has no type
// takes the request's.
struct OpenedSlot {
  std::string id, name;
  SlotTerms terms;
};
tl::expected<OpenedSlot, Problem> open_slot(const Shared& shared, const net::HttpRequest& request);
NewUpload upload_of(const OpenedSlot& slot);

// Where slots are: the address that the configuration says, or this host's port with TLS.
class Slots final : public domain::UploadSlots {
 public:
  static constexpr unsigned kSlots = 100;         // of an account, in as long as a slot lives
  static constexpr std::size_t kOwners = 10'000;  // of each core that are counted at once; then slots are refused

  // `tls_port`: of the HTTP ports, the first with TLS; 0: there is none.
  Slots(Shared& shared, std::uint16_t tls_port);

  // There is an address to give out: without one the feature is not announced (XEP-0363 §4 wants TLS).
  bool available() const;

  std::uint64_t max_file_size() const override { return shared_.settings()->file_bytes; }
  std::chrono::seconds keeps_for() const override { return shared_.settings()->keep_for; }
  std::chrono::seconds retry_after() const override { return shared_.settings()->slot_lifetime; }
  void request(domain::SlotRequest request, std::function<void(Result<domain::Slot>)> done) override;

 private:
  struct Count {
    Tick since{};
    unsigned slots = 0;
  };
  using Counts = std::unordered_map<std::string, Count>;  // of a core's accounts

  net::Task<void> answer(domain::SlotRequest request, std::function<void(Result<domain::Slot>)> done);
  net::Task<Result<domain::Slot>> make(domain::SlotRequest request);
  Result<void> check(domain::SlotRequest& request, const Settings& settings) const;
  Result<void> count(const core::Jid& owner, std::chrono::seconds window);
  std::string address(const Settings& settings, const core::Jid& owner) const;

  Shared& shared_;
  const std::uint16_t tls_port_;
  std::vector<Counts> counts_;  // by core
};

}  // namespace anser::upload
