// What people read of the configuration, made from the schema: `anser config print` and docs/configuration.md.
#include <algorithm>

#include "app/config.h"
#include "app/config_schema.h"

namespace anser::app {
namespace {

using std::string_view;

constexpr string_view kIntroduction = R"(# Configuration

<!-- Made by `anser config docs > docs/configuration.md` from src/app/config_schema.cpp; a test compares them. -->

Everything has a default, so Anser needs no file. To change something, write it into a TOML file and name that file:

    anser serve --config /etc/anser/anser.toml

or in the environment: `ANSER_CONFIG` names the file and `ANSER_DATA` the data directory. The command line (`--config`,
`--data`) is stronger than the environment, the environment stronger than the file. Relative paths begin where the
program was started.

    anser config check --config anser.toml    says what is wrong, each thing with its line
    anser config print --config anser.toml    every value in effect, and where it comes from

An unknown key or a wrong value is refused, never passed over. Sizes are written `"256KB"`, `"1MB"`, `"2GB"` (powers of
1,024) or as a number of bytes; times `"500ms"`, `"30s"`, `"5m"`, `"2h"`, `"7d"` or as a number of seconds.

On SIGHUP (`systemctl reload anser`) the server reads the file again, drops nobody, and takes up what the last column
says. What the column calls "at start" keeps its old value until then, and the log says so. If the file is wrong, all
stays as it is. Certificates are read again even if the file did not change.

```toml
[[host]]
name = "example.org"
aliases = ["chat.example.org"]
certificate = "/etc/anser/example.org.pem"
key = "/etc/anser/example.org.key"

[registration]
mode = "closed"

[limits]
stanza_bytes = "512KB"
```
)";

string_view type_text(KeyType type) {
  switch (type) {
    case KeyType::boolean:
      return "true or false";
    case KeyType::integer:
      return "number";
    case KeyType::size:
      return "size";
    case KeyType::duration:
      return "time";
    case KeyType::text:
      return "text";
    case KeyType::choice:
      return "one of";
    case KeyType::choices:
      return "list of";
    case KeyType::domain:
      return "domain";
    case KeyType::domains:
      return "list of domains";
    case KeyType::endpoints:
      return "list of addresses";
    case KeyType::networks:
      return "list of networks";
    case KeyType::origins:
      return "list of origins";
  }
  return {};
}

// "a size, 10000B to 64MB"; "one of `open`, `local`"
std::string values_text(const Key& key) {
  std::string text{type_text(key.type)};
  if (key.choices.empty()) {
    const std::string range = range_text(key);
    return range.empty() ? text : text + ", " + range;
  }
  for (const string_view choice : key.choices) {
    text += fmt::format("{}`{}`", choice == key.choices.front() ? " " : ", ", choice);
  }
  return text;
}

string_view table_of(const Setting& setting) { return string_view{setting.path}.substr(0, setting.path.find('.')); }

}  // namespace

std::string configuration_page() {
  Config defaults;
  std::string page{kIntroduction};
  for (const Table& table : schema_tables()) {
    page +=
        fmt::format("\n## {}\n\n{}\n\n| key | values | default | meaning | SIGHUP |\n| --- | --- | --- | --- | --- |\n",
                    header_of(table), table.meaning);
    if (table.list()) set_rows(defaults, table.name, 1);
    for (const Key& key : schema()) {
      if (key.table() != table.name) continue;
      page +=
          fmt::format("| `{}` | {} | `{}` | {} | {} |\n", key.name(), values_text(key),
                      to_toml(key, key.get(defaults, 0)), key.meaning, key.takes == Takes::sighup ? "yes" : "at start");
    }
  }
  return page;
}

std::string print_settings(const std::vector<Setting>& settings) {
  constexpr std::size_t kWidest = 60;  // a longer line does not push the comments of all others to the right
  const auto line_of = [](const Setting& setting) {
    return fmt::format("{} = {}", string_view{setting.path}.substr(setting.path.find('.') + 1), setting.value);
  };
  std::size_t width = 0;
  for (const Setting& setting : settings) {
    const std::size_t size = line_of(setting).size();
    if (size <= kWidest) width = std::max(width, size);
  }

  std::string out;
  for (const Table& table : schema_tables()) {
    for (std::size_t row = 0, more = 1; more != 0; ++row) {
      more = 0;
      for (const Setting& setting : settings) {
        if (setting.row != row || table_of(setting) != table.name) continue;
        if (more++ == 0) {
          out += fmt::format("{}{}\n", out.empty() ? "" : "\n", header_of(table));
        }
        out += fmt::format("{:<{}}  # {}\n", line_of(setting), width, setting.origin);
      }
    }
  }
  return out;
}

}  // namespace anser::app
