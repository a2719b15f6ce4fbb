// A logged-in XMPP stream, and the domain's session behind it. Lives on the core of its account; its coroutine owns it.
// It reads stanzas, turns them into envelopes and gives them to the router; what the router delivers it writes out.
//
// Flow: stanzas are taken one after the other. A request to the server waits until what the stream sent before it is
// done (a fence), so an answered ping means that nothing before it can be lost; every kFenceEvery stanzas a fence is
// sent anyway, and reading stops when too much is not yet done, or too many requests are not yet answered. Output
// beyond the socket waits in a bounded outbox of envelopes and pushes; a client that falls behind it is disconnected
// at the end of the turn, and its messages go back to the router then: what the router calls only writes or remembers.
//
// With stream management (XEP-0198, stream_management.cpp) the outbox also keeps what was written until the client has
// confirmed it, and a stream that loses its connection may live on without one for a while: detached. A new connection
// of the same account that names it hands over its socket and ends; this stream's coroutine goes on with it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "domain/held_back.h"
#include "domain/session.h"
#include "domain/unacked_queue.h"
#include "net/connection.h"
#include "net/task.h"
#include "net/throttle.h"
#include "net/timers.h"
#include "xml/reader.h"
#include "xmpp/sasl.h"
#include "xmpp/services.h"
#include "xmpp/stanzas.h"
#include "xmpp/stream_management.h"
#include "xmpp/stream_text.h"
#include "xmpp/welcome.h"

namespace anser::xmpp {

// What the core that accepted a connection knows of it when it has logged in.
struct Arrival {
  net::Handed handed;
  xml::StreamReader reader;
  Login login;
  std::string host;
  std::string resource;  // with jabber:iq:auth: bound at once
  std::string iq_id;     // and this request is to be answered
  std::string lang;
  std::string stream_id;
  std::unique_ptr<Welcome> welcome;  // with SASL2: what is due is <success/>, not a new header
  SharedSettings settings;
};

void begin_stream(Services& services, Arrival arrival);
// A session of before this process, which waits for its client (XEP-0198). On the core of its account.
void restore_stream(Services& services, domain::SavedSession saved);

class Stream final : public domain::Session {
 public:
  Stream(Services& services, Arrival arrival);
  Stream(Services& services, domain::SavedSession& saved);  // its state is left there
  ~Stream() override;

  net::Task<void> run();
  void await_client(domain::SavedSession saved);

  void deliver(const domain::Envelope& envelope, const domain::Stamp& stamp) override;
  void push_roster(const domain::RosterItem& item, std::uint64_t version) override;
  void push_roster_removal(const domain::Jid& contact, std::uint64_t version) override;
  void push_blocking(bool blocked, const std::vector<domain::Jid>& who) override;
  void ask_confirmation(std::uint64_t number) override;
  void fence_passed(std::uint64_t number) override;
  std::uint64_t request_begun() override;
  void request_done(std::uint64_t request) override;
  void close(domain::CloseReason reason) override;
  domain::UnackedQueue* unacked() override { return management_ && outbox_ ? &outbox_->queue : nullptr; }
  void state_changed() override;
  void directed_changed() override;
  std::optional<domain::SessionNote> given_news(std::uint64_t& mark) override;
  void noted(std::uint64_t mark, bool stored) override;
  bool detached() const override { return !attached_; }
  bool attentive() const override { return attached_ && !held_back_; }

  std::string peer() const override { return attached_ ? connection_->peer() : "nowhere"; }

  // Whether somebody looks at the client (XEP-0352). For an inactive one, what can wait does.
  void set_active(bool active);

  static std::string_view inline_features();  // for those before login: what SASL2 and Bind 2 can bring about here

 private:
  static constexpr std::string_view kConfirmId = "anser-confirm-";
  static constexpr std::string_view kPingId = "anser-ping-";
  static constexpr unsigned kFenceEvery = 32;  // stanzas
  static constexpr unsigned kRequests = 16;    // to the own account or host that may wait for their answers

  // What a coroutine has to do for the stanza that was just taken.
  enum class Then : std::uint8_t { go_on, wait, restart, over, moved };

  // What serve() leaves to run().
  struct Woken {
    Then then = Then::go_on;
    std::string input = {};                // not read yet
    std::optional<Error> lost = {};        // the connection
    std::chrono::milliseconds pause = {};  // it was too fast
    std::exception_ptr thrown = {};        // our own fault
  };
  template <class Handler>
  struct Sleeper;

  // stream_input.cpp
  Then read_stanzas(std::string_view& input);
  bool restart(std::string_view& input);
  net::Task<void> sleep();
  template <class Handler>
  void doze(Handler wake);
  bool serve();
  void on_loss(const Error& error);

  Then take();
  Then take_before_bind();
  Then take_compress(const xml::Element& element);
  void route_request(domain::Envelope request);
  void pace();
  void set_fence();  // after everything that was sent so far; wait_for_ is its number
  Then take_iq_answer(const domain::Envelope& envelope);
  Then bind(std::string resource, std::string iq_id, bool legacy);
  void bound(Result<void> outcome, std::string iq_id, bool legacy);
  void log_login();
  std::string features();
  bool must_wait() const { return binding_ || wait_for_ > fence_passed_ || requests_ >= kRequests; }
  bool arrive();  // false: it may not stay
  void on_header();
  void end(const StreamFailure& failure);
  void drop_connection(const StreamFailure& failure);  // says why; the session goes on or has ended
  void send_iq_error(std::string_view id, const Error& error);
  void no_longer_unbound();
  std::string name() const;  // for log lines

