// Messages between doors. Whatever an XMPP client may send is heard, and heard the same by the quick reading and by the
// parser. Whatever another door may say is legal XML, is what the XMPP door would have taken, and comes back as it was.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "door/chat_message.h"
#include "xmpp/stanzas.h"

namespace {

using namespace anser;
using Event = xml::StreamReader::Event;

constexpr std::string_view kHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:r='urn:xmpp:receipts'>";
const Time kNow{};

const domain::Hosts& hosts() {
  static const domain::Hosts hosts{{{"montague.example", {}}}, {}};
  return hosts;
}
const core::Jid& romeo() {
  static const core::Jid jid = core::Jid::parse("romeo@montague.example/orchard").value();
  return jid;
}

bool same(const door::Heard& a, const door::Heard& b) {
  return a.message == b.message && a.state == b.state && a.receipt == b.receipt;
}

void hear(std::string_view stanzas) {
  xml::StreamReader reader;
  const std::string stream = std::string{kHeader}.append(stanzas);
  std::string_view input = stream;
  ANSER_ASSERT(reader.next(input) == Event::header);
  door::Heard heard;
  while (reader.next(input) == Event::stanza) {
    auto taken = xmpp::take_stanza(reader.stanza(), romeo(), "de", hosts());
    if (taken.failure) continue;
    door::from_envelope(taken.envelope, kNow, heard);
    // CDATA is for the parser.
    taken.envelope.inner = domain::Bytes::copy(std::string{taken.envelope.inner.view()} + "<![CDATA[]]>");
    ANSER_ASSERT(same(heard, door::from_envelope(taken.envelope, kNow)));
  }
}

// Texts of the input, one after the other.
class Texts {
 public:
  explicit Texts(std::string_view input) : rest_(input) {}
  std::string next() {
    const auto end = std::min(rest_.find('\0'), rest_.size());
    std::string text{rest_.substr(0, end)};
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return text;
  }

 private:
  std::string_view rest_;
};

void say(std::uint8_t bits, std::string_view input) {
  Texts texts{input};
  door::ChatMessage message;
  message.body = texts.next();
  message.event_id = texts.next();
  message.type = bits & 1 ? "image" : "text";
  message.thread = texts.next();
  message.replaces = texts.next();
  message.ephemeral = bits & 2;
  message.group = bits & 4;
  message.wants_receipt = bits & 8;
  if (bits & 16) {
    auto& file = message.attachment.emplace();
    file.url = texts.next();
    file.name = texts.next();
    file.size = file.name.size();
    file.media_type = texts.next();
  }
  const auto envelope = door::to_envelope(message, romeo());
  if (!envelope) return;
  std::string stream{kHeader};
  xmpp::append_stanza(stream, *envelope, {}, romeo(), nullptr);
  std::string_view input_again = stream;
  xml::StreamReader reader{{.stanza_bytes = 1 << 24}};
  ANSER_ASSERT(reader.next(input_again) == Event::header);
  ANSER_ASSERT(reader.next(input_again) == Event::stanza);
  const auto taken = xmpp::take_stanza(reader.stanza(), romeo(), {}, hosts());
  ANSER_ASSERT(!taken.failure && !taken.refused);
  ANSER_ASSERT(taken.envelope == *envelope);
  message.from = romeo();
  if (message.body.empty() && message.attachment) message.body = message.attachment->url;
  ANSER_ASSERT(door::from_envelope(*envelope, kNow).message == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  if (input.front() == '<')
    hear(input);
  else
    say(data[0], input.substr(1));
  return 0;
}
