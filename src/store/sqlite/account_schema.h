// What accounts.db holds: its tables, as the migrations make them one after the other. A migration that has been
// released is never changed.
#pragma once

#include <cstdint>

#include "store/sqlite/connection.h"

namespace anser::store::account_schema {

inline constexpr std::int32_t kApplicationId = 0x414e5301;
inline constexpr const char* kMigrations[] = {R"(
  CREATE TABLE account(
    id INTEGER PRIMARY KEY,
    host TEXT NOT NULL,
    address TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    created INTEGER NOT NULL,  -- microseconds since 1970, as all times here
    disabled INTEGER NOT NULL,
    roster_version INTEGER NOT NULL DEFAULT 0,
    UNIQUE(host, address));
  CREATE TABLE account_key(
    account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    hash INTEGER NOT NULL,
    salt BLOB NOT NULL,
    iterations INTEGER NOT NULL,
    stored_key BLOB NOT NULL,
    server_key BLOB NOT NULL,
    PRIMARY KEY(account, hash)) WITHOUT ROWID;
  CREATE TABLE contact(
    owner INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    address TEXT NOT NULL,
    subscription INTEGER NOT NULL,  -- 1 to, 2 from, 4 ask, 8 asked, 16 approved, 32 listed
    name TEXT NOT NULL,
    groups BLOB NOT NULL,           -- each: varint length, UTF-8
    request BLOB NOT NULL,
    PRIMARY KEY(owner, address)) WITHOUT ROWID;
  CREATE TABLE blocked(
    owner INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    address TEXT NOT NULL,
    PRIMARY KEY(owner, address)) WITHOUT ROWID;
  CREATE TABLE document(
    owner INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    collection TEXT NOT NULL,
    name TEXT NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE(owner, collection, name));
  CREATE TABLE last_activity(
    account INTEGER PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    at INTEGER NOT NULL,
    status TEXT NOT NULL);
  CREATE TABLE setting(
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL) WITHOUT ROWID;
)",
                                              R"(
  CREATE TABLE push(
    owner INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    service TEXT NOT NULL,
    node TEXT NOT NULL,
    options BLOB NOT NULL,
    device TEXT NOT NULL,
    PRIMARY KEY(owner, service, node)) WITHOUT ROWID;
)",
                                              R"(
  CREATE TABLE token(
    account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    client BLOB NOT NULL,
    slot INTEGER NOT NULL,     -- 0 current, 1 new
    seed BLOB NOT NULL,        -- with the key in tokens.key it becomes the token
    binding INTEGER NOT NULL,  -- as in core/hashed_token.h
    issued INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY(account, client, slot)) WITHOUT ROWID;
)",
                                              R"(
  CREATE TABLE archive_default(  -- of those who have set their preferences (XEP-0441)
    owner INTEGER PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    otherwise INTEGER NOT NULL);  -- 0 always, 1 never, 2 roster
  CREATE TABLE archive_rule(
    owner INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    keep INTEGER NOT NULL,        -- 0 never, 1 always
    address TEXT NOT NULL,
    PRIMARY KEY(owner, keep, address)) WITHOUT ROWID;
)"};
inline constexpr Schema kSchema{kApplicationId, kMigrations};

}  // namespace anser::store::account_schema
