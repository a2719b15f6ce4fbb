// Session, the part that answers requests: contacts, history, groups. An answer may come when the session has gone, so
// what waits for one knows it by its number.
#include <algorithm>

#include "ws/errors.h"
#include "ws/session.h"
#include "xml/escape.h"

namespace anser::ws {
namespace {

constexpr std::size_t kPage = 50, kMostOfPage = 100;  // messages
constexpr std::size_t kPageBytes = 256 * 1024;
constexpr unsigned kQueries = 20;         // of the archive, for one page that little matches
constexpr std::size_t kMaxName = 1023;    // bytes of a contact's name or group
constexpr int kMaxGroups = 100;           // of one contact
constexpr std::size_t kMaxRequest = 256;  // bytes of what a client calls its request

std::string_view word_of(domain::Subscription subscription) {
  if (subscription.to) return subscription.from ? "both" : "to";
  return subscription.from ? "from" : "none";
}

}  // namespace

void Session::answer(std::string request, FrameType about, Result<void> outcome) {
  --requests_;
  if (!outcome) {
    refuse(outcome.error(), {}, request, static_cast<std::uint16_t>(about));
  } else {
    proto::Done done;
    done.set_request(std::move(request));
    push(FrameType::done, done);
  }
  go_on();
}

bool Session::may_ask(std::string_view request, FrameType about) {
  if (request.size() <= kMaxRequest) return true;
  refuse({Errc::bad_request, fmt::format("a request's name may have {} bytes", kMaxRequest)}, {}, {},
         static_cast<std::uint16_t>(about));
  return false;
}

// ---- contacts -------------------------------------------------------------------------------------------------------

void Session::take_roster(const Incoming& incoming) {
  proto::Roster asked;
  if (!read(incoming, asked) || !may_ask(asked.request(), FrameType::roster)) return;
  set_interested();
  ++requests_;
  services_.shared.storage.run<domain::Roster>(
      services_.core.id(), [owner = jid().to_bare()](domain::AccountStore& store) { return store.load_roster(owner); },
      [&router = services_.router, id = id(), request = asked.request()](Result<domain::Roster> found) {
        auto* session = static_cast<Session*>(router.find_session(id));
        if (!session) return;
        if (!found) return session->answer(request, FrameType::roster, pass(found));
        --session->requests_;
        proto::Roster roster;
        roster.set_request(request);
        for (const auto& item : found->items) fill(*roster.add_contacts(), item);
        session->push(FrameType::roster, roster);
        session->go_on();
      });
}

void Session::fill(proto::Contact& contact, const domain::RosterItem& item) {
  contact.set_address(item.contact.full());
  contact.set_name(item.name);
  contact.set_subscription(std::string{word_of(item.subscription)});
  if (item.subscription.ask) contact.set_ask("subscribe");
  for (const auto& group : item.groups) contact.add_groups(group);
}

void Session::push_roster(const domain::RosterItem& item, std::uint64_t) {
  if (!modern_) return;
  proto::Roster roster;
  fill(*roster.add_contacts(), item);
  push(FrameType::roster, roster);
}

void Session::push_roster_removal(const domain::Jid& contact, std::uint64_t) {
  if (!modern_) return;
  proto::Roster roster;
  auto& gone = *roster.add_contacts();
  gone.set_address(contact.full());
  gone.set_subscription("remove");
  push(FrameType::roster, roster);
}

void Session::take_contact(const Incoming& incoming) {
  proto::SetContact asked;
  if (!read(incoming, asked) || !may_ask(asked.request(), FrameType::set_contact)) return;
  const auto refuse_this = [&](const Error& error) { refuse(error, {}, asked.request(), incoming.type); };
  const proto::Contact& contact = asked.contact();
  auto address = address_of(contact.address());
  if (!address) return refuse_this(address.error());
  core::Jid bare = address->to_bare();
  if (auto real = services_.router.hosts().canonical(bare)) bare = std::move(*real);
  if (bare == jid().to_bare()) return refuse_this({Errc::not_allowed, "nobody is a contact of their own"});

  auto* account = services_.router.find(jid().bare());
  if (!account) return refuse_this({Errc::unavailable, "the account has gone"});
  auto done = [&router = services_.router, id = id(), request = asked.request()](Result<void> outcome) {
    if (auto* session = static_cast<Session*>(router.find_session(id)))
      session->answer(request, FrameType::set_contact, std::move(outcome));
  };
  if (contact.subscription() == "remove") {
    ++requests_;
    return services_.router.remove_roster_entry(*account, bare, std::move(done));
  }
  if (!contact.subscription().empty())
    return refuse_this({Errc::bad_request, "subscriptions are asked for by Presence"});
  const auto legal = [](const std::string& text) { return text.size() <= kMaxName && xml::is_legal_text(text); };
  if (!legal(contact.name()))
    return refuse_this({Errc::bad_request, fmt::format("a name is text of at most {} bytes", kMaxName)});
  if (contact.groups_size() > kMaxGroups)
    return refuse_this({Errc::bad_request, fmt::format("a contact may be in {} groups", kMaxGroups)});
  std::vector<std::string> groups;
  for (const auto& group : contact.groups()) {
    if (group.empty() || !legal(group))
      return refuse_this({Errc::bad_request, fmt::format("a group is text of at most {} bytes", kMaxName)});
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  }
  ++requests_;
  services_.router.set_roster_entry(*account, bare, contact.name(), std::move(groups), std::move(done));
}

// ---- history --------------------------------------------------------------------------------------------------------

struct Session::Page {
  domain::SessionId session = 0;
  std::string request;
  core::Jid owner;
  domain::ArchiveQuery query;
  unsigned queries = 0;
};

void Session::take_history(const Incoming& incoming) {
  proto::HistoryRequest asked;
  if (!read(incoming, asked) || !may_ask(asked.request(), FrameType::history_request)) return;
  const auto refuse_this = [&](const Error& error) { refuse(error, {}, asked.request(), incoming.type); };
  auto page = std::make_shared<Page>();
  page->session = id();
  page->request = asked.request();
  page->owner = jid().to_bare();
  if (!asked.group().empty()) {
    auto group = group_of(asked.group());
    if (!group) return refuse_this(group.error());
    page->owner = std::move(*group);
  }
  auto& query = page->query;
  query.owner = page->owner;
  if (!asked.with().empty()) {
    auto with = address_of(asked.with());
    if (!with) return refuse_this(with.error());
    query.with = services_.router.hosts().canonical(*with).value_or(*with);
  }
  for (const auto& [id, bound] : {std::pair{&asked.after(), &query.after}, {&asked.before(), &query.before}}) {
    if (id->empty()) continue;
    const auto sequence = services_.archive_ids.open(page->owner.bare(), *id);
    if (!sequence) return refuse_this({Errc::not_found, "there is no such archive id here"});
    *bound = *sequence;
  }
  query.backwards = asked.latest() || (!asked.before().empty() && asked.after().empty());
  query.limit = asked.limit() == 0 ? kPage : std::min<std::size_t>(asked.limit(), kMostOfPage);
  query.bytes = std::min(kPageBytes, settings_->output_bytes / 4);
  ++requests_;
  next_page(services_, std::move(page));
}

// A query that looks at much and finds nothing is not complete: it goes on, so that others come in between.
void Session::next_page(Services& services, std::shared_ptr<Page> page) {
  domain::ArchiveQuery query = page->query;
  services.router.query_archive(std::move(query), [&services, page](Result<domain::ArchivePage> found) {
    auto* session = static_cast<Session*>(services.router.find_session(page->session));
    if (!session) return;
    if (!found) return session->answer(page->request, FrameType::history_request, pass(found));
    const bool nothing = found->records.empty() && !found->complete && found->reached != 0;
    if (nothing && ++page->queries < kQueries) {
      (page->query.backwards ? page->query.before : page->query.after) = found->reached;
      return next_page(services, page);
    }
    session->send_page(*page, *found);
  });
}

void Session::send_page(const Page& page, const domain::ArchivePage& found) {
  --requests_;
  proto::HistoryPage answer;
  answer.set_request(page.request);
  answer.set_complete(found.complete);
  for (const auto& record : found.records) {
    const auto heard = door::from_envelope(record.entry.envelope, record.time);
    auto& message = *answer.add_messages();
    const domain::Stamp stamp{.sequence = record.sequence, .time = record.time, .archived = true};
    if (heard.message) {
      fill(message, *heard.message, stamp);
      message.set_eventid(event_id_of(record.entry.envelope, stamp));
    } else {  // its content was taken back, or is none that people read: its place is told all the same
      message.set_from(std::string{record.entry.envelope.from.bare()});
      message.set_to(std::string{record.entry.envelope.to.bare()});
      message.set_createat(to_date_time(record.time));
      message.set_type("system");
    }
    message.set_archiveid(services_.archive_ids.make(page.owner.bare(), record.sequence));
  }
  const auto id = [&](std::uint64_t sequence) { return services_.archive_ids.make(page.owner.bare(), sequence); };
  const std::uint64_t reached = found.reached;
  if (!found.records.empty()) {
    answer.set_before(id(found.records.front().sequence));
    answer.set_after(id(found.records.back().sequence));
  } else if (reached != 0) {
    (page.query.backwards ? answer.mutable_before() : answer.mutable_after())->assign(id(reached));
  }
  push(FrameType::history_page, answer);
  go_on();
}

// ---- groups ---------------------------------------------------------------------------------------------------------

void Session::take_subscription(const Incoming& incoming, bool subscribe) {
  proto::Subscribe asked;  // Unsubscribe has the same fields
  if (!read(incoming, asked) || !may_ask(asked.request(), FrameType::subscribe)) return;
  const auto about = static_cast<FrameType>(incoming.type);
  const auto group = group_of(asked.group());
  if (!group) return refuse(group.error(), {}, asked.request(), incoming.type);
  auto done = [&router = services_.router, id = id(), request = asked.request(), about](Result<void> outcome) {
    if (auto* session = static_cast<Session*>(router.find_session(id)))
      session->answer(request, about, std::move(outcome));
  };
  ++requests_;
  if (subscribe) return services_.router.subscribe(*this, *group, std::move(done));
  services_.router.unsubscribe(*this, *group, std::move(done));
}

}  // namespace anser::ws
