#include "sdk/src/receipts.h"

#include <utility>

#include "core/jid.h"
#include "core/random.h"
#include "sdk/src/raw_element.h"
#include "sdk/src/senders.h"
#include "sdk/src/stanza_access.h"

namespace anser::sdk {
namespace {

constexpr std::string_view kReceiptsNs = "urn:xmpp:receipts";

}  // namespace

Receipts::Receipts(Channel& channel, const Roster& roster, Arrived arrived)
    : channel_(channel), roster_(roster), arrived_(std::move(arrived)) {}

void Receipts::on_sending(Message& message) {
  if (!channel_.configuration().request_receipts || message.type() != Message::Type::chat || !message.has_body())
    return;
  if (message.has_extension(kReceiptsNs)) return;
  if (message.id().empty()) message.set_id(core::random_id());  // what the receipt will name
  message.add_extension(Element{"request", kReceiptsNs});
}

bool Receipts::on_message(const Message& message) {
  if (message.type() == Message::Type::error || message.type() == Message::Type::groupchat) return false;
  if (const auto* received = find_extension(message, "received", kReceiptsNs)) {
    const auto from = core::Jid::parse(message.from());
    std::string scratch;
    const std::string id{RawElement{received->xml}.attribute("id", scratch)};
    if (from && !id.empty()) arrived_(id, std::string{from->bare()});
  } else if (message.has_extension("request", kReceiptsNs)) {
    answer(message);
  }
  return false;
}

bool Receipts::may_know(const std::string& bare) const {
  if (is_account(channel_, bare)) return true;
  const auto entry = roster_.entry(bare);
  if (!entry) return false;
  return entry->subscription == RosterEntry::Subscription::from ||
         entry->subscription == RosterEntry::Subscription::both;
}

void Receipts::answer(const Message& message) {
  if (!channel_.configuration().send_receipts || message.id().empty()) return;
  const auto from = core::Jid::parse(message.from());
  if (!from || !may_know(std::string{from->bare()})) return;
  Message receipt{message.from(), message.type()};
  receipt.add_extension(Element{"received", kReceiptsNs}.set_attribute("id", message.id()));
  receipt.add_extension(Element{"store", "urn:xmpp:hints"});
  if (auto sent = channel_.send(receipt); !sent) channel_.complain("no receipt was sent: " + sent.error().message);
}

}  // namespace anser::sdk
