// A client of the WebSocket door after it has signed in, and the domain's session behind it. Lives on the core of its
// account. It reads frames, turns them into envelopes and gives them to the router; what the router delivers it writes.
//
// No coroutine: an idle session is to cost little memory, and a coroutine's frame would be a good part of it. Whoever
// waits, for input or for something that must be done first, leaves the session with its connection, which owns it
// meanwhile and calls on() when there is something to do. The session is destroyed when on() finds it ended.
//
// Flow: messages are taken one after the other. Behind those of one read goes a fence; when it has passed they are
// acknowledged. Nothing is read while too much is not yet done or too many requests are under way. What is written is
// appended to the connection; when that is full, it waits in an outbox, and for a client that acknowledges all messages
// stay there until it has. Who falls behind the outbox's bounds is disconnected at the end of the turn, and its
// messages go back to the router then: what the router calls only writes or remembers.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "domain/session.h"
#include "domain/unacked_queue.h"
#include "door/chat_message.h"
#include "door/sign_in.h"
#include "net/connection.h"
#include "net/throttle.h"
#include "net/websocket.h"
#include "ws/services.h"
#include "ws/wire.h"

namespace anser::ws {

// What the core that accepted a connection knows of it when it has signed in.
struct Arrival {
  net::Handed handed;
  core::Jid address;  // full
  Tick since{};       // when the account was read
  Form form = Form::bare;
  bool modern = false;        // knows types of 12 and up
  bool acknowledges = false;  // will send AckMessage
  std::string_view how;       // it signed in, for the log; static storage
  SharedSettings settings;
};

// Of an eventId, to find what it acknowledges; never 0.
std::uint64_t hash_of(std::string_view event_id);

class Session final : public domain::Session {
 public:
  // On the core of its account.
  static void begin(Services& services, Arrival arrival);

  Session(Services& services, Arrival arrival);
  ~Session() override;

  void deliver(const domain::Envelope& envelope, const domain::Stamp& stamp) override;
  void deliver_together(std::span<const domain::Delivery> deliveries, std::uint64_t batch) override;
  void push_roster(const domain::RosterItem& item, std::uint64_t version) override;
  void push_roster_removal(const domain::Jid& contact, std::uint64_t version) override;
  void push_blocking(bool, const std::vector<domain::Jid>&) override {}  // this protocol has no word for it
  void ask_confirmation(std::uint64_t number) override;
  void fence_passed(std::uint64_t number) override;
  void close(domain::CloseReason reason) override;
  domain::UnackedQueue* unacked() override { return acknowledges_ && outbox_ ? &outbox_->queue : nullptr; }
  std::string peer() const override { return connection_.peer(); }

 private:
  static constexpr unsigned kFenceEvery = 32;  // messages
  static constexpr unsigned kRequests = 4;     // that may be under way

  // Wakes the session; whoever holds it owns it.
  struct Call {
    std::unique_ptr<Session> session;
    void operator()();
  };

  void on(std::unique_ptr<Session> self);
  void opened(Result<void> outcome, std::string_view how);
  bool must_wait() const;
  std::chrono::seconds silence_allowed() const;
  void go_on() {
    if (parked_ && !must_wait()) connection_.resume();
  }
  void lost(const Error& error);
  void on_silence();
  void end(std::uint16_t code, std::string_view reason);  // says goodbye with a close frame
  void leave();                                           // the connection has ended
  bool note_unfinished();                                 // false: too much is, and the session has ended
  void let_wait(std::chrono::milliseconds time);

  // ---- what comes ----
  void take(std::string_view message);
  bool take_heartbeat(std::string_view text);
  bool read(const Incoming& incoming,
            google::protobuf::Message& frame);  // false: it is none, and the session has ended
  void take_ack(const Incoming& incoming);
  void take_message(const Incoming& incoming);
  void take_presence(const Incoming& incoming);
  void take_typing(const Incoming& incoming);
  void take_receipt(const Incoming& incoming);
  Result<core::Jid> address_of(std::string_view name) const;
  Result<core::Jid> group_of(std::string_view name) const;
  Result<void> check_from(std::string_view from) const;
  void route(domain::Envelope envelope, FrameType type, std::string event_id);
  void set_fence();
  void refuse(const Error& error, std::string_view event_id, std::string_view request, std::uint16_t type);

