#include "app/config_value.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>

#include "core/jid.h"
#include "core/text.h"
#include "net/http_proxies.h"

namespace anser::app {
namespace {

using std::string_view;

constexpr std::size_t kShownText = 60;  // of a wrong value in a sentence

// What stands in the file, for the end of a sentence.
std::string describe(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    std::string shown;
    for (const char c : text->get().substr(0, kShownText)) shown += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    return fmt::format("\"{}{}\"", shown, text->get().size() > kShownText ? "…" : "");
  }
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (node.is_array()) return "a list";
  if (node.is_table()) return "a table";
  return "a date or time";
}

tl::unexpected<Error> takes(const Key& key, string_view what, const toml::node& node) {
  return fail(Errc::invalid_config, "{} takes {}, not {}", key.path, what, describe(node));
}

// "a", "b" or "c"
std::string alternatives(const std::vector<string_view>& choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) text += i + 1 == choices.size() ? " or " : ", ";
    text += fmt::format("\"{}\"", choices[i]);
  }
  return text;
}

// Digits, then a unit of the table; nothing for anything else or what does not fit.
struct Unit {
  string_view name;
  std::int64_t factor;
};
std::optional<std::int64_t> parse_units(string_view text, std::initializer_list<Unit> units) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto digits = std::from_chars(text.data(), end, number);
  if (digits.ec != std::errc{} || number < 0) return std::nullopt;

  string_view rest{digits.ptr, static_cast<std::size_t>(end - digits.ptr)};
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  for (const Unit& unit : units) {
    if (rest != unit.name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

Result<Value> in_range(const Key& key, std::int64_t number, const toml::node& node) {
  const bool zero = number == 0 && !key.range.zero.empty();
  if (zero || (number >= key.range.min && number <= key.range.max)) return Value{number};
  return fail(Errc::invalid_config, "{} must be {}, not {}", key.path, range_text(key), describe(node));
}

Result<Value> read_number(const Key& key, const toml::node& node) {
  const bool size = key.type == KeyType::size;
  if (const auto* number = node.as_integer()) {
    if (key.type != KeyType::duration) return in_range(key, number->get(), node);
    constexpr std::int64_t kLongest = std::numeric_limits<std::int64_t>::max() / 1'000;
    return in_range(key, std::clamp(number->get(), -kLongest, kLongest) * 1'000, node);
  }
  const auto* text = node.as_string();
  if (key.type == KeyType::integer) return takes(key, "a whole number", node);
  const auto number = !text ? std::nullopt : size ? parse_size(text->get()) : parse_duration(text->get());
  if (number) return in_range(key, *number, node);
  return takes(key, size ? "a size such as \"256KB\" or \"1MB\"" : "a time such as \"30s\", \"5m\" or \"2h\"", node);
}

Result<std::string> read_choice(const Key& key, const toml::node& node) {
  const auto* text = node.as_string();
  if (!text) return takes(key, alternatives(key.choices), node);
  if (std::find(key.choices.begin(), key.choices.end(), text->get()) != key.choices.end()) return text->get();
  const string_view meant = nearest(text->get(), key.choices);
  return fail(Errc::invalid_config, "{} takes {}, not {}{}", key.path, alternatives(key.choices), describe(node),
              meant.empty() ? "" : fmt::format(", did you mean \"{}\"?", meant));
}

Result<std::string> read_domain(const Key& key, const toml::node& node) {
  const auto* text = node.as_string();
  if (!text) return takes(key, "a domain such as \"example.org\"", node);
  auto domain = core::prepare_domain(text->get());
  if (!domain) return takes(key, "a domain such as \"example.org\"", node);
  return domain;
}

Result<std::string> read_endpoint(const Key& key, const toml::node& node) {
  const auto* text = node.as_string();
  const auto endpoint = text ? parse_endpoint(text->get()) : std::nullopt;
  if (!endpoint) return takes(key, "addresses with a port such as \"0.0.0.0:5222\" or \"[::]:5222\"", node);
  return to_string(*endpoint);
}

// RFC 6454 §6.2, as browsers send it: no path, no default port.
Result<std::string> read_origin(const Key& key, const toml::node& node) {
  const auto* text = node.as_string();
  const string_view origin = text ? string_view{text->get()} : string_view{};
  const auto scheme = origin.find("://");
  const bool whole = scheme != string_view::npos && scheme > 0 && origin.size() > scheme + 3 &&
                     origin.find_first_of("/ ?#@", scheme + 3) == string_view::npos;
  if (origin != "*" && !whole) return takes(key, "origins such as \"https://app.example\", or \"*\"", node);
  return std::string{origin};
}

Result<std::string> read_network(const Key& key, const toml::node& node) {
  const auto* text = node.as_string();
  if (!text || !net::HttpProxies::parse({text->get()}))
    return takes(key, "addresses and networks such as \"192.0.2.7\" or \"10.0.0.0/8\"", node);
  return text->get();
}

Result<std::string> read_text(const Key& key, const toml::node& node) {
  const auto* text = node.as_string();
  if (!text) return takes(key, "text", node);
  if (!core::is_xml_text(text->get())) {
    return fail(Errc::invalid_config, "{} holds a control character", key.path);
  }
  const auto bytes = static_cast<std::int64_t>(text->get().size());
  if (bytes < key.range.min) return fail(Errc::invalid_config, "{} must not be empty", key.path);
  if (bytes > key.range.max) {
    return fail(Errc::invalid_config, "{} must be {}, not {}", key.path, range_text(key), bytes);
  }
  return text->get();
}

Result<Value> read_list(const Key& key, const toml::node& node) {
  const auto* list = node.as_array();
  if (!list) return takes(key, "a list such as [\"…\", \"…\"]", node);
  std::vector<std::string> texts;
  for (const toml::node& item : *list) {
    auto text = key.type == KeyType::choices    ? read_choice(key, item)
                : key.type == KeyType::domains  ? read_domain(key, item)
                : key.type == KeyType::origins  ? read_origin(key, item)
                : key.type == KeyType::networks ? read_network(key, item)
                                                : read_endpoint(key, item);
    if (!text) return pass(text);
    const bool any_port = key.type == KeyType::endpoints && text->ends_with(":0");
    if (!any_port && std::find(texts.begin(), texts.end(), *text) != texts.end()) {
      return fail(Errc::invalid_config, "{} has \"{}\" twice", key.path, *text);
    }
    texts.push_back(std::move(*text));
  }
  if (static_cast<std::int64_t>(texts.size()) > key.range.max) {
    return fail(Errc::invalid_config, "{} takes {}, not {}", key.path, range_text(key), texts.size());
  }
  return Value{std::move(texts)};
}

// Edits between two words: insertions, deletions, replacements, swapped neighbours.
std::size_t distance(string_view a, string_view b) {
  std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, row);
  }
  return last[b.size()];
}

}  // namespace

