// The part of the reader that looks at bytes: takes one token of the stream's own level at a time (the XML declaration,
// the root's start tag, a whole element below it, the root's end tag), checks everything, and notes where the parts
// are. It may stop behind any byte and goes on there; what it says of a prefix never depends on how it arrived.
// All positions are offsets, because the bytes may move between two calls. Owned by a reader through its Scratch.
//
//   token       = declaration / start-tag(root) / element / end-tag(root)
//   element     = start-tag content end-tag / empty-tag
//   content     = *(text / reference / cdata / element)
//   start-tag   = "<" name *(1*space name *space "=" *space value) *space ">"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "xml/limits.h"
#include "xml/name.h"
#include "xml/reader.h"

namespace anser::xml {

class Scanner {
 public:
  enum class Outcome : std::uint8_t { need_more, declaration, header, element, end, error };

  // A piece of text: of the token's bytes, of text unescaped on the way, of the root's text, or kXmlNs.
  enum class Source : std::uint8_t { token, arena, root, xml };
  struct Slice {
    std::uint32_t offset = 0, length = 0;
    Source source = Source::token;
  };
  struct ChildSlices {
    Slice ns, local;
    std::uint32_t offset, length;  // offset in the token
  };
  struct Binding {
    Slice prefix, uri;                // no prefix: the default namespace
    std::uint32_t patched_child = 0;  // the last child that a patch for it was noted for
  };
  // A declaration from outside that a child of the element leans on, and where in its start tag it may be written.
  struct Patch {
    std::uint32_t offset;  // in the token
    std::uint32_t child;   // index
    std::int32_t binding;  // kUnbound: the absence of a default namespace
  };
  static constexpr std::int32_t kUnbound = -1;

  Scanner();

  // What the root declared: its name (at the start of the root's text; none if nothing may close it) and bindings.
  void set_root(std::uint32_t name_bytes, bool closable);
  void add_root_binding(Slice prefix, Slice uri);
  // No root yet: the declaration or its start tag comes first.
  void clear_root(bool declaration_allowed);

  // The next call to scan() sees a new token.
  void begin(const Limits& limits);

  // `token` starts with '<' and is never shorter than at the last call, bytes that follow it are not looked at.
  Outcome scan(std::string_view token, const char* root_text);

  std::size_t position() const { return position_; }  // after anything but need_more and error: the token's length
  std::string_view view(Slice slice) const {
    switch (slice.source) {
      case Source::token:
        return {data_ + slice.offset, slice.length};
      case Source::arena:
        return {arena_.data() + slice.offset, slice.length};
      case Source::root:
        return {root_ + slice.offset, slice.length};
      case Source::xml:
        break;
    }
    return kXmlNs;
  }

  // Of the header or the element.
  Slice ns() const { return ns_; }
  Slice local() const { return local_; }
  void show_attributes(std::vector<Attribute>& shown) const;  // without declarations of namespaces
  // Of the header: its name as written, its declarations, whether it was an empty tag.
  std::string_view raw_name() const { return {data_ + tag_ + 1, tag_name_length_}; }
  const std::vector<Binding>& bindings() const { return bindings_; }
  bool is_empty() const { return empty_; }
  // Of the element.
  std::string_view inner() const { return {data_ + inner_begin_, inner_end_ - inner_begin_}; }
  std::uint32_t inner_begin() const { return inner_begin_; }
  const std::vector<ChildSlices>& children() const { return children_; }
  const std::vector<Patch>& patches() const { return patches_; }

  StreamError error_kind() const { return error_kind_; }
  Error take_error() { return std::move(error_); }

  void trim();  // lets go of what an unusual token made grow

 private:
  enum class State : std::uint8_t {
    open,
    declaration,
    start_name,
    in_tag,
    attribute_name,
    equals,
    quote,
    value,
    empty_close,
    text,
    cdata,
    end_name,
    end_close,
  };
  enum class Step : std::uint8_t { go, need_more, done, failed };

