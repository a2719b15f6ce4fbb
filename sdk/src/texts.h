// Texts in several languages: bodies and subjects of a message, the status of a presence. "" is the stanza's own
// language, and so is that language by its name. Languages are compared without case (BCP 47).
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "anser/error.h"
#include "sdk/src/legal.h"
#include "xml/writer.h"

namespace anser::sdk {

inline bool same_language(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [=](char x, char y) { return lower(x) == lower(y); });
}

// The stanza's language, by one of its two names.
inline bool is_own_language(std::string_view language, std::string_view own) {
  return language.empty() || same_language(language, own);
}

// Of a vector, const or not, of Message::Text or Presence::Status.
template <class Texts>
auto find_text(Texts& texts, std::string_view language, std::string_view own) {
  const bool is_own = is_own_language(language, own);
  return std::find_if(texts.begin(), texts.end(), [&](const auto& text) {
    return is_own ? is_own_language(text.language, own) : same_language(text.language, language);
  });
}

inline const std::string kNoText;

template <class Text>
const std::string& text_in(const std::vector<Text>& texts, std::string_view language, std::string_view own) {
  const auto found = find_text(texts, language, own);
  return found == texts.end() ? kNoText : found->text;
}

// The stanza's own language, else the first.
template <class Text>
const std::string& best_text(const std::vector<Text>& texts, std::string_view own) {
  if (texts.empty()) return kNoText;
  const auto found = find_text(texts, {}, own);
  return found == texts.end() ? texts.front().text : found->text;
}

template <class Text>
void set_text(std::vector<Text>& texts, std::string text, std::string language, std::string_view own) {
  const auto found = find_text(texts, language, own);
  if (found != texts.end()) {
    found->text = std::move(text);
    return;
  }
  if (is_own_language(language, own)) language.clear();
  texts.push_back({std::move(language), std::move(text)});
}

template <class Text>
void remove_text(std::vector<Text>& texts, std::string_view language, std::string_view own) {
  const auto found = find_text(texts, language, own);
  if (found != texts.end()) texts.erase(found);
}

// When the stanza's language was changed later, two texts may have become one language's: the first is written.
template <class Text>
void append_texts(std::string& out, std::string_view name, const std::vector<Text>& texts, std::string_view own) {
  for (const Text& text : texts) {
    if (&*find_text(texts, text.language, own) != &text) continue;
    xml::Writer writer{out};
    writer.open(name);
    if (!is_own_language(text.language, own)) writer.attr("xml:lang", text.language);
    writer.text(text.text).close();
  }
}

template <class Text>
Result<void> check_texts(std::string_view what, const std::vector<Text>& texts) {
  for (const Text& text : texts) {
    if (auto checked = check_text(what, text.text); !checked) return checked;
    if (auto checked = check_text("a language", text.language); !checked) return checked;
  }
  return {};
}

}  // namespace anser::sdk
