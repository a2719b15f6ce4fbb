// How a stream comes to be: what the client says to its server until it is logged in, as a machine without I/O. Its
// owner has the connection and the reader, feeds it what comes, sends what it appends to `out`, and does what it
// answers. RFC 6120 §4 to §7; XEP-0388 with 0386 and 0198 inline where the server has them, for they save round trips;
// XEP-0138; XEP-0078 for old servers.
//
//   start() … connected | login() … logged_in
//
// Owned by one session, for one stream; one thread at a time. It waits for nothing by itself: time limits are the
// owner's. Between start() and `logged_in` nobody else may send anything, not even white space (XEP-0388 §2.4), except
// while it is `connected`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "anser/configuration.h"
#include "core/jid.h"
#include "sdk/src/sasl_client.h"
#include "sdk/src/stream_words.h"
#include "xml/element.h"
#include "xml/reader.h"

namespace anser::sdk {

// What to do, after `out` is sent.
enum class Next : std::uint8_t {
  wait,               // read on
  restart,            // reader.restart(), then read on: `out` ends with a new stream header
  start_tls,          // is there input left over? on_left_over(). Else shake hands, then on_tls()
  start_compression,  // likewise; zlib both ways from here on, then on_compressed()
  derive,             // run derivation() on a worker, then on_derived(); meanwhile read on
  deliver,            // this element is not for here: while connected it answers a request of the owner's, later it is
                      // to be kept and delivered, in order, once logged in. It does not count for XEP-0198
  connected,          // the stream is there and as secure as it will be: login()
  refused,            // login() came to nothing, error() says why, but the stream is as it was: connected
  logged_in,          // facts(); what comes from now on is the session's. Reads on with its own limits
  failed,             // error(); close the connection after `out` is sent
};

// A session that is to go on (XEP-0198 §5).
struct Resume {
  std::string id;
  std::uint32_t h = 0;      // what we have handled of the server's
  std::string address;      // its full address
  bool or_nothing = false;  // if it can't go on, no new one: failed, with facts().lost
};

struct Management {
  std::string id;
  bool resumable = false;
  std::uint32_t max = 0;  // seconds; 0: the server did not say
  std::optional<Whereabouts> location = {};
};

struct Negotiated {
  std::string stream_id = {};
  bool compressed = false;
  std::string mechanism = {};                 // "SCRAM-SHA-256-PLUS", "jabber:iq:auth"
  std::string binding = {};                   // "tls-exporter"; "": none
  std::string address = {};                   // the full one, once there is one
  bool resumed = false;                       // the old session goes on: its address, management and counts hold
  bool lost = false;                          // it was to go on, and does not
  std::optional<std::uint32_t> handled = {};  // what the server has handled of the old session, if it said so
  std::optional<Management> management = {};  // of the new session
  bool carbons = false;                       // enabled already, with Bind 2
  std::optional<Whereabouts> elsewhere = {};  // see-other-host, with Errc::stream: the owner decides. Somebody in
                                              // between may have said it if the stream was not secure
};

class Negotiation {
 public:
  // The configuration must live as long as this. `account` is the bare address if it is known: it is told to the server
  // once the stream is secure.
  // `security` instead of the configuration's: who was secure once does not come back in the clear.
  explicit Negotiation(const ConnectionConfiguration& configuration, std::string_view account = {},
                       std::optional<SecurityMode> security = {});
  Negotiation(const Negotiation&) = delete;  // parts of it refer to others
  Negotiation& operator=(const Negotiation&) = delete;

  Next start(std::string& out);                 // in the clear. With direct TLS on_tls() is the first call instead
  Next on_tls(TlsState tls, std::string& out);  // the handshake is done
  Next on_compressed(std::string& out);
  Next on_left_over(std::string& out);
  Next on_header(const xml::StreamHeader& header, std::string& out);
  Next on_element(const xml::Stanza& element, std::string& out);
  Next on_end(std::string& out);  // </stream:stream>, or the end of the bytes

  Next login(Credentials credentials, std::optional<Resume> resume, std::string& out);  // while connected
  Derivation derivation();
  Next on_derived(Derivation derivation, std::string& out);

