// src/xmpp/features/archive.cpp: XEP-0313 Message Archive Management: an account's owner reads his archive, a page at a
// time. What is archived is decided where messages are delivered (src/domain/messages.cpp); storage answers queries
// (src/store/archive_reader.cpp). A page is read and handed to the stream at once, its messages first, then the answer.
#include <deque>
#include <memory>
#include <unordered_map>

#include "core/random.h"
#include "xmpp/archive_form.h"
#include "xmpp/archive_metadata.h"
#include "xmpp/feature.h"
#include "xmpp/stanzas.h"

namespace anser::xmpp {
namespace {

constexpr xml::Name kQuery{kArchiveNs, "query"};
constexpr xml::Name kMetadata{kArchiveNs, "metadata"};
constexpr unsigned kAtOnce = 2;                // queries of a session that are being answered; the next ones wait
constexpr unsigned kQueries = 64;              // of storage, for one page in which nothing is found
constexpr std::size_t kPageBytes = 256 << 10;  // of content in a page, however many messages it was asked for

// Whose turn it is. A session's requests are limited by its stream, so few wait.
class Turns {
 public:
  net::Task<void> wait(domain::SessionId session) {
    if (sessions_[session].active < kAtOnce) {
      ++sessions_[session].active;
      co_return;
    }
    const auto gate = std::make_shared<Gate>();
    sessions_[session].waiting.push_back(gate);
    co_await gate->wait();  // whoever opens it hands its place over
  }
  void done(domain::SessionId session) {
    const auto found = sessions_.find(session);
    if (!found->second.waiting.empty()) {
      found->second.waiting.front()->open();
      found->second.waiting.pop_front();
    } else if (--found->second.active == 0) {
      sessions_.erase(found);
    }
  }

 private:
  struct Place {
    unsigned active = 0;
    std::deque<std::shared_ptr<Gate>> waiting;
  };
  std::unordered_map<domain::SessionId, Place> sessions_;
};

class Turn {
 public:
  Turn(Turns& turns, domain::SessionId session) : turns_(turns), session_(session) {}
  ~Turn() { turns_.done(session_); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Turns& turns_;
  const domain::SessionId session_;
};

net::Task<Result<domain::ArchivePage>> page_of(domain::Router& router, domain::ArchiveQuery query) {
  auto start = [&router, query = std::move(query)](auto handler) mutable {
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    router.query_archive(std::move(query), [resume, core = net::Core::current()](Result<domain::ArchivePage> page) {
      auto slot = std::make_shared<Result<domain::ArchivePage>>(std::move(page));
      boost::asio::post(core->io(), [resume, slot] { std::move (*resume)(std::move(*slot)); });
    });
  };
  Result<domain::ArchivePage> page =
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<net::Executor>&,
                                           void(Result<domain::ArchivePage>)>(
          std::move(start), boost::asio::use_awaitable_t<net::Executor>{});
  co_return page;
}

// A search that gives up with nothing has no message whose id would say where to go on, so it goes on here, each time
// in a query of its own: others come in between.
net::Task<Result<domain::ArchivePage>> next_page(domain::Router& router, domain::SessionId session,
                                                 domain::ArchiveQuery query) {
  for (unsigned queries = 1;; ++queries) {
    auto task = page_of(router, query);
    auto page = co_await std::move(task);
    if (!page || page->complete || !page->records.empty() || query.limit == 0 || page->reached == 0) co_return page;
    if (queries == kQueries)
      co_return fail(Errc::policy_violation, "too many messages would have to be looked at: say since or until when");
    if (!router.find_session(session)) co_return fail(Errc::unavailable, "the session has gone");
    (query.backwards ? query.before : query.after) = page->reached;
  }
}

// The message as it was sent (§4.2), with nothing that belongs to somebody else's copy.
std::string result_of(const domain::LogRecord& record, std::string_view id, std::string_view queryid) {
  std::string text = "<result xmlns='urn:xmpp:mam:2' id='";
  text.append(id).append("'");
  if (!queryid.empty()) {
    text.append(" queryid='");
    xml::append_escaped_attribute(text, queryid);
    text.append("'");
  }
  text.append("><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='");
  text.append(to_xmpp_date(record.time)).append("'/>");
  const std::size_t start = text.size();
  append_stanza(text, record.entry.envelope, {}, {}, nullptr);
  constexpr std::string_view kName = "<message";
  text.insert(start + kName.size(), " xmlns='jabber:client'");
  return text.append("</forwarded></result>");
}

xml::Element end_of(const Services& services, const core::Jid& owner, const domain::ArchiveQuery& query,
                    const domain::ArchivePage& page) {
  xml::Element pages{std::string{kPagesNs}, "set"};
  // Nothing is counted for a count's sake: it is known only when everything is on this page.
  const bool all = page.complete && query.after == 0 && query.before == domain::kBehindAll;
  if (!page.records.empty()) {
    const auto id = [&](const domain::LogRecord& record) {
      return services.archive_ids.make(owner.bare(), record.sequence);
    };
    xml::Element first{std::string{kPagesNs}, "first"};
    if (all) first.attr("index", "0");
    pages.child(std::move(first).text(id(page.records.front())));
    pages.child("last", id(page.records.back()));
  }
  if (all) pages.child("count", std::to_string(page.records.size()));
  xml::Element end{std::string{kArchiveNs}, "fin"};
  if (page.complete) end.attr("complete", "true");
  return std::move(end).child(std::move(pages));
}

void deliver_results(const Services& services, domain::Session& session, const core::Jid& owner,
                     const std::vector<domain::LogRecord>& records, std::string_view queryid, bool flipped) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[flipped ? records.size() - 1 - i : i];
    domain::Envelope message;
    message.from = owner;
    message.to = session.jid();
    message.id = core::random_id();
    message.inner =
        domain::Bytes::copy(result_of(record, services.archive_ids.make(owner.bare(), record.sequence), queryid));
    session.deliver(message, domain::Stamp{.answer = true});
  }
}

net::Task<Reply> answer(const Services& services, std::shared_ptr<Turns> turns, Iq iq) {
  if (!iq.session) co_return fail(Errc::unavailable, "results go to a session, and yours is not here");
  auto request = read_archive_request(iq.payload, iq.target, services.archive_ids, services.router.hosts());
  if (!request) co_return pass(request);
  // What a client may let wait must hold a page beside all else.
  const auto settings = services.shared.settings();
  request->query.bytes = std::min({kPageBytes, settings->output_bytes / 4, settings->queue_bytes / 4});
  request->query.limit = std::min(request->query.limit, settings->queue_stanzas / 4);

  const domain::SessionId id = iq.session->id();
  co_await turns->wait(id);
  const Turn turn{*turns, id};
  auto task = next_page(services.router, id, request->query);
  auto page = co_await std::move(task);
  if (!page) co_return pass(page);
  domain::Session* session = services.router.find_session(id);
  if (!session) co_return fail(Errc::unavailable, "the session has gone");
  deliver_results(services, *session, iq.target, page->records, iq.payload.attr("queryid"), request->flipped);
  co_return Reply{end_of(services, iq.target, request->query, *page)};
}

net::Task<Reply> show_form(Iq) { co_return Reply{xml::Element{kQuery}.child(archive_form())}; }

net::Task<Reply> tell_ends(const Services& services, Iq iq) {
  auto task = archive_metadata(services, iq.target);
  auto metadata = co_await std::move(task);
  if (!metadata) co_return pass(metadata);
  co_return Reply{std::move(*metadata)};
}

net::Task<Reply> refuse(Iq) { co_return fail(Errc::forbidden, "an archive is for its owner alone"); }

}  // namespace

