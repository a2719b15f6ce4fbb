// A server's words to the client library until it is logged in: the first octet picks how, the rest is the stream as
// it comes. Nothing crashes, what the client says is XML, the password is told to nobody who may not have it and in no
// error, and whoever is logged in is himself.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/base64.h"
#include "sdk/src/negotiation.h"

namespace {

using namespace anser;
using sdk::Next;

constexpr std::string_view kPassword = "r0m30myr0m30";
constexpr std::string_view kPlain{"\0romeo\0r0m30myr0m30", 19};
const sdk::Resume kOld{"some-long-sm-id", 12, "romeo@montague.example/balcony"};

struct Way {
  sdk::SecurityMode security = sdk::SecurityMode::required;
  bool sasl = true, compression = false, resume = false, direct_tls = false, plain_in_the_clear = false;
  sdk::Credentials::Kind kind = sdk::Credentials::Kind::password;
};

Way way_of(std::uint8_t octet) {
  Way way;
  way.security = static_cast<sdk::SecurityMode>((octet & 3) % 3);
  if ((octet & 4) != 0) way.kind = sdk::Credentials::Kind::anonymous;
  way.sasl = (octet & 8) == 0;
  way.resume = (octet & 16) != 0;
  way.compression = (octet & 32) != 0;
  way.direct_tls = (octet & 64) != 0;
  way.plain_in_the_clear = (octet & 128) != 0;
  return way;
}

// What the client says, as the server reads it.
class Listener {
 public:
  void hear(std::string_view bytes) {
    for (;;) {
      switch (reader_.next(bytes)) {
        case xml::StreamReader::Event::error:
          ANSER_ASSERT(!"the client says what is no XML");
          return;
        case xml::StreamReader::Event::need_more:
          ANSER_ASSERT(reader_.tail_bytes() == 0);  // whole elements
          return;
        case xml::StreamReader::Event::end:
          return;
        default:
          break;
      }
    }
  }
  void restart() { reader_.restart(); }

 private:
  xml::StreamReader reader_;
};

class Client {
 public:
  explicit Client(const Way& way) : way_(way), configuration_("montague.example"), machine_(configured()) {}

  void run(std::string_view input) {
    server_knows_ = input.find(kPassword) != input.npos;
    std::string out;
    Next next = way_.direct_tls ? machine_.on_tls(tls(), out) : machine_.start(out);
    if (way_.direct_tls) reader_.restart();
    heed(out);
    while (next != Next::failed && next != Next::logged_in) {
      out.clear();
      if (next == Next::connected || next == Next::refused) {
        if (logins_++ == 3) return;
        next = login(out);
      } else if (next == Next::derive) {
        return;  // it would take a worker's time, and a proof that no fuzzer finds
      } else if (next == Next::start_tls) {
        next = input.starts_with('!') ? machine_.on_left_over(out) : machine_.on_tls(tls(), out);
      } else if (next == Next::start_compression) {
        next = machine_.on_compressed(out);
      } else if (!read(input, next, out)) {
        return;
      }
      if (next == Next::restart) {
        reader_.restart();
        listener_.restart();
      }
      heed(out);
    }
    check_end(next);
  }

 private:
  const sdk::ConnectionConfiguration& configured() {
    configuration_.security = way_.security;
    configuration_.sasl_enabled = way_.sasl;
    configuration_.compression_enabled = way_.compression;
    configuration_.plain_in_the_clear = way_.plain_in_the_clear;
    return configuration_;
  }

  static sdk::TlsState tls() {
    return {{{"tls-exporter", "octets"}, {"tls-server-end-point", "certificate"}}, "TLSv1.3"};
  }

  Next login(std::string& out) {
    sdk::Credentials credentials;
    credentials.kind = way_.kind;
    if (way_.kind == sdk::Credentials::Kind::password) {
      credentials.username = "romeo";
      credentials.password = kPassword;
      credentials.nonce = "abc";
    }
    const auto resume = way_.resume ? std::optional{kOld} : std::nullopt;
    return machine_.login(std::move(credentials), resume, out);
  }

  // One event; false: there is no more.
  bool read(std::string_view& input, Next& next, std::string& out) {
    switch (reader_.next(input)) {
      case xml::StreamReader::Event::header:
        next = machine_.on_header(reader_.header(), out);
        return true;
      case xml::StreamReader::Event::stanza:
        next = machine_.on_element(reader_.stanza(), out);
        return true;
      case xml::StreamReader::Event::end:
        next = machine_.on_end(out);
        return true;
      default:
        return false;
    }
  }

  void heed(const std::string& out) {
    listener_.hear(out);
    const bool may_know = machine_.secure() || way_.plain_in_the_clear;
    if (!may_know && way_.kind == sdk::Credentials::Kind::password) {
      ANSER_ASSERT(out.find(kPassword) == out.npos);
      ANSER_ASSERT(out.find(base64_encode(kPlain)) == out.npos);
    }
    ANSER_ASSERT(machine_.secure() || way_.security != sdk::SecurityMode::required || logins_ == 0);
  }

  void check_end(Next next) {
    if (next == Next::failed) {
      const auto& error = machine_.error();
      ANSER_ASSERT(!error.message.empty());
      ANSER_ASSERT(server_knows_ || error.message.find(kPassword) == std::string::npos);
      std::string more;
      ANSER_ASSERT(machine_.on_end(more) == Next::failed && more.empty());
      return;
    }
    const auto& facts = machine_.facts();
    const auto address = core::Jid::parse(facts.address);
    ANSER_ASSERT(address && address->full() == facts.address && address->has_resource());
    ANSER_ASSERT(address->domain() == "montague.example");
    ANSER_ASSERT(way_.kind == sdk::Credentials::Kind::anonymous || address->local() == "romeo");
    ANSER_ASSERT(!facts.mechanism.empty() && !facts.mechanism.starts_with("SCRAM"));
    ANSER_ASSERT(!facts.resumed || (way_.resume && facts.handled && !facts.lost));
    ANSER_ASSERT(facts.lost == (way_.resume && !facts.resumed));
    ANSER_ASSERT(!facts.management || !facts.resumed);
  }

  Way way_;
  sdk::ConnectionConfiguration configuration_;
  sdk::Negotiation machine_;
  xml::StreamReader reader_;
  Listener listener_;
  int logins_ = 0;
  bool server_knows_ = false;  // the password stands in its own words, and an error may quote those
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Client{way_of(data[0])}.run({reinterpret_cast<const char*>(data + 1), size - 1});
  return 0;
}