  // ---- session_requests.cpp ----
  void take_roster(const Incoming& incoming);
  void take_contact(const Incoming& incoming);
  void take_history(const Incoming& incoming);
  void take_subscription(const Incoming& incoming, bool subscribe);
  bool may_ask(std::string_view request, FrameType about);
  void answer(std::string request, FrameType about, Result<void> outcome);
  static void fill(proto::Contact& contact, const domain::RosterItem& item);
  struct Page;
  static void next_page(Services& services, std::shared_ptr<Page> page);
  void send_page(const Page& page, const domain::ArchivePage& found);

  // ---- session_output.cpp ----
  // Its alarm and the turn's end call back, so it is never destroyed from there.
  class Outbox final : public net::TurnEnd {
   public:
    explicit Outbox(Session& session)
        : patience(session, [](Session& slow) { slow.look_at_socket(); }), session_(session) {}
    domain::UnackedQueue queue;
    // What the client will acknowledge each entry of the queue by, as a hash; 0: it has no word about it, so it is done
    // with when it is in front and written.
    std::deque<std::uint64_t> marks;
    struct Confirmation {
      std::uint64_t after;   // an entry of the queue
      std::uint64_t number;  // for the router
    };
    std::vector<Confirmation> confirmations;
    net::AlarmOf<Session> patience;  // rings each tick while something waits for the socket
    std::uint64_t taken = 0;         // bytes by the socket, when it was last seen to take any
    Tick patient_until;

   private:
    void at_end_of_turn() override { session_.settle_outbox(); }
    Session& session_;
  };

  struct Sent {  // by the client, and not yet done
    std::uint64_t fence = 0;
    std::size_t bytes = 0;
    FrameType type = FrameType::message;
    bool refused = false;
    std::string id;        // of its stanza: an error names it
    std::string event_id;  // to acknowledge it by
  };
  struct Inflow {
    std::deque<Sent> sent;
    std::size_t bytes = 0;
  };

  bool modern() const { return modern_; }
  Outbox& outbox();
  bool writable() const;
  void put_off(domain::Outgoing entry, std::uint64_t mark);
  void send(FrameType type, const google::protobuf::Message& message);  // at once
  void push(FrameType type, const google::protobuf::Message& message);  // in turn with what is delivered
  void write_payload(std::string_view payload);
  void write_shared(const SharedFrames::Made& made);
  void write(const domain::Outgoing& entry);
  void write(const domain::Envelope& envelope, const domain::Stamp& stamp);
  Time time_of(const domain::Stamp& stamp) const;
  const SharedFrames::Made* make_shared(const domain::Envelope& envelope, const domain::Stamp& stamp);
  const std::string* make_together(std::span<const domain::Delivery> deliveries, std::uint64_t batch);
  void append_message(std::string& payload, const domain::Envelope& envelope, const domain::Stamp& stamp,
                      const door::ChatMessage& chat) const;
  void write_presence(const domain::Envelope& envelope);
  void write_failure(const domain::Envelope& envelope);
  void fill(proto::Message& message, const door::ChatMessage& chat, const domain::Stamp& stamp) const;
  void answer_request(const domain::Envelope& envelope);
  std::string event_id_of(const domain::Envelope& envelope, const domain::Stamp& stamp) const;
  std::uint64_t mark_of(const domain::Envelope& envelope, const domain::Stamp& stamp) const;
  void send_waiting();
  void settle_outbox();
  void give_back();
  bool waits_for_socket() const;
  void await_socket();
  void look_at_socket();
  void fall_behind();
  bool too_far_behind() const;
  void confirm_delivered();
  void acknowledged(std::size_t count);
  void pass_unmarked();

  // What a delivery looks at comes first, and the connection begins with what a send does.
  Services& services_;
  std::unique_ptr<Outbox> outbox_;
  Form form_;
  bool modern_ = false;
  bool acknowledges_ = false;
  bool plain_frames_ = false;  // of its WebSocket, which is elsewhere in memory
  bool opening_ = true;
  bool ended_ = false;
  bool pinged_ = false;
  bool resting_ = false;     // read from again after a while
  bool parked_ = false;      // waits for something else than input
  bool unfinished_ = false;  // half a message has come: it has a time limit
  std::uint8_t requests_ = 0;
  unsigned unfenced_ = 0;
  net::Connection connection_;
  SharedSettings settings_;
  std::unique_ptr<Inflow> inflow_;
  net::TokenBucket bucket_;
  std::uint64_t heard_ = 0;  // bytes_in() when the silence was last looked at
  std::size_t kept_ = 0;     // its part of services_.unfinished
  std::uint64_t next_fence_ = 1;
};

}  // namespace anser::ws
