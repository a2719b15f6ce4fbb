#include "core/precis.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <optional>

#include "core/utf8.h"

namespace anser::core {
namespace {

using CodePoints = std::u32string;

constexpr int kRounds = 4;  // RFC 8264 §7: once, and three times more to see that nothing changes

bool in(std::initializer_list<char32_t> set, char32_t c) { return std::find(set.begin(), set.end(), c) != set.end(); }
bool within(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }

constexpr char32_t kMiddleDot = 0xb7, kKeraia = 0x375, kGeresh = 0x5f3, kGershayim = 0x5f4, kKatakanaDot = 0x30fb;
constexpr char32_t kNonJoiner = 0x200c, kJoiner = 0x200d;

bool is_arabic_digit(char32_t c) { return within(c, 0x660, 0x669); }
bool is_extended_arabic_digit(char32_t c) { return within(c, 0x6f0, 0x6f9); }

// RFC 5892 §2.6, the "Exceptions".
std::optional<CodePoint> exception(char32_t c) {
  if (c < kMiddleDot) return std::nullopt;
  if (in({0xdf, 0x3c2, 0x6fd, 0x6fe, 0xf0b, 0x3007}, c)) return CodePoint::pvalid;
  if (in({kMiddleDot, kKeraia, kGeresh, kGershayim, kKatakanaDot}, c)) return CodePoint::contexto;
  if (is_arabic_digit(c) || is_extended_arabic_digit(c)) return CodePoint::contexto;
  if (in({0x640, 0x7fa, 0x302e, 0x302f, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303b}, c)) {
    return CodePoint::disallowed;
  }
  return std::nullopt;
}

bool has_category(char32_t c, std::uint32_t mask) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0; }

constexpr std::uint32_t kLetterDigits =
    U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK | U_GC_LM_MASK | U_GC_MN_MASK | U_GC_MC_MASK;
constexpr std::uint32_t kOtherLetterDigits = U_GC_LT_MASK | U_GC_NL_MASK | U_GC_NO_MASK | U_GC_ME_MASK;
constexpr std::uint32_t kFreeform = kOtherLetterDigits | U_GC_ZS_MASK | U_GC_S_MASK | U_GC_P_MASK;

const icu::Normalizer2* nfc() {
  UErrorCode status = U_ZERO_ERROR;
  return icu::Normalizer2::getNFCInstance(status);
}

const icu::Normalizer2* nfkc() {
  UErrorCode status = U_ZERO_ERROR;
  return icu::Normalizer2::getNFKCInstance(status);
}

// RFC 8264 §9.17.
bool has_compat(char32_t c) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeString alone{static_cast<UChar32>(c)};
  return nfkc()->normalize(alone, status) != alone || U_FAILURE(status);
}

bool is_old_hangul(char32_t c) {
  const int type = u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_HANGUL_SYLLABLE_TYPE);
  return type == U_HST_LEADING_JAMO || type == U_HST_VOWEL_JAMO || type == U_HST_TRAILING_JAMO;
}

bool has_property(char32_t c, UProperty property) { return u_hasBinaryProperty(static_cast<UChar32>(c), property); }

bool has_script(char32_t c, UScriptCode script) {
  UErrorCode status = U_ZERO_ERROR;
  return uscript_getScript(static_cast<UChar32>(c), &status) == script && U_SUCCESS(status);
}

bool is_virama(char32_t c) { return u_getCombiningClass(static_cast<UChar32>(c)) == 9; }

int joining_type(char32_t c) { return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_JOINING_TYPE); }

// RFC 5892 appendix A.1: (L|D) T* ZWNJ T* (R|D), spread around `at`.
bool joins_around(const CodePoints& text, std::size_t at) {
  std::size_t left = at;
  while (left > 0 && joining_type(text[left - 1]) == U_JT_TRANSPARENT) --left;
  std::size_t right = at + 1;
  while (right < text.size() && joining_type(text[right]) == U_JT_TRANSPARENT) ++right;
  if (left == 0 || right == text.size()) return false;

  const int before = joining_type(text[left - 1]), after = joining_type(text[right]);
  return (before == U_JT_LEFT_JOINING || before == U_JT_DUAL_JOINING) &&
         (after == U_JT_RIGHT_JOINING || after == U_JT_DUAL_JOINING);
}

