#include "xml/escape.h"

namespace anser::xml {
namespace {

struct Replacement {
  char byte;
  std::string_view text;
};

constexpr Replacement kInText[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'\r', "&#13;"}};
constexpr Replacement kInValue[] = {{'&', "&amp;"},  {'<', "&lt;"},  {'>', "&gt;"},   {'\'', "&apos;"},
                                    {'"', "&quot;"}, {'\t', "&#9;"}, {'\n', "&#10;"}, {'\r', "&#13;"}};

template <std::size_t N>
void append(std::string& out, std::string_view text, const Replacement (&table)[N], std::string_view special) {
  while (true) {
    const std::size_t plain = text.find_first_of(special);
    out.append(text.substr(0, plain));
    if (plain == std::string_view::npos) return;
    for (const Replacement& replacement : table) {
      if (replacement.byte == text[plain]) out.append(replacement.text);
    }
    text.remove_prefix(plain + 1);
  }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) { append(out, text, kInText, "&<>\r"); }

void append_escaped_attribute(std::string& out, std::string_view value) {
  append(out, value, kInValue, "&<>'\"\t\n\r");
}

void append_attribute(std::string& out, Name name, std::string_view value, unsigned number) {
  if (name.ns == kXmlNs) {
    out.append(" xml:");
  } else if (!name.ns.empty()) {
    const std::string prefix = "ns" + std::to_string(number);
    out.append(" xmlns:").append(prefix).append("='");
    append_escaped_attribute(out, name.ns);
    out.append("' ").append(prefix).append(":");
  } else {
    out += ' ';
  }
  out.append(name.local).append("='");
  append_escaped_attribute(out, value);
  out += '\'';
}

}  // namespace anser::xml