// The first message and the last.
net::Task<Result<xml::Element>> archive_metadata(const Services& services, core::Jid owner) {
  xml::Element metadata{kMetadata};
  for (const std::string_view end : {"start", "end"}) {
    domain::ArchiveQuery query;
    query.owner = owner;
    query.limit = 1;
    query.bytes = kPageBytes;
    query.backwards = end == "end";
    auto task = page_of(services.router, std::move(query));
    auto page = co_await std::move(task);
    if (!page) co_return pass(page);
    if (page->records.empty()) break;
    const domain::LogRecord& record = page->records.front();
    metadata.child(xml::Element{std::string{kArchiveNs}, std::string{end}}
                       .attr("id", services.archive_ids.make(owner.bare(), record.sequence))
                       .attr("timestamp", to_xmpp_date(record.time)));
  }
  co_return metadata;
}

Feature archive(const Services& services) {
  const std::vector<std::string_view> names{kArchiveNs, "urn:xmpp:mam:2#extended", "urn:xmpp:sid:0"};
  Feature feature{
      {.xep = 313, .version = "1.1.3", .title = "Message Archive Management", .disco = names, .disco_account = names}};
  const auto turns = std::make_shared<Turns>();
  feature.on_iq_set(
      kQuery, [&services, turns](Iq iq) { return answer(services, turns, std::move(iq)); }, Scope::own);
  feature.on_iq_get(kQuery, show_form, Scope::own);
  feature.on_iq_get(
      kMetadata, [&services](Iq iq) { return tell_ends(services, std::move(iq)); }, Scope::own);
  for (const auto name : {kQuery, kMetadata}) feature.on_iq_get(name, refuse, Scope::account);
  feature.on_iq_set(kQuery, refuse, Scope::account);
  return feature;
}

}  // namespace anser::xmpp