// RFC 5892 appendix A: may the code point at `at` stand where it stands?
bool context_allows(const CodePoints& text, std::size_t at) {
  const char32_t c = text[at];
  const char32_t before = at > 0 ? text[at - 1] : 0;
  const char32_t after = at + 1 < text.size() ? text[at + 1] : 0;
  switch (c) {
    case kNonJoiner:
      return is_virama(before) || joins_around(text, at);
    case kJoiner:
      return is_virama(before);
    case kMiddleDot:
      return before == 'l' && after == 'l';
    case kKeraia:
      return has_script(after, USCRIPT_GREEK);
    case kGeresh:
    case kGershayim:
      return has_script(before, USCRIPT_HEBREW);
    case kKatakanaDot:
      return std::any_of(text.begin(), text.end(), [](char32_t other) {
        return has_script(other, USCRIPT_HIRAGANA) || has_script(other, USCRIPT_KATAKANA) ||
               has_script(other, USCRIPT_HAN);
      });
    default:  // the two kinds of Arabic digits, which must not be mixed
      return is_arabic_digit(c) ? std::none_of(text.begin(), text.end(), is_extended_arabic_digit)
                                : std::none_of(text.begin(), text.end(), is_arabic_digit);
  }
}

enum class Class { identifier, freeform };

Result<void> check_class(const CodePoints& text, Class string_class) {
  // A rule that looks at the whole text gives the same answer for every code point it is about: ask once for each.
  bool katakana_dot_passed = false, arabic_passed = false, extended_passed = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char32_t c = text[at];
    bool allowed = false;
    switch (derived_property(c)) {
      case CodePoint::pvalid:
        allowed = true;
        break;
      case CodePoint::free_pvalid:
        allowed = string_class == Class::freeform;
        break;
      case CodePoint::contextj:
      case CodePoint::contexto: {
        bool once = false;
        bool& passed = c == kKatakanaDot             ? katakana_dot_passed
                       : is_arabic_digit(c)          ? arabic_passed
                       : is_extended_arabic_digit(c) ? extended_passed
                                                     : once;
        allowed = passed = passed || context_allows(text, at);
        break;
      }
      case CodePoint::disallowed:
      case CodePoint::unassigned:
        break;
    }
    if (!allowed) return fail(Errc::not_acceptable, "U+{:04X} may not stand there", static_cast<std::uint32_t>(c));
  }
  return {};
}

// RFC 5893 §2. Only text with a right-to-left code point is asked.
bool bidi_rule_holds(const CodePoints& text) {
  const auto direction = [](char32_t c) { return u_charDirection(static_cast<UChar32>(c)); };
  const auto is_right_to_left = [](UCharDirection d) { return d == U_RIGHT_TO_LEFT || d == U_RIGHT_TO_LEFT_ARABIC; };
  bool has_rtl = false, has_en = false, has_an = false, has_l = false, has_other = false;
  UCharDirection last = U_OTHER_NEUTRAL;  // of the last that is no nonspacing mark
  for (const char32_t c : text) {
    const UCharDirection d = direction(c);
    if (d != U_DIR_NON_SPACING_MARK) last = d;
    switch (d) {
      case U_RIGHT_TO_LEFT:
      case U_RIGHT_TO_LEFT_ARABIC:
        has_rtl = true;
        break;
      case U_ARABIC_NUMBER:
        has_rtl = has_an = true;
        break;
      case U_EUROPEAN_NUMBER:
        has_en = true;
        break;
      case U_LEFT_TO_RIGHT:
        has_l = true;
        break;
      case U_EUROPEAN_NUMBER_SEPARATOR:
      case U_COMMON_NUMBER_SEPARATOR:
      case U_EUROPEAN_NUMBER_TERMINATOR:
      case U_OTHER_NEUTRAL:
      case U_BOUNDARY_NEUTRAL:
      case U_DIR_NON_SPACING_MARK:
        break;
      default:
        has_other = true;
    }
  }
  if (!has_rtl) return true;
  // Rule 1 wants a first L, R or AL. A first L makes a left-to-right label, in which rule 5 allows no R, AL or AN; and
  // those are what brought us here.
  const bool ends_well = is_right_to_left(last) || last == U_EUROPEAN_NUMBER || last == U_ARABIC_NUMBER;
  return is_right_to_left(direction(text.front())) && !has_l && !has_other && ends_well && !(has_en && has_an);
}

Result<CodePoints> decode(std::string_view utf8) {
  CodePoints out;
  out.reserve(utf8.size());
  for (std::size_t at = 0; at < utf8.size();) {
    const char32_t c = next_code_point(utf8, at);
    if (c == kNotUtf8) return fail(Errc::not_acceptable, "the text is not UTF-8");
    out += c;
  }
  return out;
}

icu::UnicodeString to_icu(const CodePoints& text) {
  icu::UnicodeString out;
  for (const char32_t c : text) out.append(static_cast<UChar32>(c));
  return out;
}

CodePoints from_icu(const icu::UnicodeString& text) {
  CodePoints out;
  out.reserve(static_cast<std::size_t>(text.length()));
  for (std::int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    out += static_cast<char32_t>(text.char32At(at));
  }
  return out;
}

