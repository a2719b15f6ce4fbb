// Text on a terminal: what of it may be shown, how wide it is, and which characters belong together. What came from the
// network reaches a terminal only through shown() or shown_lines(): a message must not move the cursor, change colours
// or turn the direction of what stands beside it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anser::programs {

bool is_utf8(std::string_view text);
// Wide characters, as the C library knows them; "" if it is not UTF-8.
std::wstring widen(std::string_view text);
std::string narrow(std::wstring_view text);

// Control characters, marks that turn the direction and line separators as <U+001B>, bytes that are not UTF-8 as <FF>.
// Tabs become spaces; line ends are kept apart by shown_lines() and become spaces in shown().
std::string shown(std::string_view text);
std::vector<std::string> shown_lines(std::string_view text);

// Columns on a terminal, by the C library's wcwidth(): 2 for most of Chinese and emoji, 0 for what combines.
std::size_t columns_of(std::wstring_view text);
std::size_t columns_of(std::string_view text);
// As much of it as fits, with … for the rest, never a part of a character. `text` is shown() already.
std::string fitted(std::string_view text, std::size_t columns);
std::string padded(std::string_view text, std::size_t columns);  // fitted, then spaces

// Where the character that a person sees begins or ends: with its accents, skin tones, joined emoji and flags. `at`
// counts wide characters and lies between 0 and the size.
std::size_t character_before(std::wstring_view text, std::size_t at);
std::size_t character_after(std::wstring_view text, std::size_t at);

// How far the cursor has gone from the place where `text` begins, on a terminal so wide: the terminal goes on in the
// next row when a row is full, and so does a wide character of which only half would fit.
struct Place {
  std::size_t row = 0, column = 0;

  friend bool operator==(const Place&, const Place&) = default;
};
Place place_after(std::wstring_view text, std::size_t terminal_columns);

}  // namespace anser::programs
