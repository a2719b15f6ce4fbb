// How values stand in the rows of accounts.db, and how they are read from there.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/byte_codec.h"
#include "domain/ports.h"
#include "store/sqlite/connection.h"

namespace anser::store::account_rows {

inline constexpr std::size_t kMaxGroupBytes =
    1 << 20;  // what a group name may have at most; the domain's own limit is far below

inline std::int64_t pack(const domain::Subscription& s) {
  return s.to | s.from << 1 | s.ask << 2 | s.asked << 3 | s.approved << 4 | s.listed << 5;
}

inline domain::Subscription unpack(std::int64_t bits) {
  const auto bit = [bits](int n) { return (bits >> n & 1) != 0; };
  return {.to = bit(0), .from = bit(1), .ask = bit(2), .asked = bit(3), .approved = bit(4), .listed = bit(5)};
}

inline std::int64_t microseconds(Time time) { return time.time_since_epoch().count(); }
inline Time time_of(std::int64_t microseconds) { return Time{Duration{microseconds}}; }

inline Result<domain::Jid> stored_jid(std::string_view text) {
  auto jid = domain::Jid::parse(text);
  if (!jid) return fail(Errc::internal, "accounts.db holds an address that is none: {}", jid.error().message);
  return jid;
}

inline std::string pack_groups(std::span<const std::string> groups) {
  std::string packed;
  for (const auto& group : groups) domain::put_string(packed, group);
  return packed;
}

inline std::vector<std::string> unpack_groups(std::string_view packed) {
  std::vector<std::string> groups;
  domain::ByteReader reader{packed};
  while (reader.ok() && !reader.rest().empty()) groups.emplace_back(reader.string(kMaxGroupBytes));
  return groups;
}

// address, subscription, name, groups, request
inline Result<domain::RosterItem> read_item(const Statement& row) {
  auto contact = stored_jid(row.bytes(0));
  if (!contact) return pass(contact);
  return domain::RosterItem{.contact = std::move(*contact),
                            .name = std::string{row.bytes(2)},
                            .groups = unpack_groups(row.bytes(3)),
                            .subscription = unpack(row.integer(1)),
                            .request = std::string{row.bytes(4)}};
}

// address, name, email, created, disabled
inline Result<domain::AccountRecord> read_account(const Statement& row) {
  auto jid = stored_jid(row.bytes(0));
  if (!jid) return pass(jid);
  return domain::AccountRecord{.jid = std::move(*jid),
                               .keys = {},
                               .name = std::string{row.bytes(1)},
                               .email = std::string{row.bytes(2)},
                               .created = time_of(row.integer(3)),
                               .disabled = row.integer(4) != 0};
}

// Calls `take` with each row.
template <class Take>
Result<void> each(Statement& statement, Take take) {
  for (;;) {
    const auto row = statement.step();
    if (!row) return pass(row);
    if (!*row) return {};
    if (Result<void> taken = take(); !taken) return taken;
  }
}

}  // namespace anser::store::account_rows