Result<CodePoints> normalize(const CodePoints& text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeString normal = nfc()->normalize(to_icu(text), status);
  if (U_FAILURE(status)) return fail(Errc::internal, "ICU cannot normalize: {}", u_errorName(status));
  return from_icu(normal);
}

// Fullwidth and halfwidth forms become what they are forms of.
CodePoints map_width(const CodePoints& text) {
  CodePoints out;
  out.reserve(text.size());
  for (const char32_t c : text) {
    const int type = u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_DECOMPOSITION_TYPE);
    icu::UnicodeString mapped;
    if ((type == U_DT_WIDE || type == U_DT_NARROW) && nfkc()->getRawDecomposition(static_cast<UChar32>(c), mapped)) {
      out += from_icu(mapped);
    } else {
      out += c;
    }
  }
  return out;
}

CodePoints map_case(const CodePoints& text) {
  constexpr char32_t kCapitalIWithDot = 0x130;  // the one with a lower case of two, whatever the language
  CodePoints out;
  out.reserve(text.size());
  for (const char32_t c : text) {
    if (c == kCapitalIWithDot) {
      out += U"i\u0307";
    } else {
      out += static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
    }
  }
  return out;
}

CodePoints map_spaces(CodePoints text) {
  for (char32_t& c : text) {
    if (c >= 0x80 && has_category(c, U_GC_ZS_MASK)) c = ' ';
  }
  return text;
}

// RFC 8265 §3.3.3.
Result<CodePoints> enforce_username(const CodePoints& text) {
  const CodePoints wide = map_width(text);
  if (const auto valid = check_class(wide, Class::identifier); !valid) return pass(valid);
  Result<CodePoints> normal = normalize(map_case(wide));
  if (normal && !bidi_rule_holds(*normal)) {
    return fail(Errc::not_acceptable, "it mixes right-to-left and left-to-right text");
  }
  return normal;
}

// RFC 8265 §4.2.2.
Result<CodePoints> enforce_opaque(const CodePoints& text) {
  if (const auto valid = check_class(text, Class::freeform); !valid) return pass(valid);
  return normalize(map_spaces(text));
}

template <class Enforce>
Result<std::string> until_stable(std::string_view utf8, Enforce enforce) {
  Result<CodePoints> text = decode(utf8);
  if (!text) return pass(text);
  for (int round = 0; round < kRounds; ++round) {
    Result<CodePoints> next = enforce(*text);
    if (!next) return pass(next);
    if (*next == *text) {
      std::string out;
      return to_icu(*text).toUTF8String(out);
    }
    text = std::move(next);
  }
  return fail(Errc::not_acceptable, "the text does not settle into one form");
}

bool is_visible_ascii(char c) { return c > ' ' && c < 0x7f; }

}  // namespace

CodePoint derived_property(char32_t c) {
  if (const auto known = exception(c)) return *known;
  if (has_category(c, U_GC_CN_MASK) && !has_property(c, UCHAR_NONCHARACTER_CODE_POINT)) return CodePoint::unassigned;
  if (within(c, 0x21, 0x7e)) return CodePoint::pvalid;
  if (has_property(c, UCHAR_JOIN_CONTROL)) return CodePoint::contextj;
  if (is_old_hangul(c)) return CodePoint::disallowed;
  if (has_property(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) return CodePoint::disallowed;
  if (has_property(c, UCHAR_NONCHARACTER_CODE_POINT)) return CodePoint::disallowed;
  if (has_category(c, U_GC_CC_MASK)) return CodePoint::disallowed;
  if (has_compat(c)) return CodePoint::free_pvalid;
  if (has_category(c, kLetterDigits)) return CodePoint::pvalid;
  if (has_category(c, kFreeform)) return CodePoint::free_pvalid;
  return CodePoint::disallowed;
}

Result<std::string> username_case_mapped(std::string_view utf8) {
  if (utf8.empty()) return fail(Errc::not_acceptable, "it is empty");
  if (std::all_of(utf8.begin(), utf8.end(), is_visible_ascii)) {
    std::string out{utf8};
    std::transform(out.begin(), out.end(), out.begin(), to_ascii_lower);
    return out;
  }
  return until_stable(utf8, enforce_username);
}

Result<std::string> opaque_string(std::string_view utf8) {
  if (utf8.empty()) return fail(Errc::not_acceptable, "it is empty");
  if (std::all_of(utf8.begin(), utf8.end(), [](char c) { return is_visible_ascii(c) || c == ' '; })) {
    return std::string{utf8};
  }
  return until_stable(utf8, enforce_opaque);
}

}  // namespace anser::core
