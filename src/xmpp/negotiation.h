// A connection before it is somebody's: stream header, STARTTLS, SASL and SASL2, registration, jabber:iq:auth. Runs on
// whatever core accepted it, with small limits and a time limit, and ends by handing the socket to the core of the
// account.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/connection.h"
#include "net/task.h"
#include "xml/element.h"
#include "xml/reader.h"
#include "xmpp/sasl.h"
#include "xmpp/sasl2_messages.h"
#include "xmpp/services.h"
#include "xmpp/stream_text.h"
#include "xmpp/welcome.h"

namespace anser::xmpp {

class Negotiation {
 public:
  // `rules` are the settings, where other ones than Shared's hold until the login.
  Negotiation(Shared& shared, net::Core& core, net::Handed handed, bool direct_tls, SharedSettings rules = nullptr);

  ~Negotiation();

  net::Task<void> run();
  // The server stops: says so.
  void shut_down() { end({"system-shutdown", "the server is stopping", {}, 1001}); }

 private:
  // Elements before login, beside those that making accounts takes.
  static constexpr unsigned kElementsBeforeLogin = 100;
  static constexpr unsigned kElementsPerAccount = 4;

  enum class Next : std::uint8_t { go_on, restart, over };

  // SASL2, from <authenticate/> to its outcome.
  struct Exchange {
    Authenticate said;
    std::optional<Login> login;  // the mechanism is content; what is left are tasks
    std::optional<IssuedToken> token;
    std::string data;               // the mechanism's last word in base64, until it is said
    std::vector<core::Hash> tasks;  // keys to be added, the first is under way
    std::string salt;               // of that one; empty: the client has not begun
    std::uint32_t iterations = 0;
  };

  net::Task<bool> receive();      // the next event into event_; false: the connection is gone or has been ended
  net::Task<bool> open_stream();  // header in, header and features out
  net::Task<Next> take(xml::Element stanza);
  net::Task<Next> start_tls();
  net::Task<Next> sasl(xml::Element element);
  net::Task<Next> answer_sasl(SaslStep step);
  Next count_attempt();  // one that came to nothing

  // negotiation_sasl2.cpp
  bool offers_sasl2() const;
  bool may_upgrade_to(core::Hash hash) const;
  void append_authentication(std::string& text) const;
  void end_exchange();
  Next fail_sasl2(std::string_view condition, std::string_view text);
  net::Task<Next> sasl2(xml::Element element);
  net::Task<Next> authenticate(xml::Element element);
  std::optional<core::TokenBinding> wanted_token() const;
  net::Task<Next> answer_sasl2(SaslStep step);
  net::Task<Next> go_on_with_tasks();
  net::Task<Next> upgrade(xml::Element element);
  net::Task<Next> welcome();

  net::Task<Next> iq(xml::Element iq);
  net::Task<Next> iq_auth(xml::Element iq);
  void answer_iq(const xml::Element& iq, Result<std::optional<xml::Element>> reply);
  void write_features();
  void tls_failed(const Error& error);
  void end(const StreamFailure& failure);
  void send(std::string_view text);
  void hand_over(Login login, std::string resource, std::string iq_id, std::unique_ptr<Welcome> welcome = {});
  bool may_register() const;
  bool tls_only() const { return !connection_->tls() && settings_->tls_required && shared_.tls() != nullptr; }

  Shared& shared_;
  net::Core& core_;
  SharedSettings settings_;
  std::unique_ptr<net::Connection> connection_;
  bool direct_tls_;
  xml::StreamReader reader_;
  xml::StreamReader::Event event_ = xml::StreamReader::Event::need_more;
  std::string rest_;        // read, not yet taken by the reader
  std::string_view input_;  // what of it is left
  std::string host_;
  std::optional<core::Jid> from_;  // whom the header announces, bare
  std::string lang_;
  std::string stream_id_;
  bool header_sent_ = false;
  unsigned registered_ = 0;  // accounts made on this stream
  bool old_login_tried_ = false;
  bool sasl_failed_ = false;
  unsigned attempts_ = 0;
  unsigned elements_ = 0;  // since the connection began
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<Exchange> exchange_;
};

// Takes a connection from the listener; `direct_tls` is RFC 7590's and XEP-0368's port. Or one from an HTTP port, which
// carries messages.
void accept_connection(Shared& shared, net::Core& core, net::Handed handed, bool direct_tls,
                       SharedSettings rules = nullptr);

}  // namespace anser::xmpp