Result<Value> read_value(const Key& key, const toml::node& node) {
  const auto as_value = [](Result<std::string> text) -> Result<Value> {
    if (!text) return pass(text);
    return Value{std::move(*text)};
  };
  switch (key.type) {
    case KeyType::boolean:
      if (const auto* flag = node.as_boolean()) return Value{flag->get()};
      return takes(key, "true or false", node);
    case KeyType::integer:
    case KeyType::size:
    case KeyType::duration:
      return read_number(key, node);
    case KeyType::text:
      return as_value(read_text(key, node));
    case KeyType::choice:
      return as_value(read_choice(key, node));
    case KeyType::domain:
      return as_value(read_domain(key, node));
    case KeyType::choices:
    case KeyType::domains:
    case KeyType::endpoints:
    case KeyType::networks:
    case KeyType::origins:
      return read_list(key, node);
  }
  return fail(Errc::internal, "{} has no type", key.path);
}

std::optional<std::int64_t> parse_size(string_view text) {
  return parse_units(text, {{"B", 1}, {"", 1}, {"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}});
}

std::optional<std::int64_t> parse_duration(string_view text) {
  return parse_units(text, {{"ms", 1}, {"s", 1'000}, {"", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}});
}

string_view nearest(string_view text, const std::vector<string_view>& candidates) {
  constexpr std::size_t kLongest = 64;  // the work is the product of the lengths
  if (text.size() > kLongest) return {};
  std::string lower{text};
  for (char& c : lower) c = c == '-' ? '_' : ('A' <= c && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;

  string_view best;
  std::size_t least = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const string_view candidate : candidates) {
    const std::size_t edits = std::min(distance(text, candidate), distance(lower, candidate));
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

}  // namespace anser::app