  // stream_input.cpp
  void limit_rate();
  bool note_unfinished();                        // false: too much is, and the stream has ended
  bool begin_message(std::string_view message);  // false: it is no text, and the stream has ended
  bool may_keep_tail();
  std::size_t unfinished_bytes();
  bool should_hold_back() const;
  net::Task<void> hold_back();
  std::chrono::seconds silence_allowed() const;
  void on_silence();

  // stream_management.cpp
  Then take_management(const xml::Stanza& stanza);
  void start_management();
  std::string enable_management(const xml::Element& element);  // the answer
  Then take_acknowledgement(std::optional<std::uint32_t> handled);
  Then take_resume(const xml::Element& element);  // before bind
  std::string seek_session(const xml::Element& element);
  void hand_over_to_resumed(std::string_view input);
  void request_answered(std::uint64_t request);
  void pace_managed();
  std::uint64_t handled() const;
  void acknowledge_soon();
  void acknowledge();
  void tell_handled();
  void answer_late();
  void ask_for_acknowledgement();
  void ask_late();
  void take_confirmed(std::uint32_t handled);
  void confirm_delivered();
  bool may_detach() const { return management_ && management_->resumable() && !ended_ && bound_; }
  void detach();
  bool may_attach() const;
  std::string resumed() const;
  void attach();  // what `resume` has left here
  void resume(Resumption resumption);
  void forget_management();  // the session ends

  // stream_journal.cpp
  bool restored() const {
    return management_->journal && management_->journal->past && management_->journal->past->waits;
  }
  std::uint64_t full_number(std::uint32_t handled) const;
  bool may_have(std::uint32_t handled) const;
  void start_journal();
  void note_handled();
  void note_given() { services_.router.note_given(*this); }
  void note_news();  // at the turn's end
  void note_state();
  void note_given_refused();
  bool may_write(const domain::Outgoing& next) const;
  std::optional<domain::SessionNote> rows_confirmed(std::size_t count);
  bool done_before(const domain::Envelope& stanza);
  void reopened(Result<void> outcome);
  void recall_given();
  void recalled(Result<std::vector<domain::LogRecord>> records);
  bool suspend(domain::CloseReason reason);  // the process ends, the session does not

  // stream_login.cpp
  Then begin_welcome();
  net::Task<void> say_bound();  // in <success/>, with what the archive holds
  void welcomed(Result<void> outcome);
  void write_welcome(std::string_view outcome);
  std::string enable_inline(const xml::Element& wish);

  // stream_output.cpp
  // What waits to be written, or to be confirmed. Its alarm and the turn's end call back, so it is never destroyed from
  // there: a stream that ends keeps it, emptied.
  class Outbox final : public net::TurnEnd {
   public:
    explicit Outbox(Stream& stream) : patience(stream, [](Stream& late) { late.lose_patience(); }), stream_(stream) {}
    domain::UnackedQueue queue;
    net::AlarmOf<Stream> patience;  // with the client, that it reads; without one, that it comes back

   private:
    void at_end_of_turn() override { stream_.settle_outbox(); }
    Stream& stream_;
  };

  void send(std::string_view text);  // at once, and not counted: what is no stanza
  void write(const domain::Envelope& envelope, const domain::Stamp& stamp);
  void push(std::string text);  // in turn with what is delivered
  bool connected() const { return !ended_ && attached_ && header_sent_ && !welcome_; }
  bool writable() const { return connected() && !outbox_ && !connection_->congested(); }
  Outbox& outbox();
  void put_off(domain::Outgoing entry);
  void write(const domain::Outgoing& entry);
  void deliver_now(const domain::Envelope& envelope, const domain::Stamp& stamp);
  void deliver_held(const std::vector<domain::HeldBack::Entry>& entries);
  bool too_far_behind() const;
  void send_waiting();
  void settle_outbox();
  void give_back();
  void lose_patience();
  void fall_behind();
  std::string request_text(std::string_view type, std::string_view id) const;

  Services& services_;
  SharedSettings settings_;
  std::optional<net::Connection> connection_;  // another when it is resumed; none before that if it was restored
  xml::StreamReader reader_;
  std::size_t tail_ = 0;  // its part of services_.unfinished
  std::string host_;
  std::string lang_;     // of the client's stream header
  std::string account_;  // bare, before bind
  std::string mechanism_;
  std::unique_ptr<std::string> bind_at_once_;  // jabber:iq:auth: resource, NUL, iq id
  std::unique_ptr<Welcome> welcome_;           // until it is said
  Tick since_;                                 // when the login read its account
  bool temporary_ = false;
  bool header_sent_ = false;
  bool binding_ = false;
  bool bound_ = false;
  bool ended_ = false;
  bool attached_ = true;  // to its connection
  bool pinged_ = false;
  bool in_stanza_ = false;  // half of one has come: it has a time limit
  unsigned requests_ = 0;   // under way
  unsigned unfenced_ = 0;   // stanzas since the last fence
  std::size_t unfenced_bytes_ = 0;
  std::uint64_t next_fence_ = 1;
  std::uint64_t fence_passed_ = 0;
  std::uint64_t wait_for_ = 0;  // go on when this fence has passed
  Gate gate_;
  std::unique_ptr<Woken> woken_;
  std::unique_ptr<domain::Envelope> held_;  // the request that waits for a fence
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Management> management_;  // once enabled
  struct Wish {
    Stream& session;
    std::uint32_t handled;
  };
  std::unique_ptr<Wish> wish_;                   // to resume that session, for the rest of this turn
  std::unique_ptr<domain::HeldBack> held_back_;  // while the client is inactive
  std::unique_ptr<net::TokenBucket> bucket_;
  std::uint32_t next_push_ = 1;
};

}  // namespace anser::xmpp
