#include "xmpp/stream.h"

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "core/random.h"
#include "xml/escape.h"
#include "xmpp/feature.h"
#include "xmpp/framing.h"

namespace anser::xmpp {
namespace {

using Event = xml::StreamReader::Event;
using domain::Envelope;
using domain::Kind;
using domain::Type;

net::Task<void> live(std::unique_ptr<Stream> stream) { co_await stream->run(); }

}  // namespace

void begin_stream(Services& services, Arrival arrival) {
  auto stream = std::make_unique<Stream>(services, std::move(arrival));
  net::spawn(services.core.io(), live(std::move(stream)));
}

void restore_stream(Services& services, domain::SavedSession saved) {
  auto stream = std::make_unique<Stream>(services, saved);
  stream->await_client(std::move(saved));
  net::spawn(services.core.io(), live(std::move(stream)));
}

Stream::Stream(Services& services, Arrival arrival)
    : services_(services),
      settings_(std::move(arrival.settings)),
      reader_(std::move(arrival.reader)),
      host_(std::move(arrival.host)),
      lang_(std::move(arrival.lang)),
      account_(arrival.login.account.full()),
      mechanism_(std::move(arrival.login.mechanism)),
      welcome_(std::move(arrival.welcome)),
      since_(arrival.login.since),
      temporary_(arrival.login.temporary) {
  connection_.emplace(services.core, std::move(arrival.handed));
  connection_->held_by(this, sizeof *this);
  if (!arrival.iq_id.empty()) {
    bind_at_once_ = std::make_unique<std::string>(arrival.resource + '\0' + arrival.iq_id);
    header_sent_ = true;
  }
  if (welcome_) header_sent_ = true;
  limit_rate();
  connection_->limit(settings_->login_timeout);
}

Stream::~Stream() {
  services_.unfinished -= tail_;
  no_longer_unbound();
  forget_management();
  services_.router.close(*this);
  if (outbox_) give_back();
}

net::Task<void> Stream::run() {
  std::string rest;  // input that waits while this coroutine does
  std::string_view input;
  Then then = Then::go_on;
  if (!attached_) {
    while (!ended_ && !may_attach()) co_await gate_.wait();
    if (ended_) co_return;
    attach();
    services_.router.come_back(*this);
  } else if (!arrive()) {
    co_return;
  } else if (welcome_) {
    then = begin_welcome();
  } else if (bind_at_once_) {
    const auto bound = std::move(bind_at_once_);
    const auto cut = bound->find('\0');
    then = bind(bound->substr(0, cut), bound->substr(cut + 1), true);
  }
  for (;;) {
    if (ended_ || then == Then::over) co_return;
    if (then == Then::moved) {
      hand_over_to_resumed(input);
      co_return;
    }
    if (then == Then::wait) {
      std::string left{input};
      rest = std::move(left);
      input = rest;
      while (!ended_ && must_wait()) co_await gate_.wait();
      if (ended_) co_return;
      if (welcome_ && bound_) co_await say_bound();
      if (ended_) co_return;
      if (held_) {
        const auto request = std::move(held_);
        route_request(std::move(*request));
      }
      then = must_wait() ? Then::wait : Then::go_on;
      continue;
    }
    if (then == Then::restart && !restart(input)) co_return;
    then = read_stanzas(input);
    if (then != Then::go_on || ended_) continue;

    rest.clear();
    if (should_hold_back()) co_await hold_back();
    co_await sleep();
    if (!woken_) continue;
    const auto woken = std::move(woken_);
    if (woken->thrown) std::rethrow_exception(woken->thrown);
    then = woken->then;
    rest = std::move(woken->input);
    input = rest;
    if (woken->pause.count() > 0) co_await net::pause_for(woken->pause);
    if (!woken->lost) continue;
    on_loss(*woken->lost);
    if (ended_) co_return;
    if (!attached_) {
      while (!ended_ && !may_attach()) co_await gate_.wait();
      if (ended_) co_return;
      attach();
    }
  }
}

bool Stream::arrive() {
  if (services_.stopping) {
    end(stream_failure_of(domain::CloseReason::shutdown));
    return false;
  }
  // As many may stand in the door as may come in.
  if (services_.unbound.count(account_) >= services_.router.limits().sessions_per_account) {
    end({"policy-violation", "too many streams of this account wait to be bound"});
    return false;
  }
  services_.unbound.emplace(account_, this);
  return true;
}

void Stream::no_longer_unbound() {
  const auto [first, last] = services_.unbound.equal_range(account_);
  const auto self = std::find_if(first, last, [this](const auto& entry) { return entry.second == this; });
  if (self != last) services_.unbound.erase(self);
}

void Stream::on_header() {
  const auto& header = reader_.header();
  std::string host;
  auto wrong = check_header(header, services_.shared.hosts, host, connection_->websocket() != nullptr);
  if (!wrong && host != host_) wrong = StreamFailure{"host-unknown", "the stream was opened for another host"};
  lang_ = header.lang();
  write_header(*connection_, host_, header.attr("from"), core::random_id());
  header_sent_ = true;
  if (wrong) return end(*wrong);
  send(features());
  set_active(true);  // every stream begins so (XEP-0352 §4.2)
  send_waiting();
}

std::string Stream::features() {
  std::string text = "<stream:features>";
  if (!bound_) text.append("<bind xmlns='").append(kBindNs).append("'/>");
  text.append(services_.features->stream_features());
  if (settings_->compression && !connection_->compressed() && !connection_->websocket()) {
    text.append("<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>");
  }
  append_limits(text, settings_->limits.stanza_bytes, silence_allowed());
  return text.append("</stream:features>");
}

Stream::Then Stream::take() {
  const xml::Stanza& stanza = reader_.stanza();
  if (!bound_) return take_before_bind();
  if (stanza.ns == kCompressNs) {
    const auto element = to_element(stanza);
    return element ? take_compress(*element) : Then::go_on;
  }
  if (stanza.ns == kManagementNs) return take_management(stanza);
  if (stanza.ns == kClientStateNs && (stanza.local == "active" || stanza.local == "inactive")) {
    set_active(stanza.local == "active");
    return Then::go_on;
  }
  if (stanza.ns == xml::kStreamsNs && stanza.local == "error") {
    log::info("xmpp", "{} from {} ended its stream with an error", name(), connection_->peer());
    services_.router.close(*this);
    ended_ = true;
    forget_management();
    end_stream(*connection_);
    return Then::over;
  }
  Taken taken = take_stanza(stanza, jid(), lang_, services_.shared.hosts);
  if (taken.failure) {
    end(*taken.failure);
    return Then::over;
  }
  Envelope& envelope = taken.envelope;
  if (management_) {
    ++management_->taken;
    management_->taken_bytes += envelope.bytes();
    if (envelope.kind == Kind::message) envelope.taken = {journal(), management_->taken};
    if (!taken.refused && done_before(envelope)) return Then::go_on;
  }
  if (taken.refused) {
    services_.router.bounce(envelope, taken.refused->code, taken.refused->message);
    return Then::go_on;
  }
  const bool iq = envelope.kind == Kind::iq;
  const bool request = iq && (envelope.type == Type::get || envelope.type == Type::set);
  bool to_us = envelope.to.empty() || !envelope.to.has_local() || envelope.to.full() == jid().bare();
  if (request && !to_us) {
    const auto real = services_.shared.hosts.canonical(envelope.to);  // perhaps the own account at an alias
    to_us = real && real->full() == jid().bare();
  }
  if (iq && !request && to_us) return take_iq_answer(envelope);
  const bool change = request && envelope.type == Type::set;
  if (request && to_us) {
    if (management_) management_->open.push_back(management_->taken);
    if (unfenced_ > 0 || next_fence_ - 1 > fence_passed_) {
      // The answer will mean that all before it is done; so it has to be.
      wait_for_ = next_fence_ - 1;  // one may be out already that covers everything
      if (unfenced_ > 0) set_fence();
      if (change) unfenced_ = 1;  // what it brings about elsewhere is for the next fence
      if (wait_for_ > fence_passed_) {
        held_ = std::make_unique<Envelope>(std::move(envelope));
        return Then::wait;
      }
    }
    if (change) unfenced_ = 1;
    route_request(std::move(envelope));
    if (ended_) return Then::over;
    return must_wait() ? Then::wait : Then::go_on;
  }
  ++unfenced_;
  unfenced_bytes_ += envelope.bytes();
  const bool subscription = envelope.kind == Kind::presence && domain::is_subscription(envelope.type);
  services_.router.route(*this, std::move(envelope));
  if (ended_) return Then::over;
  if (subscription) {
    // It is sent on when it is stored; what follows on this stream must not overtake it (RFC 6120 §10.1).
    set_fence();
    unfenced_ = 1;  // and what it brings about at the contact's is for the next fence
    return wait_for_ > fence_passed_ ? Then::wait : Then::go_on;
  }
  if (unfenced_ >= kFenceEvery || unfenced_bytes_ >= settings_->uncommitted_bytes / 2) {
    set_fence();
    pace();
  }
  return must_wait() ? Then::wait : Then::go_on;
}

// Its handler may answer at once, or begin and answer later.
void Stream::route_request(Envelope request) {
  if (!management_) return services_.router.route(*this, std::move(request));
  // Those before it wait for their answers or have them; this is the newest, and the only one that is not begun.
  const std::uint64_t number = management_->open.back();
  management_->routing = number;
  services_.router.route(*this, std::move(request));
  if (std::exchange(management_->routing, 0) == 0) return;
  unfenced_ = std::max(unfenced_, 1u);  // refused, or it waits behind messages: a fence covers that
  request_answered(number);
}

void Stream::set_fence() {
  wait_for_ = next_fence_++;
  unfenced_ = 0;
  unfenced_bytes_ = 0;
  if (management_) management_->marks.push_back({wait_for_, management_->taken, management_->taken_bytes});
  services_.router.fence(*this, wait_for_);
}

// Some fences may be on their way while reading goes on: those of as many stanzas as may be uncommitted.
void Stream::pace() {
  if (management_) return pace_managed();
  const std::uint64_t allowed = std::max(1u, settings_->uncommitted_stanzas / kFenceEvery);
  wait_for_ = wait_for_ > allowed ? wait_for_ - allowed : 0;
}

Stream::Then Stream::take_iq_answer(const Envelope& envelope) {
  if (envelope.id.starts_with(kConfirmId)) {
    std::uint64_t number = 0;
    const std::string_view digits = std::string_view{envelope.id}.substr(kConfirmId.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    services_.router.confirmed(*this, number);
    unfenced_ = std::max(unfenced_, 1u);  // more may come now: a ping behind this is answered behind that
  }
  return Then::go_on;  // answers to pushes and pings: that the client lives is all they say
}

Stream::Then Stream::take_before_bind() {
  const xml::Stanza& stanza = reader_.stanza();
  auto element = to_element(stanza);
  if (!element) {
    end({"not-well-formed", element.error().message});
    return Then::over;
  }
  if (stanza.ns == kCompressNs) return take_compress(*element);
  if (stanza.ns == kManagementNs) return take_resume(*element);
  if (!element->is({xml::kClientNs, "iq"})) {
    if (stanza.ns == xml::kClientNs && (stanza.local == "message" || stanza.local == "presence")) {
      end({"not-authorized", "bind a resource first"});
    } else {
      end({"unsupported-stanza-type", "this element is not understood here"});
    }
    return Then::over;
  }
  const xml::Element* payload = element->first_child();
  const auto id = element->attr("id");
  if (payload && payload->is({kBindNs, "bind"}) && element->attr("type") == "set" && !id.empty()) {
    return bind(payload->child_text("resource"), std::string{id}, false);
  }
  if (payload && payload->is({kBindNs, "bind"})) {
    send_iq_error(id, {Errc::bad_request, "bind is an iq of type set with an id"});
    return Then::go_on;
  }
  end({"not-authorized", "bind a resource first"});
  return Then::over;
}

Stream::Then Stream::bind(std::string resource, std::string iq_id, bool legacy) {
  // RFC 7622 §3.4 allows no space at either end; the server may change what was asked for (RFC 6120 §7.7.2.1).
  if (const auto first = resource.find_first_not_of(' '); first != std::string::npos) {
    resource = resource.substr(first, resource.find_last_not_of(' ') - first + 1);
  }
  if (resource.empty()) resource = core::random_id(12);
  auto account = core::Jid::parse(account_);
  auto full = account ? account->with_resource(resource) : account;
  if (!full) {
    if (legacy) {
      end({"policy-violation", "the resource is none"});
      return Then::over;
    }
    send_iq_error(iq_id, {Errc::bad_request, "the resource is none: " + full.error().message});
    return Then::go_on;
  }
  binding_ = true;
  services_.router.open(
      *this, std::move(*full), temporary_,
      [this, iq_id, legacy](Result<void> outcome) { bound(std::move(outcome), iq_id, legacy); }, since_);
  return binding_ ? Then::wait : Then::go_on;
}

void Stream::bound(Result<void> outcome, std::string iq_id, bool legacy) {
  binding_ = false;
  if (!outcome) {
    services_.router.close(*this);
    log::info("xmpp", "{} from {} could not bind: {}", name(), connection_->peer(), outcome.error().message);
    const Errc code = outcome.error().code;
    if (code == Errc::not_found || code == Errc::not_authorized || legacy)
      end({"not-authorized", outcome.error().message});
    else
      send_iq_error(iq_id, outcome.error());
    return gate_.open();
  }
  bound_ = true;
  no_longer_unbound();
  connection_->limit(silence_allowed());
  log_login();
  std::string text = "<iq type='result' id='";
  xml::append_escaped_attribute(text, iq_id);
  if (legacy) {
    text.append("'/>");
  } else {
    text.append("'><bind xmlns='").append(kBindNs).append("'><jid>");
    xml::append_escaped(text, jid().full());
    text.append("</jid></bind></iq>");
  }
  send(text);
  gate_.open();
}

void Stream::log_login() {
  log::info("xmpp", "{} from {} logged in ({}{}{})", name(), connection_->peer(), mechanism_,
            connection_->tls() ? ", TLS" : "",
            connection_->compressed()  ? ", zlib"
            : connection_->websocket() ? ", WebSocket"
                                       : "");
}

Stream::Then Stream::take_compress(const xml::Element& element) {
  const auto refuse = [this](std::string_view condition) {
    auto text =
        std::string{"<failure xmlns='"}.append(kCompressNs).append("'><").append(condition).append("/></failure>");
    send(text);
    return Then::go_on;
  };
  if (element.local() != "compress" || !settings_->compression || connection_->compressed() || connection_->websocket())
    return refuse("setup-failed");
  if (element.child_text("method") != "zlib") return refuse("unsupported-method");
  connection_->out().append("<compressed xmlns='").append(kCompressNs).append("'/>");
  connection_->flush_soon();
  if (auto started = connection_->start_compression(settings_->compression_limits); !started) {
    log::error("xmpp", "compression could not start: {}", started.error().message);
    end({"internal-server-error", "compression could not start"});
    return Then::over;
  }
  return Then::restart;
}

// ---- what the router says
// --------------------------------------------------------------------------------------------

void Stream::fence_passed(std::uint64_t number) {
  fence_passed_ = number;
  if (management_) {
    auto& marks = management_->marks;
    auto passed = marks.begin();
    while (passed != marks.end() && passed->fence <= number) management_->fenced = (passed++)->taken;
    drop(marks, marks.begin(), passed);
    acknowledge_soon();
  }
  if (!must_wait()) gate_.open();
}

std::uint64_t Stream::request_begun() {
  ++requests_;
  return management_ ? std::exchange(management_->routing, 0) : 0;
}

void Stream::request_done(std::uint64_t request) {
  --requests_;
  if (management_) request_answered(request);
  if (!must_wait()) gate_.open();
}

void Stream::close(domain::CloseReason reason) {
  if (!suspend(reason)) end(stream_failure_of(reason));
}

// ---- helpers --------------------------------------------------------------------------------------------------------

void Stream::end(const StreamFailure& failure) {
  if (ended_) return;
  services_.router.close(*this);
  ended_ = true;
  no_longer_unbound();
  forget_management();
  log::info("xmpp", "stream of {} from {} ended: {} ({})", name(), peer(), failure.condition, failure.text);
  if (attached_) drop_connection(failure);
  if (outbox_) services_.core.mark(*outbox_);  // the router may be in the middle of something
  gate_.open();
}

void Stream::drop_connection(const StreamFailure& failure) {
  if (!header_sent_) write_header(*connection_, host_, {}, core::random_id());
  fail_stream(*connection_, failure);
}

void Stream::send_iq_error(std::string_view id, const Error& error) {
  std::string text = "<iq type='error' id='";
  xml::append_escaped_attribute(text, id);
  text.append("'>");
  append_stanza_error(text, error);
  send(text.append("</iq>"));
}

std::string Stream::name() const { return for_log(bound_ ? jid().full() : account_); }

}  // namespace anser::xmpp
