// Both sides of a stream without a network: the machine, and a server that answers as it is told to. Every utterance of
// the server is a step; a test may change it, cut the stream there, or have something else said. For tests only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "core/scram.h"
#include "sdk/src/negotiation.h"
#include "xml/reader.h"

namespace anser::sdk {
void PrintTo(Next next, std::ostream* out);
}

namespace anser::sdk::test {

struct ServerOptions {
  bool starttls = true;
  bool starttls_required = false;
  bool version = true;  // of XMPP 1.0
  std::vector<std::string> mechanisms{"SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN",
                                      "SCRAM-SHA-1-PLUS"};
  std::optional<std::vector<std::string>> binding_types{{"tls-server-end-point", "tls-exporter"}};
  bool sasl2 = false;
  std::vector<std::string> inlined{"sm", "bind", "urn:xmpp:carbons:2", "urn:xmpp:sm:3"};  // what goes along with SASL2
  bool compression = false;
  bool management = true;
  std::string session = "";  // "required", "optional"
  bool iq_auth = false;
  std::string old_fields = "<username/><password/><digest/><resource/>";
  bool resumes = true;
  std::uint32_t iterations = core::kMinIterations;
  bool downgrade_protection = true;
  bool final_in_challenge = false;
  std::string password = "pencil";
  std::string account = "romeo@montague.example";
};

// Answers elements with utterances, one element or header each.
class Server {
 public:
  explicit Server(ServerOptions options) : options_(std::move(options)) {}

  std::vector<std::string> hear(std::string_view bytes);
  void secured() { secure_ = true, restart(); }
  void compressed() { restart(); }

 private:
  void restart();
  void say(std::string text) { said_.push_back(std::move(text)); }
  void open();
  void take(const xml::Element& element);
  void begin(const xml::Element& element, const std::optional<std::string>& initial);
  void challenge(const std::string& message);
  void respond(const std::string& message);
  void succeed(const std::string& data);
  void refuse(const std::string& condition);
  void take_iq(const xml::Element& iq);
  std::string resumed(const xml::Element& resume) const;
  std::string enabled(const xml::Element& enable) const;

  ServerOptions options_;
  std::unique_ptr<xml::StreamReader> reader_ = std::make_unique<xml::StreamReader>();
  bool secure_ = false, authenticated_ = false, compressed_ = false;
  std::vector<std::string> said_;
  std::optional<xml::Element> authenticate_;  // SASL2's
  std::unique_ptr<core::ScramServer> scram_;
  bool proved_ = false;
};

inline const TlsState kTls{{{"tls-exporter", "octets of the exporter"}, {"tls-server-end-point", "its certificate"}},
                           "TLSv1.3"};

class Talk {
 public:
  explicit Talk(ServerOptions options = {}, ConnectionConfiguration configuration = configured(),
                std::string account = {});

  static ConnectionConfiguration configured();

  Next connect();  // until something is decided; `wait` if nobody has anything to say
  Next connect_by_direct_tls();
  Next login(Credentials credentials = {.username = "romeo", .password = "pencil"},
             std::optional<Resume> resume = std::nullopt);
  Negotiation& machine() { return *machine_; }
  const Error& error() const { return machine_->error(); }
  const Negotiated& facts() const { return machine_->facts(); }

  ConnectionConfiguration configuration;
  TlsState tls = kTls;
  // What the server says instead.
  std::function<std::string(std::string)> change = [](std::string utterance) { return utterance; };
  int cut_at = -1, surprise_at = -1;  // a step
  int steps = 0;                      // so far
  std::string sent;                   // by the client, all of it
  std::string latest;                 // since the last step
  std::string scenery;                // a line per decision: "start_tls restart …"
  std::vector<std::string> delivered;

 private:
  Next go_on(Next next, std::string out);

  Server server_;
  std::unique_ptr<Negotiation> machine_;
  xml::StreamReader reader_;
};

// A machine alone, for dialogues word by word.
class Script {
 public:
  explicit Script(ConnectionConfiguration configuration = Talk::configured(), std::string account = {});

  Next starts();
  Next is_secured(TlsState tls = kTls);
  Next is_compressed();
  Next logs_in(Credentials credentials = {.username = "romeo", .password = "pencil"},
               std::optional<Resume> resume = std::nullopt);
  Next hears(std::string_view xml);  // a header, elements; derives at once what is to be derived
  Next hears_left_over();
  Next hears_the_end();

  Negotiation& machine() { return *machine_; }
  const Error& error() const { return machine_->error(); }
  const Negotiated& facts() const { return machine_->facts(); }

  ConnectionConfiguration configuration;
  std::string said;  // at the last call
  std::vector<std::string> delivered;

 private:
  Next done(Next next);

  std::unique_ptr<Negotiation> machine_;
  xml::StreamReader reader_;
};

const char* name_of(Next next);

}  // namespace anser::sdk::test
