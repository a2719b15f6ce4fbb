// Every engine there is, for the suites that hold them all to the same contract.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "store/open.h"
#include "tests/support/temporary_directory.h"

namespace anser::test {

class MemoryEngine {
 public:
  static constexpr bool kLasting = false;
  store::Stores& stores() { return *stores_; }
  void reopen() {}

 private:
  std::unique_ptr<store::Stores> stores_ = store::open_memory();
};

class SqliteEngine {
 public:
  static constexpr bool kLasting = true;
  SqliteEngine() { open(); }
  store::Stores& stores() { return *stores_; }
  void reopen() {
    stores_.reset();
    open();
  }

 private:
  void open() {
    auto opened = store::open_sqlite(directory_.path());
    if (!opened) throw std::runtime_error(opened.error().message);
    stores_ = std::move(*opened);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<store::Stores> stores_;
};

using Engines = ::testing::Types<MemoryEngine, SqliteEngine>;

struct EngineNames {
  template <class Engine>
  static std::string GetName(int) {
    return Engine::kLasting ? "Sqlite" : "Memory";
  }
};

inline domain::Jid jid(std::string_view text) { return domain::Jid::parse(text).value(); }

inline Time at(std::int64_t microseconds) { return Time{Duration{microseconds}}; }

// A message on its way from one account to another.
inline domain::LogEntry message(std::string_view from, std::string_view to, domain::References references,
                                std::string_view text = "wilt thou be gone?") {
  domain::LogEntry entry;
  entry.references = references;
  entry.owner = jid(to).to_bare();
  entry.envelope.type = domain::Type::chat;
  entry.envelope.facts.has_body = true;
  entry.envelope.from = jid(from);
  entry.envelope.to = jid(to);
  entry.envelope.id = "m1";
  entry.envelope.inner = domain::Bytes::copy("<body>" + std::string{text} + "</body>");
  return entry;
}

inline domain::LogEntry note(domain::RecordKind kind, std::string_view owner, std::uint64_t target = 0) {
  domain::LogEntry entry;
  entry.kind = kind;
  entry.owner = jid(owner);
  entry.target = target;
  return entry;
}

inline domain::LogEntry released(std::string_view owner, std::vector<std::uint64_t> sequences) {
  domain::LogEntry entry = note(domain::RecordKind::released, owner);
  entry.sequences = std::move(sequences);
  return entry;
}

// What a session notes, with `entry` or by itself.
inline domain::LogEntry noted(domain::SessionNote note, domain::LogEntry entry) {
  entry.note = std::make_shared<const domain::SessionNote>(std::move(note));
  return entry;
}
inline domain::LogEntry noted(domain::SessionNote note) {
  domain::LogEntry entry;
  entry.kind = domain::RecordKind::note;
  return noted(std::move(note), std::move(entry));
}
// A session that lets go of its keys from one to another.
inline domain::SessionNote erasure(std::uint64_t session, std::uint64_t from = 0, std::uint64_t through = ~0ull) {
  return {session, 0, "", domain::SessionNote::Range{from, through}};
}

inline domain::LogRecord record(std::uint64_t sequence, domain::LogEntry entry) {
  return {sequence, at(1'700'000'000'000'000 + static_cast<std::int64_t>(sequence)), std::move(entry)};
}

inline std::string text_of(const domain::LogRecord& record) { return std::string{record.entry.envelope.inner.view()}; }

}  // namespace anser::test
