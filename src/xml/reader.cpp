#include "xml/reader.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "xml/chars.h"
#include "xml/escape.h"
#include "xml/scratch.h"

namespace anser::xml {
namespace {

constexpr std::size_t kPieceBytes = 4096;       // of new input that joins the tail at a time
constexpr std::size_t kSpareScratches = 8;      // per thread
constexpr std::size_t kKeptBufferBytes = 8192;  // of each buffer in a spare
constexpr std::size_t kKeptItems = 64;

thread_local std::vector<std::unique_ptr<Scratch>> spares;

const Attribute* find(std::span<const Attribute> attributes, Name name) {
  for (const Attribute& attribute : attributes) {
    if (attribute.local == name.local && attribute.ns == name.ns) return &attribute;
  }
  return nullptr;
}

std::string_view value_or_nothing(const Attribute* attribute) {
  return attribute ? attribute->value : std::string_view();
}

// Assigning {} would keep the memory.
template <class Buffer>
void trim(Buffer& buffer, std::size_t kept_capacity) {
  if (buffer.capacity() > kept_capacity) Buffer().swap(buffer);
}

// What makes up for a declaration that stands outside.
void append_declaration(std::string& out, std::string_view prefix, std::string_view uri) {
  out.append(" xmlns");
  if (!prefix.empty()) out.append(":").append(prefix);
  out.append("='");
  append_escaped_attribute(out, uri);
  out += '\'';
}

}  // namespace

// What the root declared. Never changed, so that those who declared the same have one: with many streams each of its
// own would have left the cache when the next stanza comes.
struct StreamReader::Root {
  struct Binding {
    std::uint32_t prefix_bytes, uri_bytes;  // both stand in `text`, one after the other
    bool operator==(const Binding&) const = default;
  };

  std::string text;  // its name as written, then prefix and URI of each of its declarations
  std::uint32_t name_bytes = 0;
  std::vector<Binding> bindings;
  bool operator==(const Root&) const = default;

