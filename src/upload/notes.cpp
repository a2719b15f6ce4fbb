#include "upload/notes.h"

namespace anser::upload {
namespace {

// In the files of every installation: never renamed.
constexpr std::string_view kMetadata = "metadata", kConcat = "concat", kDigest = "digest", kTus = "tus", kSlot = "slot";

void append(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(" ").append(value).append("\n");
}

}  // namespace

std::string to_text(const Notes& notes) {
  std::string text;
  if (!notes.metadata.empty()) append(text, kMetadata, notes.metadata);
  if (!notes.concat.empty()) append(text, kConcat, notes.concat);
  if (!notes.digest.empty()) append(text, kDigest, notes.digest);
  if (notes.tus) append(text, kTus, "");
  if (notes.slot) append(text, kSlot, "");
  return text;
}

Notes notes_of(std::string_view text) {
  Notes notes;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const auto space = line.find(' ');
    const auto name = line.substr(0, space);
    const auto value = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
    if (name == kMetadata) notes.metadata = value;
    if (name == kConcat) notes.concat = value;
    if (name == kDigest) notes.digest = value;
    if (name == kTus) notes.tus = true;
    if (name == kSlot) notes.slot = true;
  }
  return notes;
}

}  // namespace anser::upload
