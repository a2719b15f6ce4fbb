#include "xmpp/push_text.h"

#include <fmt/format.h>

#include "xml/element.h"

namespace anser::xmpp {
namespace {

constexpr std::string_view kPubsubNs = "http://jabber.org/protocol/pubsub";
constexpr std::string_view kFormNs = "jabber:x:data";
// A notification is a glance; push services have limits of their own, far above this.
constexpr std::size_t kMaxQuote = 512;

xml::Element field(std::string_view name, std::string_view value) {
  xml::Element element{std::string{kFormNs}, "field"};
  element.attr("var", name).child("value", value);
  return element;
}

std::string body_of(const domain::Envelope& message) {
  std::string text = "<message xmlns='jabber:client'>";
  const auto element = xml::parse_element(text.append(message.inner.view()).append("</message>"));
  std::string body = element ? element->child_text("body") : std::string{};
  if (body.size() <= kMaxQuote) return body;
  std::size_t end = kMaxQuote;
  while (end > 0 && (static_cast<unsigned char>(body[end]) & 0xc0) == 0x80) --end;  // never through a character
  return body.substr(0, end);
}

}  // namespace

domain::Bytes PushText::notification(const domain::PushNotice& notice) const {
  const SharedSettings settings = settings_();
  xml::Element summary{std::string{kFormNs}, "x"};
  summary.attr("type", "result");
  summary.child(field("FORM_TYPE", "urn:xmpp:push:summary"));
  summary.child(field("message-count", fmt::format("{}", notice.count)));
  if (settings->push_sender) summary.child(field("last-message-sender", notice.last.from.full()));
  if (settings->push_body) summary.child(field("last-message-body", body_of(notice.last)));

  xml::Element notification{std::string{kPushNs}, "notification"};
  notification.child(std::move(summary));
  xml::Element item{std::string{kPubsubNs}, "item"};
  item.child(std::move(notification));
  xml::Element publish{std::string{kPubsubNs}, "publish"};
  if (!notice.target.node.empty()) publish.attr("node", notice.target.node);
  publish.child(std::move(item));

  xml::Element pubsub{std::string{kPubsubNs}, "pubsub"};
  pubsub.child(std::move(publish));
  if (!notice.target.options.empty()) {
    if (auto form = xml::parse_element(notice.target.options)) {
      xml::Element options{std::string{kPubsubNs}, "publish-options"};
      options.child(std::move(*form));
      pubsub.child(std::move(options));
    }
  }
  return domain::Bytes::copy(pubsub.to_string());
}

bool PushText::refuses(const domain::Envelope& error) const {
  std::string text = "<iq xmlns='jabber:client'>";
  const auto element = xml::parse_element(text.append(error.inner.view()).append("</iq>"));
  const xml::Element* why = element ? element->find("error") : nullptr;
  return !why || why->attr("type") != "wait";
}

}  // namespace anser::xmpp