  static std::shared_ptr<const Root> shared(Root root);
};

std::shared_ptr<const StreamReader::Root> StreamReader::Root::shared(Root root) {
  constexpr std::size_t kKept = 4;            // a server meets few kinds of clients
  constexpr std::size_t kWorthKeeping = 256;  // bytes of text
  thread_local std::array<std::shared_ptr<const Root>, kKept> kept;
  thread_local std::size_t oldest = 0;
  for (const auto& known : kept) {
    if (known && *known == root) return known;
  }
  auto made = std::make_shared<const Root>(std::move(root));
  if (made->text.size() <= kWorthKeeping) kept[std::exchange(oldest, (oldest + 1) % kKept)] = made;
  return made;
}

std::string_view attr_of(std::span<const Attribute> attributes, std::string_view local) {
  return value_or_nothing(find(attributes, {"", local}));
}

bool has_attr_of(std::span<const Attribute> attributes, std::string_view local) {
  return find(attributes, {"", local}) != nullptr;
}

std::string_view lang_of(std::span<const Attribute> attributes) {
  return value_or_nothing(find(attributes, {kXmlNs, "lang"}));
}

std::string_view condition_of(StreamError error) {
  switch (error) {
    case StreamError::not_well_formed:
      return "not-well-formed";
    case StreamError::restricted_xml:
      return "restricted-xml";
    case StreamError::unsupported_encoding:
      return "unsupported-encoding";
    case StreamError::bad_format:
      return "bad-format";
    case StreamError::invalid_namespace:
      return "invalid-namespace";
    case StreamError::policy_violation:
      return "policy-violation";
  }
  return "not-well-formed";
}

StreamReader::StreamReader(Limits limits) : limits_(limits) {}
StreamReader::~StreamReader() = default;
StreamReader::StreamReader(StreamReader&&) noexcept = default;
StreamReader& StreamReader::operator=(StreamReader&&) noexcept = default;

const StreamHeader& StreamReader::header() const {
  ANSER_ASSERT(scratch_);
  return scratch_->header;
}

const Stanza& StreamReader::stanza() const {
  ANSER_ASSERT(scratch_);
  return scratch_->stanza;
}

const Error& StreamReader::error() const {
  ANSER_ASSERT(state_ == State::failed);
  return scratch_->error;
}

StreamError StreamReader::stream_error() const {
  ANSER_ASSERT(state_ == State::failed);
  return scratch_->kind;
}

void StreamReader::set_limits(Limits limits) { limits_ = limits; }

std::size_t StreamReader::tail_bytes() const { return scratch_ && scratch_->unfinished ? scratch_->tail.size() : 0; }

bool StreamReader::between_stanzas() const {
  return state_ == State::stream && !(scratch_ && (scratch_->unfinished || scratch_->end_follows));
}

// The root is dropped only at the next call, since views of the last event may point at it.
void StreamReader::restart() {
  ANSER_ASSERT(!scratch_ || !scratch_->unfinished);
  state_ = State::start;
}

void StreamReader::expect_messages() {
  ANSER_ASSERT(state_ == State::start && !scratch_);
  messages_ = true;
}

StreamReader::Event StreamReader::next(std::string_view& input) {
  const Event event = messages_ ? next_message(std::exchange(input, {})) : next_token(input);
  if (event == Event::need_more && !(scratch_ && scratch_->unfinished)) release();
  if (state_ == State::ended || state_ == State::failed) input = {};
  return event;
}

StreamReader::Event StreamReader::next_token(std::string_view& input) {
  if (state_ == State::failed) return Event::error;
  if (scratch_ && scratch_->delivered) {
    scratch_->delivered = false;
    scratch_->tail.clear();
    if (scratch_->end_follows) state_ = State::ended;
  }
  if (state_ == State::ended) {
    scratch_.reset();
    return Event::end;
  }
  while (true) {
    if (!scratch_ || !scratch_->unfinished) {
      if (!begin_token(input)) return state_ == State::failed ? Event::error : Event::need_more;
    }
    const Event event = scan_token(input);
    if (event != Event::need_more || scratch_->unfinished) return event;
  }
}

// To the scanner each is an element below a root that is not there.
StreamReader::Event StreamReader::next_message(std::string_view message) {
  if (state_ == State::failed) return Event::error;
  if (state_ == State::ended) return Event::end;
  if (message.empty()) return Event::need_more;
  acquire();
  const auto refuse = [this](StreamError kind, const char* sentence) {
    return fail_with(kind, {Errc::not_well_formed, sentence});
  };
  if (message.front() != '<') return refuse(StreamError::bad_format, "a message begins with '<'");
  constexpr const char* kCut = "a message holds one whole element, and this one ends before";
  if (message.starts_with("<?")) {
    const DeclarationResult declaration = read_declaration(message);
    if (declaration.complaint) return refuse(declaration.kind, declaration.complaint);
    if (declaration.bytes == 0) return refuse(StreamError::not_well_formed, kCut);
    message.remove_prefix(declaration.bytes);
    message.remove_prefix(
        static_cast<std::size_t>(skip_space(message.data(), message.data() + message.size()) - message.data()));
    if (!message.starts_with('<')) return refuse(StreamError::not_well_formed, kCut);
  }
  Scanner& scanner = scratch_->scanner;
  scanner.set_root(0, /*closable=*/false);
  scanner.begin(limits_);
  const Scanner::Outcome outcome = scanner.scan(message, root_text());
  if (outcome == Scanner::Outcome::error) return fail_with(scanner.error_kind(), scanner.take_error());
  if (outcome == Scanner::Outcome::need_more) return refuse(StreamError::not_well_formed, kCut);
  const std::string_view rest = message.substr(scanner.position());
  if (skip_space(rest.data(), rest.data() + rest.size()) != rest.data() + rest.size()) {
    return refuse(StreamError::not_well_formed, "a message holds one element, and something follows it");
  }
  if (stanza_read() == Event::error) return Event::error;
  const Stanza& element = scratch_->stanza;
  if (element.local == "open" || element.local == "close") {
    if (element.ns != kFramingNs)
      return refuse(StreamError::invalid_namespace, "<open/> and <close/> are in urn:ietf:params:xml:ns:xmpp-framing");
    if (element.local == "close") {
      state_ = State::ended;
      scratch_.reset();
      return Event::end;
    }
  }
  if (state_ == State::stream) return Event::stanza;
  state_ = State::stream;
  scratch_->header = {element.ns, element.local, element.ns, element.attributes};
  return Event::header;
}

// Skips what may stand between tokens. False: there is nothing more, or it is no token.
bool StreamReader::begin_token(std::string_view& input) {
  if (state_ == State::start) root_.reset();
  const char* const token = skip_space(input.data(), input.data() + input.size());
  const auto skipped = static_cast<std::size_t>(token - input.data());
  if (skipped != 0 && state_ == State::start) state_ = State::prolog;  // too late for an XML declaration
  input.remove_prefix(skipped);
  if (input.empty()) return false;

  acquire();
  if (input.front() != '<') {
    const auto byte = static_cast<unsigned char>(input.front());
    if (state_ == State::stream) {
      fail_with(StreamError::bad_format, {Errc::not_well_formed, "text is allowed only inside of stanzas"});
    } else if (state_ == State::start && (byte == 0xEF || byte >= 0xFE)) {
      fail_with(StreamError::unsupported_encoding, {Errc::not_well_formed, "a byte-order mark is not allowed"});
    } else {
      fail_with(StreamError::not_well_formed, {Errc::not_well_formed, "text before the stream's header"});
    }
    return false;
  }
  if (state_ != State::stream) scratch_->scanner.clear_root(/*declaration_allowed=*/state_ == State::start);
  scratch_->scanner.begin(limits_);
  scratch_->unfinished = true;
  return true;
}

// need_more: of the token that is unfinished, or of the next one if that was an XML declaration.
StreamReader::Event StreamReader::scan_token(std::string_view& input) {
  Scratch& scratch = *scratch_;
  Scanner& scanner = scratch.scanner;
  Scanner::Outcome outcome = Scanner::Outcome::need_more;
  std::size_t kept = 0;
  if (scratch.tail.empty()) {
    outcome = scanner.scan(input, root_text());
    if (outcome == Scanner::Outcome::need_more) scratch.tail.assign(input);
  } else {
    while (outcome == Scanner::Outcome::need_more && !input.empty()) {
      kept = scratch.tail.size();
      const std::string_view piece = input.substr(0, kPieceBytes);
      scratch.tail.append(piece);
      outcome = scanner.scan(scratch.tail, root_text());
      if (outcome == Scanner::Outcome::need_more) input.remove_prefix(piece.size());
    }
  }
  if (outcome == Scanner::Outcome::need_more) {
    input = {};
    return Event::need_more;
  }
  scratch.unfinished = false;
  if (outcome == Scanner::Outcome::error) return fail_with(scanner.error_kind(), scanner.take_error());

  input.remove_prefix(scanner.position() - kept);
  switch (outcome) {
    case Scanner::Outcome::declaration:
      state_ = State::prolog;
      scratch.tail.clear();
      return Event::need_more;
    case Scanner::Outcome::header:
      return header_read();
    case Scanner::Outcome::element:
      return stanza_read();
    default:
      break;
  }
  state_ = State::ended;
  scratch_.reset();
  return Event::end;
}

StreamReader::Event StreamReader::fail_with(StreamError kind, Error error) {
  state_ = State::failed;
  scratch_->unfinished = false;
  scratch_->kind = kind;
  scratch_->error = std::move(error);
  return Event::error;
}

StreamReader::Event StreamReader::header_read() {
  const Scanner& scanner = scratch_->scanner;
  scanner.show_attributes(scratch_->attributes);
  std::string_view default_ns;
  Root root;
  root.text = scanner.raw_name();
  root.name_bytes = static_cast<std::uint32_t>(root.text.size());
  root.bindings.reserve(scanner.bindings().size());
  for (const Scanner::Binding& binding : scanner.bindings()) {
    if (binding.prefix.length == 0) default_ns = scanner.view(binding.uri);
    root.text.append(scanner.view(binding.prefix)).append(scanner.view(binding.uri));
    root.bindings.push_back({binding.prefix.length, binding.uri.length});
  }
  root.text.shrink_to_fit();
  root_ = Root::shared(std::move(root));

  scratch_->header = {scanner.view(scanner.ns()), scanner.view(scanner.local()), default_ns, scratch_->attributes};
  scratch_->end_follows = scanner.is_empty();
  scratch_->delivered = true;
  state_ = State::stream;
  load_root();
  return Event::header;
}

StreamReader::Event StreamReader::stanza_read() {
  const Scanner& scanner = scratch_->scanner;
  scanner.show_attributes(scratch_->attributes);
  scratch_->children.clear();
  for (const Scanner::ChildSlices& child : scanner.children()) {
    scratch_->children.push_back(
        {scanner.view(child.ns), scanner.view(child.local), child.offset - scanner.inner_begin(), child.length});
  }
  scratch_->stanza = {scanner.view(scanner.ns()), scanner.view(scanner.local()), scratch_->attributes, scanner.inner(),
                      scratch_->children};
  if (!scanner.patches().empty()) {
    rewrite();
    if (scratch_->rewritten.size() > limits_.stanza_bytes) {
      return fail_with(StreamError::policy_violation,
                       {Errc::policy_violation, fmt::format("more than stanza_bytes allows once the namespaces are "
                                                            "declared where they are used: {}",
                                                            limits_.stanza_bytes)});
    }
    scratch_->stanza.inner = scratch_->rewritten;
  }
  scratch_->delivered = true;
  return Event::stanza;
}

// Each declaration from outside that a child leans on goes into the child's own start tag. It cannot clash with one
// that is there already: then nothing in that child would have reached the one outside.
void StreamReader::rewrite() {
  const Scanner& scanner = scratch_->scanner;
  const std::string_view inner = scanner.inner();
  std::string& out = scratch_->rewritten;
  out.clear();
  std::size_t copied = 0;
  auto patch = scanner.patches().begin();
  for (std::uint32_t i = 0; i < scratch_->children.size(); ++i) {
    Child& child = scratch_->children[i];
    const std::size_t child_end = child.offset + child.length;
    out.append(inner.substr(copied, child.offset - copied));
    copied = child.offset;
    child.offset = static_cast<std::uint32_t>(out.size());
    for (; patch != scanner.patches().end() && patch->child == i; ++patch) {
      const std::size_t behind_name = patch->offset - scanner.inner_begin();
      out.append(inner.substr(copied, behind_name - copied));
      copied = behind_name;
      if (patch->binding == Scanner::kUnbound) {
        append_declaration(out, "", "");
      } else {
        const Scanner::Binding& binding = scanner.bindings()[static_cast<std::size_t>(patch->binding)];
        append_declaration(out, scanner.view(binding.prefix), scanner.view(binding.uri));
      }
      if (out.size() > limits_.stanza_bytes) return;
    }
    out.append(inner.substr(copied, child_end - copied));
    copied = child_end;
    child.length = static_cast<std::uint32_t>(out.size()) - child.offset;
  }
  out.append(inner.substr(copied));
}

void StreamReader::load_root() {
  Scanner& scanner = scratch_->scanner;
  if (state_ != State::stream || !root_) return;
  scanner.set_root(root_->name_bytes, /*closable=*/true);
  std::uint32_t offset = root_->name_bytes;
  for (const Root::Binding& binding : root_->bindings) {
    const std::uint32_t uri = offset + binding.prefix_bytes;
    scanner.add_root_binding({offset, binding.prefix_bytes, Scanner::Source::root},
                             {uri, binding.uri_bytes, Scanner::Source::root});
    offset = uri + binding.uri_bytes;
  }
}

const char* StreamReader::root_text() const { return root_ ? root_->text.data() : ""; }

void StreamReader::acquire() {
  if (scratch_) return;
  if (spares.empty()) {
    scratch_ = std::make_unique<Scratch>();
  } else {
    scratch_ = std::move(spares.back());
    spares.pop_back();
  }
  load_root();
}

void StreamReader::release() {
  if (!scratch_ || state_ == State::failed) return;
  if (spares.size() >= kSpareScratches) {
    scratch_.reset();
    return;
  }
  Scratch& scratch = *scratch_;
  scratch.scanner.trim();
  scratch.delivered = scratch.end_follows = false;
  trim(scratch.tail, kKeptBufferBytes);
  trim(scratch.rewritten, kKeptBufferBytes);
  trim(scratch.attributes, kKeptItems);
  trim(scratch.children, kKeptItems);
  spares.push_back(std::move(scratch_));
}

}  // namespace anser::xml
