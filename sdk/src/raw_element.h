// Looks into an element that is kept as XML without making a tree of it: the attributes of its start tag and its own
// text. The bytes were taken by the reader or written by us, or there are none; it does not check them again.
// A view: the bytes must outlive it. No allocation but in `scratch`, which is used where a reference has to be
// replaced.
#pragma once

#include <string>
#include <string_view>

namespace anser::sdk {

class RawElement {
 public:
  explicit RawElement(std::string_view xml);

  // As it is written ("id", "xml:lang"); "" if absent. A view of the bytes or of `scratch`.
  std::string_view attribute(std::string_view name, std::string& scratch) const;
  // The element's own character data, joined; what its children hold is left out. A view of the bytes or of `scratch`.
  std::string_view text(std::string& scratch) const;
  std::string_view content() const;  // between the tags, as it is written; "" of an empty tag

 private:
  std::string_view behind_name_;
};

}  // namespace anser::sdk
