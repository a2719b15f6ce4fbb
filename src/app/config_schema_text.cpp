// Values, units and ranges of the schema as text for people and TOML.
#include <arpa/inet.h>

#include <charconv>

#include "app/config_schema.h"

namespace anser::app {
namespace {

using std::string_view;

constexpr std::int64_t kSecond = 1'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr std::int64_t kKB = 1'024, kMB = 1'024 * kKB, kGB = 1'024 * kMB;

std::string quoted(string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string number_text(KeyType type, std::int64_t number) {
  if (type == KeyType::size) return size_text(number);
  if (type == KeyType::duration) return duration_text(number);
  return std::to_string(number);
}

}  // namespace

std::string size_text(std::int64_t bytes) {
  if (bytes != 0 && bytes % kGB == 0) return fmt::format("{}GB", bytes / kGB);
  if (bytes != 0 && bytes % kMB == 0) return fmt::format("{}MB", bytes / kMB);
  if (bytes != 0 && bytes % kKB == 0) return fmt::format("{}KB", bytes / kKB);
  return fmt::format("{}B", bytes);
}

std::string duration_text(std::int64_t milliseconds) {
  if (milliseconds == 0) return "0s";
  if (milliseconds % kDay == 0) return fmt::format("{}d", milliseconds / kDay);
  if (milliseconds % kHour == 0) return fmt::format("{}h", milliseconds / kHour);
  if (milliseconds % kMinute == 0) return fmt::format("{}m", milliseconds / kMinute);
  if (milliseconds % kSecond == 0) return fmt::format("{}s", milliseconds / kSecond);
  return fmt::format("{}ms", milliseconds);
}

std::string to_toml(const Key& key, const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return key.type == KeyType::integer ? std::to_string(*number) : quoted(number_text(key.type, *number));
  }
  std::string list;
  for (const std::string& text : std::get<std::vector<std::string>>(value)) {
    if (!list.empty()) list += ", ";
    list += quoted(text);
  }
  return "[" + list + "]";
}

std::string range_text(const Key& key) {
  switch (key.type) {
    case KeyType::integer:
    case KeyType::size:
    case KeyType::duration: {
      const auto span =
          fmt::format("{} to {}", number_text(key.type, key.range.min), number_text(key.type, key.range.max));
      return key.range.zero.empty() ? span : fmt::format("0 ({}) or {}", key.range.zero, span);
    }
    case KeyType::choice:
    case KeyType::choices: {
      std::string text;
      for (const string_view choice : key.choices) text += (text.empty() ? "" : ", ") + quoted(choice);
      return text;
    }
    case KeyType::text:
      return fmt::format("at most {} bytes", key.range.max);
    case KeyType::domains:
    case KeyType::endpoints:
    case KeyType::networks:
    case KeyType::origins:
      return fmt::format("at most {} of them", key.range.max);
    case KeyType::boolean:
    case KeyType::domain:
      return {};
  }
  return {};
}

std::string to_string(const Endpoint& endpoint) {
  const bool six = endpoint.address.find(':') != std::string::npos;
  return six ? fmt::format("[{}]:{}", endpoint.address, endpoint.port)
             : fmt::format("{}:{}", endpoint.address, endpoint.port);
}

std::optional<Endpoint> parse_endpoint(string_view text) {
  const auto colon = text.rfind(':');
  if (colon == string_view::npos || colon + 1 == text.size()) return std::nullopt;
  string_view address = text.substr(0, colon);
  const bool six = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (six) address = address.substr(1, address.size() - 2);

  Endpoint endpoint{std::string{address}, 0};
  in6_addr bytes;
  if (inet_pton(six ? AF_INET6 : AF_INET, endpoint.address.c_str(), &bytes) != 1) return std::nullopt;
  const char* end = text.data() + text.size();
  const auto number = std::from_chars(text.data() + colon + 1, end, endpoint.port);
  if (number.ec != std::errc{} || number.ptr != end) return std::nullopt;
  return endpoint;
}

}  // namespace anser::app