  struct RawAttribute {
    std::uint32_t name, name_length;
    std::uint32_t prefix_length;  // without the colon, 0: no prefix
    bool declaration = false;     // of a namespace
    bool plain = true;            // the value needs no normalisation
    Slice value = {};             // as written, until somebody needs it
    Slice ns = {};
  };
  struct Frame {
    std::uint32_t name, name_length;
    std::uint32_t bindings;  // how many were in scope around it
    std::int32_t default_binding;
  };

  Step step();
  Step open();
  Step open_exclamation();
  Step declaration();
  Step start_name();
  Step in_tag();
  Step attribute_name();
  Step equals();
  Step quote();
  Step value();
  Step empty_close();
  Step text();
  Step cdata();
  Step end_name();
  Step end_close();

  void begin_name();
  Step scan_name();
  bool take_plain_attribute();
  bool is_there(std::string_view name) const;
  Step skip_characters();
  Step skip_reference();
  Step start_tag_done(bool empty);
  Step declare(RawAttribute& attribute, Frame& frame);
  Step resolve_element(const Frame& frame, Slice& ns);
  Step resolve_attributes();
  Step resolve_prefix(std::string_view prefix, Slice& ns);
  void note_outside_use(std::int32_t binding);
  Step element_done();
  void normalize(RawAttribute& attribute);

  std::uint32_t offset_of(const char* p) const { return static_cast<std::uint32_t>(p - data_); }
  std::string_view name_of(const RawAttribute& attribute) const {
    return {data_ + attribute.name, attribute.name_length};
  }
  bool in_content() const { return frames_.size() > 1; }  // of the element, or further inside

  Step refuse(StreamError kind, std::string sentence);
  Step refuse_character(int why);  // kNotUtf8 or kNotXml
  Step over_limit(std::string_view name, std::size_t limit);

  Limits limits_;

  // While scanning.
  const char* data_ = nullptr;
  const char* p_ = nullptr;
  const char* end_ = nullptr;
  const char* root_ = nullptr;
  std::uint32_t position_ = 0;
  State state_ = State::open;
  Outcome outcome_ = Outcome::need_more;

  // The token that is being read.
  std::uint32_t tag_ = 0;    // its '<'
  std::uint32_t name_ = 0;   // start of the name or the value that is being read
  std::uint32_t colon_ = 0;  // offset within the name, 0: none so far
  bool name_start_ = true;   // the next character must start a name
  bool space_ = false;       // white space seen since the last attribute
  bool plain_ = true;
  char quote_ = 0;
  bool has_declarations_ = false;
  bool has_prefixes_ = false;
  std::uint32_t tag_name_length_ = 0, tag_prefix_length_ = 0;
  std::vector<RawAttribute> tag_attributes_;

  // Scope. The first `outer_bindings_` were declared outside of the element's content.
  std::vector<Frame> frames_;
  std::vector<Binding> bindings_;
  std::size_t root_bindings_ = 0, outer_bindings_ = 0;
  bool has_root_ = false, closable_ = false, declaration_allowed_ = false;
  std::uint32_t root_name_bytes_ = 0;
  std::int32_t root_default_ = kUnbound;
  bool outer_default_differs_ = false;  // from the element's own namespace
  std::uint32_t default_patched_child_ = 0;
  std::uint32_t patch_offset_ = 0;  // behind the name of the current child
  std::uint32_t elements_ = 0;

  // What was found.
  Slice ns_, local_;
  bool empty_ = false;
  std::uint32_t inner_begin_ = 0, inner_end_ = 0;
  std::vector<RawAttribute> attributes_;
  std::vector<ChildSlices> children_;
  std::vector<Patch> patches_;
  std::string arena_;
  StreamError error_kind_ = StreamError::not_well_formed;
  Error error_;
};

// `text` starts with "<?": the length of a declaration that we take, 0 if more is needed, or what is wrong with it.
struct DeclarationResult {
  std::size_t bytes = 0;
  const char* complaint = nullptr;
  StreamError kind = StreamError::not_well_formed;
};
inline constexpr std::size_t kDeclarationBytes = 256;
DeclarationResult read_declaration(std::string_view text);

}  // namespace anser::xml
