// Router, the part of the groups (groups.h). A message goes from its sender's core, which knows whether that session is
// subscribed, to the group's home, which logs it and hands it on, and from there to each core that has subscribers. The
// sender's fence passes the home when the message has been handed on.
#include "domain/groups.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.h"
#include "domain/router.h"

namespace anser::domain {
namespace {

constexpr std::size_t kFew = 8;  // subscribers on one core

bool is_for_group(const Envelope& envelope) {
  return envelope.kind == Kind::message && envelope.type == Type::groupchat;
}

Seat* seat_in(const Audience& audience, const std::unique_ptr<std::vector<Seat>>& seats) {
  if (!seats) return nullptr;
  const auto found =
      std::find_if(seats->begin(), seats->end(), [&](const Seat& seat) { return seat.audience == &audience; });
  return found == seats->end() ? nullptr : &*found;
}

}  // namespace

bool archivable_in_group(const Envelope& message) {
  const Facts& facts = message.facts;
  return is_for_group(message) && facts.has_payload && !facts.no_store && !facts.no_permanent_store &&
         (facts.has_body || facts.store || !message.retracts.empty());
}

// ---- subscribers ----------------------------------------------------------------------------------------------------

void Router::subscribe(Session& session, const Jid& group, Done done) {
  ANSER_ASSERT(session.account_);
  auto address = hosts_.group(group);
  if (!address) return done(fail(Errc::not_found, "{} is not the address of a group here", group.full()));
  auto found = audiences_.find(*address);
  if (found != audiences_.end() && seat_in(found->second, session.seats_)) {
    if (found->second.known) return done({});
    found->second.waiting.push_back({session.id_, std::move(done)});
    return;
  }
  const std::size_t taken = session.seats_ ? session.seats_->size() : 0;
  if (taken >= limits_.groups_per_session) {
    return done(fail(Errc::resource_limit, "a session may subscribe to {} groups", limits_.groups_per_session));
  }
  const bool fresh = found == audiences_.end();
  if (fresh) {
    if (audiences_.size() >= limits_.groups) {
      return done(fail(Errc::resource_limit, "{} groups are open already; try again later", audiences_.size()));
    }
    found = audiences_.try_emplace(*address).first;
    found->second.group = *address;
  }
  Audience& audience = found->second;
  if (!session.seats_) session.seats_ = std::make_unique<std::vector<Seat>>();
  session.seats_->push_back({&audience, audience.members.size()});
  audience.members.push_back(&session);
  if (audience.known) return done({});
  audience.waiting.push_back({session.id_, std::move(done)});
  if (fresh) tell_home(*address, true);
}

void Router::unsubscribe(Session& session, const Jid& group, Done done) {
  const auto address = hosts_.group(group);
  if (!address) return done(fail(Errc::not_found, "{} is not the address of a group here", group.full()));
  const auto found = audiences_.find(*address);
  if (found != audiences_.end()) {
    if (Seat* seat = seat_in(found->second, session.seats_)) leave(session, *seat);
  }
  done({});  // nothing reaches the session any more; what its home hands on to nobody is dropped
}

void Router::leave_groups(Session& session) {
  while (session.seats_) leave(session, session.seats_->back());
}

// The last of the members takes the place.
void Router::leave(Session& session, Seat& seat) {
  Audience& audience = *seat.audience;
  Session& last = *audience.members.back();
  seat_in(audience, last.seats_)->place = seat.place;
  audience.members[seat.place] = &last;
  audience.members.pop_back();
  give_up(session, seat);
  drop_if_empty(audience);
}

void Router::give_up(Session& session, Seat& seat) {
  seat = session.seats_->back();
  session.seats_->pop_back();
  if (session.seats_->empty()) session.seats_.reset();
}

void Router::drop_if_empty(Audience& audience) {
  if (!audience.members.empty() || !audience.known) return;  // the home's answer finds it
  const Jid group = audience.group;
  audiences_.erase(group);
  tell_home(group, false);
}

void Router::tell_home(const Jid& group, bool wanted) {
  const CoreId home = home_of(group);
  Interest letter{group, core_, wanted};
  if (home == core_) return receive_interest(letter);
  post_.send(core_, home, std::move(letter));
}

void Router::interest_noted(const InterestNoted& letter) {
  const auto found = audiences_.find(letter.group);
  ANSER_ASSERT(found != audiences_.end() && !found->second.known);
  Audience& audience = found->second;
  const auto waiting = std::exchange(audience.waiting, {});
  audience.known = true;
  if (!letter.taken) {
    for (Session* session : audience.members) give_up(*session, *seat_in(audience, session->seats_));
    audiences_.erase(found);
  } else {
    drop_if_empty(audience);  // all have left meanwhile
  }
  // They may subscribe and unsubscribe at once.
  for (const auto& [id, done] : waiting) {
    if (!find_session(id)) continue;
    done(letter.taken ? Result<void>{}
                      : fail(Errc::resource_limit, "there are too many groups at the moment; try again later"));
  }
}

// ---- the sender's core ----------------------------------------------------------------------------------------------

// Decided when the session sends it, not when its turn comes (retries.cpp): the session may have left by then, as it
// may after any message.
bool Router::may_publish(const Session& session, const Envelope& envelope) const {
  if (!is_for_group(envelope)) return true;
  const auto group = hosts_.group(envelope.to);
  if (!group) return true;  // it is answered for another reason
  const auto found = audiences_.find(*group);
  return found != audiences_.end() && seat_in(found->second, session.seats_);
}

void Router::route_to_group(Account& own, Session* session, Envelope envelope) {
  const auto group = hosts_.group(envelope.to);
  if (!group || !is_for_group(envelope)) return refuse_at_groups(std::move(envelope));
  if (own.blocks(*group)) return refuse(envelope, {}, Errc::blocked, "you have blocked this address");

  hand_in();  // what it must not overtake
  const CoreId home = home_of(*group);
  if (may_come_again(envelope) && sent_before(own, session, envelope, home, *group)) return;
  if (session) session->touched_ |= std::uint64_t{1} << home;
  Jid alias = *group == envelope.to ? Jid{} : *group;
  Publish letter{std::move(envelope), std::move(alias)};
  if (home == core_) return publish(std::move(letter));
  post_.send(core_, home, std::move(letter));
}

// Rooms, which can be joined and asked, will be another matter.
void Router::refuse_at_groups(Envelope envelope) {
  switch (envelope.type) {
    case Type::normal:
    case Type::chat:
    case Type::groupchat:
      if (!envelope.to.has_local()) return refuse(envelope, {}, Errc::unavailable, "messages go to one of the groups");
      return refuse(envelope, {}, Errc::bad_request, "a group takes messages to all, and of type groupchat only");
    case Type::get:
    case Type::set:
      return refuse(envelope, {}, Errc::unavailable, "groups answer no requests");
    case Type::available:
    case Type::subscribe:
    case Type::probe:
      return refuse(envelope, {}, Errc::unavailable, "groups take no presence");
    case Type::headline:
    case Type::unavailable:
    case Type::subscribed:
    case Type::unsubscribe:
    case Type::unsubscribed:
    case Type::result:
    case Type::error:
      return;  // nobody waits for what becomes of these
  }
}

// ---- the group's home -----------------------------------------------------------------------------------------------

// Null: there are too many.
Group* Router::open_group(const Jid& address) {
  const auto found = groups_.find(address);
  if (found != groups_.end()) return &found->second;
  if (groups_.size() >= limits_.groups) return nullptr;
  Group& group = groups_[address];
  group.address = address;
  return &group;
}

void Router::close_if_idle(const Group& group) {
  if (group.cores != 0 || !group.outbox.empty()) return;
  const Jid address = group.address;
  groups_.erase(address);
}

void Router::receive_interest(const Interest& letter) {
  ANSER_ASSERT(letter.core < cores_);
  const std::uint64_t core = std::uint64_t{1} << letter.core;
  if (!letter.wanted) {
    const auto found = groups_.find(letter.group);
    ANSER_ASSERT(found != groups_.end());
    found->second.cores &= ~core;
    return close_if_idle(found->second);
  }
  Group* group = open_group(letter.group);
  if (group) group->cores |= core;
  InterestNoted answer{letter.group, group != nullptr};
  if (letter.core == core_) return interest_noted(answer);
  post_.send(core_, letter.core, std::move(answer));
}

void Router::publish(Publish letter) {
  Envelope& envelope = letter.envelope;
  // Its sender may have left behind it, the last of all.
  Group* group = open_group(letter.group.empty() ? envelope.to : letter.group);
  if (!group) {
    return refuse(envelope, {}, Errc::resource_limit, "there are too many groups at the moment; try again later");
  }
  const bool logged =
      limits_.archive && limits_.archive_default != ArchiveDefault::never && archivable_in_group(envelope);
  if (!logged && group->outbox.empty()) {
    envelope.taken = {};
    hand_on(*group, envelope, {});
    return close_if_idle(*group);
  }
  const WorkId work = works_.open();
  if (logged && !append_published(*group, envelope, work)) {
    refuse(envelope, {}, Errc::resource_limit, "the log takes no more at the moment");
    close_if_idle(*group);
    return finish(work);
  }
  envelope.taken = {};
  group->outbox.push_back({.durable = !logged, .work = work, .stamp = {}, .envelope = std::move(envelope)});
}

// False when the log's queue is full; then nothing has happened.
bool Router::append_published(Group& group, const Envelope& envelope, WorkId work) {
  const std::uint64_t ticket = next_ticket_;
  LogEntry entry;
  entry.owner = group.address;
  entry.references.recipient_archive = true;
  entry.envelope = envelope;
  entry.envelope.facts.tell_sender = false;
  entry.envelope.taken = {};
  entry.note = taken_notes(envelope);
  if (auto taken = log_.append(core_, ticket, std::move(entry)); !taken) {
    tell_of_refusal(group.address, taken.error());
    return false;
  }
  ++next_ticket_;
  appends_.push_back({.ticket = ticket, .account = nullptr, .work = work, .held = true, .told = {}, .group = &group});
  return true;
}

void Router::published_appended(Group& group, const Appended& done) {
  ANSER_ASSERT(!group.outbox.empty() && !group.outbox.front().durable);
  Group::Held& first = group.outbox.front();
  first.durable = true;
  first.stamp = Stamp{.sequence = done.sequence, .time = done.time, .archived = true};
  if (done.sequence == 0) {  // the sender is told, so nothing that was acknowledged is missing
    Group::Held refused = std::move(first);
    group.outbox.pop_front();
    refuse(refused.envelope, {}, Errc::disk_full, "this cannot be stored at the moment; try again later");
    finish(refused.work);
  }
  while (!group.outbox.empty() && group.outbox.front().durable) {
    const Group::Held held = std::move(group.outbox.front());
    group.outbox.pop_front();
    hand_on(group, held.envelope, held.stamp);
    finish(held.work);
  }
  close_if_idle(group);
}

void Router::hand_on(const Group& group, const Envelope& envelope, const Stamp& stamp) {
  for (std::uint64_t left = group.cores; left != 0; left &= left - 1) {
    const auto core = static_cast<CoreId>(std::countr_zero(left));
    if (core == core_) {
      hand_out(group.address, envelope, stamp);
    } else {
      Jid alias = group.address == envelope.to ? Jid{} : group.address;
      post_.send(core_, core, Published{envelope, std::move(alias), stamp.sequence, stamp.time});
    }
  }
}

// ---- the subscribers' cores -----------------------------------------------------------------------------------------

void Router::receive_published(const Published& letter) {
  hand_out(letter.group.empty() ? letter.envelope.to : letter.group, letter.envelope,
           {.sequence = letter.sequence, .time = letter.time, .archived = letter.sequence != 0});
}

// To a few at once; to many together with what else comes in this turn.
void Router::hand_out(const Jid& group, const Envelope& envelope, const Stamp& stamp) {
  const auto found = audiences_.find(group);
  if (found == audiences_.end()) return;  // they have left meanwhile
  Audience& audience = found->second;
  if (!at_turn_end_ || (audience.due.empty() && audience.members.size() <= kFew)) {
    for (Session* member : audience.members) member->deliver(envelope, stamp);
    return;
  }
  audience.due.push_back({envelope, stamp});
  if (audience.due.size() >= kHandedTogether) return hand_out_due(audience);
  if (audience.due.size() > 1) return;
  at_turn_end_([this, group] {
    const auto still = audiences_.find(group);
    if (still != audiences_.end()) hand_out_due(still->second);
  });
}

// All of them get the same envelopes: nothing is copied or allocated here for each.
void Router::hand_out_due(Audience& audience) {
  // Most have been silent since the last message and are not in the cache: each comes while those before it are served.
  constexpr std::size_t kAhead = 2;
  const auto due = std::exchange(audience.due, {});
  const std::uint64_t batch = ++batches_;
  const auto& members = audience.members;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i + kAhead < members.size()) members[i + kAhead]->bring_near();
    members[i]->deliver_together(due, batch);
  }
}

}  // namespace anser::domain
