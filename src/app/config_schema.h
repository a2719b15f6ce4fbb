// The table of all that can be configured: one row for each key. Everything said about keys anywhere, in sentences,
// in documents, in code that reads and prints, comes from here, so nothing can disagree.
// Owner: nobody, it is constant. Invariant: a default lies in its own range (tested).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.h"

namespace anser::app {

// A value on its way between TOML and a member. Sizes are bytes, durations milliseconds, choices their names.
using Value = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

enum class KeyType : std::uint8_t {
  boolean,
  integer,
  size,      // "256KB" or a number of bytes
  duration,  // "5m" or a number of seconds
  text,
  choice,   // one of `choices`
  choices,  // a list of some of `choices`, none twice
  domain,   // a name prepared by RFC 7622
  domains,
  endpoints,  // "0.0.0.0:5222", "[::]:5222"
  networks,   // "192.0.2.7", "10.0.0.0/8"
  origins,    // "https://app.example", "http://localhost:8080", "*"
};

struct Range {
  std::int64_t min = 0, max = 0;  // of the number, the text's bytes, or the list's entries
  std::string_view zero = {};     // if not empty, 0 is allowed too and means this
};

// When a change takes effect.
enum class Takes : std::uint8_t { sighup, restart };

struct Key {
  std::string_view path;
  KeyType type;
  Range range;
  Takes takes;
  std::string_view meaning;  // one sentence
  std::vector<std::string_view> choices;
  // Which row matters to keys of a list of tables only. It must be there.
  std::function<Value(const Config&, std::size_t row)> get;
  std::function<void(Config&, std::size_t row, const Value&)> set;

  std::string_view table() const { return path.substr(0, path.find('.')); }
  std::string_view name() const { return path.substr(path.find('.') + 1); }
};

struct Table {
  std::string_view name, meaning;
  std::vector<std::string_view> needs = {};  // a list of tables, [[name]]: the keys that each must set. Else empty

  bool list() const { return !needs.empty(); }
};

const std::vector<Table>& schema_tables();
const std::vector<Key>& schema();  // grouped by table, in the order of schema_tables()
const Key* find_key(std::string_view path);
const Table* find_table(std::string_view name);
std::string header_of(const Table& table);  // [server], [[host]]

// How many rows a table has: 1, but for lists of tables.
std::size_t rows_of(const Config& config, std::string_view table);
void set_rows(Config& config, std::string_view table, std::size_t rows);  // of a list, all at their default

// As TOML: quoted text, [lists], sizes and durations with their unit.
std::string to_toml(const Key& key, const Value& value);
// For people: "4 to 1000", "0 (no limit) or 1s to 1d". Empty when there is nothing to say.
std::string range_text(const Key& key);

std::string size_text(std::int64_t bytes);             // 256KB
std::string duration_text(std::int64_t milliseconds);  // 5m

}  // namespace anser::app
