// The scanner's states: one function each. What a start tag means is in scanner_tags.cpp.
#include "xml/scanner.h"

#include <algorithm>
#include <cstring>

#include "xml/chars.h"

namespace anser::xml {

using namespace byte_class;

Scanner::Outcome Scanner::scan(std::string_view token, const char* root_text) {
  data_ = token.data();
  root_ = root_text;
  p_ = data_ + position_;
  end_ = data_ + std::min(token.size(), limits_.stanza_bytes);

  Step result;
  do result = step();
  while (result == Step::go);
  if (result == Step::need_more && token.size() >= limits_.stanza_bytes) {
    result = over_limit("stanza_bytes", limits_.stanza_bytes);
  }

  position_ = offset_of(p_);
  if (result == Step::need_more) return Outcome::need_more;
  return result == Step::failed ? Outcome::error : outcome_;
}

Scanner::Step Scanner::step() {
  switch (state_) {
    case State::open:
      return open();
    case State::declaration:
      return declaration();
    case State::start_name:
      return start_name();
    case State::in_tag:
      return in_tag();
    case State::attribute_name:
      return attribute_name();
    case State::equals:
      return equals();
    case State::quote:
      return quote();
    case State::value:
      return value();
    case State::empty_close:
      return empty_close();
    case State::text:
      return text();
    case State::cdata:
      return cdata();
    case State::end_name:
      return end_name();
    case State::end_close:
      return end_close();
  }
  return Step::failed;
}

Scanner::Step Scanner::refuse(StreamError kind, std::string sentence) {
  error_kind_ = kind;
  error_ = {kind == StreamError::policy_violation ? Errc::policy_violation : Errc::not_well_formed,
            std::move(sentence)};
  return Step::failed;
}

// RFC 6120 §4.9.3.22: what breaks UTF-8 is another encoding; what XML does not have is ill-formed XML (§11.3).
Scanner::Step Scanner::refuse_character(int why) {
  if (why == kNotUtf8) return refuse(StreamError::unsupported_encoding, "the stream must be UTF-8");
  return refuse(StreamError::not_well_formed, "a character that XML does not have");
}

Scanner::Step Scanner::over_limit(std::string_view name, std::size_t limit) {
  return refuse(StreamError::policy_violation, fmt::format("more than {} allows: {}", name, limit));
}

// p_ is at a '<'.
Scanner::Step Scanner::open() {
  if (end_ - p_ < 2) return Step::need_more;
  tag_ = offset_of(p_);
  switch (p_[1]) {
    case '!':
      return open_exclamation();
    case '?':
      if (!declaration_allowed_) return refuse(StreamError::restricted_xml, "a processing instruction is not allowed");
      state_ = State::declaration;
      return Step::go;
    case '/':
      if (frames_.empty() || (frames_.size() == 1 && !closable_)) {
        return refuse(StreamError::not_well_formed, "an end tag without a start tag");
      }
      p_ += 2;
      begin_name();
      state_ = State::end_name;
      return end_name();
    default:
      ++p_;
      begin_name();
      tag_attributes_.clear();
      has_declarations_ = has_prefixes_ = false;
      state_ = State::start_name;
      return start_name();
  }
}

// A CDATA section, or something that XMPP forbids.
Scanner::Step Scanner::open_exclamation() {
  static constexpr std::string_view kCdata = "<![CDATA[";
  const auto available = static_cast<std::size_t>(end_ - p_);
  if (available < 3) return Step::need_more;
  if (p_[2] == '-') return refuse(StreamError::restricted_xml, "a comment is not allowed");
  if (p_[2] == 'D') return refuse(StreamError::restricted_xml, "a document type declaration is not allowed");
  if (!in_content() && has_root_) return refuse(StreamError::bad_format, "text is allowed only inside of stanzas");

  const std::size_t common = std::min(available, kCdata.size());
  if (!in_content() || std::memcmp(p_, kCdata.data(), common) != 0) {
    return refuse(StreamError::not_well_formed, "neither a tag nor a CDATA section");
  }
  if (common < kCdata.size()) return Step::need_more;
  p_ += kCdata.size();
  state_ = State::cdata;
  return Step::go;
}

Scanner::Step Scanner::declaration() {
  const DeclarationResult result = read_declaration({data_, static_cast<std::size_t>(end_ - data_)});
  if (result.complaint) return refuse(result.kind, result.complaint);
  if (result.bytes == 0) return Step::need_more;
  p_ = data_ + result.bytes;
  outcome_ = Outcome::declaration;
  return Step::done;
}

void Scanner::begin_name() {
  name_ = offset_of(p_);
  colon_ = 0;
  name_start_ = true;
}

// Up to the first byte that cannot belong to the name. Step::go: p_ is behind the name.
Scanner::Step Scanner::scan_name() {
  const char* const name = data_ + name_;
  const char* const stop =
      static_cast<std::size_t>(end_ - name) > limits_.name_bytes ? name + limits_.name_bytes : end_;
  while (p_ < stop) {
    if (class_of(*p_) & (name_start_ ? kNameStart : kName)) {
      const char* p = p_ + 1;
      while (p != stop && (class_of(*p) & kName)) ++p;
      p_ = p;
      name_start_ = false;
    } else if (*p_ == ':') {
      if (name_start_ || colon_ != 0) return refuse(StreamError::not_well_formed, "a misplaced colon in a name");
      colon_ = static_cast<std::uint32_t>(p_ - name);
      name_start_ = true;
      ++p_;
    } else if (!is_ascii(*p_)) {
      const int bytes = character_bytes(p_, end_);
      if (bytes == 0) return Step::need_more;
      if (bytes < 0) return refuse_character(bytes);
      const char32_t code = decode(p_);
      if (!(name_start_ ? is_name_start(code) : is_name_character(code))) {
        return refuse(StreamError::not_well_formed, "a character that is not allowed in a name");
      }
      name_start_ = false;
      p_ += bytes;
    } else {
      break;
    }
  }
  const bool full = p_ >= stop && stop != end_;
  if (full && (p_ > stop || !is_ascii(*p_) || *p_ == ':' || (class_of(*p_) & kName))) {
    return over_limit("name_bytes", limits_.name_bytes);
  }
  if (p_ == end_) return Step::need_more;
  if (name_start_) return refuse(StreamError::not_well_formed, "a name was expected");
  return Step::go;
}

Scanner::Step Scanner::start_name() {
  const Step named = scan_name();
  if (named != Step::go) return named;
  tag_name_length_ = offset_of(p_) - name_;
  tag_prefix_length_ = colon_;
  space_ = false;
  state_ = State::in_tag;
  return in_tag();
}

Scanner::Step Scanner::in_tag() {
  do {
    const char* const p = skip_space(p_, end_);
    space_ = space_ || p != p_;
    p_ = p;
    if (p == end_) return Step::need_more;
    if (*p == '>') {
      ++p_;
      return start_tag_done(false);
    }
    if (*p == '/') {
      ++p_;
      state_ = State::empty_close;
      return Step::go;
    }
    if (!space_) return refuse(StreamError::not_well_formed, "white space was expected between attributes");
    if (tag_attributes_.size() >= limits_.attributes) return over_limit("attributes", limits_.attributes);
  } while (take_plain_attribute());
  begin_name();
  state_ = State::attribute_name;
  return attribute_name();
}

// What attributes mostly are, in one go: here as a whole, a name without a prefix, a value of plain ASCII right behind
// it. Anything else is for the states below.
bool Scanner::take_plain_attribute() {
  if (!(class_of(*p_) & kNameStart)) return false;
  const char* p = p_ + 1;
  while (p != end_ && (class_of(*p) & kName)) ++p;
  const auto size = static_cast<std::size_t>(p - p_);
  if (size > limits_.name_bytes || end_ - p < 3 || *p != '=') return false;
  const char quote = p[1];
  if (quote != '\'' && quote != '"') return false;
  const char* const value = p + 2;
  const char* const stop = skip_plain(value, end_, quote, '<', '&');
  if (stop == end_ || *stop != quote) return false;
  const std::string_view name{p_, size};
  if (is_there(name)) return false;
  const bool declaration = name.front() == 'x' && name == "xmlns";
  has_declarations_ = has_declarations_ || declaration;
  tag_attributes_.push_back({.name = offset_of(p_),
                             .name_length = static_cast<std::uint32_t>(size),
                             .prefix_length = 0,
                             .declaration = declaration,
                             .value = {offset_of(value), static_cast<std::uint32_t>(stop - value)}});
  p_ = stop + 1;
  space_ = false;
  return true;
}

// Most names differ in their length or in their first letter.
bool Scanner::is_there(std::string_view name) const {
  for (const RawAttribute& other : tag_attributes_) {
    if (other.name_length == name.size() && data_[other.name] == name.front() && name_of(other) == name) return true;
  }
  return false;
}

Scanner::Step Scanner::attribute_name() {
  const Step named = scan_name();
  if (named != Step::go) return named;

  RawAttribute attribute{.name = name_, .name_length = offset_of(p_) - name_, .prefix_length = colon_};
  const std::string_view name = name_of(attribute);
  attribute.declaration = colon_ == 0 ? name == "xmlns" : name.starts_with("xmlns:");
  if (is_there(name)) return refuse(StreamError::not_well_formed, "an attribute is there twice");
  if (attribute.declaration) {
    has_declarations_ = true;
  } else if (colon_ != 0) {
    has_prefixes_ = true;
  }
  tag_attributes_.push_back(attribute);
  state_ = State::equals;
  return equals();
}

Scanner::Step Scanner::equals() {
  p_ = skip_space(p_, end_);
  if (p_ == end_) return Step::need_more;
  if (*p_ != '=') return refuse(StreamError::not_well_formed, "an attribute without a value");
  ++p_;
  state_ = State::quote;
  return quote();
}

Scanner::Step Scanner::quote() {
  p_ = skip_space(p_, end_);
  if (p_ == end_) return Step::need_more;
  if (*p_ != '\'' && *p_ != '"') return refuse(StreamError::not_well_formed, "an attribute's value without quotes");
  quote_ = *p_++;
  name_ = offset_of(p_);
  state_ = State::value;
  return value();
}

Scanner::Step Scanner::value() {
  RawAttribute& attribute = tag_attributes_.back();
  while ((p_ = skip_plain(p_, end_, quote_, '<', '&')) != end_) {
    if (*p_ == quote_) {
      attribute.value = {name_, offset_of(p_) - name_};
      ++p_;
      space_ = false;
      state_ = State::in_tag;
      return Step::go;
    }
    if (*p_ == '<') return refuse(StreamError::not_well_formed, "a '<' in an attribute's value");
    if (is_ascii(*p_)) attribute.plain = false;
    const Step skipped = *p_ == '&' ? skip_reference() : skip_characters();
    if (skipped != Step::go) return skipped;
  }
  return Step::need_more;
}

// p_ is at white space, an illegal control character or a run of characters beyond ASCII.
Scanner::Step Scanner::skip_characters() {
  if (is_ascii(*p_)) {
    if (!is_space(*p_)) return refuse(StreamError::not_well_formed, "a control character");
    ++p_;
    return Step::go;
  }
  do {
    const int bytes = character_bytes(p_, end_);
    if (bytes == 0) return Step::need_more;
    if (bytes < 0) return refuse_character(bytes);
    p_ += bytes;
  } while (p_ != end_ && !is_ascii(*p_));
  return Step::go;
}

Scanner::Step Scanner::skip_reference() {
  const Reference reference = read_reference(p_, end_);
  switch (reference.kind) {
    case Reference::Kind::character:
      p_ += reference.bytes;
      return Step::go;
    case Reference::Kind::unfinished:
      return Step::need_more;
    case Reference::Kind::malformed:
      return refuse(StreamError::not_well_formed, "a malformed reference");
    case Reference::Kind::forbidden:
      break;
  }
  return refuse(StreamError::restricted_xml, "a reference to an entity that XML does not predefine");
}

Scanner::Step Scanner::empty_close() {
  if (p_ == end_) return Step::need_more;
  if (*p_ != '>') return refuse(StreamError::not_well_formed, "a '/' inside of a tag");
  ++p_;
  return start_tag_done(true);
}

Scanner::Step Scanner::text() {
  while ((p_ = skip_plain(p_, end_, '<', '&', ']')) != end_) {
    if (*p_ == '<') {
      state_ = State::open;
      return open();
    }
    if (*p_ == ']') {
      const auto left = end_ - p_;
      if (left < 3 && (left == 1 || p_[1] == ']')) return Step::need_more;
      if (p_[1] == ']' && p_[2] == '>') return refuse(StreamError::not_well_formed, "']]>' in text");
      ++p_;
      continue;
    }
    const Step skipped = *p_ == '&' ? skip_reference() : skip_characters();
    if (skipped != Step::go) return skipped;
  }
  return Step::need_more;
}

Scanner::Step Scanner::cdata() {
  while ((p_ = skip_plain(p_, end_, ']', ']', ']')) != end_) {
    if (*p_ == ']') {
      const auto left = end_ - p_;
      if (left < 3 && (left == 1 || p_[1] == ']')) return Step::need_more;
      if (p_[1] == ']' && p_[2] == '>') {
        p_ += 3;
        state_ = State::text;
        return Step::go;
      }
      ++p_;
      continue;
    }
    const Step skipped = skip_characters();
    if (skipped != Step::go) return skipped;
  }
  return Step::need_more;
}

Scanner::Step Scanner::end_name() {
  const Frame& frame = frames_.back();
  const char* const expected = in_content() ? data_ + frame.name : root_;
  const std::uint32_t matched = offset_of(p_) - name_;
  const auto available = static_cast<std::uint32_t>(std::min<std::size_t>(end_ - p_, frame.name_length - matched));
  if (std::memcmp(p_, expected + matched, available) != 0) {
    return refuse(StreamError::not_well_formed, "an end tag does not match its start tag");
  }
  p_ += available;
  if (matched + available < frame.name_length) return Step::need_more;
  state_ = State::end_close;
  return end_close();
}

Scanner::Step Scanner::end_close() {
  p_ = skip_space(p_, end_);
  if (p_ == end_) return Step::need_more;
  if (*p_ != '>') return refuse(StreamError::not_well_formed, "an end tag does not match its start tag");
  ++p_;
  if (frames_.size() == 2) inner_end_ = tag_;
  return element_done();
}

}  // namespace anser::xml