  const Error& error() const { return error_; }  // after refused and failed
  const Negotiated& facts() const { return facts_; }
  const xml::Element& features() const { return features_; }  // the last that the server sent
  bool has_feature(std::string_view name, std::string_view ns) const { return features_.find({ns, name}) != nullptr; }
  bool secure() const { return tls_.has_value(); }
  // What is due from the other side, for a sentence: "the server's features".
  std::string_view waiting_for() const;

 private:
  enum class State : std::uint8_t {
    idle,
    header,
    features,
    proceed,
    handshake,
    connected,
    sasl,
    derivation,
    compressed,
    compression,
    resumed,
    bound,
    session,
    enabled,
    old_fields,
    old_login,
    logged_in,
    failed,
  };

  // Between bind and the end of the login; more is a server that has lost its way.
  static constexpr unsigned kMaxDelivered = 1000;

  Next open_stream(std::string& out);
  Next on_features(xml::Element features, std::string& out);
  Next without_features(std::string& out);
  Next answer_proceed(const xml::Element& element, std::string& out);
  Next take(const xml::Element& element, std::string& out);
  bool delivers(const xml::Stanza& element) const;
  Next fail_with(Error error, std::string& out);
  Next refuse(Error error);
  Next unexpected(const xml::Element& element, std::string& out);
  template <class... Args>
  Next wrong(std::string& out, fmt::format_string<Args...> text, Args&&... args) {
    return fail_with({Errc::protocol, fmt::format(text, std::forward<Args>(args)...)}, out);
  }

  // negotiation_login.cpp
  Result<void> identify();
  bool is_ours(const core::Jid& address) const;
  Next begin_sasl(std::string& out);
  Next try_sasl(bool sasl2, std::string& out, std::optional<Error>& why_not);
  void send_first(std::string_view initial, std::string& out);
  void append_authenticate(std::string_view initial, std::string& out);
  void send_response(std::string_view response, std::string& out);
  Next answer_sasl(const xml::Element& element, std::string& out);
  Next answer_challenge(const xml::Element& element, std::string& out);
  Next answer_failure(const xml::Element& element, std::string& out);
  Next answer_success(const xml::Element& element, std::string& out);
  Next welcome(const xml::Element& success, std::string& out);

  // negotiation_session.cpp
  Next go_on(std::string& out);
  Next finish();
  Next answer_compress(const xml::Element& element, std::string& out);
  Next answer_resume(const xml::Element& element, std::string& out);
  Result<void> take_resumed(const xml::Element& resumed);
  void take_lost(const xml::Element& failed);
  Next ask_to_bind(std::string& out);
  Next answer_bind(const xml::Element& element, std::string& out);
  Next answer_session(const xml::Element& element, std::string& out);
  Next enable_management(std::string& out);
  Next answer_enable(const xml::Element& element, std::string& out);
  void take_enabled(const xml::Element& enabled);
  void append_enable(std::string& out) const;
  bool answers(const xml::Element& element, std::string_view id) const;

  // negotiation_old_login.cpp
  Next begin_old_login(std::string& out);
  Next answer_old_fields(const xml::Element& element, std::string& out);
  Next answer_old_login(const xml::Element& element, std::string& out);

  const ConnectionConfiguration& configuration_;
  const SecurityMode security_;
  State state_ = State::idle;
  Error error_;
  Negotiated facts_;
  xml::Element features_;
  std::string service_;  // the domain, prepared
  core::Jid account_;    // bare; empty: not known
  std::optional<TlsState> tls_;
  std::optional<Error> complaint_;  // about the header; the error that may follow tells more
  bool stream_is_open_ = false;     // there is something to close
  bool authenticated_ = false;

  Credentials credentials_;
  std::optional<Resume> resume_;
  std::optional<SaslClient> sasl_;
  bool sasl2_ = false;
  bool resume_asked_ = false, bind_asked_ = false, carbons_asked_ = false, compression_asked_ = false;
  unsigned delivered_ = 0;
};

}  // namespace anser::sdk
