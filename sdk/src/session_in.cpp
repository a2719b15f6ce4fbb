#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "anser/address.h"
#include "sdk/src/raw_element.h"
#include "sdk/src/session.h"
#include "sdk/src/stanza_access.h"
#include "sdk/src/stanza_reader.h"
#include "sdk/src/stanza_writer.h"
#include "sdk/src/stream_words.h"

namespace anser::sdk {
namespace {

constexpr std::size_t kEarly = 10'000;  // stanzas between bind and the answers to the first questions
constexpr std::string_view kStanzaIds = "urn:xmpp:sid:0";

std::size_t weight(const xml::Stanza& element) {
  std::size_t bytes = element.inner.size();
  for (const xml::Attribute& attribute : element.attributes) bytes += attribute.value.size();
  return bytes;
}

constexpr std::size_t kSpareExtensions = 16;  // a message with more is not kept for the next one's sake

Error error_of(const Stanza& stanza) {
  const StanzaError error = stanza.error().value_or(StanzaError{.condition = "undefined-condition"});
  const std::string who = stanza.from().empty() ? "the server" : stanza.from();
  const std::string more = error.text.empty() ? std::string{} : fmt::format(": {}", shown(error.text));
  return {Errc::stanza, fmt::format("{} answered {}{}", who, error.condition, more), error.condition};
}

}  // namespace

std::optional<Error> Session::on_element(const xml::Stanza& element) {
  if (element.ns == kManagementNs) return on_management(element);
  if (element.ns == xml::kStreamsNs && element.local == "error") {
    auto tree = element_of(element);
    return tree ? stream_error(*tree) : tree.error();
  }
  if (!is_stanza(element)) {
    write("<stream:error><unsupported-stanza-type xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
    return Error{Errc::protocol, fmt::format("the server sent <{}/> in {}", element.local, element.ns)};
  }
  if (element.local == "message" && state_ != State::logging_in) {
    auto message = std::exchange(loop_->spare_message, nullptr);
    if (!message) message = std::make_unique<Message>();
    read_message(*message, element);
    const bool small =
        weight(element) <= LoopState::kSpareBytes && message->raw_extensions().size() <= kSpareExtensions;
    on_message(*message);
    if (small) loop_->spare_message = std::move(message);
  } else if (auto stanza = read_stanza(element); !stanza) {
    complain(stanza.error().message);
    if (element.local == "iq" && element.has_attr("id")) {
      IQ refusal{IQ::Type::error};
      refusal.set_id(std::string{element.attr("id")});
      refusal.set_to(std::string{element.attr("from")});
      refusal.set_error(StanzaError{.condition = "bad-request", .type = "modify"});
      answer(std::move(refusal));
    }
  } else if (state_ == State::logging_in && (*stanza)->kind() != Stanza::Kind::iq) {
    early_bytes_ += weight(element);
    if (early_.size() >= kEarly || early_bytes_ > configuration_.queue_bytes)
      return Error{Errc::protocol, "the server does not answer, but sends stanzas"};
    early_.push_back(std::move(*stanza));
  } else {
    on_stanza(**stanza);
  }
  if (managed_ && negotiated_) ++managed_->handled;
  return std::nullopt;
}

void Session::on_stanza(const Stanza& stanza) {
  switch (stanza.kind()) {
    case Stanza::Kind::message:
      return on_message(static_cast<const Message&>(stanza));
    case Stanza::Kind::presence:
      for (Extension* extension : extensions_) {
        extension->on_presence(static_cast<const Presence&>(stanza));
        if (!is_alive()) return;
      }
      tell_listeners(stanza_listeners_, stanza);
      return;
    case Stanza::Kind::iq:
      return on_iq(static_cast<const IQ&>(stanza));
  }
}

void Session::on_message(const Message& message) {
  if (message.type() == Message::Type::error) {
    if (const auto told = deliveries_.bounced(message.id(), message.from(), error_of(message))) call(told);
    if (!is_alive()) return;
  } else if (is_duplicate(message)) {
    return;
  }
  for (Extension* extension : extensions_) {
    const bool taken = extension->on_message(message);
    if (taken || !is_alive()) return;
  }
  tell_listeners(stanza_listeners_, message);
}

// Whose an origin-id is. In a room all have the same bare address, and anybody could take another one's id.
std::string_view Session::sender_of(const Message& message) {
  const bool in_room =
      message.type() == Message::Type::groupchat || message.has_extension("http://jabber.org/protocol/muc#user");
  return in_room ? std::string_view{message.from()} : bare_of(message.from());
}

// By ids that are unique (XEP-0359): the account's archive's, and the sender's.
bool Session::is_duplicate(const Message& message) {
  bool seen = false;
  for (const Stanza::Extension& extension : message.raw_extensions()) {
    if (extension.ns != kStanzaIds) continue;
    const RawElement element{extension.xml};
    std::string id_room, by_room;
    const std::string_view id = element.attribute("id", id_room);
    if (id.empty()) continue;
    if (extension.name == "stanza-id") {
      const std::string_view by = element.attribute("by", by_room);
      if (by == bare_of(user_) && !duplicates_.add(by, id)) seen = true;
    } else if (extension.name == "origin-id") {
      if (!duplicates_.add(sender_of(message), id)) seen = true;
    }
  }
  return seen;
}

void Session::on_iq(const IQ& iq) {
  if (iq.is_request()) {
    for (Extension* extension : extensions_) {
      auto answered = extension->on_request(iq);
      if (!is_alive()) return;
      if (!answered) continue;
      answer(std::move(*answered));
      tell_listeners(stanza_listeners_, iq);
      return;
    }
    auto answered = client_info_.answer(iq);
    if (!answered || !is_alive()) return;
    if (answered->is_request() || !answered->check())
      answered = IQ::error_for(iq, {.condition = "internal-server-error", .type = "wait"});
    answer(std::move(*answered));
    tell_listeners(stanza_listeners_, iq);
    return;
  }
  const auto done = requests_.take(iq, user_, service_);
  if (done) {
    if (iq.type() == IQ::Type::error) {
      call([&] { done(tl::make_unexpected(error_of(iq))); });
    } else {
      call([&] { done(iq); });
    }
    if (!is_alive()) return;
  } else {
    complain(fmt::format("an answer to nothing that was asked of {}", iq.from()));
  }
  tell_listeners(stanza_listeners_, iq);
}

void Session::answer(IQ iq) {
  std::string xml;
  append_stanza(xml, iq);
  put(xml, {}, false);
}

bool Session::tell_listeners(const Listeners<StanzaListener>& listeners, const Stanza& stanza) {
  return listeners.tell(*this, [&](const StanzaListener& held) {
    if (!held.filter || held.filter(stanza)) held.listener(stanza);
  });
}

void Session::request(IQ iq, Requests::Done done, std::chrono::milliseconds limit) {
  if (iq.id().empty()) iq.set_id(next_id());
  auto refuse = [&](Error why) {
    boost::asio::post(core_.io(), [self = shared_from_this(), done = std::move(done), why = std::move(why)] {
      self->call([&] { done(tl::make_unexpected(why)); });
    });
  };
  if (!iq.is_request()) return refuse({Errc::invalid_argument, "only a get or a set is answered"});
  if (auto fits = iq.check(); !fits) return refuse(fits.error());
  const bool open = link_ && (state_ == State::connected || is_authenticated());
  if (!open) return refuse({Errc::wrong_state, "the connection is not open"});
  if (limit.count() <= 0) limit = configuration_.limits.request;
  if (!requests_.add(iq.id(), iq.to(), done, limit))
    return refuse({Errc::invalid_argument, "a request with this id waits for its answer already"});
  if (!tell_listeners(sending_listeners_, iq)) return;
  std::string xml;
  append_stanza(xml, iq);
  put(xml, {}, false);
}

void Session::ask(IQ iq, Requests::Done done, std::chrono::milliseconds limit) {
  run([this, iq = std::move(iq), done = std::move(done), limit]() mutable {
    request(std::move(iq), std::move(done), limit);
  });
}

}  // namespace anser::sdk
