// The server with its promise broken, linked as `anser_unsafe` beside the tests: what the crash test must catch. It is
// src/app/main.cpp with two changes, and ANSER_UNSAFE says which is made:
//
//   early     the message log acknowledges a batch, and only then commits it (store/message_log.cpp asks
//             acknowledges_early()); a commit takes some time, as on a busy disk
//   unsynced  the databases are opened with synchronous=OFF
//
// SQLite's functions are replaced by the linker (--wrap in tests/CMakeLists.txt), so the program that is installed
// knows nothing of either.
#include <sqlite3.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace {

constexpr auto kCommitTakes = std::chrono::milliseconds{20};

bool breaks(std::string_view promise) {
  const char* wish = std::getenv("ANSER_UNSAFE");
  return wish && promise == wish;
}

}  // namespace

namespace anser::store {

bool acknowledges_early() {
  static const bool early = breaks("early");
  return early;
}

}  // namespace anser::store

extern "C" {

int __real_sqlite3_exec(sqlite3*, const char*, int (*)(void*, int, char**, char**), void*, char**);
int __real_sqlite3_step(sqlite3_stmt*);

int __wrap_sqlite3_exec(sqlite3* database, const char* sql, int (*row)(void*, int, char**, char**), void* data,
                        char** error) {
  constexpr std::string_view kSafe = "synchronous=FULL";
  static const bool unsynced = breaks("unsynced");
  std::string said{sql};
  if (const auto at = said.find(kSafe); unsynced && at != said.npos) said.replace(at, kSafe.size(), "synchronous=OFF");
  return __real_sqlite3_exec(database, said.c_str(), row, data, error);
}

int __wrap_sqlite3_step(sqlite3_stmt* statement) {
  if (anser::store::acknowledges_early() && std::string_view{sqlite3_sql(statement)} == "COMMIT") {
    std::this_thread::sleep_for(kCommitTakes);
  }
  return __real_sqlite3_step(statement);
}

}  // extern "C"
