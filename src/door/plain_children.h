// Reads children of a stanza's content one after the other where they stand, without a tree, as long as they are plain:
// no children of their own, no prefix but `xml`, no CDATA. That is nearly every message. Views into the content, which
// must be legal and live as long. Inside door only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace anser::door {

class PlainChild {
 public:
  enum class Found : std::uint8_t {
    child,  // this one; `rest` begins behind it
    none,   // `rest` has no further child
    other,  // something that is not plain: the parser must read it all
  };
  Found next(std::string_view& rest);

  std::string_view ns() const { return ns_; }
  std::string_view local() const { return local_; }
  // As the parser would give them; "" if absent.
  void attr(std::string_view name, std::string& out) const;
  void text(std::string& out) const;
  std::string child_text(std::string_view) const { return {}; }

 private:
  static constexpr std::size_t kMaxAttributes = 8;
  struct Attribute {
    std::string_view name, raw;
  };

  bool read_tag(std::string_view& rest, bool& empty);

  std::string_view ns_, local_, raw_;
  std::array<Attribute, kMaxAttributes> attributes_;
  std::size_t count_ = 0;
};

}  // namespace anser::door
