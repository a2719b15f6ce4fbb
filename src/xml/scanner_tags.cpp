// What a start tag means: namespaces, the element's place, and what of it is kept. Source: Namespaces in XML 1.0 §3-6.
#include "xml/chars.h"
#include "xml/scanner.h"

namespace anser::xml {
namespace {
constexpr std::size_t kUsualDepth = 16;
constexpr std::size_t kUsualItems = 8;   // attributes, children, bindings
constexpr std::size_t kKeptItems = 128;  // more than that is not kept for the next token
constexpr std::size_t kKeptArenaBytes = 4096;

template <class T>
void trim_vector(std::vector<T>& vector) {
  if (vector.capacity() > kKeptItems) std::vector<T>().swap(vector);
}
}  // namespace

Scanner::Scanner() {
  frames_.reserve(kUsualDepth);
  bindings_.reserve(kUsualItems);
  tag_attributes_.reserve(kUsualItems);
  attributes_.reserve(kUsualItems);
  children_.reserve(kUsualItems);
}

void Scanner::trim() {
  bindings_.clear();
  trim_vector(frames_);
  trim_vector(bindings_);
  trim_vector(tag_attributes_);
  trim_vector(attributes_);
  trim_vector(children_);
  trim_vector(patches_);
  if (arena_.capacity() > kKeptArenaBytes) std::string().swap(arena_);
}

void Scanner::clear_root(bool declaration_allowed) {
  bindings_.clear();
  root_bindings_ = 0;
  has_root_ = closable_ = false;
  root_default_ = kUnbound;
  declaration_allowed_ = declaration_allowed;
}

void Scanner::set_root(std::uint32_t name_bytes, bool closable) {
  clear_root(false);
  has_root_ = true;
  closable_ = closable;
  root_name_bytes_ = name_bytes;
}

void Scanner::add_root_binding(Slice prefix, Slice uri) {
  if (prefix.length == 0) root_default_ = static_cast<std::int32_t>(bindings_.size());
  bindings_.push_back({prefix, uri});
  root_bindings_ = bindings_.size();
}

void Scanner::begin(const Limits& limits) {
  limits_ = limits;
  position_ = 0;
  state_ = State::open;
  elements_ = 0;
  default_patched_child_ = 0;
  frames_.clear();
  if (has_root_) frames_.push_back({0, root_name_bytes_, 0, root_default_});
  bindings_.resize(root_bindings_);
  for (Binding& binding : bindings_) binding.patched_child = 0;
  attributes_.clear();
  children_.clear();
  patches_.clear();
  arena_.clear();
}

// p_ is behind the tag's '>'. Around it are no frames for the root, one for the element, more for what is inside.
Scanner::Step Scanner::start_tag_done(bool empty) {
  const std::size_t level = frames_.size();
  if (level > limits_.depth) return over_limit("depth", limits_.depth);
  if (++elements_ > limits_.elements) return over_limit("elements", limits_.elements);

  Frame frame{tag_ + 1, tag_name_length_, static_cast<std::uint32_t>(bindings_.size()),
              level == 0 ? kUnbound : frames_.back().default_binding};
  const std::uint32_t local_offset = tag_prefix_length_ == 0 ? 0 : tag_prefix_length_ + 1;
  const Slice local{frame.name + local_offset, tag_name_length_ - local_offset};
  if (level == 2) {
    children_.push_back({{}, local, tag_, 0});
    patch_offset_ = frame.name + tag_name_length_;
  }
  if (has_declarations_) {
    for (RawAttribute& attribute : tag_attributes_) {
      if (attribute.declaration && declare(attribute, frame) != Step::go) return Step::failed;
    }
  }
  Slice ns;
  if (resolve_element(frame, ns) != Step::go) return Step::failed;
  if (has_prefixes_ && resolve_attributes() != Step::go) return Step::failed;

  frames_.push_back(frame);
  state_ = State::text;
  if (level == 2) children_.back().ns = ns;
  if (level <= 1) {
    ns_ = ns;
    local_ = local;
    for (RawAttribute& attribute : tag_attributes_) normalize(attribute);
    attributes_.swap(tag_attributes_);
    inner_begin_ = inner_end_ = offset_of(p_);
    outer_bindings_ = bindings_.size();
    const std::int32_t outer_default = frame.default_binding;
    outer_default_differs_ = view(ns) != (outer_default == kUnbound ? "" : view(bindings_[outer_default].uri));
  }
  if (level == 0) {
    empty_ = empty;
    outcome_ = Outcome::header;
    return Step::done;
  }
  return empty ? element_done() : Step::go;
}

Scanner::Step Scanner::declare(RawAttribute& attribute, Frame& frame) {
  Slice prefix;
  if (attribute.prefix_length != 0) {
    const std::uint32_t skipped = attribute.prefix_length + 1;
    prefix = {attribute.name + skipped, attribute.name_length - skipped};
  }
  normalize(attribute);
  const Slice uri = attribute.value;
  const std::string_view prefix_text = view(prefix), uri_text = view(uri);
  if (prefix_text == "xmlns" || uri_text == kXmlnsNs || (prefix_text == "xml") != (uri_text == kXmlNs)) {
    return refuse(StreamError::not_well_formed, "a reserved prefix or namespace is declared");
  }
  if (prefix_text == "xml") return Step::go;
  if (prefix.length != 0 && uri.length == 0) {
    return refuse(StreamError::not_well_formed, "a prefix is declared without a namespace");
  }
  if (bindings_.size() >= limits_.namespaces) return over_limit("namespaces", limits_.namespaces);
  if (prefix.length == 0) frame.default_binding = static_cast<std::int32_t>(bindings_.size());
  bindings_.push_back({prefix, uri});
  return Step::go;
}

Scanner::Step Scanner::resolve_element(const Frame& frame, Slice& ns) {
  if (tag_prefix_length_ != 0) return resolve_prefix({data_ + frame.name, tag_prefix_length_}, ns);
  const std::int32_t binding = frame.default_binding;
  if (binding != kUnbound) ns = bindings_[static_cast<std::size_t>(binding)].uri;
  if (in_content() && outer_default_differs_ && binding < static_cast<std::int32_t>(outer_bindings_)) {
    note_outside_use(binding);
  }
  return Step::go;
}

Scanner::Step Scanner::resolve_attributes() {
  for (RawAttribute& attribute : tag_attributes_) {
    if (attribute.declaration || attribute.prefix_length == 0) continue;
    if (resolve_prefix(name_of(attribute).substr(0, attribute.prefix_length), attribute.ns) != Step::go) {
      return Step::failed;
    }
    const std::string_view ns = view(attribute.ns);
    const std::string_view local = name_of(attribute).substr(attribute.prefix_length + 1);
    for (const RawAttribute* other = tag_attributes_.data(); other != &attribute; ++other) {
      if (other->declaration || other->prefix_length == 0) continue;
      if (name_of(*other).substr(other->prefix_length + 1) == local && view(other->ns) == ns) {
        return refuse(StreamError::not_well_formed, "an attribute is there twice, under two prefixes");
      }
    }
  }
  return Step::go;
}

Scanner::Step Scanner::resolve_prefix(std::string_view prefix, Slice& ns) {
  if (prefix == "xml") {
    ns = {0, static_cast<std::uint32_t>(kXmlNs.size()), Source::xml};
    return Step::go;
  }
  for (std::size_t i = bindings_.size(); i-- > 0;) {
    if (view(bindings_[i].prefix) != prefix) continue;
    ns = bindings_[i].uri;
    if (in_content() && i < outer_bindings_) note_outside_use(static_cast<std::int32_t>(i));
    return Step::go;
  }
  return refuse(StreamError::not_well_formed, "a prefix that no namespace is declared for");
}

void Scanner::note_outside_use(std::int32_t binding) {
  const auto child = static_cast<std::uint32_t>(children_.size());
  std::uint32_t& patched =
      binding == kUnbound ? default_patched_child_ : bindings_[static_cast<std::size_t>(binding)].patched_child;
  if (patched == child) return;
  patched = child;
  patches_.push_back({patch_offset_, child - 1, binding});
}

void Scanner::show_attributes(std::vector<Attribute>& shown) const {
  shown.clear();
  for (const RawAttribute& attribute : attributes_) {
    if (attribute.declaration) continue;
    const std::uint32_t skipped = attribute.prefix_length == 0 ? 0 : attribute.prefix_length + 1;
    shown.push_back({view(attribute.ns), name_of(attribute).substr(skipped), view(attribute.value)});
  }
}

void Scanner::normalize(RawAttribute& attribute) {
  if (attribute.plain) return;
  attribute.plain = true;
  const std::string_view raw = view(attribute.value);
  const auto offset = static_cast<std::uint32_t>(arena_.size());
  append_normalized_value(arena_, raw);
  attribute.value = {offset, static_cast<std::uint32_t>(arena_.size()) - offset, Source::arena};
}

// p_ is behind the last '>' of what ends here.
Scanner::Step Scanner::element_done() {
  if (frames_.size() <= 2) {  // the element's own frame and bindings stay, its patches refer to them
    outcome_ = frames_.size() == 2 ? Outcome::element : Outcome::end;
    return Step::done;
  }
  if (frames_.size() == 3) children_.back().length = offset_of(p_) - children_.back().offset;
  bindings_.resize(frames_.back().bindings);
  frames_.pop_back();
  state_ = State::text;
  return Step::go;
}

}  // namespace anser::xml
