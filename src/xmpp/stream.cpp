#include "xmpp/stream.h"

#include <charconv>

#include "base/log.h"
#include "core/random.h"
#include "xml/escape.h"
#include "xmpp/feature.h"
#include "xmpp/roster_text.h"

namespace anser::xmpp {
namespace {

using Event = xml::StreamReader::Event;
using domain::Envelope;
using domain::Kind;
using domain::Type;

constexpr std::string_view kConfirmId = "anser-confirm-";
constexpr std::string_view kPingId = "anser-ping-";
constexpr std::size_t kLateBytes = 256;  // what a waiting stanza costs beside its content

net::Task<void> live(std::unique_ptr<Stream> stream) { co_await stream->run(); }

}  // namespace

void begin_stream(Services& services, Arrival arrival) {
  auto stream = std::make_unique<Stream>(services, std::move(arrival));
  net::spawn(services.core.io(), live(std::move(stream)));
}

Stream::Stream(Services& services, Arrival arrival)
    : services_(services),
      settings_(std::move(arrival.settings)),
      connection_(services.core, std::move(arrival.handed)),
      reader_(std::move(arrival.reader)),
      host_(std::move(arrival.host)),
      lang_(std::move(arrival.lang)),
      account_(arrival.login.account.full()),
      mechanism_(std::move(arrival.login.mechanism)),
      temporary_(arrival.login.temporary) {
  if (!arrival.iq_id.empty()) {
    bind_at_once_ = std::make_unique<std::string>(arrival.resource + '\0' + arrival.iq_id);
    header_sent_ = true;
  }
  if (settings_->rate_bytes_per_second > 0) {
    bucket_ = std::make_unique<net::TokenBucket>(static_cast<double>(settings_->rate_bytes_per_second),
                                                 static_cast<double>(settings_->rate_burst_bytes));
  }
  connection_.limit(settings_->login_timeout);
}

Stream::~Stream() {
  services_.router.close(*this);
  if (backlog_) give_back_backlog();
}

net::Task<void> Stream::run() {
  std::string rest;  // input that waits while this coroutine does
  std::string_view input;
  Then then = Then::go_on;
  if (bind_at_once_) {
    const auto bound = std::move(bind_at_once_);
    const auto cut = bound->find('\0');
    then = bind(bound->substr(0, cut), bound->substr(cut + 1), true);
  }
  for (;;) {
    if (ended_) co_return;
    if (then == Then::wait) {
      std::string left{input};
      rest = std::move(left);
      input = rest;
      while (!ended_ && (binding_ || wait_for_ > fence_passed_)) co_await gate_.wait();
      if (ended_) co_return;
      then = Then::go_on;
      if (held_) {
        const auto request = std::move(held_);
        services_.router.route(*this, std::move(*request));
      }
      continue;
    }
    if (then == Then::restart) {
      const auto more = input.find_first_not_of(" \t\r\n");
      if (more != std::string_view::npos) {
        end({"policy-violation", "nothing may follow a restart's request before its answer"});
        co_return;
      }
      input = {};
      reader_.restart();
      header_sent_ = false;  // until the new one is out, stanzas wait
      then = Then::go_on;
    }
    switch (reader_.next(input)) {
      case Event::need_more: {
        rest.clear();
        if (bound_ && in_stanza_ != !reader_.between_stanzas()) {
          in_stanza_ = !in_stanza_;
          connection_.limit(in_stanza_ ? settings_->stanza_timeout : settings_->ping_after);
        }
        auto bytes = co_await connection_.read();
        if (bytes) {
          input = *bytes;
          if (bound_ && !in_stanza_) connection_.limit(settings_->ping_after);
          pinged_ = false;
          if (bucket_) {
            const auto wait = bucket_->take(static_cast<double>(input.size()), services_.shared.clock.tick());
            if (wait.count() > 0) {
              rest.assign(input);
              input = rest;
              co_await net::pause_for(wait);
            }
          }
        } else if (ended_) {
          co_return;
        } else if (bytes.error().code == Errc::timeout && bound_ && !pinged_ && !in_stanza_) {
          pinged_ = true;
          send(request_text("get", std::string{kPingId} + std::to_string(next_push_++))
                   .append("<ping xmlns='urn:xmpp:ping'/></iq>"));
          connection_.limit(settings_->ping_wait);
        } else if (bytes.error().code == Errc::timeout) {
          end({"connection-timeout", in_stanza_ ? "a stanza took too long"
                                     : bound_   ? "no answer came to a ping"
                                                : "the login took too long"});
          co_return;
        } else if (bytes.error().code == Errc::policy_violation || bytes.error().code == Errc::bad_request) {
          log::warn("xmpp", "{} from {}: {}", account_, connection_.peer(), bytes.error().message);
          end({"policy-violation", bytes.error().message});
          co_return;
        } else {
          log::info("xmpp", "{} from {} hung up", bound_ ? jid().full() : account_, connection_.peer());
          ended_ = true;
          services_.router.close(*this);
          connection_.abort();
          co_return;
        }
        break;
      }
      case Event::header:
        on_header();
        break;
      case Event::stanza:
        then = take();
        break;
      case Event::end:
        log::info("xmpp", "{} from {} logged out", bound_ ? jid().full() : account_, connection_.peer());
        services_.router.close(*this);
        ended_ = true;
        connection_.out().append("</stream:stream>");
        connection_.close_after_flush();
        co_return;
      case Event::error:
        end(failure_of(reader_));
        co_return;
    }
  }
}

void Stream::on_header() {
  const auto& header = reader_.header();
  std::string host;
  auto wrong = check_header(header, services_.shared.hosts, host);
  if (!wrong && host != host_) wrong = StreamFailure{"host-unknown", "the stream was opened for another host"};
  lang_ = header.lang();
  append_header(connection_.out(), host_, header.attr("from"), core::random_id());
  header_sent_ = true;
  if (wrong) return end(*wrong);
  std::string text = "<stream:features>";
  if (!bound_) text.append("<bind xmlns='").append(kBindNs).append("'/>");
  text.append(services_.features->stream_features());
  if (settings_->compression && !connection_.compressed()) {
    text.append("<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>");
  }
  send(text.append("</stream:features>"));
  send_backlog();
}

Stream::Then Stream::take() {
  const xml::Stanza& stanza = reader_.stanza();
  if (!bound_) return take_before_bind();
  if (stanza.ns == kCompressNs) {
    const auto element = to_element(stanza);
    return element ? take_compress(*element) : Then::go_on;
  }
  if (stanza.ns == xml::kStreamsNs && stanza.local == "error") {
    log::info("xmpp", "{} from {} ended its stream with an error", jid().full(), connection_.peer());
    services_.router.close(*this);
    ended_ = true;
    connection_.out().append("</stream:stream>");
    connection_.close_after_flush();
    return Then::over;
  }
  Taken taken = take_stanza(stanza, jid(), lang_, services_.shared.hosts);
  if (taken.failure) {
    end(*taken.failure);
    return Then::over;
  }
  Envelope& envelope = taken.envelope;
  if (taken.refused) {
    services_.router.bounce(envelope, taken.refused->code, taken.refused->message);
    return Then::go_on;
  }
  if (envelope.kind == Kind::iq) {
    if (envelope.type == Type::result || envelope.type == Type::error) {
      const auto to_us = envelope.to.empty() || !envelope.to.has_local() || envelope.to.full() == jid().bare();
      if (to_us) return take_iq_answer(envelope);
    } else if (unfenced_ > 0 || next_fence_ - 1 > fence_passed_) {
      const auto to_server = envelope.to.empty() || envelope.to.resource().empty();
      if (to_server) {
        // The answer will mean that all before it is done; so it has to be.
        wait_for_ = next_fence_ - 1;  // one may be out already that covers everything
        if (unfenced_ > 0) set_fence();
        if (wait_for_ > fence_passed_) {
          held_ = std::make_unique<Envelope>(std::move(envelope));
          return Then::wait;
        }
      }
    }
  } else {
    ++unfenced_;
    unfenced_bytes_ += envelope.inner.size() + 256;
  }
  const bool subscription = envelope.kind == Kind::presence && domain::is_subscription(envelope.type);
  services_.router.route(*this, std::move(envelope));
  if (ended_) return Then::over;
  if (subscription) {
    // It is sent on when it is stored; what follows on this stream must not overtake it (RFC 6120 §10.1).
    set_fence();
    return wait_for_ > fence_passed_ ? Then::wait : Then::go_on;
  }
  if (unfenced_ >= kFenceEvery || unfenced_bytes_ >= settings_->uncommitted_bytes / 2) {
    set_fence();
    const std::uint64_t allowed = std::max(1u, settings_->uncommitted_stanzas / kFenceEvery);
    wait_for_ = wait_for_ > allowed ? wait_for_ - allowed : 0;
    if (wait_for_ > fence_passed_) return Then::wait;
  }
  return Then::go_on;
}

void Stream::set_fence() {
  wait_for_ = next_fence_++;
  unfenced_ = 0;
  unfenced_bytes_ = 0;
  services_.router.fence(*this, wait_for_);
}

Stream::Then Stream::take_iq_answer(const Envelope& envelope) {
  if (envelope.id.starts_with(kConfirmId)) {
    std::uint64_t number = 0;
    const std::string_view digits = std::string_view{envelope.id}.substr(kConfirmId.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    services_.router.confirmed(*this, number);
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
  services_.router.open(*this, std::move(*full), temporary_,
                        [this, iq_id, legacy](Result<void> outcome) { bound(std::move(outcome), iq_id, legacy); });
  return binding_ ? Then::wait : Then::go_on;
}

void Stream::bound(Result<void> outcome, std::string iq_id, bool legacy) {
  binding_ = false;
  if (!outcome) {
    services_.router.close(*this);
    log::info("xmpp", "{} from {} could not bind: {}", account_, connection_.peer(), outcome.error().message);
    if (outcome.error().code == Errc::not_found || legacy)
      end({"not-authorized", outcome.error().message});
    else
      send_iq_error(iq_id, outcome.error());
    return gate_.open();
  }
  bound_ = true;
  connection_.limit(settings_->ping_after);
  log::info("xmpp", "{} from {} logged in ({}{}{})", jid().full(), connection_.peer(), mechanism_,
            connection_.tls() ? ", TLS" : "", connection_.compressed() ? ", zlib" : "");
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

Stream::Then Stream::take_compress(const xml::Element& element) {
  const auto refuse = [this](std::string_view condition) {
    send(std::string{"<failure xmlns='"}.append(kCompressNs).append("'><").append(condition).append("/></failure>"));
    return Then::go_on;
  };
  if (element.local() != "compress" || !settings_->compression || connection_.compressed())
    return refuse("setup-failed");
  if (element.child_text("method") != "zlib") return refuse("unsupported-method");
  connection_.out().append("<compressed xmlns='").append(kCompressNs).append("'/>");
  connection_.flush_soon();
  if (auto started = connection_.start_compression(settings_->compression_limits); !started) {
    log::error("xmpp", "compression could not start: {}", started.error().message);
    end({"internal-server-error", "compression could not start"});
    return Then::over;
  }
  return Then::restart;
}

// ---- what the router wants written ----------------------------------------------------------------------------------

void Stream::deliver(const Envelope& envelope, const domain::Stamp& stamp) {
  if (ended_) {
    services_.router.undelivered(envelope, stamp);
    return;
  }
  if (!backlog_ && !connection_.congested() && header_sent_) {
    append_stanza(connection_.out(), envelope, stamp);
    return connection_.flush_soon();
  }
  if (!backlog_) {
    backlog_ = std::make_unique<Backlog>([this] { fall_behind(); });
    services_.core.timers().arm(backlog_->patience, settings_->write_timeout);
    connection_.on_writable([this] { send_backlog(); });
  }
  backlog_->bytes += envelope.inner.size() + kLateBytes;
  backlog_->stanzas.push_back({envelope, stamp});
  if (backlog_->bytes > settings_->output_bytes || backlog_->stanzas.size() > settings_->backlog_messages)
    fall_behind();
}

void Stream::fall_behind() {
  log::warn("xmpp", "{} from {} does not read: {} stanzas wait", jid().full(), connection_.peer(),
            backlog_->stanzas.size());
  close(domain::CloseReason::too_slow);
}

void Stream::send_backlog() {
  if (!backlog_ || !header_sent_ || ended_) return;
  while (!backlog_->stanzas.empty() && !connection_.congested() && connection_.queued() < net::Connection::kHighWater) {
    const Late late = std::move(backlog_->stanzas.front());
    backlog_->stanzas.pop_front();
    backlog_->bytes -= late.envelope.inner.size() + kLateBytes;
    append_stanza(connection_.out(), late.envelope, late.stamp);
    connection_.flush_soon();
  }
  if (backlog_->stanzas.empty())
    backlog_.reset();
  else
    services_.core.timers().arm(backlog_->patience, settings_->write_timeout);
}

void Stream::give_back_backlog() {
  const auto backlog = std::move(backlog_);
  for (auto& late : backlog->stanzas) services_.router.undelivered(std::move(late.envelope), late.stamp);
}

void Stream::push_roster(const domain::RosterItem& item, std::uint64_t version) {
  std::string text = request_text("set", "push-" + std::to_string(next_push_++));
  append_roster_push(text, item, version);
  send(text.append("</iq>"));
}

void Stream::push_roster_removal(const domain::Jid& contact, std::uint64_t version) {
  std::string text = request_text("set", "push-" + std::to_string(next_push_++));
  append_roster_removal(text, contact, version);
  send(text.append("</iq>"));
}

void Stream::push_blocking(bool blocked, const std::vector<domain::Jid>& who) {
  xml::Element push{"urn:xmpp:blocking", blocked ? "block" : "unblock"};
  for (const auto& address : who) push.child(xml::Element{"urn:xmpp:blocking", "item"}.attr("jid", address.full()));
  std::string text = request_text("set", "push-" + std::to_string(next_push_++));
  push.append_to(text);
  send(text.append("</iq>"));
}

void Stream::ask_confirmation(std::uint64_t number) {
  // An answer to this proves that everything written before it has been read.
  Envelope ping;
  ping.kind = Kind::iq;
  ping.type = Type::get;
  ping.from = jid().to_domain();
  ping.to = jid();
  ping.id = std::string{kConfirmId} + std::to_string(number);
  ping.inner = domain::Bytes::copy("<ping xmlns='urn:xmpp:ping'/>");
  deliver(ping, {});
}

void Stream::fence_passed(std::uint64_t number) {
  fence_passed_ = number;
  if (wait_for_ <= fence_passed_) gate_.open();
}

void Stream::close(domain::CloseReason reason) { end(stream_failure_of(reason)); }

// ---- helpers --------------------------------------------------------------------------------------------------------

void Stream::end(const StreamFailure& failure) {
  if (ended_) return;
  services_.router.close(*this);
  ended_ = true;
  log::info("xmpp", "stream of {} from {} ended: {} ({})", bound_ ? jid().full() : account_, connection_.peer(),
            failure.condition, failure.text);
  std::string text;
  if (!header_sent_) append_header(text, host_, {}, core::random_id());
  append_stream_error(text, failure);
  connection_.out().append(text);
  connection_.close_after_flush();
  if (backlog_) give_back_backlog();
  gate_.open();
}

void Stream::send(std::string_view text) {
  if (ended_) return;
  connection_.out().append(text);
  connection_.flush_soon();
}

void Stream::send_iq_error(std::string_view id, const Error& error) {
  std::string text = "<iq type='error' id='";
  xml::append_escaped_attribute(text, id);
  text.append("'>");
  append_stanza_error(text, error);
  send(text.append("</iq>"));
}

std::string Stream::request_text(std::string_view type, std::string_view id) const {
  std::string text = "<iq type='";
  text.append(type).append("' to='");
  xml::append_escaped_attribute(text, jid().full());
  text.append("' id='").append(id).append("'>");
  return text;
}

}  // namespace anser::xmpp
