// mail      = %x00 envelope jid taken                  ; Route: target, empty unless aliased
//           / %x01 envelope jids jids                  ; Broadcast: contacts, except
//           / %x02 jid jids                            ; Probe: from, contacts
//           / %x03 varint varint varint                ; Fence: core, session, number
//           / %x04 varint varint                       ; FencePassed: session, number
//           / %x05 jid byte varint                     ; AccountChanged: account, what, spare
//           / %x06 envelope varint varint              ; SentCopy: sequence, microseconds since 1970
//           / %x07 jid varint                          ; Refused: account, message
//           / %x08 envelope jid taken                  ; Publish: group, empty unless aliased
//           / %x09 envelope jid varint varint          ; Published: group, sequence, microseconds since 1970
//           / %x0a jid varint byte                     ; Interest: group, core, wanted
//           / %x0b jid byte                            ; InterestNoted: group, taken
// taken     = varint varint varints                    ; session, number, copies
// jids      = varint *jid;   varints = varint *varint
#include "domain/byte_codec.h"
#include "domain/mail.h"

namespace anser::domain {
namespace {

constexpr std::uint64_t kMaxContacts = 1'000'000;  // only keeps a broken node from asking for all memory
constexpr std::uint64_t kMaxTime = 1ull << 53;     // microseconds, far beyond the calendar
enum Tag : std::uint8_t {
  kRoute,
  kBroadcast,
  kProbe,
  kFence,
  kFencePassed,
  kAccountChanged,
  kSentCopy,
  kRefused,
  kPublish,
  kPublished,
  kInterest,
  kInterestNoted
};

void put_tag(std::string& out, Tag tag) { out += static_cast<char>(tag); }

void put_jids(std::string& out, const std::vector<Jid>& jids) {
  put_varint(out, jids.size());
  for (const Jid& jid : jids) put_jid(out, jid);
}

std::vector<Jid> read_jids(ByteReader& reader) {
  std::vector<Jid> jids;
  const std::uint64_t count = reader.varint();
  if (count > kMaxContacts) reader.refuse();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) jids.push_back(reader.jid());
  return jids;
}

void put_taken(std::string& out, const Taken& taken) {
  put_varint(out, taken.session);
  put_varint(out, taken.number);
  put_varint(out, taken.copies.size());
  for (const auto session : taken.copies) put_varint(out, session);
}

Taken read_taken(ByteReader& reader) {
  Taken taken;
  taken.session = reader.varint();
  taken.number = reader.varint();
  const std::uint64_t copies = reader.varint();
  if (copies > kMaxContacts) reader.refuse();
  for (std::uint64_t i = 0; i < copies && reader.ok(); ++i) taken.copies.push_back(reader.varint());
  return taken;
}

void put_time(std::string& out, Time time) {
  put_varint(out, static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

Time read_time(ByteReader& reader) {
  const std::uint64_t microseconds = reader.varint();
  if (microseconds > kMaxTime) reader.refuse();
  return Time{Duration{static_cast<std::int64_t>(microseconds)}};
}

CoreId read_core(ByteReader& reader) {
  const std::uint64_t core = reader.varint();
  if (core > 0xffff) reader.refuse();
  return static_cast<CoreId>(core);
}

// The letters that begin with an envelope.
bool carries(std::uint8_t tag) {
  return tag == kRoute || tag == kBroadcast || tag == kSentCopy || tag == kPublish || tag == kPublished;
}

Mail read_carried(std::uint8_t tag, Envelope envelope, ByteReader& reader) {
  if (tag == kRoute) {
    Route route{std::move(envelope), reader.jid()};
    route.envelope.taken = read_taken(reader);
    return route;
  }
  if (tag == kSentCopy) {
    SentCopy copy{std::move(envelope), reader.varint(), {}};
    copy.time = read_time(reader);
    return copy;
  }
  if (tag == kPublish) {
    Publish publish{std::move(envelope), reader.jid()};
    publish.envelope.taken = read_taken(reader);
    return publish;
  }
  if (tag == kPublished) {
    Published published{std::move(envelope), reader.jid(), 0, {}};
    published.sequence = reader.varint();
    published.time = read_time(reader);
    return published;
  }
  Broadcast broadcast{std::move(envelope), read_jids(reader), {}};
  broadcast.except = read_jids(reader);
  return broadcast;
}

}  // namespace

void encode(const Mail& mail, std::string& out) {
  std::visit(
      [&out](const auto& letter) {
        using Letter = std::decay_t<decltype(letter)>;
        if constexpr (std::is_same_v<Letter, Route>) {
          put_tag(out, kRoute);
          encode(letter.envelope, out);
          put_jid(out, letter.target);
          put_taken(out, letter.envelope.taken);
        } else if constexpr (std::is_same_v<Letter, Broadcast>) {
          put_tag(out, kBroadcast);
          encode(letter.presence, out);
          put_jids(out, letter.contacts);
          put_jids(out, letter.except);
        } else if constexpr (std::is_same_v<Letter, Probe>) {
          put_tag(out, kProbe);
          put_jid(out, letter.from);
          put_jids(out, letter.contacts);
        } else if constexpr (std::is_same_v<Letter, Fence>) {
          put_tag(out, kFence);
          put_varint(out, letter.core);
          put_varint(out, letter.session);
          put_varint(out, letter.number);
        } else if constexpr (std::is_same_v<Letter, FencePassed>) {
          put_tag(out, kFencePassed);
          put_varint(out, letter.session);
          put_varint(out, letter.number);
        } else if constexpr (std::is_same_v<Letter, SentCopy>) {
          put_tag(out, kSentCopy);
          encode(letter.envelope, out);
          put_varint(out, letter.sequence);
          put_time(out, letter.time);
        } else if constexpr (std::is_same_v<Letter, Refused>) {
          put_tag(out, kRefused);
          put_jid(out, letter.account);
          put_varint(out, letter.message);
        } else if constexpr (std::is_same_v<Letter, Publish>) {
          put_tag(out, kPublish);
          encode(letter.envelope, out);
          put_jid(out, letter.group);
          put_taken(out, letter.envelope.taken);
        } else if constexpr (std::is_same_v<Letter, Published>) {
          put_tag(out, kPublished);
          encode(letter.envelope, out);
          put_jid(out, letter.group);
          put_varint(out, letter.sequence);
          put_time(out, letter.time);
        } else if constexpr (std::is_same_v<Letter, Interest>) {
          put_tag(out, kInterest);
          put_jid(out, letter.group);
          put_varint(out, letter.core);
          out += static_cast<char>(letter.wanted);
        } else if constexpr (std::is_same_v<Letter, InterestNoted>) {
          put_tag(out, kInterestNoted);
          put_jid(out, letter.group);
          out += static_cast<char>(letter.taken);
        } else {
          put_tag(out, kAccountChanged);
          put_jid(out, letter.account);
          out += static_cast<char>(letter.what);
          put_varint(out, letter.spare);
        }
      },
      mail);
}

Result<Mail> decode_mail(std::string_view& in) {
  ByteReader head{in};
  const auto tag = head.byte(kInterestNoted);
  if (!head.ok()) return fail(Errc::bad_request, "this is no letter");
  std::string_view rest = head.rest();

  Mail mail;
  if (carries(tag)) {
    auto envelope = decode_envelope(rest);
    if (!envelope) return pass(envelope);
    ByteReader reader{rest};
    mail = read_carried(tag, std::move(*envelope), reader);
    if (!reader.ok()) return fail(Errc::bad_request, "the letter is cut short or damaged");
    in = reader.rest();
    return mail;
  }
  ByteReader reader{rest};
  if (tag == kProbe) {
    Probe probe;
    probe.from = reader.jid();
    probe.contacts = read_jids(reader);
    mail = std::move(probe);
  } else if (tag == kFence) {
    Fence fence;
    fence.core = read_core(reader);
    fence.session = reader.varint();
    fence.number = reader.varint();
    mail = fence;
  } else if (tag == kFencePassed) {
    FencePassed passed;
    passed.session = reader.varint();
    passed.number = reader.varint();
    mail = passed;
  } else if (tag == kRefused) {
    Refused refused;
    refused.account = reader.jid();
    refused.message = reader.varint();
    mail = std::move(refused);
  } else if (tag == kInterest) {
    Interest interest;
    interest.group = reader.jid();
    interest.core = read_core(reader);
    interest.wanted = reader.byte(1) != 0;
    mail = std::move(interest);
  } else if (tag == kInterestNoted) {
    InterestNoted noted;
    noted.group = reader.jid();
    noted.taken = reader.byte(1) != 0;
    mail = std::move(noted);
  } else {
    AccountChanged changed;
    changed.account = reader.jid();
    changed.what =
        static_cast<AccountChanged::What>(reader.byte(static_cast<std::uint8_t>(AccountChanged::What::gone)));
    changed.spare = reader.varint();
    mail = std::move(changed);
  }
  if (!reader.ok()) return fail(Errc::bad_request, "the letter is cut short or damaged");
  in = reader.rest();
  return mail;
}

}  // namespace anser::domain
