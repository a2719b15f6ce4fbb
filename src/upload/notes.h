// What an upload's protocol has to remember from the request that began it (UploadRecord::metadata). Pure.
#pragma once

#include <string>
#include <string_view>

namespace anser::upload {

struct Notes {
  std::string metadata = {};  // tus: Upload-Metadata as it came
  std::string concat = {};    // tus: Upload-Concat as it came
  std::string digest = {};    // the draft: Repr-Digest as it came
  bool tus = false;           // else the draft
  bool slot = false;          // begun by a slot: who has its address needs no other right

  friend bool operator==(const Notes&, const Notes&) = default;
};

// A line for each, "name value\n"; values are a field's, so they have no line ends.
std::string to_text(const Notes& notes);
Notes notes_of(std::string_view text);

}  // namespace anser::upload
