// <?xml version='1.0' encoding='UTF-8' standalone='no'?> (XML 1.0 §2.8, RFC 6120 §11.5 and §11.6)
//
//   declaration = "<?xml" 1*space "version" eq quoted [1*space "encoding" eq quoted]
//                 [1*space "standalone" eq quoted] *space "?>"
//   eq          = *space "=" *space
#include <algorithm>
#include <optional>

#include "xml/chars.h"
#include "xml/scanner.h"

namespace anser::xml {
namespace {

constexpr std::string_view kTarget = "<?xml";

DeclarationResult refuse(const char* complaint, StreamError kind = StreamError::not_well_formed) {
  return {0, complaint, kind};
}

// One complete declaration, without "<?xml" and "?>".
class Fields {
 public:
  explicit Fields(std::string_view rest) : rest_(rest) {}

  bool at_end() const { return skip_space(rest_.begin(), rest_.end()) == rest_.end(); }

  // The value of the field, if it is the next one.
  std::optional<std::string_view> take(std::string_view name) {
    std::string_view rest = after_space(rest_);
    if (rest.size() == rest_.size() || !rest.starts_with(name)) return std::nullopt;
    rest = after_space(rest.substr(name.size()));
    if (!rest.starts_with('=')) return std::nullopt;
    rest = after_space(rest.substr(1));
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"')) return std::nullopt;
    const std::size_t close = rest.find(rest[0], 1);
    if (close == std::string_view::npos) return std::nullopt;
    rest_ = rest.substr(close + 1);
    return rest.substr(1, close - 1);
  }

 private:
  static std::string_view after_space(std::string_view text) {
    return text.substr(static_cast<std::size_t>(skip_space(text.begin(), text.end()) - text.begin()));
  }

  std::string_view rest_;
};

bool is_utf8(std::string_view encoding) {
  static constexpr std::string_view kUtf8 = "UTF-8";
  return std::equal(encoding.begin(), encoding.end(), kUtf8.begin(), kUtf8.end(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
}

DeclarationResult check(std::string_view fields_text) {
  Fields fields(fields_text);
  const auto version = fields.take("version");
  if (!version) return refuse("the XML declaration needs a version");
  if (*version != "1.0") return refuse("only version 1.0 of XML is spoken here", StreamError::restricted_xml);

  const auto encoding = fields.take("encoding");
  if (encoding && !is_utf8(*encoding)) return refuse("the only encoding is UTF-8", StreamError::unsupported_encoding);
  const auto standalone = fields.take("standalone");
  if (standalone && *standalone != "yes" && *standalone != "no") return refuse("standalone is yes or no");
  if (!fields.at_end()) return refuse("the XML declaration is not well-formed");
  return {};
}

}  // namespace

DeclarationResult read_declaration(std::string_view text) {
  const std::size_t common = std::min(text.size(), kTarget.size());
  if (text.substr(0, common) != kTarget.substr(0, common)) {
    return refuse("a processing instruction is not allowed", StreamError::restricted_xml);
  }
  for (std::size_t i = kTarget.size(); i < text.size(); ++i) {
    if (i == kDeclarationBytes) return refuse("the XML declaration is too long", StreamError::restricted_xml);
    if (text[i] == '?') {
      if (i + 1 == text.size()) return {};
      if (text[i + 1] != '>') return refuse("the XML declaration is not well-formed");
      DeclarationResult result = check(text.substr(kTarget.size(), i - kTarget.size()));
      if (!result.complaint) result.bytes = i + 2;
      return result;
    }
    if (!is_ascii(text[i]) || (text[i] < 0x20 && !is_space(text[i])))
      return refuse("an illegal byte in the XML declaration");
    if (i == kTarget.size() && !is_space(text[i])) {
      return refuse("a processing instruction is not allowed", StreamError::restricted_xml);
    }
  }
  return {};
}

}  // namespace anser::xml
